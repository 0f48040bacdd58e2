package neurons

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/compartments"
	"galvani/kernels/sparse"
)

// Compiled is a neuron as devices run it.
type Compiled struct {
	Neuron compartments.Neuron
	// Params are the parameters that Quantities of the neuron read. Values are their numbers.
	Params []kernels.Spec
	Values [][]float64
	Parts  [][]string // regions of the numbers of each parameter, nil of one that has none
	Units  []string   // of the numbers that parameters stand for
	Rest   []float64  // of each plane of state at the start
}

// Options say how a neuron is stepped and what of it is learned.
type Options struct {
	Dt       float64 // ms, 0 for that of the neuron
	Substeps int     // 0 for 1
	Second   bool
	Learn    []string // see Learnable
	// Relative has what is learned as factors of what it was: a parameter z stands for number·exp(z), so that
	// none changes its sign and all have one scale. Within, where it is above 1, is the largest factor, either way.
	Relative bool
	Within   float64
	// Eye is how many facets look on: each has a weight of its own to each compartment of each input that
	// has Facets, and there are no other inputs. The weight w_INPUT is [compartments, Eye]. Their events come with
	// the steps of the scan, and so the delay of an input is a whole number of them. 0 is for the
	// inputs as they are, one weight each, of which a Stimulus has the delays.
	Eye int
}

// Compile makes the tables of a neuron.
//
// Errors: a name in Learn that is none of Learnable, with the nearest; with Eye a delay that is no whole number of steps.
func (n *Neuron) Compile(o Options) (*Compiled, error) {
	c := compiler{n: n, o: o, out: &Compiled{}, learn: map[string]bool{}}
	for _, name := range o.Learn {
		if err := n.learns(name); err != nil {
			return nil, err
		}
		c.learn[name] = true
	}
	out := &c.out.Neuron
	out.Dt, out.Substeps, out.Second = o.Dt, max(1, o.Substeps), o.Second
	if out.Dt == 0 {
		out.Dt = n.Dt
	}
	out.Area = n.mesh.area
	var err error
	if out.Tree, err = sparse.NewTree(len(n.mesh.area), n.mesh.from, n.mesh.to); err != nil {
		return nil, fmt.Errorf("neurons: %s: %w", n.Name, err)
	}
	out.Base = [][]float64{}
	c.membrane()
	for _, ch := range n.Channels {
		c.channel(ch)
	}
	c.calcium()
	if c.synapses(); c.err != nil {
		return nil, fmt.Errorf("neurons: %s: %w", n.Name, c.err)
	}
	for _, r := range n.Records {
		out.Record = append(out.Record, int32(r.Unit))
	}
	c.out.Rest = c.rest()
	c.out.Rest = append(c.out.Rest, make([]float64, out.States()-len(c.out.Rest))...) // nothing is late
	params := make([]compartments.Param, len(c.out.Params))
	for i, s := range c.out.Params {
		params[i] = compartments.Param{Name: s.Name, Len: s.Len()}
	}
	if !o.Relative {
		out.Base = nil
	}
	columns := n.Columns()
	if o.Eye > 0 {
		columns = o.Eye
	}
	if err := out.Check(params, columns); err != nil {
		return nil, fmt.Errorf("neurons: %s: %w", n.Name, err)
	}
	return c.out, nil
}

// compiler makes the tables of one neuron.
type compiler struct {
	n     *Neuron
	o     Options
	out   *Compiled
	learn map[string]bool
	err   error
}

// rest returns what each plane of state starts from.
func (c *compiler) rest() []float64 {
	n := c.n
	rest := []float64{n.Start}
	for _, ch := range c.out.Neuron.Channels {
		for _, g := range ch.Gates {
			rest = append(rest, g.Start)
		}
	}
	if n.Calcium != nil {
		rest = append(rest, n.Calcium.Start)
	}
	return append(rest, make([]float64, 2*len(n.Receptors))...)
}

// param adds a parameter with an element for each value, and returns its number. Parts are the regions of
// the elements: where one alone is learned, as REGION.NAME, bounds hold the others where they are.
func (c *compiler) param(name, unit, doc string, bound kernels.Bound, values []float64, parts []int) int {
	s := kernels.Spec{Name: name, Letters: fmt.Sprint(len(values)), Shape: []int{len(values)}, Role: kernels.Named, Unit: unit, Doc: doc,
		Init: kernels.Init{Kind: kernels.PerPlane, Values: values}, Bound: bound, Learned: c.learn[name]}
	if !s.Learned {
		columns := make([]kernels.Bound, len(values))
		for i, part := range parts {
			columns[i] = bound
			if !c.learn[c.n.Regions[part].Name+"."+name] {
				columns[i] = kernels.Bound{Lo: values[i], Hi: values[i]}
			} else {
				s.Learned = true
			}
		}
		if s.Learned {
			s.Shape, s.Letters, s.Columns = []int{1, len(values)}, fmt.Sprintf("1 %d", len(values)), columns
		}
	}
	at := c.add(s, values)
	for _, part := range parts {
		c.out.Parts[at] = append(c.out.Parts[at], c.n.Regions[part].Name)
	}
	return at
}

