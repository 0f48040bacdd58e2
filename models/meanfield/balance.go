package meanfield

import (
	"errors"
	"math"
	"math/bits"

	"gonum.org/v1/gonum/mat"
)

// Linear is a network of n populations in the mean: the input to population a is sum_b W[a][b] r[b] + X[a].
// Rates are in Hz, inputs in mV.
type Linear struct {
	W [][]float64 // [to][from]
	X []float64
}

// ErrSingular marks a network of which W has no inverse, so that the inputs do not determine the rates.
var ErrSingular = errors.New("the matrix of mean weights has no inverse")

// Balanced returns the rates at which all inputs cancel, -W⁻¹X, to which rates tend as the network grows. They
// are those of a network only where all are positive.
//
// Source: van Vreeswijk and Sompolinsky (1998), doi:10.1162/089976698300017214.
//
// Errors: ErrSingular.
func (l Linear) Balanced() ([]float64, error) {
	all := make([]int, len(l.X))
	for i := range all {
		all[i] = i
	}
	return l.cancel(all)
}

// Exists reports whether balanced rates are those of a network.
func Exists(rates []float64) bool {
	for _, r := range rates {
		if !(r > 0) {
			return false
		}
	}
	return true
}

// cancel returns the rates at which the inputs to some populations cancel while the others are silent.
func (l Linear) cancel(active []int) ([]float64, error) {
	rates := make([]float64, len(l.X))
	if len(active) == 0 {
		return rates, nil
	}
	a, b := l.sub(active), mat.NewVecDense(len(active), nil)
	for i, p := range active {
		b.SetVec(i, -l.X[p])
	}
	var r mat.VecDense
	if err := r.SolveVec(a, b); err != nil {
		return nil, ErrSingular
	}
	for i, p := range active {
		if rates[p] = r.AtVec(i) + 0; rates[p]-rates[p] != 0 { // not finite
			return nil, ErrSingular
		}
	}
	return rates, nil
}

// sub returns W among some populations.
func (l Linear) sub(active []int) *mat.Dense {
	a := mat.NewDense(len(active), len(active), nil)
	for i, p := range active {
		for j, q := range active {
			a.Set(i, j, l.W[p][q])
		}
	}
	return a
}

// Inputs returns the mean inputs at some rates.
func (l Linear) Inputs(rates []float64) []float64 {
	in := make([]float64, len(l.X))
	for a, row := range l.W {
		in[a] = l.X[a]
		for b, w := range row {
			in[a] += w * rates[b]
		}
	}
	return in
}

// Fixed is a semi-balanced fixed point: rates r = [W r + X + r]₊, which are 0 or have inputs that cancel.
type Fixed struct {
	Rates, Inputs []float64
	Active        []int // populations that fire
	// Stable tells whether all eigenvalues of W among the active ones have a negative real part; Growth is the
	// largest, for rates that follow their input at the speed 1.
	Stable bool
	Growth float64
}

// mostPopulations bounds the sets of populations that are tried.
const mostPopulations = 16

// SemiBalanced returns every semi-balanced fixed point of at most 16 populations: each set of them may be the
// active one. A balanced network has one in which all are active.
//
// Source: Baker, Zhu and Rosenbaum (2020), doi:10.1371/journal.pcbi.1008192.
//
// Errors: for more populations.
func (l Linear) SemiBalanced() ([]Fixed, error) {
	n := len(l.X)
	if n > mostPopulations {
		return nil, errors.New("more than 16 populations have too many active sets to try")
	}
	var all []Fixed
	for set := range uint(1) << n {
		var active []int
		for s := set; s != 0; s &= s - 1 {
			active = append(active, bits.TrailingZeros(s))
		}
		rates, err := l.cancel(active)
		if err != nil || !l.holds(active, rates) {
			continue
		}
		f := Fixed{Rates: rates, Inputs: l.Inputs(rates), Active: active, Growth: l.growth(active)}
		f.Stable = f.Growth < 0
		for _, p := range active {
			f.Inputs[p] = 0 // but for rounding
		}
		all = append(all, f)
	}
	return all, nil
}

// holds reports whether the active populations fire, and the others have inputs that keep them silent.
func (l Linear) holds(active []int, rates []float64) bool {
	in, fires := l.Inputs(rates), make([]bool, len(rates))
	for _, p := range active {
		if fires[p] = true; !(rates[p] > 0) {
			return false
		}
	}
	for p, x := range in {
		if !fires[p] && x > 1e-9*math.Abs(l.X[p]) { // an input that cancels is 0 but for rounding
			return false
		}
	}
	return true
}

// growth returns the largest real part of the eigenvalues of W among some populations, -1 where there is none.
func (l Linear) growth(active []int) float64 {
	if len(active) == 0 {
		return -1
	}
	var e mat.Eigen
	if !e.Factorize(l.sub(active), mat.EigenNone) {
		return math.MaxFloat64 // of numbers at the ends of the range
	}
	most := math.Inf(-1)
	for _, v := range e.Values(nil) {
		most = max(most, real(v))
	}
	return most
}

// Iterate follows r' = -r + [r + W r + X]₊ from rates of 0, with W and X scaled so that the largest weight is
// 1, and reports whether it comes to rest at a fixed point within so many steps.
func (l Linear) Iterate(steps int) (rates []float64, rests bool) {
	const speed = 0.05
	largest := 0.0
	for _, row := range l.W {
		for _, w := range row {
			largest = max(largest, math.Abs(w))
		}
	}
	rates = make([]float64, len(l.X))
	if largest == 0 {
		return rates, false // nothing holds them
	}
	for range steps {
		moved, size := 0.0, 0.0
		for p, x := range l.Inputs(rates) {
			next := rates[p] + speed*(max(0, rates[p]+x/largest)-rates[p])
			moved, size = max(moved, math.Abs(next-rates[p])), max(size, math.Abs(next))
			rates[p] = next
		}
		switch {
		case moved-moved != 0: // they have run over
			return rates, false
		case moved <= 1e-12*size:
			return rates, true
		}
	}
	return rates, false
}
