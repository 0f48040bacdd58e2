package layered

import "galvani/kernels"

// advance moves a circuit by one step of its rule.
func (r *Run[F]) advance(x []F, taught bool, rate float64) error {
	if r.c.rule.TwoSweeps {
		return r.sweep(x, taught, rate)
	}
	return r.step(x, taught, rate)
}

// step moves a circuit by dt: dendrites, then somata, then synapses, then rates. All that goes from neuron to neuron are the
// rates of the step before. Taught outputs are pulled to their targets; rate is the learning rate of the step, 0 for none.
func (r *Run[F]) step(x []F, taught bool, rate float64) error {
	r.follow(x)
	for l, a := range r.areas {
		if err := r.dendrites(l, a); err != nil {
			return err
		}
	}
	for l, a := range r.areas {
		r.pyramidal(l, a, taught)
	}
	for l, a := range r.areas[:len(r.areas)-1] {
		r.interneurons(a, &r.areas[l+1].cells)
	}
	if !r.c.rule.LooksAhead {
		for _, a := range r.areas { // interneurons have read the potentials of the step before
			copy(a.cells.u, a.cells.ahead)
			copy(a.inter.u, a.inter.ahead)
		}
	}
	for _, a := range r.areas {
		fire(&a.cells, r.phi)
		fire(&a.inter, r.phi)
	}
	if err := r.learnAll(rate); err != nil {
		return err
	}
	for _, a := range r.areas {
		a.cells.rate, a.cells.next = a.cells.next, a.cells.rate
		a.inter.rate, a.inter.next = a.inter.next, a.inter.rate
	}
	return nil
}

// follow moves the input towards x.
func (r *Run[F]) follow(x []F) {
	if r.c.cfg.TauIn == 0 {
		copy(r.input, x)
		return
	}
	part := F(r.c.cfg.DT / r.c.cfg.TauIn)
	for i, v := range x {
		r.input[i] += part * (v - r.input[i])
	}
}

// below returns the rates that layer l reads from below.
func (r *Run[F]) below(l int) []F {
	if l == 0 {
		return r.input
	}
	return r.areas[l-1].cells.rate
}

// above returns the rates that layer l reads from above.
func (r *Run[F]) above(l int) []F {
	if r.c.rule.TwoSweeps {
		return r.areas[l+1].cells.next
	}
	return r.areas[l+1].cells.rate
}

// dendrites sums up what the synapses of a layer receive.
func (r *Run[F]) dendrites(l int, a *area[F]) error {
	if err := a.up.forward(a.basal, r.below(l), false); err != nil || a.ip == nil {
		return err
	}
	if err := a.down.forward(a.above, r.above(l), false); err != nil {
		return err
	}
	copy(a.apical, a.above)
	if err := a.pi.forward(a.apical, a.inter.rate, true); err != nil {
		return err
	}
	return a.ip.forward(a.dendrite, a.cells.rate, false)
}

// pyramidal moves the somata of the pyramidal cells of layer l. For a rule that looks ahead, ahead becomes where they
// are heading, u + tau du/dt, otherwise where they are after the step.
func (r *Run[F]) pyramidal(l int, a *area[F], taught bool) {
	g := r.c.cfg
	total, second, from := r.c.total(l), F(g.GApical), a.apical
	if a.ip == nil {
		from = nil
		if taught {
			total, second, from = total+g.GSom, F(g.GSom), r.pull
		}
	}
	basal := F(g.GBasal)
	r.move(&a.cells, F(total), func(i int) F {
		sum := basal * a.basal[i]
		if from != nil {
			sum += second * from[i]
		}
		return sum
	})
}

// interneurons moves the somata of the interneurons below a layer.
func (r *Run[F]) interneurons(a *area[F], above *group[F]) {
	g := r.c.cfg
	dend, som, u := F(g.GDend), F(g.GSom), above.u
	if r.c.rule.LooksAhead {
		u = above.ahead
	}
	r.move(&a.inter, F(g.GLeak+g.GDend+g.GSom), func(i int) F { return dend*a.dendrite[i] + som*u[i] })
}

