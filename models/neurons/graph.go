package neurons

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels/compartments"
	"galvani/models"

	"gorgonia.org/gorgonia"
)

// graph writes steps of a compiled neuron as a Gorgonia graph: the specification that devices are held to.
// Planes are [B,U] with a column for each unit; columns are [B,1].
type graph struct {
	*models.Ops
	c      *Compiled
	params []*gorgonia.Node // in the order of Compiled.Params, each [n]
	made   map[string]*gorgonia.Node
}

// Steps adds len(x) steps of the scan to a graph, with x [B,I] of each, from the planes of state [B,U]. It
// returns h [B,H] after each step and the planes at the end. Ops are for planes [B,U].
//
// Errors: those of the graph, by Ops.Err.
func (c *Compiled) Steps(k *models.Ops, params, x, state []*gorgonia.Node) (h, final []*gorgonia.Node) {
	g := c.graph(k, params)
	for _, in := range x {
		state = g.steps(in, state)
		h = append(h, g.record(state))
	}
	return h, state
}

// graph returns what writes steps to a graph.
func (c *Compiled) graph(k *models.Ops, params []*gorgonia.Node) *graph {
	return &graph{Ops: k, c: c, params: params, made: map[string]*gorgonia.Node{}}
}

// record returns what h shows of a state, [B,H].
func (g *graph) record(state []*gorgonia.Node) (h *gorgonia.Node) {
	record := g.c.Neuron.Record
	if record == nil {
		return state[0]
	}
	for plane, s := range state {
		if !slices.ContainsFunc(record, func(r int32) bool { return int(r)/g.H == plane }) {
			continue
		}
		places := g.matrix(fmt.Sprintf("record %d", plane), g.H, len(record), func(at func(i, j int)) {
			for j, r := range record {
				if int(r)/g.H == plane {
					at(int(r)%g.H, j)
				}
			}
		})
		if part := g.MatMul(s, places); h == nil {
			h = part
		} else {
			h = g.Add(h, part)
		}
	}
	return h
}

// steps is a step of the scan.
func (g *graph) steps(x *gorgonia.Node, state []*gorgonia.Node) []*gorgonia.Node {
	for s := range g.c.Neuron.Substeps {
		state = g.step(x, state, s == 0)
	}
	return state
}

// once makes a node the first time that it is asked for.
func (g *graph) once(key string, make func() *gorgonia.Node) *gorgonia.Node {
	if g.made[key] == nil {
		g.made[key] = make()
	}
	return g.made[key]
}

// matrix returns a constant [r,c] of zeros with ones where set says.
func (g *graph) matrix(name string, r, c int, set func(at func(i, j int))) *gorgonia.Node {
	return g.once(name, func() *gorgonia.Node {
		v := make([]float64, r*c)
		set(func(i, j int) { v[i*c+j] = 1 })
		return g.Matrix(name, r, c, v)
	})
}

// fixed returns a constant plane, the same for all sequences.
func (g *graph) fixed(name string, of func(unit int) float64) *gorgonia.Node {
	return g.once(name, func() *gorgonia.Node {
		v := make([]float64, g.B*g.H)
		for i := range v {
			v[i] = of(i % g.H)
		}
		return g.Matrix(name, g.B, g.H, v)
	})
}

// quantity returns the plane that a quantity makes: at each of some units, by their place in the list, and
// 0 elsewhere.
func (g *graph) quantity(name string, q compartments.Quantity, units []int32) *gorgonia.Node {
	if q.Param < 0 {
		return g.fixed(name, func(unit int) float64 {
			for _, u := range units {
				if int(u) == unit {
					return q.Value
				}
			}
			return 0
		})
	}
	return g.once(name, func() *gorgonia.Node {
		n := len(g.c.Values[q.Param])
		return g.MatMul(g.Row(g.numbers(q.Param), g.B), g.matrix(name+" places", n, g.H, func(at func(i, j int)) {
			for place, u := range units {
				at(q.Element(place), int(u))
			}
		}))
	})
}

// numbers returns those of a parameter as a row [1,n].
func (g *graph) numbers(param int) *gorgonia.Node {
	return g.once(fmt.Sprintf("numbers %d", param), func() *gorgonia.Node {
		n := len(g.c.Values[param])
		row := g.Field(g.params[param], 0, 1, n)
		if all := g.c.Neuron.Base; param < len(all) && all[param] != nil {
			row = g.Mul(g.Exp(row), g.Matrix(fmt.Sprintf("base %d", param), 1, n, all[param]))
		}
		return row
	})
}

