package probe

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// Orbit is how far a Lyapunov exponent looks: so many steps until the attractor is reached, so many
// to average over, in segments between two orthogonalisations.
type Orbit struct {
	Transient, Steps, Segment int
}

// exponentVectors is the number of vectors that are carried along: the largest exponent is that of
// the first, and a second keeps it apart from one that is close.
const exponentVectors = 2

// Runaway is a voltage that will not come back.
const Runaway = 1e6

// Exponents returns the largest Lyapunov exponent per step of each network in a probe: networks are
// size units each and do not act on each other. The state begins at a state [S,1,H]; x gives the
// input of a step, or is nil for none. A network whose voltages do not stay finite has NaN.
//
// Vectors go backwards through the adjoint of the scan, ∂L/∂h_t = Jᵀ ∂L/∂h_{t+1}, and are made
// orthonormal after each segment: the product of the transposed Jacobians has the singular values
// of that of the Jacobians themselves. Only h is differentiated; other planes of state must not
// depend on h.
//
// Source: Benettin et al. (1980), Meccanica 15:9.
func (p *Probe) Exponents(ctx context.Context, o Orbit, size int, state []float64, x func(t int) []float64, r *rand.Rand) ([]float64, error) {
	input := func(c *Course, from int) {
		if x != nil {
			for t := range c.T {
				c.HoldAt(t, x(from+t))
			}
		}
	}
	ahead, err := p.Course(o.Segment, 1, false)
	if err != nil {
		return nil, err
	}
	segments := o.Steps / o.Segment
	var begins [][]float64 // the state before the step that leads to the begin of a segment
	for m := -o.Transient / o.Segment; m <= segments; m++ {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if m >= 0 {
			begins = append(begins, state)
		}
		input(ahead, m*o.Segment)
		if _, state, err = ahead.Forward(state); err != nil {
			return nil, err
		}
		state = slices.Clone(state)
	}
	back, err := p.Course(o.Segment+1, exponentVectors, true)
	if err != nil {
		return nil, err
	}
	units := p.Dims.H
	q := make([]float64, exponentVectors*units)
	for i := range q {
		q[i] = r.NormFloat64()
	}
	orthonormal(q, units, size, nil)
	dh := make([]float64, back.T*len(q))
	sums := make([]float64, units/size)
	skipped := segments / 5 // until the vectors have turned
	for m := segments - 1; m >= 0; m-- {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		input(back, m*o.Segment)
		if _, _, err := back.Forward(Tile(begins[m], p.Cell.States, exponentVectors)); err != nil {
			return nil, err
		}
		copy(dh[o.Segment*len(q):], q)
		grad, err := back.Backward(dh)
		if err != nil {
			return nil, err
		}
		copy(q, grad[:len(q)])
		if m < segments-skipped {
			orthonormal(q, units, size, sums)
		} else {
			orthonormal(q, units, size, nil)
		}
	}
	last := begins[len(begins)-1]
	for n := range sums {
		sums[n] /= float64((segments - skipped) * o.Segment)
		for _, v := range last[n*size : (n+1)*size] {
			if !(math.Abs(v) <= Runaway) {
				sums[n] = math.NaN()
			}
		}
	}
	return sums, nil
}

// orthonormal makes the vectors q [V,H] orthonormal within each block of size units, by Gram and
// Schmidt's process, and adds the logarithm of the length of each block's first to sums.
func orthonormal(q []float64, units, size int, sums []float64) {
	for n := range units / size {
		for v := range len(q) / units {
			block := q[v*units+n*size : v*units+(n+1)*size]
			for w := range v {
				other := q[w*units+n*size : w*units+(n+1)*size]
				c := Dot(other, block)
				for i := range block {
					block[i] -= c * other[i]
				}
			}
			length := math.Sqrt(Dot(block, block))
			if v == 0 && sums != nil {
				sums[n] += math.Log(length)
			}
			for i := range block {
				block[i] /= length
			}
		}
	}
}

func Dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
