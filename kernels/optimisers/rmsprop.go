package optimisers

// RMSProp is
//
//	v ← α v + (1−α) g²,  p ← p − lr g/(√v + eps)
//
// with λp added to g first.
//
// Source: Tieleman and Hinton (2012), lecture 6.5 of Neural Networks for Machine Learning;
// eps outside the root as in torch.optim.RMSprop.
func init() {
	Register(Entry{"rmsprop", []string{"rms_alpha", "eps"}, func(s Settings) Rule {
		return Rule{Header: "rmsprop", Slots: []string{"square_avg"}, Update: rmspropUpdate,
			At: func(lr float64, _ int) Coefs { return coupled(s, lr, s.Alpha, 1-s.Alpha, s.Eps) }}
	}})
}

func rmspropUpdate(c Coefs, p, grad []float32, slots [][]float32, lo, hi int) {
	v, alpha, rest, eps := slots[0], c.Own[0], c.Own[1], c.Own[2]
	for i := lo; i < hi; i++ {
		g := grad[i] + float32(c.Decay*p[i])
		v[i] = float32(alpha*v[i]) + float32(rest*float32(g*g))
		p[i] = float32(c.Keep*p[i]) - float32(c.Rate*(g/(sqrt(v[i])+eps)))
	}
}
