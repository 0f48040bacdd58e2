package models

import (
	"errors"
	"math"
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

func TestParseEdges(t *testing.T) {
	a, g, err := ParseEdges(strings.NewReader("# soma\n\n 0 1 0.5 # dendrite\n2\t1\n0 2 0\r\n"), 3, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.I, []int32{0, 2, 0}) || !slices.Equal(a.J, []int32{1, 1, 2}) || !slices.Equal(g, []float64{0.5, 0.1, 0}) {
		t.Errorf("got %v %v %v", a.I, a.J, g)
	}
	for _, bad := range []string{"", "# nothing\n", "0", "0 1 2 3", "0 3", "-1 0", "0 0", "0 1\n1 0", "0 1 -1",
		"0 1 NaN", "0 1 Inf", "0 1 x", "0,1", "0 1.5", "0 99999999999999999999", strings.Repeat("0", 1<<17)} {
		if _, _, err := ParseEdges(strings.NewReader(bad), 3, 0.1); !errors.Is(err, ErrGraph) {
			t.Errorf("%.20q gave %v", bad, err)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("the message for %.20q has more than one line: %v", bad, err)
		}
	}
}

// FuzzParseEdges: whatever the file, the parser gives an error or a usable graph.
func FuzzParseEdges(f *testing.F) {
	f.Add("0 1 0.5\n# c\n1 2\n", 3)
	f.Add("0 1\n1 0\n", 2)
	f.Fuzz(func(t *testing.T, text string, h int) {
		a, g, err := ParseEdges(strings.NewReader(text), h, 0.1)
		if err != nil {
			if !errors.Is(err, ErrGraph) {
				t.Fatalf("%v is not ErrGraph", err)
			}
			return
		}
		if len(a.I) == 0 || len(a.I) != len(a.J) || len(a.I) != len(g) {
			t.Fatalf("%d, %d and %d edges", len(a.I), len(a.J), len(g))
		}
		for e := range g {
			if i, j := int(a.I[e]), int(a.J[e]); i < 0 || j < 0 || i >= h || j >= h || i == j {
				t.Fatalf("edge %d joins %d and %d of %d units", e, i, j, h)
			}
			if !(g[e] >= 0) || math.IsInf(g[e], 1) {
				t.Fatalf("edge %d has conductance %v", e, g[e])
			}
		}
	})
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
