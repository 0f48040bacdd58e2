package models

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAxialGraphs(t *testing.T) {
	for _, c := range []struct {
		kind string
		h    int
		i, j []int32
	}{
		{"ring", 1, nil, nil},
		{"ring", 2, []int32{0}, []int32{1}},
		{"ring", 4, []int32{0, 1, 2, 3}, []int32{1, 2, 3, 0}},
		{"tree", 1, nil, nil},
		{"tree", 6, []int32{0, 0, 1, 1, 2}, []int32{1, 2, 3, 4, 5}},
		{"none", 5, nil, nil},
	} {
		a, g, err := axialGraph(c.kind, c.h, 0.25)
		if err != nil {
			t.Fatal(err)
		}
		if c.i == nil {
			if a != nil || g != nil {
				t.Errorf("%s of %d units has edges", c.kind, c.h)
			}
			continue
		}
		if !slices.Equal(a.I, c.i) || !slices.Equal(a.J, c.j) || len(g) != len(c.i) || g[0] != 0.25 {
			t.Errorf("%s of %d units is %v %v %v", c.kind, c.h, a.I, a.J, g)
		}
	}
}

// TestGraphFile runs a network whose graph and conductances come from a file.
func TestGraphFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edges")
	if err := os.WriteFile(path, []byte("0 1 0.2\n1 2 0.2\n2 0 0.2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c := NewCRNN()
	c.Graph, c.Learn = path, "g_axial"
	s := size{T: 2, B: 2, I: 1, H: 3, O: 1}
	x := newFixture(t, variant{name: "file", cell: c}, s, every)
	checkGradients(t, x)
	ring := NewCRNN() // the same graph
	h, _, _ := x.expect(t, ring)
	x.run(t)
	near(t, "h", x.h(t), h, goldenTolerance)

	if _, _, err := axialGraph(path, 2, 0.1); !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), path+": line 2: unit") {
		t.Errorf("an edge to a unit that is not there gave %v", err)
	}
	for kind, h := range map[string]int{path: 2, filepath.Join(t.TempDir(), "missing"): 3} {
		c.Graph = kind
		if _, err := c.Params(Dims{1, h, 1}); err == nil {
			t.Errorf("graph %s was taken for %d units", kind, h)
		}
		if _, err := c.Scan(Dims{1, h, 1}); err == nil {
			t.Errorf("graph %s was taken for %d units", kind, h)
		}
	}
}
