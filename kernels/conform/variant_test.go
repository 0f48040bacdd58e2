package conform

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/cells"
)

// TestDerived holds the variants that follow from a header to its tables: every choice is made, numbers lie
// in their ranges, and one has steps of different lengths where the cell takes them.
func TestDerived(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range cells.Names() {
		tables, err := cells.TablesOf(name)
		if err != nil {
			t.Fatal(err)
		}
		list := derived(name)
		irregular := 0
		for _, v := range list {
			if v.irregular() {
				irregular++
			}
			if v.Header != name || !strings.HasPrefix(v.Name, name+"/") || len(v.Consts) != len(tables.Consts) {
				t.Errorf("%s: variant %+v", name, v)
				continue
			}
			for k, c := range tables.Consts {
				if v.Consts[k] < c.Min || v.Consts[k] > c.Max {
					t.Errorf("%s: %s is %v, want one of [%v,%v]", v.Name, c.Name, v.Consts[k], c.Min, c.Max)
				}
			}
			for k, p := range tables.Raws {
				if x := v.Vec(k, r); x < p.Min || x > p.Max {
					t.Errorf("%s: %s is %v, want one of [%v,%v]", v.Name, p.Name, x, p.Min, p.Max)
				}
			}
		}
		if want := min(1, tables.Elapsed+1); irregular != want {
			t.Errorf("%s: %d variants have steps of different lengths, want %d", name, irregular, want)
		}
		for k, c := range tables.Consts {
			for _, choice := range c.Choices {
				if !slices.ContainsFunc(list, func(v Variant) bool { return v.Consts[k] == choice }) {
					t.Errorf("%s: no variant has %s = %v", name, c.Name, choice)
				}
			}
		}
	}
	for _, v := range Variants() {
		if _, err := cells.TablesOf(v.Header); err != nil {
			t.Error(err)
		}
	}
}
