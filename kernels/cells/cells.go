package cells

import (
	"embed"
	"strings"
)

//go:generate go run gen.go

// Headers is the source of all cells.
//
//go:embed *.h shared/*.h
var Headers embed.FS

// Shape is what a cell's header says of itself; see shared/cell.h.
type Shape struct {
	States, In, Rec, Drives, Axial, Vecs, Prep, Consts int
	// First is the number of prepared planes that the first vector parameter makes.
	First int
	// Elapsed is the constant that holds the length of a step, or -1.
	Elapsed int
	// UsesIn and UsesRec say whether the adjoint reads drive planes fed by the input, and by
	// recurrent products or axial coupling.
	UsesIn, UsesRec bool
	// Plane is the drive plane that each of the Rec products is added to.
	Plane []int
}

// Kept returns how many planes of drives the adjoint reads. With recurrent products among them
// those of the input, which come first, count too.
func (s Shape) Kept() int {
	switch {
	case s.UsesRec:
		return s.Drives
	case s.UsesIn:
		return s.In
	}
	return 0
}

// Names returns the names of all cells, sorted. It reads list.h, and so needs no C compiler.
func Names() []string {
	text, err := Headers.ReadFile("list.h")
	if err != nil {
		panic(err) // it is embedded
	}
	_, list, _ := strings.Cut(string(text), "#define CELLS(X)")
	var names []string
	for _, f := range strings.Fields(list) {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "X("), ")"))
	}
	return names
}
