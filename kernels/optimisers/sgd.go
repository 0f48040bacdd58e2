package optimisers

// SGD is
//
//	b ← μ b + g,  p ← p − lr b, or p ← p − lr (g + μ b) in Nesterov's form
//
// with λp added to g first.
//
// Source: Sutskever et al. (2013), in the form of torch.optim.SGD.
func init() {
	Register(Entry{"sgd", []string{"momentum", "nesterov"}, func(s Settings) Rule {
		nesterov := 0.0
		if s.Nesterov {
			nesterov = 1
		}
		return Rule{Header: "sgd", Slots: []string{"momentum_buffer"}, Update: sgdUpdate,
			At: func(lr float64, _ int) Coefs { return coupled(s, lr, s.Momentum, nesterov) }}
	}})
}

func sgdUpdate(c Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	b, momentum, nesterov := slots[0], c.Own[0], c.Own[1] != 0
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		b[i] = float32(momentum*b[i]) + g
		step := b[i]
		if nesterov {
			step = g + float32(momentum*b[i])
		}
		p[i] = float32(c.Keep*p[i]) - float32(c.Rate*step)
	}
}