// every are all units.
func (g *graph) every() []int32 {
	all := make([]int32, g.H)
	for u := range all {
		all[u] = int32(u)
	}
	return all
}

// whole returns the plane of a quantity of a channel, a pool or a receptor, the same at every unit.
func (g *graph) whole(name string, q compartments.Quantity) *gorgonia.Node {
	if q.Index != nil {
		q.Index = slices.Repeat(q.Index[:1], g.H)
	}
	return g.quantity(name, q, g.every())
}

// unit returns the column of a unit of a plane.
func (g *graph) unit(plane *gorgonia.Node, u int) *gorgonia.Node {
	return g.MatMul(plane, g.matrix(fmt.Sprintf("column %d", u), g.H, 1, func(at func(i, j int)) { at(u, 0) }))
}

// step is a step of Neuron.Dt, from state s with input x [B,I].
func (g *graph) step(x *gorgonia.Node, s []*gorgonia.Node, first bool) []*gorgonia.Node {
	n := &g.c.Neuron
	v, next, all := s[0], append([]*gorgonia.Node(nil), s...), g.every()
	twice := 1.0
	if n.Second {
		twice = 2
	}
	capacity := g.Mul(g.quantity("capacity", n.Capacity, all), g.fixed("area / dt", func(u int) float64 { return twice * n.Area[u] * 1e-5 / n.Dt }))
	leak := g.Mul(g.quantity("leak", n.Leak, all), g.fixed("area", func(u int) float64 { return n.Area[u] * 1e-2 }))
	side := g.Add(g.Mul(capacity, v), g.Mul(leak, g.quantity("rest", n.Rest, all)))
	leak = g.Add(leak, capacity)
	plane, calcium := 1, 1+n.Gates()
	var open, pull *gorgonia.Node // of channels of calcium: g and g E
	for _, c := range n.Channels {
		mask := g.fixed(c.Name+" units", func(unit int) float64 {
			for _, u := range c.Units {
				if int(u) == unit {
					return 1
				}
			}
			return 0
		})
		y := g.Mul(g.quantity(c.Name+" density", c.Density, c.Units), g.fixed("area", nil))
		for _, gate := range c.Gates {
			by := v
			if gate.Kinetics == compartments.ByCalcium {
				by = s[calcium]
			}
			if gate.Held > 0 {
				still := g.Hold(by)
				by = g.Add(still, g.Scale(g.Sub(by, still), 1-gate.Held))
			}
			inf, rate := g.course(c.Name+"."+gate.Name, gate, by)
			left := g.Exp(g.Scale(rate, -n.Dt*gate.Speed))
			new := g.Add(inf, g.Mul(g.Sub(s[plane], inf), left))
			next[plane] = g.Choose(mask, new, s[plane])
			for range gate.Power {
				y = g.Mul(y, next[plane])
			}
			plane++
		}
		e := g.Mul(y, g.whole(c.Name+" reversal", c.Reversal))
		leak, side = g.Add(leak, y), g.Add(side, e)
		if c.Calcium && open == nil {
			open, pull = y, e
		} else if c.Calcium {
			open, pull = g.Add(open, y), g.Add(pull, e)
		}
	}
	if n.Calcium != nil {
		plane++
	}
	for r, q := range n.Receptors {
		y := g.receptor(r, q, x, s, next, plane, first)
		leak, side = g.Add(leak, y), g.Add(side, g.Mul(y, g.whole(q.Name+" reversal", q.Reversal)))
		plane += 2 + n.Delays(r)
	}
	side = g.Add(side, g.arrive(x, -1, 0))
	solved := g.solve(leak, side)
	if p := n.Calcium; p != nil {
		rest, tau := g.whole("calcium rest", p.Rest), g.whole("calcium tau", p.Tau)
		left := g.Exp(g.Div(g.Const(-n.Dt), tau))
		next[calcium] = g.Add(rest, g.Mul(g.Sub(s[calcium], rest), left))
		if open != nil {
			current := g.Mul(g.Sub(g.Mul(open, solved), pull), g.fixed("1 / area", func(u int) float64 {
				if n.Area[u] == 0 {
					return 0
				}
				return 1 / (n.Area[u] * 1e-2)
			}))
			next[calcium] = g.Sub(next[calcium], g.Mul(g.Mul(g.Mul(g.whole("calcium gain", p.Gain), tau), g.OneMinus(left)), current))
		}
	}
	if next[0] = solved; n.Second {
		next[0] = g.Sub(g.Scale(solved, 2), v)
	}
	return next
}

