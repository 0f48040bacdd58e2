package layered

import (
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// dtype returns the number type as a tensor has it.
func dtype[F kernels.Float]() tensor.Dtype {
	if _, wide := any(*new(F)).(float64); wide {
		return tensor.Float64
	}
	return tensor.Float32
}

// product is the synapses of one projection: w [M,K], from K units to M dendrites, for N patterns at once. Large
// products are the device's.
type product[F kernels.Float] struct {
	n, k, m int
	w       []F
	trace   []F // low-passed change, nil for none
	outer   []F // change of one step; nil where it goes to w at once

	plan, way   kernels.LinearPlan // forward and its changes, and back; nil for small products
	x, weight   *field[F]
	dy, nothing *field[F]
}

// leastProduct is how many multiplications are worth a call of a device.
const leastProduct = 1 << 13

// newProduct allocates a projection without weights; it learns with a trace of its changes where traced.
func newProduct[F kernels.Float](at place, n, k, m int, traced bool) (*product[F], error) {
	p := &product[F]{n: n, k: k, m: m}
	if traced {
		p.trace = make([]F, m*k)
	}
	if n*k*m < leastProduct {
		if traced {
			p.outer = make([]F, m*k)
		}
		return p, nil
	}
	var err error
	if p.plan, err = at.linear(kernels.LinearConfig{N: n, K: k, M: m, Dtype: dtype[F](), Given: true}); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		to    **field[F]
		shape []int
	}{{&p.x, []int{n, k}}, {&p.weight, []int{m, k}}, {&p.dy, []int{n, m}}, {&p.nothing, []int{m}}} {
		if *f.to, err = newField[F](at, f.shape...); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// forward writes x·wᵀ to y [N,M], given x [N,K]; with add it adds them.
func (p *product[F]) forward(y, x []F, add bool) error {
	if p.plan != nil {
		return p.planned(y, x, add)
	}
	for n := range p.n {
		row := x[n*p.k : (n+1)*p.k]
		out := y[n*p.m : (n+1)*p.m]
		for m := range out {
			w := p.w[m*p.k:][:len(row)]
			var sum F
			for k, v := range row {
				sum += v * w[k]
			}
			if add {
				sum += out[m]
			}
			out[m] = sum
		}
	}
	return nil
}

func (p *product[F]) planned(y, x []F, add bool) error {
	values, err := p.give([]*field[F]{p.x, p.weight, p.nothing}, [][]F{x, p.w, nil})
	if err != nil {
		return err
	}
	v, err := p.plan.Forward(values[0], values[1], values[2])
	if err != nil {
		return err
	}
	got, err := elements[F](v)
	if err != nil {
		return err
	}
	if !add {
		copy(y, got)
		return nil
	}
	for i, g := range got {
		y[i] += g
	}
	return nil
}

// give brings arrays to the device; nil stands for an array that stays as it is.
func (p *product[F]) give(fields []*field[F], data [][]F) ([]gorgonia.Value, error) {
	values := make([]gorgonia.Value, len(fields))
	for i, f := range fields {
		var err error
		if values[i], err = f.given(data[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// given returns the array for the device with other numbers; nil stands for those that it has.
func (f *field[F]) given(data []F) (gorgonia.Value, error) {
	switch {
	case data == nil:
	case f.mirror == nil:
		return kernels.Wrap(data, f.shape...), nil
	default:
		copy(f.buf, data)
	}
	return f.value()
}

// learn changes the weights by the sum over patterns of e x', given the errors e [N,M] of the dendrites and the rates x
// [N,K]. With a trace the change is low-passed first, keep is the part of a step in its time constant, and rate the learning
// rate.
func (p *product[F]) learn(e, x []F, rate, keep F) error {
	if p.plan == nil && p.trace == nil {
		p.add(p.w, e, x)
		return nil
	}
	outer := p.outer
	if p.plan == nil {
		clear(outer)
		p.add(outer, e, x)
	} else {
		values, err := p.give([]*field[F]{p.x, p.weight, p.dy}, [][]F{x, p.w, e})
		if err != nil {
			return err
		}
		_, packed, err := p.plan.Backward(values[0], values[1], values[2])
		if err != nil {
			return err
		}
		if outer, err = elements[F](packed); err != nil {
			return err
		}
	}
	inParts(len(p.w), func(lo, hi int) {
		if p.trace == nil {
			for i := lo; i < hi; i++ {
				p.w[i] += outer[i]
			}
			return
		}
		for i := lo; i < hi; i++ {
			p.trace[i] += keep * (outer[i] - p.trace[i])
			p.w[i] += rate * p.trace[i]
		}
	})
	return nil
}

// add adds the sum over patterns of e x' to w.
func (p *product[F]) add(w, e, x []F) {
	for n := range p.n {
		row := x[n*p.k : (n+1)*p.k]
		for m, c := range e[n*p.m : (n+1)*p.m] {
			if c == 0 {
				continue
			}
			to := w[m*p.k:][:len(row)]
			for k, v := range row {
				to[k] += c * v
			}
		}
	}
}

// returns lets a projection go back.
func (p *product[F]) returns(at place) (err error) {
	if p.plan == nil || p.way != nil {
		return nil
	}
	p.way, err = at.linear(kernels.LinearConfig{N: p.n, K: p.k, M: p.m, Dtype: dtype[F](), Fixed: true})
	return err
}

// back writes e·w to x [N,K], given e [N,M].
func (p *product[F]) back(x, e []F) error {
	if p.way != nil {
		values, err := p.give([]*field[F]{p.x, p.weight, p.dy}, [][]F{nil, p.w, e})
		if err != nil {
			return err
		}
		v, _, err := p.way.Backward(values[0], values[1], values[2])
		if err != nil {
			return err
		}
		got, err := elements[F](v)
		copy(x, got)
		return err
	}
	clear(x)
	for n := range p.n {
		to := x[n*p.k : (n+1)*p.k]
		for m, c := range e[n*p.m : (n+1)*p.m] {
			if c == 0 {
				continue
			}
			for k, w := range p.w[m*p.k:][:len(to)] {
				to[k] += c * w
			}
		}
	}
	return nil
}
