package models

import "math"

func (c *Rate) activationReference(i float64) float64 {
	switch c.Activation {
	case "tanh":
		return math.Tanh(i)
	case "relu":
		return math.Max(0, i)
	case "sigmoid":
		return logistic(i)
	case "softplus":
		return math.Log(1 + math.Exp(i))
	case "power":
		return c.PowerGain * math.Pow(math.Max(0, i-c.PowerThreshold), c.PowerExponent)
	case "linear":
		return i
	}
	return math.NaN()
}

// reference moves I and r by the Euler rule of their differential equations.
func (c *Rate) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		current, rate := &s[h+u], &s[u]
		drive := row(p["W"], u, old) + row(p["U"], u, x) + p["b"][u]
		*current += c.Dt / tauReference(p, "s", u, c.Dt) * (drive - *current)
		*rate += c.Dt / tauReference(p, "r", u, c.Dt) * (c.activationReference(*current) - *rate)
	}
}

func (*Rate) variants() []variant {
	var all []variant
	add := func(name string, change func(*Rate)) {
		c := NewRate()
		c.PowerThreshold = -3 // the power law has no second derivative at its threshold
		change(c)
		all = append(all, variant{name: "rate " + name, cell: c})
	}
	for _, f := range rateActivations {
		add(f, func(c *Rate) { c.Activation = f })
	}
	for _, learn := range []string{"none", "tau_s", "tau_r"} {
		add(learn, func(c *Rate) { c.Learn, c.TauForm, c.Dt = learn, "sigmoid", 0.7 })
	}
	for _, form := range []string{"softplus", "sigmoid"} {
		add("scalar "+form, func(c *Rate) { c.TauShape, c.TauForm, c.Dt = "scalar", form, 0.3 })
	}
	add("scalar none", func(c *Rate) { c.TauShape, c.Learn = "scalar", "none" })
	return all
}
