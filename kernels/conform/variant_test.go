package conform

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/cells"
)

// TestDerived holds the variants that follow from a header to its tables: every choice is made, numbers lie
// in their ranges, one has steps of different lengths where the cell takes them, and one shares the columns
// among several products.
func TestDerived(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range cells.Names() {
		tables, err := cells.TablesOf(name)
		if err != nil {
			t.Fatal(err)
		}
		list := derived(name)
		irregular, split := 0, 0
		for _, v := range list {
			if v.irregular() {
				irregular++
			}
			if v.split() {
				split++
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
		if want := min(1, tables.Rec/2); split != want {
			t.Errorf("%s: %d variants have products that share the columns, want %d", name, split, want)
		}
		for k, c := range tables.Consts {
			for _, choice := range c.Choices {
				if !slices.ContainsFunc(list, func(v Variant) bool { return v.Consts[k] == choice }) {
					t.Errorf("%s: no variant has %s = %v", name, c.Name, choice)
				}
			}
		}
	}
}

// TestBounded wants of every cell a variant whose h has a bound, and the literal form of the charged cells to have
// none.
func TestBounded(t *testing.T) {
	for _, name := range cells.Names() {
		if !slices.ContainsFunc(derived(name), Variant.Bounded) {
			t.Errorf("no variant of %s is fit for long sequences", name)
		}
	}
	if VariantOf("crnn/0").Bounded() || !VariantOf("crnn/1").Bounded() {
		t.Error("crnn/0 is literal, and crnn/1 restores")
	}
}
