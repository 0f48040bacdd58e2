package analysis

import (
	"math"
	"math/cmplx"

	"galvani/kernels"
	"galvani/models"
)

// Tuning is what the units of a network answer to conditions with.
type Tuning struct {
	Mean []float64 // of h over sequences and steps of a condition, [C,H]
	// Selectivity of a unit is the part of the variance between sequences, of their means over steps, that the condition
	// explains (η² of an analysis of variance), [H]; 0 for a unit that does not vary.
	Selectivity []float64
	Preferred   []int // the condition with the largest mean, [H]
}

// Tuning returns that of the units.
func (w *States) Tuning() Tuning {
	c := len(w.Names)
	t := Tuning{Mean: make([]float64, c*w.H), Selectivity: make([]float64, w.H), Preferred: make([]int, w.H)}
	activity, counts := w.Activity(), make([]float64, c)
	for seq := range w.N {
		counts[w.Of[seq]]++
		for i := range w.H {
			t.Mean[w.Of[seq]*w.H+i] += activity[seq*w.H+i]
		}
	}
	for k := range t.Mean {
		t.Mean[k] /= counts[k/w.H]
	}
	for i := range w.H {
		var all, between moments
		for seq := range w.N {
			all.add(activity[seq*w.H+i])
			between.add(t.Mean[w.Of[seq]*w.H+i])
		}
		if sd := all.sd(); sd > 1e-9*math.Abs(all.mean()) {
			t.Selectivity[i] = min(1, between.sd()*between.sd()/(sd*sd))
		}
		for k := range c {
			if t.Mean[k*w.H+i] > t.Mean[t.Preferred[i]*w.H+i] {
				t.Preferred[i] = k
			}
		}
	}
	return t
}

// Spectrum is the power of h by frequency.
type Spectrum struct {
	Frequency []float64 // cycles per step, from 1/T' to 1/2
	Power     []float64 // per unit of frequency: its integral is the variance over steps
}

// Spectrum returns the mean over units and sequences of the one-sided periodogram of h, without the mean of each
// sequence, over the steps that all sequences have; none for fewer than two.
func (w *States) Spectrum() (s Spectrum) {
	steps := w.T
	for _, end := range w.Ends {
		steps = min(steps, end)
	}
	if steps < 2 {
		return s
	}
	x, turns := make([]complex128, steps), make([]complex128, steps)
	for k := range turns {
		turns[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(steps))
	}
	s.Frequency, s.Power = make([]float64, steps/2), make([]float64, steps/2)
	for seq := range w.N {
		for i := range w.H {
			for t := range x {
				x[t] = complex(float64(w.at(seq, t)[i]), 0)
			}
			for k, c := range transform(x, turns)[1 : steps/2+1] {
				p := real(c)*real(c) + imag(c)*imag(c)
				if 2*(k+1) < steps {
					p *= 2 // and that of the negative frequency
				}
				s.Power[k] += p / float64(steps*w.N*w.H)
			}
		}
	}
	for k := range s.Frequency {
		s.Frequency[k] = float64(k+1) / float64(steps)
	}
	return s
}

// transform returns Σ_t x_t exp(−2πi kt/n) for k = 0 to n−1, by one prime factor of n after the other, given
// exp(−2πi k/N) of a multiple N of n. Source: Cooley and Tukey (1965).
func transform(x, turns []complex128) []complex128 {
	n, p := len(x), 2
	if n == 1 {
		return x
	}
	for n%p != 0 {
		p++
	}
	out, part := make([]complex128, n), make([]complex128, n/p)
	for q := range p {
		for i := range part {
			part[i] = x[i*p+q]
		}
		of := transform(part, turns)
		for k := range out {
			out[k] += of[k%len(part)] * turns[q*k%n*(len(turns)/n)]
		}
	}
	return out
}

// Balance is the mean recurrent input of units from E and from I units, in the unit of the drive.
type Balance struct {
	Matrix     string
	Excitation []float64 // [H], from units that excite
	Inhibition []float64 // [H], from units that inhibit; below 0
}

// Index returns how far excitation and inhibition of a unit cancel: 1 − |E + I|/(|E| + |I|), 1 where they do, 0 where
// there is one alone.
func (b Balance) Index(unit int) float64 {
	e, i := b.Excitation[unit], b.Inhibition[unit]
	if all := math.Abs(e) + math.Abs(i); all > 0 {
		return 1 - math.Abs(e+i)/all
	}
	return 0
}

// Balances returns that of each recurrent matrix of the last layer of a network with Dale's law, none without, given its
// stored parameters and the mean of h of each unit. What a unit does to itself is left out.
//
// Errors: those of Matrices.
func Balances(net *models.Network, stored [][]float32, mean []float64) ([]Balance, error) {
	if !net.Dale() {
		return nil, nil
	}
	leak := map[string]bool{} // the coupling is −W
	for _, s := range net.Specs() {
		leak[s.Name] = s.Role == kernels.Rec && s.Leak
	}
	matrices, err := Matrices(net, stored)
	var list []Balance
	for _, m := range matrices {
		b := Balance{Matrix: m.Name, Excitation: make([]float64, m.H), Inhibition: make([]float64, m.H)}
		sign := 1.0
		if leak[m.Name] {
			sign = -1
		}
		for i := range m.H {
			for j := range m.H {
				to := b.Excitation
				if j >= net.Excitatory() {
					to = b.Inhibition
				}
				if i != j {
					to[i] += sign * float64(m.Values[i*m.H+j]) * mean[j]
				}
			}
		}
		list = append(list, b)
	}
	return list, err
}
