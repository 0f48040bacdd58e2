package optimisers

// Lion is
//
//	p ← p − lr λ p,  p ← p − lr sign(β₁ m + (1−β₁) g),  m ← β₂ m + (1−β₂) g
//
// with the weight decay λ where it acts, and sign(0) = 0. Every element moves by lr, so a learning rate is a
// third to a tenth of Adam's.
//
// Source: Chen et al. (2023), arXiv:2302.06675, algorithm 2.
func init() {
	Register(Entry{"lion", []string{"beta1", "beta2"}, func(s Settings) Rule {
		return Rule{Header: "lion", Slots: []string{"exp_avg"}, Update: lionUpdate, At: func(lr float64, _ int) Coefs {
			c := coupled(s, lr, s.Beta1, 1-s.Beta1, s.Beta2, 1-s.Beta2)
			c.Decay, c.Keep = 0, float32(1-lr*s.Decay)
			return c
		}}
	}})
}

func lionUpdate(c Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	m, beta1, c1, beta2, c2 := slots[0], c.Own[0], c.Own[1], c.Own[2], c.Own[3]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		step := float32(beta1*m[i]) + float32(c1*g)
		m[i] = float32(beta2*m[i]) + float32(c2*g)
		if step > 0 {
			step = 1
		} else if step < 0 {
			step = -1
		}
		p[i] = float32(c.Keep*p[i]) - float32(c.Rate*step)
	}
}
