package conform

import (
	"fmt"
	"math"
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

// split tells whether the recurrent matrices of v share the columns: each has entries in a part of
// them.
func (v Variant) split() bool { return strings.HasSuffix(v.Name, "/split") }

func centred(_ int, r *rand.Rand) float64 { return 0.5 * r.NormFloat64() }

// crnnVec draws the planes of kernels/cells/crnn.h from physiological ranges.
func crnnVec(k int, r *rand.Rand) float64 {
	u := r.Float64()
	switch {
	case k < 2: // gamma
		return 0.2 + u
	case k < 12: // gates, E_c
		return 2*u - 1
	case k == 12, k == 14: // g_L, C_m
		return 0.5 + u
	case k < 17: // E_L, E_exc, E_inh
		return 2*u - 1
	case k == 17: // tau_s
		return 2 + u
	}
	return 8 + u // tau_l, away from tau_s: their difference divides in dualexp
}

// rateVec draws the planes of kernels/cells/rate.h for a rate function and time constants of the
// given form. Rectified units are on or off and seldom near the kink, where the rounding of
// products to bf16 decides on the gradient.
func rateVec(f, form int) func(k int, r *rand.Rand) float64 {
	return func(k int, r *rand.Rand) float64 {
		switch {
		case k == 0 && f == 1:
			return 3 * (1 - 2*float64(r.IntN(2)))
		case k > 0 && form == 0:
			return 1.2 + 3*r.Float64()
		}
		return centred(k, r)
	}
}

// syn gives the constants of the synapse in kernels/cells/crnn_simple.h for tau_s = 2, tau_l = 8.
func syn(kind string) []float64 {
	ds, dl := math.Exp(-1.0/2), math.Exp(-1.0/8)
	switch kind {
	case "alpha":
		return []float64{ds, ds, 0, ds, 1, 1, 0, -1.0 / 2, -1.0 / 2, 0, 1}
	case "dualexp":
		return []float64{ds, 0, 1, dl, 1, -16.0 / 6, 16.0 / 6, -1.0 / 2, -1.0 / 8, 0, 0}
	case "ema":
		return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, 0, -1.0 / 2, -1.0 / 8, 0, 0}
	case "ema_diff":
		return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, -1, -1.0 / 2, -1.0 / 8, 0, 0}
	}
	return []float64{ds, 0, 1 - ds, dl, 1 - dl, 1, -1, -1.0 / 2, -1.0 / 8, 1, 0}
}

// Variants returns at least one of every cell, and of each of its forms. Those of a cell that is not written
// here follow from the tables of its header.
func Variants() []Variant {
	all := written()
	for _, name := range cells.Names() {
		if !slices.ContainsFunc(all, func(v Variant) bool { return v.Header == name }) {
			all = append(all, derived(name)...)
		}
	}
	return all
}

// Kinds returns those variants that a device may divide differently over time, rows and memory: one of every
// cell, one with steps of different lengths and one with matrices that share the columns. Others of a cell
// differ in the arithmetic of a step alone.
func Kinds() (list []Variant) {
	for _, v := range Variants() {
		same := func(w Variant) bool {
			return w.Header == v.Header && w.irregular() == v.irregular() && w.split() == v.split()
		}
		if !slices.ContainsFunc(list, same) {
			list = append(list, v)
		}
	}
	return list
}