// add adds a row of the table of parameters. What is learned as a factor of itself begins with 0.
func (c *compiler) add(s kernels.Spec, values []float64) int {
	out := &c.out.Neuron
	c.out.Units = append(c.out.Units, s.Unit)
	if c.o.Relative && s.Learned {
		out.Base, values = append(out.Base, values), make([]float64, len(values))
		bound := freely
		if c.o.Within > 1 {
			bound = kernels.Bound{Lo: -math.Log(c.o.Within), Hi: math.Log(c.o.Within)}
		}
		s.Unit, s.Doc, s.Bound, s.Init.Values = "1", s.Doc+", the logarithm of its ratio to what it was, in "+s.Unit, bound, values
		for i, b := range s.Columns {
			if s.Columns[i] = bound; b.Lo == b.Hi {
				s.Columns[i] = kernels.Bound{}
			}
		}
	} else {
		out.Base = append(out.Base, nil)
	}
	c.out.Params, c.out.Values, c.out.Parts = append(c.out.Params, s), append(c.out.Values, values), append(c.out.Parts, nil)
	return len(c.out.Params) - 1
}

// whole is a number that is a parameter where it is learned, and a constant elsewhere.
func (c *compiler) whole(name, unit, doc string, bound kernels.Bound, value float64) compartments.Quantity {
	if !c.learn[name] {
		return compartments.Fixed(value)
	}
	return compartments.Quantity{Param: c.param(name, unit, doc, bound, []float64{value}, nil)}
}

var (
	freely    = kernels.Free()
	upwards   = kernels.Bound{Lo: 0, Hi: math.Inf(1)}
	aboveTiny = kernels.Bound{Lo: 1e-3, Hi: math.Inf(1)}
)

// membrane adds what every compartment has, by region, and the edges.
func (c *compiler) membrane() {
	n, out := c.n, &c.out.Neuron
	index := make([]int32, len(n.kind))
	for u, k := range n.kind {
		index[u] = int32(k)
	}
	all := make([]int, len(n.Regions))
	by := func(name, unit, doc string, bound kernels.Bound, of func(Region) float64) compartments.Quantity {
		values := make([]float64, len(n.Regions))
		for i, r := range n.Regions {
			all[i], values[i] = i, of(r)
		}
		return compartments.Quantity{Param: c.param(name, unit, doc, bound, values, all), Index: index}
	}
	out.Capacity = by("cm", "µF/cm²", "capacity of the membrane of each region", aboveTiny, func(r Region) float64 { return r.Capacity })
	out.Leak = by("g_leak", "S/cm²", "leak of each region", upwards, func(r Region) float64 { return r.Leak })
	out.Rest = by("e_leak", "mV", "potential that the leak of each region pulls to", freely, func(r Region) float64 { return r.Rest })
	out.Axial = compartments.Fixed(0)
	if edges := len(n.mesh.Axial); edges > 0 {
		index := make([]int32, edges)
		for e := range index {
			index[e] = int32(e)
		}
		out.Axial = compartments.Quantity{Index: index,
			Param: c.param("axial", "µS", "conductance between neighbours, of each edge", upwards, n.mesh.Axial, nil)}
	}
}

// channel adds a channel: its density by region and its reversal potential as parameters, and the numbers
// of its gates where they are learned. Where its reversal potential is by region, each region gets a channel of the
// devices of its own, with the same parameters.
func (c *compiler) channel(ch Channel) {
	n := c.n
	out := compartments.Channel{Name: ch.Name, Calcium: ch.Calcium}
	element := map[int]int32{} // by region
	var values []float64
	var parts []int
	for i, r := range n.Regions {
		if g, ok := r.Densities[ch.Name]; ok {
			element[i], values, parts = int32(len(values)), append(values, g), append(parts, i)
		}
	}
	var index []int32
	for u := range n.mesh.owner {
		if e, ok := element[n.kind[u]]; ok {
			out.Units, index = append(out.Units, int32(u)), append(index, e)
		}
	}
	out.Density = compartments.Quantity{Index: index,
		Param: c.param("g_"+ch.Name, "S/cm²", "density of channel "+ch.Name+" in each region that has it", upwards, values, parts)}
	reversals, doc := []float64{ch.Reversal}, "reversal potential of channel "+ch.Name
	byRegion := n.ByRegion(ch.Name)
	if byRegion {
		reversals, doc = nil, doc+" in each region that has it"
		for _, i := range parts {
			reversals = append(reversals, n.Reversal(i, ch))
		}
	} else {
		parts = nil
	}
	out.Reversal = compartments.Quantity{Param: c.param("e_"+ch.Name, "mV", doc, freely, reversals, parts)}
	for _, g := range ch.Gates {
		gate := compartments.Gate{Name: g.Name, Power: g.Power, Kinetics: g.Kinetics, Forms: g.Forms, Speed: g.Speed(n.Temperature), Start: n.steady(g)}
		for i, name := range g.Kinetics.Numbers() {
			unit, lo, hi := g.bound(i)
			gate.Numbers = append(gate.Numbers, c.whole(ch.Name+"."+g.Name+"."+name, unit, "number "+name+" of gate "+g.Name+" of channel "+ch.Name,
				kernels.Bound{Lo: lo, Hi: hi}, g.Numbers[i]))
		}
		out.Gates = append(out.Gates, gate)
	}
	if !byRegion {
		c.out.Neuron.Channels = append(c.out.Neuron.Channels, out)
		return
	}
	for e, i := range parts {
		one := out
		one.Name += " of " + n.Regions[i].Name
		one.Units, one.Density.Index, one.Reversal.Index = nil, nil, []int32{int32(e)}
		for _, u := range out.Units {
			if n.kind[u] == i {
				one.Units, one.Density.Index = append(one.Units, u), append(one.Density.Index, int32(e))
			}
		}
		if len(one.Units) > 0 {
			c.out.Neuron.Channels = append(c.out.Neuron.Channels, one)
		}
	}
}

