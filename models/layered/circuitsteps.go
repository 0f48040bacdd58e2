package layered

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
)

// area is the arrays of one layer: pyramidal cells, and for a hidden one its interneurons. A step reads rate and writes
// next.
type area struct {
	units, inter int
	cells, below group
	basal        int
	apical       int
	above        int // what the synapses from the layer above add up to
	dendrite     int // of interneurons
	err, wrong   int // what the synapses of pyramidal cells and of interneurons learn by
}

// group is the arrays of the somata of one kind of neuron. Rate is what their synapses have of them, next the rate at their
// potential. With spikes or delays there are also what they fire, what arrives of it, and what they fired before.
type group struct {
	u, ahead, rate, next     int
	fired, arriving, history int
}

// circuit writes a Circuit as a program.
type circuit struct {
	*builder
	c     *Circuit
	input int
	areas []area
	seed  uint64
	clock int // None where nothing is drawn or delayed
}

// program implements timed.
func (c *Circuit) program(width int, seed uint64) timed {
	b := &circuit{builder: newBuilder(&c.sized, width, c.cfg.Activation), c: c, seed: seed, clock: kernels.None}
	if c.cfg.TauW > 0 && !c.rule.TwoSweeps {
		b.low = c.cfg.DT / c.cfg.TauW
	}
	b.arrays()
	write := b.step
	if c.rule.TwoSweeps {
		write = b.sweep
	}
	write(false)
	b.p.Answer = b.done()
	write(true)
	b.p.Learn = b.done()
	last := b.areas[len(b.areas)-1]
	t := timed{program: &b.p, x: b.x, pull: b.pull, share: b.share, answer: last.cells.ahead, told: last.basal, factor: c.attenuation(len(b.areas) - 1), clock: b.clock, shown: kernels.None}
	t.train, t.eval = c.steps()
	t.quiet = c.cfg.steps(c.cfg.Onset)
	t.carry(b.input)
	if b.clock != kernels.None {
		t.carry(b.clock)
	}
	for l, a := range b.areas {
		b.carry(&t, a.cells)
		if l < len(b.areas)-1 {
			b.carry(&t, a.below)
			t.hidden = append(t.hidden, a.cells.rate)
		}
		for part := range 4 {
			if l < len(b.areas)-1 || part == 0 {
				t.changes = append(t.changes, c.row(l, part))
				t.carried = append(t.carried, carried{array: kernels.None, weight: c.row(l, part), name: named(l, [4]string{"weight", "down", "pi", "ip"}[part]+".change")})
			}
		}
	}
	return t
}

func (b *circuit) arrays() {
	b.input = b.kept("input", b.c.sizes[0])
	last := b.c.layers() - 1
	if b.c.cfg.drawn() {
		b.clock = b.kept("clock", 2)
	}
	for l := range b.c.layers() {
		n := b.c.sizes[l+1]
		a := area{units: n, cells: b.group(l, "", n),
			basal: b.array(named(l, "basal"), n), err: b.array(named(l, "err"), n)}
		if l < last {
			m := b.c.sizes[l+2]
			a.inter = m
			a.below = b.group(l, "inter.", m)
			a.above, a.apical, a.dendrite, a.wrong = b.array(named(l, "above"), n), b.array(named(l, "apical"), n), b.array(named(l, "dendrite"), m), b.array(named(l, "inter.err"), m)
		} else {
			b.p.Arrays[a.cells.ahead].Kept, b.p.Arrays[a.basal].Kept = true, true
		}
		b.areas = append(b.areas, a)
	}
}

// group adds the arrays of n somata of one kind of layer l.
func (b *circuit) group(l int, kind string, n int) group {
	s := group{u: b.kept(named(l, kind+"u"), n), ahead: b.array(named(l, kind+"ahead"), n), rate: b.rates(named(l, kind+"rate"), n), next: b.array(named(l, kind+"next"), n),
		history: kernels.None}
	if b.c.cfg.fires() {
		of := kernels.Spikes{Refractory: b.c.cfg.steps(b.c.cfg.Refractory), Delay: b.c.cfg.steps(b.c.cfg.Delay)}
		s.fired, s.arriving, s.history = b.array(named(l, kind+"fired"), n), b.array(named(l, kind+"arriving"), n), b.kept(named(l, kind+"history"), n*of.Slots())
		if b.c.cfg.Gamma == 0 {
			b.p.Arrays[s.history].Rest = b.rest
		}
	}
	return s
}

// carry lets the state of somata go on from one presentation to the next.
func (b *circuit) carry(t *timed, s group) {
	t.carry(s.u, s.rate)
	if s.history != kernels.None {
		t.carry(s.history)
	}
}

