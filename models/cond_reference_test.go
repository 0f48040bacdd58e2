package models

import (
	"fmt"
	"math"
)

// stepReference moves V and r of unit u with drive u and leak z.
func (c *Conductance) stepReference(drive, z float64, r, v *float64) {
	f := func(x float64) float64 {
		return map[string]func() float64{
			"relu":     func() float64 { return math.Max(0, x) },
			"softplus": func() float64 { return math.Log(1 + math.Exp(x)) },
			"sigmoid":  func() float64 { return logistic(x) },
			"tanh":     func() float64 { return math.Tanh(x) },
		}[c.Activation]()
	}
	if c.Dynamics == "rate" || c.Update == "convex" {
		drive = f(drive)
	}
	switch c.Update {
	case "implicit":
		*v = (*v + c.Dt*drive) / (1 + z)
	case "explicit":
		*v += c.Dt*drive - z**v
	case "convex":
		*v = (1-z)**v + z*drive
	}
	if *r = *v; c.Dynamics == "voltage" {
		*r = f(*v)
	}
}

func (c *CondFixed) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		drive := row(p["W"], u, old) + row(p["P"], u, x) + p["b"][u]
		c.stepReference(drive, c.Dt*logistic(p["G_b"][u]), &s[u], &s[h+u])
	}
}

func (c *CondGRU) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		drive := row(p["W"], u, old) + row(p["P"], u, x) + p["b"][u]
		c.stepReference(drive, logistic(row(p["W_z"], u, old)+row(p["P_z"], u, x)+p["G_b"][u]), &s[u], &s[h+u])
	}
}

func (c *CondVarying) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		g := p["G_b"][u]
		for j, r := range old {
			a := map[string]func() float64{
				"scalar": func() float64 { return p["A"][0] },
				"pre":    func() float64 { return p["A"][j] },
				"post":   func() float64 { return p["A"][u] },
				"type": func() float64 {
					if float64(j) < p[excitatoryUnits][0] {
						return p["A_E"][0]
					}
					return p["A_I"][0]
				},
			}[c.AShape]()
			g += math.Abs(p["W"][u*h+j]) * a * r
		}
		for j, v := range x {
			if c.InputConductance {
				g += math.Abs(p["P"][u*len(x)+j]) * v
			}
		}
		z := c.Dt * logistic(g)
		if c.Gate == "softplus" {
			z = c.Dt * math.Log(1+math.Exp(g))
		}
		c.stepReference(row(p["W"], u, old)+row(p["P"], u, x)+p["b"][u], z, &s[u], &s[h+u])
	}
}

// conductances returns every update and both dynamics of a cell that adds nothing to the common settings.
func conductances(name string, of func(Conductance) Cell) []variant {
	var all []variant
	for _, update := range updates {
		for _, dynamics := range []string{"voltage", "rate"} {
			common := Conductance{Dt: 0.7, Update: update, Activation: activations[len(all)%4], Dynamics: dynamics}
			all = append(all, variant{name: name + " " + update + " " + dynamics, cell: of(common)})
		}
	}
	return all
}

func (*CondFixed) variants() []variant {
	return conductances("cond-fixed", func(c Conductance) Cell { return &CondFixed{c} })
}

func (*CondGRU) variants() []variant {
	return conductances("cond-gru", func(c Conductance) Cell { return &CondGRU{c} })
}

func (*CondVarying) variants() []variant {
	var all []variant
	for i, shape := range []string{"scalar", "pre", "post"} {
		for j, update := range updates {
			c := NewCondVarying()
			c.Dt, c.Update, c.AShape = 0.7, update, shape
			c.Activation, c.InputConductance = activations[(i+j)%4], i != j
			if update == "implicit" && i > 0 {
				c.Gate = "softplus"
			}
			if i == 1 {
				c.Dynamics = "rate"
			}
			all = append(all, variant{name: fmt.Sprintf("cond-varying %s %s", shape, update), cell: c})
		}
	}
	return all
}