// course returns what a gate goes to, and 1/τ.
func (g *graph) course(name string, gate compartments.Gate, v *gorgonia.Node) (inf, rate *gorgonia.Node) {
	q := make([]*gorgonia.Node, len(gate.Numbers))
	for i, n := range gate.Numbers {
		q[i] = g.whole(name+"."+gate.Kinetics.Numbers()[i], n)
	}
	u := func(half, slope int) *gorgonia.Node { return g.Div(g.Sub(v, q[half]), q[slope]) }
	switch gate.Kinetics {
	case compartments.Rates:
		a, b := g.Mul(q[0], g.form(gate.Forms[0], u(1, 2))), g.Mul(q[3], g.form(gate.Forms[1], u(4, 5)))
		rate = g.Add(a, b)
		return g.Div(a, rate), rate
	case compartments.ByCalcium:
		return g.Div(g.Relu(g.Sub(v, q[0])), g.Add(v, q[1])), g.Div(g.Const(1), q[2])
	}
	inf = g.Sigmoid(u(0, 1))
	tau := q[2]
	switch gate.Kinetics {
	case compartments.SteadySigmoid:
		tau = g.Add(tau, g.Mul(q[3], g.Sigmoid(u(4, 5))))
	case compartments.SteadyProduct:
		tau = g.Add(tau, g.Mul(g.Mul(q[3], inf), g.Sigmoid(u(4, 5))))
	case compartments.SteadyBell:
		tau = g.Add(tau, g.Div(q[3], g.Add(g.Exp(u(4, 5)), g.Exp(u(6, 7)))))
	}
	return inf, g.Div(g.Const(1), tau)
}

// form returns f(u); u/(1 − exp(−u)) must not be asked for at u = 0, where its graph has no slope.
func (g *graph) form(f compartments.Form, u *gorgonia.Node) *gorgonia.Node {
	switch f {
	case compartments.Exponential:
		return g.Exp(u)
	case compartments.Sigmoid:
		return g.Sigmoid(u)
	}
	return g.Div(u, g.OneMinus(g.Exp(g.Neg(u))))
}

// arrive returns the plane of what inputs of one delay bring to a receptor, or as currents for -1. Inputs of one weight
// are one product, and so are those whose weights are elements of one parameter.
func (g *graph) arrive(x *gorgonia.Node, receptor, delay int) *gorgonia.Node {
	sum := g.fixed("nothing", func(int) float64 { return 0 })
	all := g.c.Neuron.Inputs
	done := make([]bool, len(all))
	for i, in := range all {
		if done[i] || max(-1, in.Receptor) != receptor || in.Delay != delay {
			continue
		}
		var alike []compartments.Input
		for k := i; k < len(all); k++ {
			if w := all[k].Weight; all[k].Receptor == in.Receptor && all[k].Delay == delay && w.Param == in.Weight.Param && w.Value == in.Weight.Value {
				alike, done[k] = append(alike, all[k]), true
			}
		}
		if in.Weight.Index != nil {
			sum = g.Add(sum, g.arriveEach(fmt.Sprintf("input %d", i), x, alike))
			continue
		}
		from := g.matrix(fmt.Sprintf("input %d", i), x.Shape()[1], g.H, func(at func(i, j int)) {
			for _, one := range alike {
				at(one.From, one.Unit)
			}
		})
		sum = g.Add(sum, g.Mul(g.MatMul(x, from), g.whole(fmt.Sprintf("weight %d", i), in.Weight)))
	}
	return sum
}

// arriveEach returns what inputs bring whose weights are elements of one parameter.
func (g *graph) arriveEach(name string, x *gorgonia.Node, all []compartments.Input) *gorgonia.Node {
	param := all[0].Weight.Param
	n, element := len(g.c.Values[param]), func(in compartments.Input) int { return int(in.Weight.Index[0]) }
	from := g.matrix(name+" from", x.Shape()[1], n, func(at func(i, j int)) {
		for _, in := range all {
			at(in.From, element(in))
		}
	})
	to := g.matrix(name+" to", n, g.H, func(at func(i, j int)) {
		for _, in := range all {
			at(element(in), in.Unit)
		}
	})
	return g.MatMul(g.Mul(g.MatMul(x, from), g.Row(g.numbers(param), g.B)), to)
}