// fires reports whether synapses see something else than the rates of the step before.
func (m *Microcircuit) fires() bool {
	return m.Rule != "two-sweeps" && (m.Gamma > 0 || m.Delay > 0 || m.TauSyn > 0)
}

// drawn reports whether steps are counted.
func (m *Microcircuit) drawn() bool { return m.fires() || m.Rule != "two-sweeps" && m.Sigma > 0 }

// spikes says how somata fire or are jittered; what answers draw does not depend on the seed.
func (b *circuit) spikes(s group, taught bool) *kernels.Spikes {
	m := b.c.cfg
	key := random.New(0).Named("answers")
	if taught {
		key = random.New(b.seed).Named("presentations")
	}
	return &kernels.Spikes{Mean: m.Gamma / 1000 * m.DT, Size: m.Population, Refractory: m.steps(m.Refractory), Delay: m.steps(m.Delay), History: s.history,
		Clock: b.clock, Key: uint64(key.Stream(uint64(s.u)))}
}

// fire writes the rates at the potentials of somata, and lets them fire.
func (b *circuit) fire(s group, taught bool) {
	b.rate(s.next, s.ahead)
	if s.history != kernels.None {
		o := kernels.NewOp(kernels.Emit, s.arriving)
		o.From[0], o.Also, o.Spikes = s.next, s.fired, b.spikes(s, taught)
		b.add(o)
	}
}

// arrive lets synapses follow what arrives.
func (b *circuit) arrive(s group) {
	m, part := b.c.cfg, 1.0
	switch {
	case s.history == kernels.None:
		b.follow(s.rate, s.next, 1)
		return
	case m.TauSyn > 0:
		part = m.DT / m.TauSyn
	}
	b.follow(s.rate, s.arriving, part)
}

// seen returns what synapses see of the somata that they sit on.
func (b *circuit) seen(s group) int {
	if s.history != kernels.None && b.c.cfg.Gamma > 0 && b.c.cfg.Reads == "spikes" {
		return s.fired
	}
	return s.next
}

// from returns the rates that layer l reads from below.
func (b *circuit) from(l int) int {
	if l == 0 {
		return b.input
	}
	return b.areas[l-1].cells.rate
}

// over returns the rates that layer l reads from above.
func (b *circuit) over(l int) int {
	if b.c.rule.TwoSweeps {
		return b.areas[l+1].cells.next
	}
	return b.areas[l+1].cells.rate
}

// apex sums up what reaches apical dendrites: what comes from above, and what interneurons leave of it.
func (b *circuit) apex(l int) {
	a := b.areas[l]
	b.product(a.above, b.c.row(l, 1), b.over(l), kernels.None)
	b.product(a.apical, b.c.row(l, 2), a.below.rate, a.above)
}

// step moves a circuit by dt: dendrites, then somata, then synapses, then rates. All that goes from neuron to neuron are the
// rates of the step before. Taught outputs are pulled to their targets.
func (b *circuit) step(taught bool) {
	part, last := 1.0, len(b.areas)-1
	if tau := b.c.cfg.TauIn; tau > 0 {
		part = b.c.cfg.DT / tau
	}
	b.follow(b.input, b.x, part)
	for l, a := range b.areas {
		b.product(a.basal, b.c.row(l, 0), b.from(l), kernels.None)
		if l < last {
			b.apex(l)
			b.product(a.dendrite, b.c.row(l, 3), a.cells.rate, kernels.None)
		}
	}
	if !b.c.rule.LooksAhead { // interneurons read the potentials of the step before
		b.interneurons()
	}
	for l := range b.areas {
		b.pyramidal(l, taught)
	}
	if b.c.rule.LooksAhead {
		b.interneurons()
	}
	if b.c.cfg.Sigma > 0 {
		b.jitter(taught)
	}
	for l, a := range b.areas {
		b.fire(a.cells, taught)
		if l < last {
			b.fire(a.below, taught)
		}
	}
	b.learnAll(taught)
	for l, a := range b.areas {
		b.arrive(a.cells)
		if l < last {
			b.arrive(a.below)
		}
	}
	if b.clock != kernels.None {
		b.add(kernels.NewOp(kernels.Tick, b.clock))
	}
}

// jitter adds noise to all somata.
func (b *circuit) jitter(taught bool) {
	for l, a := range b.areas {
		for _, s := range []group{a.cells, a.below}[:min(2, len(b.areas)-l)] {
			o := kernels.NewOp(kernels.Jitter, s.u)
			o.Also, o.By[0], o.Spikes = s.ahead, b.c.cfg.Sigma*math.Sqrt(b.c.cfg.DT), b.spikes(s, taught)
			o.Spikes.Key++ // other numbers than those of the spikes
			b.add(o)
		}
	}
}

