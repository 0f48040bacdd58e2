package models

import "math"

// tauReference reads τ of unit u from whichever parameter there is.
func tauReference(p map[string][]float64, name string, u int, dt float64) float64 {
	for key, tau := range map[string]func(v float64) float64{
		"tau_" + name: func(v float64) float64 { return v },
		"t_" + name:   func(v float64) float64 { return dt + math.Log(1+math.Exp(v)) },
		"a_" + name:   func(v float64) float64 { return dt / logistic(v) },
	} {
		if v := p[key]; len(v) == 1 {
			return tau(v[0])
		} else if len(v) > 0 {
			return tau(v[u])
		}
	}
	return math.NaN()
}

// reference moves the units one after the other; a spike resets before the membrane decays.
func (c *LIF) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		z, v, i, a, left := &s[u], &s[h+u], &s[2*h+u], &s[3*h+u], &s[4*h+u]
		keep := func(name string) float64 { return math.Exp(-c.Dt / tauReference(p, name, u, c.Dt)) }
		if c.Reset == "value" {
			*v = (1-*z)**v + *z*c.VReset
		} else {
			*v -= *z * (c.Threshold + c.Adaptation**a)
		}
		*a += (1 - keep("a")) * (*z - *a)
		*i = keep("s")**i + row(p["W"], u, old) + row(p["U"], u, x) + p["b"][u]
		*v = keep("m")**v + (1-keep("m"))**i
		over := *v - c.Threshold - c.Adaptation**a
		free := *left <= 0
		*left = math.Max(0, *left-1)
		switch {
		case c.Spikes == "smooth":
			*z = c.smoothReference(over)
		case free && over > 0:
			*z, *left = 1, float64(c.Refractory)
		default:
			*z = 0
		}
	}
}

func (c *LIF) smoothReference(over float64) float64 {
	if c.Surrogate == "triangle" {
		w := math.Min(math.Abs(over), 1/c.Slope)
		return 0.5 + c.Height*math.Copysign(w-c.Slope*w*w/2, over)
	}
	return 0.5 + c.Height*over/(1+c.Slope*math.Abs(over))
}

func (*LIF) variants() []variant {
	var all []variant
	add := func(name string, change func(*LIF)) {
		c := NewLIF()
		c.Learn, c.Threshold, c.TauA, c.Slope = "all", 0.2, 4, 2
		change(c)
		all = append(all, variant{name: "lif " + name, cell: c})
	}
	// First the one that stands for the cell in layers and under Dale's law, where a unit is seen at every step.
	add("smooth", func(c *LIF) { c.Spikes, c.Adaptation, c.TauShape = "smooth", 0.3, "scalar" })
	add("subtract", func(c *LIF) { c.Adaptation, c.Refractory = 0.3, 1 })
	add("value", func(c *LIF) {
		c.Reset, c.VReset, c.Surrogate, c.TauForm, c.Dt = "value", -0.1, "triangle", "sigmoid", 0.7
	})
	add("arctan", func(c *LIF) { c.Surrogate, c.Learn, c.Height = "arctan", "tau_m", 0.3 })
	add("smooth triangle", func(c *LIF) { c.Spikes, c.Surrogate, c.Reset, c.Learn = "smooth", "triangle", "value", "tau_s" })
	return all
}
