package layered

import (
	"galvani/kernels"
)

// product is the synapses of one projection: w [M,K], from K units to M dendrites, for N patterns at once.
type product[F kernels.Float] struct {
	n, k, m int
	w       []F
	trace   []F // low-passed change, nil for none
	outer   []F // change of one step; nil where it goes to w at once
}

// newProduct allocates a projection without weights; it learns with a trace of its changes where traced.
func newProduct[F kernels.Float](n, k, m int, traced bool) *product[F] {
	p := &product[F]{n: n, k: k, m: m}
	if traced {
		p.trace, p.outer = make([]F, m*k), make([]F, m*k)
	}
	return p
}

// forward writes x·wᵀ to y [N,M], given x [N,K]; with add it adds them.
func (p *product[F]) forward(y, x []F, add bool) {
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
}

// learn changes the weights by the sum over patterns of e x', given the errors e [N,M] of the dendrites and the rates x
// [N,K]. With a trace the change is low-passed first, keep is the part of a step in its time constant, and rate the learning
// rate.
func (p *product[F]) learn(e, x []F, rate, keep F) {
	if p.trace == nil {
		p.add(p.w, e, x)
		return
	}
	clear(p.outer)
	p.add(p.outer, e, x)
	for i := range p.w {
		p.trace[i] += keep * (p.outer[i] - p.trace[i])
		p.w[i] += rate * p.trace[i]
	}
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

// back writes e·w to x [N,K], given e [N,M].
func (p *product[F]) back(x, e []F) {
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
}
