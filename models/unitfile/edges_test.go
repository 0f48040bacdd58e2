package unitfile

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEdges(t *testing.T) {
	from, to, g, err := Edges(strings.NewReader("# soma\n\n 0 1 0.5 # dendrite\n2\t1\n0 2 0\r\n"), 3, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(from, []int32{0, 2, 0}) || !slices.Equal(to, []int32{1, 1, 2}) || !slices.Equal(g, []float64{0.5, 0.1, 0}) {
		t.Errorf("got %v %v %v", from, to, g)
	}
	for _, bad := range []string{"", "# nothing\n", "0", "0 1 2 3", "0 3", "-1 0", "0 0", "0 1\n1 0", "0 1 -1",
		"0 1 NaN", "0 1 Inf", "0 1 x", "0,1", "0 1.5", "0 99999999999999999999", strings.Repeat("0", 1<<17)} {
		if _, _, _, err := Edges(strings.NewReader(bad), 3, 0.1); err == nil {
			t.Errorf("%.20q was taken", bad)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("the message for %.20q has more than one line: %v", bad, err)
		}
	}
}

// FuzzEdges: whatever the file, the parser gives an error or a usable graph.
func FuzzEdges(f *testing.F) {
	f.Add("0 1 0.5\n# c\n1 2\n", 3)
	f.Add("0 1\n1 0\n", 2)
	f.Fuzz(func(t *testing.T, text string, h int) {
		from, to, g, err := Edges(strings.NewReader(text), h, 0.1)
		if err != nil {
			return
		}
		if len(from) == 0 || len(from) != len(to) || len(from) != len(g) {
			t.Fatalf("%d, %d and %d edges", len(from), len(to), len(g))
		}
		for e := range g {
			if i, j := int(from[e]), int(to[e]); i < 0 || j < 0 || i >= h || j >= h || i == j {
				t.Fatalf("edge %d joins %d and %d of %d units", e, i, j, h)
			}
			if !(g[e] >= 0) || math.IsInf(g[e], 1) {
				t.Fatalf("edge %d has conductance %v", e, g[e])
			}
		}
	})
}
