//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"

	"galvani/kernels/cells" // importing the headers makes a changed header rebuild this package
)

// facts are what a cell's header says of itself, as the kernels and layout.h have it.
type facts struct {
	cells.Shape
	name string
	lean bool // cells.Lean
	dims C.struct_cell_dims
}

// factsOf returns what the header of the named cell says.
func factsOf(name string) (facts, error) {
	s, ok := cells.ShapeOf(name)
	if !ok {
		return facts{}, fmt.Errorf("cuda: no kernel for cell %q", name)
	}
	return facts{s, name, cells.Lean(name), C.struct_cell_dims{states: C.int(s.States), in: C.int(s.In), rec: C.int(s.Rec), drives: C.int(s.Drives),
		axial: C.int(s.Axial), vecs: C.int(s.Vecs), prep: C.int(s.Prep)}}, nil
}