// derived returns variants of a cell by the ranges of its header: every choice of a constant is made in one,
// and numbers stand at either end.
func derived(header string) (list []Variant) {
	t, err := cells.TablesOf(header)
	if err != nil {
		panic(err) // the tests of package cells have read it
	}
	forms := 2
	for _, c := range t.Consts {
		forms = max(forms, len(c.Choices))
	}
	vec := func(k int, r *rand.Rand) float64 {
		p := t.Raws[k]
		return p.Min + (p.Max-p.Min)*r.Float64()
	}
	for i := range forms {
		v := Variant{Name: fmt.Sprintf("%s/%d", header, i), Header: header, Vec: vec}
		for _, c := range t.Consts {
			switch {
			case c.Choices != nil:
				v.Consts = append(v.Consts, c.Choices[i%len(c.Choices)])
			case i%2 == 0:
				v.Consts = append(v.Consts, c.Min)
			default:
				v.Consts = append(v.Consts, c.Max)
			}
		}
		list = append(list, v)
	}
	if t.Elapsed < 0 {
		return list
	}
	for i := range list {
		list[i].Consts[t.Elapsed] = 0
	}
	odd := list[0]
	odd.Name, odd.Consts = header+"/irregular", slices.Clone(odd.Consts)
	odd.Consts[t.Elapsed] = 1
	return append(list, odd)
}

// written returns the variants of cells whose forms need numbers that belong together.
func written() []Variant {
	vs := []Variant{
		{"rnn", "rnn", []float64{0}, centred},
		{"rnn-relu", "rnn", []float64{1}, centred},
		{"lstm", "lstm", nil, centred},
		{"gru", "gru", nil, centred},
	}
	for i, kind := range []string{"ema", "ema_diff", "ema_diff_relu", "alpha", "dualexp"} {
		vs = append(vs, Variant{"crnn-simple/" + kind, "crnn_simple", append([]float64{0.2, 1}, syn(kind)...), centred},
			Variant{"crnn/exp/" + kind, "crnn", []float64{0.5, 0, 1, float64(i)}, crnnVec})
	}
	// The power laws: one stays above its threshold, where the second derivative is not
	// continuous; the other goes through it.
	for i, law := range [][]float64{{0}, {1}, {2}, {3}, {4, 0.3, -8, 0.6}, {4, 0.1, 0, 2}, {5}} {
		form := i % 3
		consts := []float64{law[0], 0.7, float64(form), float64(form), 1, 0, 1}
		copy(consts[4:], law[1:])
		vs = append(vs, Variant{fmt.Sprintf("rate/%v", law), "rate", consts, rateVec(int(law[0]), form)})
	}
	// Updates implicit, explicit and convex; functions relu, tanh and sigmoid; dynamics of voltages and
	// rates; gates sigmoid and softplus.
	vs = append(vs,
		Variant{"cond/implicit", "cond", []float64{0, 1, 0, 0.7, 0.7, 0}, centred},
		Variant{"cond/convex", "cond", []float64{2, 0, 1, 1, 1, 0}, centred},
		Variant{"cond-ei/implicit", "cond_ei", []float64{0, 0, 1, 0.7, 0.7, 1}, centred},
		Variant{"cond-ei/explicit", "cond_ei", []float64{1, 2, 0, 0.3, 0.3, 0}, centred},
		Variant{"cond-ei/split", "cond_ei", []float64{0, 2, 0, 0.7, 0.7, 0}, centred},
		Variant{"cond-fixed/explicit", "cond_fixed", []float64{1, 2, 0, 0.7}, centred})
	return append(vs,
		Variant{"crnn-simple/literal", "crnn_simple", append([]float64{0.1, -1}, syn("ema")...), centred},
		Variant{"crnn/implicit", "crnn", []float64{0.5, 1, 1, 2}, crnnVec},
		Variant{"crnn/euler", "crnn", []float64{0.2, 2, 1, 2}, crnnVec},
		Variant{"crnn/literal", "crnn", []float64{0.1, 0, -1, 2}, crnnVec},
		Variant{"crnn-simple/irregular", "crnn_simple", append(append([]float64{0.1, 1}, syn("dualexp")...), 1), centred},
		Variant{"crnn/irregular", "crnn", []float64{0.5, 0, 1, 3, 1}, crnnVec})
}

// irregular tells whether the mask of v holds lengths of steps.
func (v Variant) irregular() bool { return strings.HasSuffix(v.Name, "/irregular") }
