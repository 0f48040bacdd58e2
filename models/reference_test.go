package models

import (
	"math"

	"galvani/kernels"
)

// A reference steps one sequence of one batch column, written from the equations with plain
// loops and independent of the graph. It shares no code with the cells.
type reference func(p map[string][]float64, x, state []float64, i, h int)

// references by entry of variants. State planes lie behind each other in state, [S·H].
func referenceOf(c Cell) reference {
	switch c := c.(type) {
	case *CRNN:
		return c.reference
	case *CRNNSimple:
		return c.reference
	case *RNN:
		return func(p map[string][]float64, x, s []float64, i, h int) { elman(math.Tanh, p, x, s, i, h) }
	case *IRNN:
		return func(p map[string][]float64, x, s []float64, i, h int) {
			elman(func(v float64) float64 { return math.Max(v, 0) }, p, x, s, i, h)
		}
	case *LSTM:
		return lstmReference
	case *GRU:
		return gruReference
	case *Rate:
		return c.reference
	case *CondFixed:
		return c.reference
	case *CondVarying:
		return c.reference
	case *CondGRU:
		return c.reference
	}
	return nil
}

func logistic(v float64) float64 { return 0.5 + 0.5*math.Tanh(v/2) }

// row returns Σ_j w[r,j] v_j.
func row(w []float64, r int, v []float64) float64 {
	sum := 0.0
	for j, a := range v {
		sum += w[r*len(v)+j] * a
	}
	return sum
}

func elman(f func(float64) float64, p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s...)
	for u := range h {
		s[u] = f(row(p["weight_ih_l0"], u, x) + p["bias_ih_l0"][u] + row(p["weight_hh_l0"], u, old) + p["bias_hh_l0"][u])
	}
}

func lstmReference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	for u := range h {
		var a [4]float64
		for g := range a {
			r := g*h + u
			a[g] = row(p["weight_ih_l0"], r, x) + p["bias_ih_l0"][r] + row(p["weight_hh_l0"], r, old) + p["bias_hh_l0"][r]
		}
		s[h+u] = logistic(a[1])*s[h+u] + logistic(a[0])*math.Tanh(a[2])
		s[u] = logistic(a[3]) * math.Tanh(s[h+u])
	}
}

func gruReference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s...)
	for u := range h {
		var in, rec [3]float64
		for g := range in {
			r := g*h + u
			in[g] = row(p["weight_ih_l0"], r, x) + p["bias_ih_l0"][r]
			rec[g] = row(p["weight_hh_l0"], r, old) + p["bias_hh_l0"][r]
		}
		r, z := logistic(in[0]+rec[0]), logistic(in[1]+rec[1])
		s[u] = (1-z)*math.Tanh(in[2]+r*rec[2]) + z*old[u]
	}
}

// stepLength and excitatoryUnits are the keys under which a reference finds the mask and the number
// of units that excite.
const (
	stepLength      = "length of the step"
	excitatoryUnits = "number of excitatory units"
)

// elapsedReference returns the length of a step.
func elapsedReference(irregular bool, p map[string][]float64) float64 {
	if irregular {
		return p[stepLength][0]
	}
	return 1
}

// filter advances the two traces of one synapse by some steps, with input at the end of the last
// one, and returns its conductance.
func filter(kernel string, ts, tl, u, steps float64, p, q *float64) float64 {
	ds, dl := math.Exp(-steps/ts), math.Exp(-steps/tl)
	switch kernel {
	case "alpha":
		*p, *q = ds*(*p+steps**q), ds**q+u
		return *p
	case "dualexp":
		*p, *q = ds**p+u, dl**q+u
		return tl * ts / (tl - ts) * (*q - *p)
	}
	*p = ds**p + (1-math.Exp(-1/ts))*u
	*q = dl**q + (1-math.Exp(-1/tl))*u
	switch kernel {
	case "ema":
		return *p
	case "ema_diff":
		return *p - *q
	}
	return math.Max(0, *p-*q)
}

func (c *CRNNSimple) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	elapsed := elapsedReference(c.Irregular, p)
	for u := range h {
		xbar := filter(c.SynKernel, c.TauS, c.TauL, row(p["U"], u, x), elapsed, &s[h+u], &s[2*h+u])
		v := old[u]
		gate := logistic(p["w_m"][u]*v+p["b_m"][u]) * logistic(-p["w_n"][u]*v-p["b_n"][u])
		if c.Signs == "literal" {
			s[u] = v + elapsed*c.Dt*(-row(p["W"], u, old)+v*xbar+gate*v+p["b"][u])
		} else {
			s[u] = v + elapsed*c.Dt*(-row(p["W"], u, old)-v*xbar-gate*v+p["b"][u])
		}
	}
}

