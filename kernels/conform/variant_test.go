package conform

import (
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"galvani/kernels/cells"
	"galvani/kernels/headers"
	"galvani/kernels/neurons"
	"galvani/kernels/optimisers"
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

// TestEveryHeaderIsSeen wants the suites to run every header of the folders of cells, optimisers and, where there are
// kernels, neurons, and one that is planted beside them to be found out.
func TestEveryHeaderIsSeen(t *testing.T) {
	var variants, rules, populations []string
	for _, v := range Variants() {
		variants = append(variants, v.Header)
	}
	for _, name := range optimisers.Names() {
		rule, err := optimisers.Of(name, optimisers.Settings{Beta1: 0.9, Beta2: 0.99, Eps: 1e-8})
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule.Header)
	}
	folders := map[string]fs.FS{"cells": cells.Headers, "optimisers": optimisers.Headers}
	if len(neurons.All()) > 0 {
		folders["neurons"] = neurons.Headers
		for _, c := range circuits(t) {
			for _, p := range c.Populations {
				populations = append(populations, p.Header)
			}
		}
	}
	for name, seen := range map[string][]string{"cells": variants, "optimisers": rules, "neurons": populations} {
		unseen := func(folder fs.FS) []string {
			all, err := headers.Names(folder)
			if err != nil || len(all) == 0 {
				t.Fatalf("%s: %d headers, %v", name, len(all), err)
			}
			return slices.DeleteFunc(all, func(h string) bool { return slices.Contains(seen, h) })
		}
		if folder, ok := folders[name]; ok {
			if list := unseen(folder); len(list) > 0 {
				t.Errorf("no suite runs the headers %v of kernels/%s; run: go generate ./kernels/%s, or add a network with the neuron to circuits", list, name, name)
			}
			if list := unseen(fstest.MapFS{"planted.h": {}, seen[0] + ".h": {}}); !slices.Equal(list, []string{"planted"}) {
				t.Errorf("beside %s.h and planted.h no suite runs %v, want planted", seen[0], list)
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