// receptor steps the traces of a receptor, of which plane is the first, and returns its conductance.
func (g *graph) receptor(r int, q compartments.Receptor, x *gorgonia.Node, s, next []*gorgonia.Node, plane int, first bool) *gorgonia.Node {
	n := &g.c.Neuron
	mask := g.fixed(q.Name+" units", func(unit int) float64 {
		for _, in := range n.Inputs {
			if in.Receptor == r && in.Unit == unit {
				return 1
			}
		}
		return 0
	})
	decay := g.whole(q.Name+" decay", q.Decay)
	trace := g.Mul(s[plane], g.Exp(g.Div(g.Const(-n.Dt), decay)))
	if delays := n.Delays(r); first {
		if delays > 0 {
			trace = g.Add(trace, s[plane+2])
		}
		trace = g.Add(trace, g.arrive(x, r, 0))
		for d := 1; d <= delays; d++ {
			late := g.arrive(x, r, d)
			if d < delays {
				late = g.Add(late, s[plane+2+d])
			}
			next[plane+1+d] = g.Choose(mask, late, s[plane+1+d])
		}
	}
	next[plane] = g.Choose(mask, trace, s[plane])
	if q.Rise.Param < 0 && q.Rise.Value == 0 {
		return g.Mul(mask, trace)
	}
	rise := g.whole(q.Name+" rise", q.Rise)
	if q.Rise.Param < 0 && q.Decay.Param < 0 && q.Rise.Value == q.Decay.Value { // t·exp(−t/rise), whose peak is rise/e
		fade := g.Exp(g.Div(g.Const(-n.Dt), rise))
		y := g.Mul(g.Add(s[plane+1], g.Mul(g.Const(n.Dt), s[plane])), fade)
		next[plane+1] = g.Choose(mask, y, s[plane+1])
		return g.Mul(mask, g.Div(g.Mul(y, g.Const(math.E)), rise))
	}
	slower := g.Sub(g.Div(g.Const(1), rise), g.Div(g.Const(1), decay))
	after := func(t *gorgonia.Node) *gorgonia.Node { // y at t of x = 1 at 0; rise and decay differ
		return g.Div(g.Sub(g.Exp(g.Neg(g.Div(t, decay))), g.Exp(g.Neg(g.Div(t, rise)))), slower)
	}
	y := g.Add(g.Mul(s[plane+1], g.Exp(g.Div(g.Const(-n.Dt), rise))), g.Mul(s[plane], after(g.Const(n.Dt))))
	next[plane+1] = g.Choose(mask, y, s[plane+1])
	return g.Mul(mask, g.Div(y, after(g.Div(g.Log(g.Div(decay, rise)), slower))))
}

// solve solves the tree by elimination towards the roots and back. With leaks and couplings that are not
// negative nothing is subtracted.
func (g *graph) solve(leak, side *gorgonia.Node) *gorgonia.Node {
	n := &g.c.Neuron
	l, b := make([]*gorgonia.Node, g.H), make([]*gorgonia.Node, g.H)
	axial := make([]*gorgonia.Node, g.H)
	for k, u := range n.Tree.Unit {
		l[k], b[k] = g.unit(leak, int(u)), g.unit(side, int(u))
		if e := n.Tree.Edge[k]; e >= 0 {
			q := n.Axial
			if q.Index != nil {
				q.Index = []int32{q.Index[e]}
			}
			axial[k] = g.once(fmt.Sprintf("axial column %d", k), func() *gorgonia.Node {
				return g.unit(g.quantity(fmt.Sprintf("axial %d", k), q, []int32{u}), int(u))
			})
		}
	}
	for k := g.H - 1; k >= 0; k-- {
		if p := n.Tree.Parent[k]; p >= 0 {
			share := g.Div(axial[k], g.Add(axial[k], l[k]))
			b[p] = g.Add(b[p], g.Mul(share, b[k]))
			l[p] = g.Add(l[p], g.Mul(share, l[k]))
		}
	}
	var v *gorgonia.Node
	for k, u := range n.Tree.Unit {
		if p := n.Tree.Parent[k]; p >= 0 {
			b[k] = g.Div(g.Add(b[k], g.Mul(axial[k], b[p])), g.Add(axial[k], l[k]))
		} else {
			b[k] = g.Div(b[k], l[k])
		}
		column := g.MatMul(b[k], g.matrix(fmt.Sprintf("row %d", u), 1, g.H, func(at func(i, j int)) { at(0, int(u)) }))
		if v == nil {
			v = column
		} else {
			v = g.Add(v, column)
		}
	}
	return v
}
