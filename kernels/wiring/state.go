package wiring

import (
	"fmt"
	"slices"

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
		q := kernels.PopulationState{Name: p.cfg.Populations[i].Name}
		for _, a := range p.planes(i) {
			q.Planes = append(q.Planes, slices.Clone(a))
		}
		for _, a := range p.currents(i) {
			q.Currents = append(q.Currents, slices.Clone(a))
		}
		for _, ring := range p.rings(i) {
			var due []float32
			for _, a := range p.due(ring) {
				due = append(due, a...)
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
			copy(a, q.Planes[k])
		}
		for k, a := range p.currents(i) {
			copy(a, q.Currents[k])
		}
		for k, ring := range p.rings(i) {
			for d, a := range p.due(ring) {
				copy(a, q.Due[k][d*len(a):])
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
	rings := p.rings(i)
	if len(q.Currents) != len(rings) || len(q.Due) != len(rings) {
		return stateError("population %q has %d currents and %d arrays of what is due, want %d", q.Name, len(q.Currents), len(q.Due), len(rings))
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
	for k, ring := range rings {
		if err := wantNumbers(name, fmt.Sprintf("current %d", k), q.Currents[k], cfg.N); err != nil {
			return err
		}
		if err := wantNumbers(name, fmt.Sprintf("what is due of synapse %d", k), q.Due[k], int(ring.slots)*cfg.N); err != nil {
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

// planes returns the planes of population i, none of sources.
func (p *Plan) planes(i int) (all [][]float32) {
	q := p.Populations[i]
	if q.Neuron < 0 {
		return nil
	}
	n, _ := neurons.Of(p.cfg.Populations[i].Header)
	for k := range n.Planes {
		all = append(all, p.Vars[q.State+int64(k)*q.padded():][:q.Units])
	}
	return all
}

func (p *Plan) synapses(i int) []Synapse {
	q := p.Populations[i]
	return p.Synapses[q.Synapse : q.Synapse+q.Synapses]
}

// currents returns the currents of the synapses of population i.
func (p *Plan) currents(i int) (all [][]float32) {
	for _, s := range p.synapses(i) {
		all = append(all, p.Vars[s.Current:][:p.Populations[i].Units])
	}
	return all
}

// ring is what is under way to a synapse.
type ring struct{ at, slots, padded, units int64 }

func (p *Plan) rings(i int) (all []ring) {
	q := p.Populations[i]
	for _, s := range p.synapses(i) {
		all = append(all, ring{s.Ring, s.Slots, q.padded(), q.Units})
	}
	return all
}

// due returns what arrives of a ring in step Step, the one after it, and so on.
func (p *Plan) due(r ring) (all [][]float32) {
	for d := range r.slots {
		slot := (p.Step + d) % r.slots
		all = append(all, p.Vars[r.at+slot*r.padded:][:r.units])
	}
	return all
}