// pyramidal moves the somata of the pyramidal cells of layer l.
func (b *circuit) pyramidal(l int, taught bool) {
	g, a := b.c.cfg, b.areas[l]
	d := drive{u: a.cells.u, ahead: a.cells.ahead, total: b.c.total(l), dt: g.DT, looks: b.c.rule.LooksAhead, in: []term{{a.basal, g.GBasal}}}
	switch {
	case l < len(b.areas)-1:
		d.in = append(d.in, term{a.apical, g.GApical})
	case taught:
		d.in, d.total = append(d.in, term{b.pull, g.GSom}), d.total+g.GSom
	}
	b.soma(d)
}

// interneurons moves the somata of all interneurons.
func (b *circuit) interneurons() {
	g := b.c.cfg
	for l, a := range b.areas[:len(b.areas)-1] {
		above := b.areas[l+1].cells.u
		if b.c.rule.LooksAhead {
			above = b.areas[l+1].cells.ahead
		}
		b.soma(drive{u: a.below.u, ahead: a.below.ahead, total: g.GLeak + g.GDend + g.GSom, dt: g.DT, looks: b.c.rule.LooksAhead,
			in: []term{{a.dendrite, g.GDend}, {above, g.GSom}}})
	}
}

// sweep goes up the layers and down again, then changes the weights. In the end rate holds the rates of the sweep up and
// next those of the sweep down.
func (b *circuit) sweep(taught bool) {
	b.follow(b.input, b.x, 1)
	last := len(b.areas) - 1
	for l, a := range b.areas {
		b.product(a.basal, b.c.row(l, 0), b.from(l), kernels.None)
		b.rate(a.cells.rate, a.basal)
		if l < last {
			b.product(a.dendrite, b.c.row(l, 3), a.cells.rate, kernels.None)
		}
	}
	g, top := b.c.cfg, b.areas[last]
	in := []term{{top.basal, 1}}
	if taught {
		in = mixed(top.basal, b.pull, g.GSom/(g.GLeak+g.GBasal+g.GSom))
	}
	b.soma(at(top.cells, in))
	b.rate(top.cells.next, top.cells.ahead)
	for l := last - 1; l >= 0; l-- {
		a := b.areas[l]
		b.soma(at(a.below, mixed(a.dendrite, b.areas[l+1].cells.ahead, g.GSom/(g.GLeak+g.GDend+g.GSom))))
		b.rate(a.below.next, a.below.ahead)
		b.follow(a.below.rate, a.below.next, 1)
		b.apex(l)
		b.soma(at(a.cells, mixed(a.basal, a.apical, b.c.apical())))
		b.rate(a.cells.next, a.cells.ahead)
	}
	b.learnAll(taught)
}

// at puts somata where their inputs are.
func at(s group, in []term) drive {
	return drive{u: s.u, ahead: s.ahead, total: 1, dt: 1, looks: true, in: in}
}

// mixed is (1−part) a + part b.
func mixed(a, b int, part float64) []term { return []term{{a, 1 - part}, {b, part}} }

// learnAll changes all weights. A synapse reads the rate before it as its dendrite did, and the dendrite and the soma behind it.
func (b *circuit) learnAll(taught bool) {
	if !taught {
		return
	}
	g, rule := b.c.cfg, b.c.rule.Compare
	for l, a := range b.areas {
		mismatch := lesson{bias: kernels.None, by: rule.Mismatch, phi: b.phi}
		up := mismatch
		up.w, up.err, up.soma, up.dend, up.factor, up.before, up.rate = b.c.row(l, 0), a.err, b.seen(a.cells), a.basal, b.c.attenuation(l), b.from(l), rateOf(g.RateUp, l)
		b.learn(up)
		if l == len(b.areas)-1 {
			break
		}
		ip, down := mismatch, mismatch
		ip.w, ip.err, ip.soma, ip.dend, ip.factor, ip.before, ip.rate = b.c.row(l, 3), a.wrong, b.seen(a.below), a.dendrite, b.c.interAttenuation(), a.cells.rate, rateOf(g.RateIP, l)
		down.w, down.err, down.soma, down.dend, down.factor, down.before, down.rate = b.c.row(l, 1), a.err, b.seen(a.cells), a.above, 1, b.over(l), g.RateDown
		b.learn(ip)
		b.learn(down)
		b.learn(lesson{w: b.c.row(l, 2), bias: kernels.None, err: a.err, soma: kernels.None, dend: a.apical, by: [2]float64{0, rule.Silence}, factor: 1,
			before: a.below.rate, rate: g.RatePI})
	}
}