// move moves somata with the given sum of conductances. Input returns the sum of conductances times the potentials at
// their far ends.
func (r *Run[F]) move(s *group[F], total F, input func(i int) F) {
	dt := F(r.c.cfg.DT)
	if r.c.rule.LooksAhead {
		for i, u := range s.u {
			in := input(i)
			s.ahead[i] = in / total
			s.u[i] = u + dt*(in-total*u)
		}
		return
	}
	for i, u := range s.u {
		s.ahead[i] = u + dt*(input(i)-total*u)
	}
}

// fire writes the rates of the next step.
func fire[F kernels.Float](s *group[F], phi func(float64) float64) {
	if n := len(s.ahead); n < 2*leastPart {
		rates(s.next, s.ahead, phi)
		return
	}
	next, ahead := s.next, s.ahead
	inParts(len(ahead), func(lo, hi int) { rates(next[lo:hi], ahead[lo:hi], phi) })
}

func rates[F kernels.Float](r, u []F, phi func(float64) float64) {
	for i, v := range u {
		r[i] = F(phi(float64(v)))
	}
}

// learnAll changes all weights; rate is the learning rate of the step, 0 for none.
func (r *Run[F]) learnAll(rate float64) error {
	if rate == 0 {
		return nil
	}
	for l, a := range r.areas {
		if err := r.learn(l, a, rate); err != nil {
			return err
		}
	}
	return nil
}

// learn changes the weights of a layer. A synapse reads the rate before it as its dendrite did, and the dendrite and the
// soma behind it.
func (r *Run[F]) learn(l int, a *area[F], rate float64) error {
	g := r.c.cfg
	if err := r.predict(a.up, a, a.cells.next, a.basal, r.c.attenuation(l), r.below(l), rate*g.rateUp(l)); err != nil || a.ip == nil {
		return err
	}
	if err := r.predict(a.ip, a, a.inter.next, a.dendrite, r.c.interAttenuation(), a.cells.rate, rate*g.RateIP); err != nil {
		return err
	}
	if err := r.predict(a.down, a, a.cells.next, a.above, 1, r.above(l), rate*g.RateDown); err != nil || g.RatePI == 0 {
		return err
	}
	r.each(lesson[F]{err: a.err, dendrite: a.apical, silence: true})
	return r.change(a.pi, a, a.inter.rate, rate*g.RatePI)
}

// predict changes weights onto dendrites that, times a factor, predict the rates of their somata.
func (r *Run[F]) predict(p *product[F], a *area[F], rates, dendrite []F, factor float64, before []F, rate float64) error {
	if rate == 0 {
		return nil
	}
	r.each(lesson[F]{err: a.err, rates: rates, dendrite: dendrite, factor: factor})
	return r.change(p, a, before, rate)
}

// lesson is what the dendrites of one kind learn by: the rates of their neurons beside those that a factor times the
// dendrite's potential predicts, or the potential that is to be silenced.
type lesson[F kernels.Float] struct {
	err, rates, dendrite []F
	factor               float64
	silence              bool
}

// each writes the errors of the dendrites of all copies, times the part that each copy has in the changes.
func (r *Run[F]) each(s lesson[F]) {
	if n := len(s.dendrite); n < 2*leastPart {
		r.errors(s, 0, n)
		return
	}
	inParts(len(s.dendrite), func(lo, hi int) { r.errors(s, lo, hi) })
}

func (r *Run[F]) errors(s lesson[F], lo, hi int) {
	units, compare := len(s.dendrite)/r.width, r.c.rule.Compare
	for i := lo; i < hi; i++ {
		switch share := r.share[i/units]; {
		case share == 0:
			s.err[i] = 0
		case s.silence:
			s.err[i] = share * F(compare.Silence(float64(s.dendrite[i])))
		default:
			s.err[i] = share * F(compare.Mismatch(float64(s.rates[i]), r.phi(s.factor*float64(s.dendrite[i]))))
		}
	}
}

// change changes the weights of a projection by the errors of its dendrites.
func (r *Run[F]) change(p *product[F], a *area[F], before []F, rate float64) error {
	keep := F(0)
	if p.trace != nil {
		keep = F(r.c.cfg.DT / r.c.cfg.TauW)
	}
	return p.learn(a.err[:p.n*p.m], before, F(rate), keep)
}
