package wiring

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/neurons"
)

// State implements kernels.CircuitPlan.
func (p *Plan) State() (*kernels.CircuitState, error) {
	if err := p.engine.Pull(p); err != nil {
		return nil, err
	}
	s := &kernels.CircuitState{Step: p.Step}
	for i := range p.Populations {
		q := p.unitsOf(i)
		for _, s := range p.synapses(i) {
			var due []float32
			for _, a := range p.due(i, s) {
				due = append(due, a.numbers()...)
			}
			q.Due = append(q.Due, due)
		}
		s.Populations = append(s.Populations, q)
	}
	for i := range p.Plastic {
		s.Plastic = append(s.Plastic, p.plasticState(i))
	}
	return s, p.gather(func(rank int) [][]float32 { return p.stateParts(s, rank) })
}

// unitsOf returns the planes and the currents of population i.
func (p *Plan) unitsOf(i int) kernels.PopulationState {
	q := kernels.PopulationState{Name: p.cfg.Populations[i].Name}
	for _, a := range p.planes(i) {
		q.Planes = append(q.Planes, a.numbers())
	}
	for _, a := range p.currents(i) {
		q.Currents = append(q.Currents, a.numbers())
	}
	return q
}

// Look implements kernels.Looker, of one rank on a device whose memory is that of the host.
func (p *Plan) Look(i int) (kernels.PopulationState, bool) {
	if p.Ranks > 1 || !p.engine.Near() {
		return kernels.PopulationState{}, false
	}
	return p.unitsOf(i), true
}

// SetState implements kernels.CircuitPlan.
func (p *Plan) SetState(s *kernels.CircuitState) error {
	if s.Step < 0 || len(s.Populations) != len(p.Populations) {
		return stateError("it is of %d populations before step %d, want %d before step 0 or a later one", len(s.Populations), s.Step, len(p.Populations))
	}
	for i, q := range s.Populations {
		if err := p.checkState(i, q); err != nil {
			return err
		}
	}
	if err := p.checkPlastic(s.Plastic); err != nil {
		return err
	}
	if err := p.engine.Pull(p); err != nil {
		return err
	}
	p.Step = s.Step
	for i, q := range s.Plastic {
		p.setPlasticState(i, q)
	}
	for i, q := range s.Populations {
		for k, a := range p.planes(i) {
			a.set(q.Planes[k])
		}
		for k, a := range p.currents(i) {
			a.set(q.Currents[k])
		}
		for k, s := range p.synapses(i) {
			for d, a := range p.due(i, s) {
				a.set(q.Due[k][d*int(p.Populations[i].Units):])
			}
		}
	}
	return p.engine.Push(p)
}

func stateError(format string, args ...any) error {
	return fmt.Errorf("kernels: circuit: the state does not fit: "+format+": %w", append(args, kernels.ErrShape)...)
}

// checkState wants the state of population i.
func (p *Plan) checkState(i int, q kernels.PopulationState) error {
	cfg := p.cfg.Populations[i]
	if q.Name != cfg.Name {
		return stateError("population %d is %q, want %q", i, q.Name, cfg.Name)
	}
	synapses := p.synapses(i)
	if len(q.Currents) != len(synapses) || len(q.Due) != len(synapses) {
		return stateError("population %q has %d currents and %d arrays of what is due, want %d", q.Name, len(q.Currents), len(q.Due), len(synapses))
	}
	planes := p.planes(i)
	if len(q.Planes) != len(planes) {
		return stateError("population %q has %d planes, want %d", q.Name, len(q.Planes), len(planes))
	}
	name := fmt.Sprintf("population %q", q.Name)
	for k, a := range q.Planes {
		n, _ := neurons.Of(cfg.Header) // as there are planes
		if err := wantNumbers(name, n.Planes[k].Name, a, cfg.N); err != nil {
			return err
		}
	}
	for k, s := range synapses {
		if err := wantNumbers(name, fmt.Sprintf("current %d", k), q.Currents[k], cfg.N); err != nil {
			return err
		}
		if err := wantNumbers(name, fmt.Sprintf("what is due of synapse %d", k), q.Due[k], int(s.Slots)*cfg.N); err != nil {
			return err
		}
	}
	return nil
}

// wantNumbers wants n finite numbers of an array of a state.
func wantNumbers(of, what string, a []float32, n int) error {
	if len(a) != n {
		return stateError("%s: %s has %d numbers, want %d", of, what, len(a), n)
	}
	for u, v := range a {
		if v-v != 0 {
			return stateError("%s: number %d of %s is %g, want a finite one", of, u, what, v)
		}
	}
	return nil
}

// lane is an array of the units of a population, in which those of each worker of this rank lie together (Wiring.Room).
type lane struct {
	w          *Wiring
	population int
	at         int64
}

func (w *Wiring) lane(population int, at int64) lane { return lane{w, population, at} }

// each calls f for every range of units that lie one after the other, with their numbers.
func (a lane) each(f func(lo, hi int, numbers []float32)) {
	units := int(a.w.Populations[a.population].Units)
	if a.w.Apart == 0 {
		f(0, units, a.w.Vars[a.at:][:units])
		return
	}
	for k := range a.w.Workers {
		lo, hi := a.w.Part(a.population, k)
		if lo, hi = 64*lo, min(64*hi, units); lo < hi {
			f(lo, hi, a.w.Vars[int(a.at)+64*a.w.Apart*k:][lo:hi])
		}
	}
}

// numbers returns those of all units, of which those of other ranks mean nothing.
func (a lane) numbers() []float32 {
	all := make([]float32, a.w.Populations[a.population].Units)
	a.each(func(lo, hi int, numbers []float32) { copy(all[lo:hi], numbers) })
	return all
}

// set takes over the numbers of all units.
func (a lane) set(all []float32) {
	a.each(func(lo, hi int, numbers []float32) { copy(numbers, all[lo:hi]) })
}

// planes returns the planes of population i, none of sources.
func (p *Plan) planes(i int) (all []lane) {
	q := p.Populations[i]
	if q.Neuron < 0 {
		return nil
	}
	n, _ := neurons.Of(p.cfg.Populations[i].Header)
	for k := range n.Planes {
		all = append(all, p.lane(i, q.State+int64(k)*p.Room(q)))
	}
	return all
}

func (p *Plan) synapses(i int) []Synapse {
	q := p.Populations[i]
	return p.Synapses[q.Synapse : q.Synapse+q.Synapses]
}

// currents returns the currents of the synapses of population i.
func (p *Plan) currents(i int) (all []lane) {
	for _, s := range p.synapses(i) {
		all = append(all, p.lane(i, s.Current))
	}
	return all
}

// due returns what arrives at a synapse of population i in step Step, the one after it, and so on.
func (p *Plan) due(i int, s Synapse) (all []lane) {
	for d := range s.Slots {
		slot := (p.Step + d) % s.Slots
		all = append(all, p.lane(i, s.Ring+slot*p.Room(p.Populations[i])))
	}
	return all
}
