//go:build cgo

package cells

import (
	"fmt"
	"strings"
	"testing"
)

// TestShapes holds what the C compiler reads of each header to the text of the header.
func TestShapes(t *testing.T) {
	for _, name := range Names() {
		s, ok := ShapeOf(name)
		if !ok {
			t.Fatalf("%s: no shape", name)
		}
		text, err := Headers.ReadFile(name + ".h")
		if err != nil {
			t.Fatal(err)
		}
		for macro, n := range map[string]int{"IN": s.In, "REC": s.Rec, "DRIVES": s.Drives, "AXIAL": s.Axial, "PREP": s.Prep, "ELAPSED": s.Elapsed} {
			if line := fmt.Sprintf("#define %s_%s %d\n", name, macro, n); !strings.Contains(string(text), line) {
				t.Errorf("%s: the header does not hold %q", name, line)
			}
		}
		tables, err := TablesOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(tables.Planes) != s.States || len(tables.Raws) != s.Vecs || len(tables.Consts) != s.Consts || tables.Rec != s.Rec || tables.Prep != s.Prep {
			t.Errorf("%s: Go reads %d planes, %d parameters, %d constants, %d products and %d prepared planes, C %+v",
				name, len(tables.Planes), len(tables.Raws), len(tables.Consts), tables.Rec, tables.Prep, s)
		}
		if len(s.Plane) != s.Rec {
			t.Errorf("%s: %d planes of %d products", name, len(s.Plane), s.Rec)
		}
	}
	if _, ok := ShapeOf("nonesuch"); ok {
		t.Error("a cell without a header has a shape")
	}
}
