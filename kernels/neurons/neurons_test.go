//go:build cgo

package neurons

import (
	"slices"
	"testing"

	"galvani/kernels/headers"
)

// TestList wants every header in list.h, and of each names that differ, starts, and values in their ranges.
func TestList(t *testing.T) {
	want, err := headers.Names(Headers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range All() {
		got = append(got, n.Name)
		names := map[string]bool{}
		for _, p := range n.Planes {
			if names[p.Name] || p.Unit == "" || p.Doc == "" {
				t.Errorf("%s: plane %+v", n.Name, p)
			}
			names[p.Name] = true
		}
		for _, p := range n.Params {
			if names[p.Name] || p.Unit == "" || p.Doc == "" || !(p.Value >= p.Min && p.Value <= p.Max) {
				t.Errorf("%s: parameter %+v", n.Name, p)
			}
			names[p.Name] = true
		}
		if d := n.Defaults(); n.Planes[0].Name != "V" || !(d[n.Above] > d[n.Below]) {
			t.Errorf("%s: plane 0 is %s, and parameter %d is not above %d", n.Name, n.Planes[0].Name, n.Above, n.Below)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("list.h has %v, the folder %v", got, want)
	}
}
