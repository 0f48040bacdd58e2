package conform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"galvani/kernels/cells"
)

// Variant is a cell with constants under which its parameters may be drawn at random.
type Variant struct {
	Name   string
	Header string
	Consts []float64
	// Vec draws plane k of the raw vector planes.
	Vec func(k int, r *rand.Rand) float64
}

// Variants returns those of every cell, by the tables of its header.
func Variants() (all []Variant) {
	for _, name := range cells.Names() {
		all = append(all, derived(name)...)
	}
	return all
}

// Kinds returns those variants that a device may divide differently over time, rows and memory: one of every
// cell, one with steps of different lengths and one with matrices that share the columns, each with a bound where
// there is one. Others of a cell differ in the arithmetic of a step alone.
func Kinds() (list []Variant) {
	for _, v := range Variants() {
		same := func(w Variant) bool {
			return w.Header == v.Header && w.irregular() == v.irregular() && w.split() == v.split()
		}
		i := slices.IndexFunc(list, same)
		switch {
		case i < 0:
			list = append(list, v)
		case !list[i].Bounded() && v.Bounded():
			list[i] = v
		}
	}
	return list
}

// VariantOf returns the variant of a name, such as lstm/0.
func VariantOf(name string) Variant {
	all := Variants()
	i := slices.IndexFunc(all, func(v Variant) bool { return v.Name == name })
	if i < 0 {
		panic("conform: no variant " + name)
	}
	return all[i]
}

// derived returns variants of a cell by the ranges of its header: every choice of a constant is made in one,
// two choices between two in all four ways, and numbers stand at either end. With constants of a length of
// step one has steps of different lengths, and with several recurrent products in one they share the columns.
func derived(header string) (list []Variant) {
	t, err := cells.TablesOf(header)
	if err != nil {
		panic(err) // the tests of package cells have read it
	}
	vec := func(k int, r *rand.Rand) float64 {
		p := t.Raws[k]
		return p.Min + (p.Max-p.Min)*r.Float64()
	}
	for i := range forms(t) {
		v := Variant{Name: fmt.Sprintf("%s/%d", header, i), Header: header, Vec: vec}
		pairs := 0
		for _, c := range t.Consts {
			switch n := len(c.Choices); {
			case n == 2:
				v.Consts = append(v.Consts, c.Choices[[]int{i, i >> 1, i ^ i>>1}[pairs%3]&1])
				pairs++
			case n > 0:
				v.Consts = append(v.Consts, c.Choices[i%n])
			case i%2 == 0:
				v.Consts = append(v.Consts, c.Min)
			default:
				v.Consts = append(v.Consts, c.Max)
			}
		}
		list = append(list, v)
	}
	if t.Elapsed >= 0 {
		for i := range list {
			list[i].Consts[t.Elapsed] = 0
		}
		odd := list[max(0, len(list)-2)] // whose choices are not those of the first
		for i := len(list) - 2; i > 0 && !odd.Bounded(); i-- {
			odd = list[i-1]
		}
		odd.Name, odd.Consts = header+irregularly, slices.Clone(odd.Consts)
		odd.Consts[t.Elapsed] = 1
		list = append(list, odd)
	}
	if t.Rec > 1 {
		parts := list[0]
		parts.Name = header + inParts
		list = append(list, parts)
	}
	return list
}

// forms returns how many variants take all choices of the constants.
func forms(t cells.Tables) int {
	n, pairs := 1, 0
	for _, c := range t.Consts {
		n = max(n, len(c.Choices))
		if len(c.Choices) == 2 {
			pairs++
		}
		if c.Min < c.Max {
			n = max(n, 2)
		}
	}
	if pairs > 1 {
		n = max(n, 4)
	}
	return n
}

// kinked tells whether a function of v is rectified: on which side of its kink a unit is the rounding of
// products decides, and with it on gradients.
func (v Variant) kinked() bool {
	t, err := cells.TablesOf(v.Header)
	if err != nil {
		panic(err) // derived has read it
	}
	for k, c := range t.Consts {
		if i := slices.Index(c.Choices, v.Consts[k]); i >= 0 && (c.Words[i] == "relu" || c.Words[i] == "rectified") {
			return true
		}
	}
	return false
}

// Bounded tells whether h has a bound over sequences of any length.
func (v Variant) Bounded() bool {
	t, err := cells.TablesOf(v.Header)
	if err != nil {
		panic(err) // derived has read it
	}
	return t.Bounded(v.Consts)
}

// irregularly and inParts end the names of variants whose mask holds lengths of steps, and whose recurrent
// matrices have entries in a part of the columns each.
const irregularly, inParts = "/irregular", "/split"

func (v Variant) irregular() bool { return strings.HasSuffix(v.Name, irregularly) }
func (v Variant) split() bool     { return strings.HasSuffix(v.Name, inParts) }