// neighbours lists, for unit u of h, its neighbours and the edges that lead to them.
func neighbours(graph string, u, h int) (units, edges []int) {
	add := func(a, b, e int) {
		if a == u {
			units, edges = append(units, b), append(edges, e)
		}
		if b == u {
			units, edges = append(units, a), append(edges, e)
		}
	}
	for i := 1; i < h; i++ {
		if graph == "ring" {
			add(i-1, i, i-1)
		}
		if graph == "tree" {
			add((i-1)/2, i, i-1)
		}
	}
	if graph == "ring" && h > 2 {
		add(h-1, 0, h-1)
	}
	return units, edges
}

func (c *CRNN) reference(p map[string][]float64, x, s []float64, _, h int) {
	old := append([]float64(nil), s[:h]...)
	elapsed := elapsedReference(c.Irregular, p)
	for u := range h {
		v := old[u]
		exc := filter(c.SynKernel, p["tau_s"][u], p["tau_l"][u], row(p["U_exc"], u, x), elapsed, &s[h+u], &s[2*h+u])
		inh := filter(c.SynKernel, p["tau_s"][u], p["tau_l"][u], row(p["U_inh"], u, x), elapsed, &s[3*h+u], &s[4*h+u])
		axialG, axialI := 0.0, 0.0
		units, edges := neighbours(c.Graph, u, h)
		for n, o := range units {
			axialG += p["g_axial"][edges[n]]
			axialI += p["g_axial"][edges[n]] * old[o]
		}
		var channel [2]float64
		for k := range channel {
			r := k*h + u
			channel[k] = p["gamma"][r] * logistic(p["w_m"][r]*v+p["b_m"][r]) * logistic(-p["w_n"][r]*v-p["b_n"][r])
		}
		e1, e2, eL, eE, eI := p["E_c"][u], p["E_c"][h+u], p["E_L"][u], p["E_exc"][u], p["E_inh"][u]
		gL, rate := p["g_L"][u], elapsed*c.Dt/p["C_m"][u]
		if c.Signs == "literal" {
			s[u] = v + rate*(-(gL+axialG)*v+gL*eL+axialI+
				exc*(v-eE)+inh*(v-eI)+channel[0]*(v-e1)+channel[1]*(v-e2))
			continue
		}
		g := gL + axialG + exc + inh + channel[0] + channel[1]
		i := gL*eL + axialI + exc*eE + inh*eI + channel[0]*e1 + channel[1]*e2
		switch c.Stepping {
		case "exp":
			s[u] = i/g + (v-i/g)*math.Exp(-rate*g)
		case "implicit":
			s[u] = (v + rate*i) / (1 + rate*g)
		case "euler":
			s[u] = v + rate*(i-g*v)
		}
	}
}

// timeConstantReference reads τ of unit u from whichever parameter there is.
func (c *Rate) timeConstantReference(p map[string][]float64, name string, u int) float64 {
	for key, tau := range map[string]func(v float64) float64{
		"tau_" + name: func(v float64) float64 { return v },
		"t_" + name:   func(v float64) float64 { return c.Dt + math.Log(1+math.Exp(v)) },
		"a_" + name:   func(v float64) float64 { return c.Dt / logistic(v) },
	} {
		if v := p[key]; len(v) == 1 {
			return tau(v[0])
		} else if len(v) > 0 {
			return tau(v[u])
		}
	}
	return math.NaN()
}

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
		*current += c.Dt / c.timeConstantReference(p, "s", u) * (drive - *current)
		*rate += c.Dt / c.timeConstantReference(p, "r", u) * (c.activationReference(*current) - *rate)
	}
}

// step moves V and r of unit u with drive u and leak z.
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

// reference returns what a network uses in place of a parameter.
func (w Wiring) reference(s kernels.Spec, stored []float64, h int) []float64 {
	excitatory := int(math.Round(w.EIRatio * float64(h)))
	used := append([]float64(nil), stored...)
	for k := range used {
		i, j := k/h%h, k%h
		switch {
		case s.Name == "readout.weight":
			if w.Dale && w.ReadoutFrom != "all" && excitatory > 0 && j >= excitatory {
				used[k] = 0
			}
			continue
		case s.Role != kernels.Rec:
			continue
		case w.Dale && w.DaleForm == "abs":
			used[k] = math.Abs(stored[k])
		case w.Dale && w.DaleForm == "relu":
			used[k] = math.Max(0, stored[k])
		}
		mask, _ := w.mask(h)
		if s.Leak && i == j {
			if w.Dale {
				used[k] = math.Abs(used[k])
			}
			continue
		}
		if w.Dale && w.DaleForm != "clamp" && j >= excitatory {
			used[k] = -used[k]
		}
		if s.Leak && w.Dale {
			used[k] = -used[k]
		}
		used[k] *= mask[i*h+j]
	}
	return used
}
