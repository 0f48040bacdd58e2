package optimisers

import "math"

// Adam is
//
//	m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²
//	p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)
//
// Where it acts, weight decay λ adds λp to g first or, decoupled (adamw), takes lr·λ·p from p first.
//
// Source: Kingma and Ba (2015), arXiv:1412.6980; decoupled: Loshchilov and Hutter (2019),
// arXiv:1711.05101.
func init() {
	uses := []string{"beta1", "beta2", "eps"}
	Register(Entry{"adam", uses, func(s Settings) Rule { return adam(s, false) }})
	Register(Entry{"adamw", uses, func(s Settings) Rule { return adam(s, true) }})
}

func adam(s Settings, decoupled bool) Rule {
	at := func(lr float64, step int) Coefs {
		c := coupled(s, lr/(1-math.Pow(s.Beta1, float64(step))),
			s.Beta1, s.Beta2, 1-s.Beta1, 1-s.Beta2, 1/math.Sqrt(1-math.Pow(s.Beta2, float64(step))), s.Eps)
		if decoupled {
			c.Decay, c.Keep = 0, float32(1-lr*s.Decay)
		}
		return c
	}
	return Rule{Header: "adam", Slots: []string{"exp_avg", "exp_avg_sq"}, At: at, Update: adamUpdate}
}

func adamUpdate(c Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	m, v := slots[0], slots[1]
	beta1, beta2, c1, c2, root, eps := c.Own[0], c.Own[1], c.Own[2], c.Own[3], c.Own[4], c.Own[5]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		m[i] = float32(beta1*m[i]) + float32(c1*g)
		v[i] = float32(beta2*v[i]) + float32(c2*float32(g*g))
		step := m[i] / (float32(sqrt(v[i])*root) + eps)
		p[i] = float32(c.Keep*p[i]) - float32(c.Rate*step)
	}
}