func (c *compiler) calcium() {
	p := c.n.Calcium
	if p == nil {
		return
	}
	c.out.Neuron.Calcium = &compartments.Calcium{Start: p.Start,
		Gain: c.whole("calcium.gain", "mM cm²/(mA ms)", "calcium that a current brings", upwards, p.Gain),
		Rest: c.whole("calcium.rest", "mM", "calcium at rest", upwards, p.Rest),
		Tau:  c.whole("calcium.tau", "ms", "time constant of the pool of calcium", aboveTiny, p.Tau)}
}

// synapses adds receptors and inputs.
func (c *compiler) synapses() {
	out := &c.out.Neuron
	for _, r := range c.n.Receptors {
		out.Receptors = append(out.Receptors, compartments.Receptor{Name: r.Name,
			Rise:     c.whole(r.Name+".rise", "ms", "rise time of receptor "+r.Name, aboveTiny, r.Rise),
			Decay:    c.whole(r.Name+".decay", "ms", "decay time of receptor "+r.Name, aboveTiny, r.Decay),
			Reversal: c.whole(r.Name+".reversal", "mV", "reversal potential of receptor "+r.Name, freely, r.Reversal)})
	}
	for _, in := range c.n.Inputs {
		if c.o.Eye > 0 {
			c.facets(in)
			continue
		}
		unit, bound := "nA", freely
		if in.Receptor >= 0 {
			unit, bound = "µS", upwards
		}
		weight := c.whole("w_"+in.Name, unit, "weight of input "+in.Name, bound, in.Weight)
		for _, u := range in.Units {
			out.Inputs = append(out.Inputs, compartments.Input{From: len(out.Inputs), Unit: u, Receptor: in.Receptor, Weight: weight})
		}
	}
}

// facets adds a weight from each facet of an eye to each compartment of an input. Together a facet has the
// weight of the input.
func (c *compiler) facets(in Input) {
	if in.Facets == nil {
		return
	}
	eye, many := c.o.Eye, len(in.Units)
	step := c.out.Neuron.Dt * float64(c.out.Neuron.Substeps)
	delay := math.Round(in.Delay / step)
	switch lower := math.Floor(in.Delay / step); {
	case math.Abs(delay*step-in.Delay) > 1e-9*step:
		c.err = fmt.Errorf("the delay of input %s is %g ms, which is no whole number of steps of %g ms; make it %g or %g ms", in.Name, in.Delay, step, lower*step, (lower+1)*step)
		return
	case delay > compartments.MostDelay:
		c.err = fmt.Errorf("the delay of input %s is %g ms, which is %g steps of %g ms, more than %d; make it shorter, or the steps longer", in.Name, in.Delay, delay, step, compartments.MostDelay)
		return
	}
	values := make([]float64, many*eye)
	for i := range values {
		values[i] = in.Weight / float64(many)
	}
	name := "w_" + in.Name
	p := c.add(kernels.Spec{Name: name, Letters: fmt.Sprintf("%d I", many), Shape: []int{many, eye}, Role: kernels.Named, Unit: "µS",
		Doc: "weights of input " + in.Name + " from each facet", Bound: upwards, Learned: c.learn[name],
		Init: kernels.Init{Kind: kernels.PerPlane, Values: values}}, values)
	for k := range values {
		c.out.Neuron.Inputs = append(c.out.Neuron.Inputs, compartments.Input{From: k % eye, Unit: in.Units[k/eye], Receptor: in.Receptor,
			Weight: compartments.Quantity{Param: p, Index: []int32{int32(k)}}, Delay: int(delay)})
	}
}
