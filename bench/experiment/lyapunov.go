package experiment

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// orbit is how far a Lyapunov exponent looks: so many steps until the attractor is reached, so many
// to average over, in segments between two orthogonalisations.
type orbit struct {
	transient, steps, segment int
}

// exponentVectors is the number of vectors that are carried along: the largest exponent is that of
// the first, and a second keeps it apart from one that is close.
const exponentVectors = 2

// exponents returns the largest Lyapunov exponent per step of each network in a probe: networks are
// size units each and do not act on each other. The state begins at a state [S,1,H]; x gives the
// input of a step, or is nil for none. A network whose voltages do not stay finite has NaN.
//
// Vectors go backwards through the adjoint of the scan, ∂L/∂h_t = Jᵀ ∂L/∂h_{t+1}, and are made
// orthonormal after each segment: the product of the transposed Jacobians has the singular values
// of that of the Jacobians themselves. Only h is differentiated; other planes of state must not
// depend on h.
//
// Source: Benettin et al. (1980), Meccanica 15:9.
func (p *probe) exponents(ctx context.Context, o orbit, size int, state []float64, x func(t int) []float64, r *rand.Rand) ([]float64, error) {
	input := func(c *course, from int) {
		if x != nil {
			for t := range c.t {
				c.holdAt(t, x(from+t))
			}
		}
	}
	ahead, err := p.course(o.segment, 1, false)
	if err != nil {
		return nil, err
	}
	segments := o.steps / o.segment
	var begins [][]float64 // the state before the step that leads to the begin of a segment
	for m := -o.transient / o.segment; m <= segments; m++ {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if m >= 0 {
			begins = append(begins, state)
		}
		input(ahead, m*o.segment)
		if _, state, err = ahead.forward(state); err != nil {
			return nil, err
		}
		state = slices.Clone(state)
	}
	back, err := p.course(o.segment+1, exponentVectors, true)
	if err != nil {
		return nil, err
	}
	units := p.dims.H
	q := make([]float64, exponentVectors*units)
	for i := range q {
		q[i] = r.NormFloat64()
	}
	orthonormal(q, units, size, nil)
	dh := make([]float64, back.t*len(q))
	sums := make([]float64, units/size)
	skipped := segments / 5 // until the vectors have turned
	for m := segments - 1; m >= 0; m-- {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		input(back, m*o.segment)
		if _, _, err := back.forward(tile(begins[m], p.cell.States, exponentVectors)); err != nil {
			return nil, err
		}
		copy(dh[o.segment*len(q):], q)
		grad, err := back.backward(dh)
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
		sums[n] /= float64((segments - skipped) * o.segment)
		for _, v := range last[n*size : (n+1)*size] {
			if !(math.Abs(v) <= runaway) {
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
				c := dot(other, block)
				for i := range block {
					block[i] -= c * other[i]
				}
			}
			length := math.Sqrt(dot(block, block))
			if v == 0 && sums != nil {
				sums[n] += math.Log(length)
			}
			for i := range block {
				block[i] /= length
			}
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// tile repeats a state [S,1,H] for b sequences: [S,b,H].
func tile(state []float64, planes, b int) []float64 {
	units := len(state) / planes
	var all []float64
	for s := range planes {
		for range b {
			all = append(all, state[s*units:(s+1)*units]...)
		}
	}
	return all
}
