package layered

import (
	"galvani/kernels"
)

// host runs a program in Go. It implements kernels.ProgramPlan, and says what devices are to compute.
type host[F kernels.Float] struct {
	p        *kernels.Program
	arrays   [][]F
	products []*product[F] // by weight; nil for biases
	weights  [][]F
	phi      map[kernels.Function]activation
}

func newHost[F kernels.Float](p *kernels.Program) (*host[F], error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	h := &host[F]{p: p, products: make([]*product[F], len(p.Weights)), phi: map[kernels.Function]activation{
		kernels.Unchanged: {func(x float64) float64 { return x }, func(float64) float64 { return 1 }}}}
	for name, f := range functions {
		h.phi[f] = activations[name]
	}
	for _, a := range p.Arrays {
		h.arrays = append(h.arrays, make([]F, p.N*a.Units))
	}
	for _, list := range [][]kernels.ProgramOp{p.Answer, p.Learn} {
		for _, o := range list {
			if o.W == kernels.None {
				continue
			}
			if w := p.Weights[o.W]; h.products[o.W] == nil {
				h.products[o.W] = newProduct[F](p.N, w.K, w.M, w.Traced)
			}
		}
	}
	return h, nil
}

// Array implements kernels.ProgramPlan.
func (h *host[F]) Array(i int) []F { return h.at(i) }

// Trace implements kernels.ProgramPlan.
func (h *host[F]) Trace(i int) []F {
	if p := h.products[i]; p != nil {
		return p.trace
	}
	return nil
}

func (h *host[F]) at(i int) []F {
	if i == kernels.None {
		return nil
	}
	return h.arrays[i]
}

// Run implements kernels.ProgramPlan.
func (h *host[F]) Run(learn bool, steps int, rate float64, weights [][]F) error {
	h.weights = weights
	for i, p := range h.products {
		if p != nil {
			p.w = weights[i]
		}
	}
	ops := h.p.Answer
	if learn {
		ops = h.p.Learn
	}
	for range steps {
		for _, o := range ops {
			h.do(o, rate)
		}
	}
	return nil
}

// do does one operation.
func (h *host[F]) do(o kernels.ProgramOp, rate float64) {
	to, from := h.at(o.To), [3][]F{h.at(o.From[0]), h.at(o.From[1]), h.at(o.From[2])}
	phi := h.phi[o.Phi]
	switch o.Kind {
	case kernels.Follow:
		if o.Part == 1 {
			copy(to, from[0])
			return
		}
		for i, v := range from[0] {
			to[i] += F(o.Part) * (v - to[i])
		}
	case kernels.Product:
		h.product(o, to, from)
	case kernels.Back:
		if h.products[o.W].back(to, from[0]); from[1] != nil {
			multiply(phi, to, from[1])
		}
	case kernels.Soma:
		h.soma(o, to, h.at(o.Also), from)
	case kernels.Rate:
		kernels.InChunks(len(to), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				to[i] = F(phi.rate(o.By[0] * float64(from[0][i])))
			}
		})
	case kernels.Times:
		h.times(o, rate, to, from)
	case kernels.Error:
		h.error(o, rate, to, from)
	case kernels.Learn:
		h.learn(o, rate, from)
	case kernels.Emit:
		h.emit(o.Spikes, to, h.at(o.Also), from[0])
	case kernels.Jitter:
		h.jitter(o.Spikes, o.By[0], to, h.at(o.Also))
	case kernels.Tick:
		tick(to)
	}
}

func (h *host[F]) product(o kernels.ProgramOp, to []F, from [3][]F) {
	bias := []F(nil)
	if o.Bias != kernels.None {
		bias = h.weights[o.Bias]
	}
	if from[1] != nil {
		copy(to, from[1])
	}
	h.products[o.W].forward(to, from[0], from[1] != nil)
	if bias == nil {
		return
	}
	for i := range to {
		to[i] += bias[i%len(bias)]
	}
}

func (h *host[F]) soma(o kernels.ProgramOp, u, ahead []F, from [3][]F) {
	total, part, units := F(o.Total), F(o.Part), len(u)/h.p.N
	for i, v := range u {
		var in F
		for k, f := range from {
			if f != nil {
				in += F(o.By[k]) * f[i]
			}
		}
		if o.W != kernels.None {
			lag, lead := max(h.weights[o.W][i%units], part), max(h.weights[o.Bias][i%units], part)
			u[i], ahead[i] = v+part/lag*(in-total*v), lead/lag*(in/total)+(1-lead/lag)*v
			continue
		}
		u[i] = v + part*(in-total*v)
		if ahead[i] = u[i]; o.Ahead {
			ahead[i] = in / total
		}
	}
}

func (h *host[F]) times(o kernels.ProgramOp, rate float64, to []F, from [3][]F) {
	scale := F(o.Scale)
	if o.Learning {
		scale = F(o.Scale * rate)
	}
	for i, a := range from[0] {
		b := F(o.By[1]) * from[1][i]
		if from[2] != nil {
			b += F(o.By[2]) * from[2][i]
		}
		to[i] = scale * a * b
	}
}

func (h *host[F]) error(o kernels.ProgramOp, rate float64, to []F, from [3][]F) {
	scale, units, phi := F(o.Scale), len(to)/h.p.N, h.phi[o.Phi].rate
	if o.Learning {
		scale = F(o.Scale * rate)
	}
	kernels.InChunks(len(to), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			var e F
			if from[0] != nil {
				e = F(o.By[0]) * from[0][i]
			}
			if from[1] != nil {
				e += F(o.By[1] * phi(o.By[2]*float64(from[1][i])))
			}
			if to[i] = scale * e; from[2] != nil {
				to[i] *= from[2][i/units]
			}
		}
	})
}

func (h *host[F]) learn(o kernels.ProgramOp, rate float64, from [3][]F) {
	if o.Bias != kernels.None {
		bias := h.weights[o.Bias]
		for i, e := range from[0] {
			bias[i%len(bias)] += e
		}
	}
	h.products[o.W].learn(from[0], from[1], F(o.Scale*rate), F(o.Part))
}
