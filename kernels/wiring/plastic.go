package wiring

import (
	"fmt"
	"slices"

	"galvani/kernels"
)

// traceSlots is how many steps of a trace are kept: a worker may be a step ahead of one that still reads.
const traceSlots = 3

// addPlastic lays out what a plastic projection has besides; from is that of addProjection.
func (w *Wiring) addPlastic(projection int, p kernels.Projection, from []int32) {
	rule := p.Plasticity
	_, jump := kernels.Decay(w.cfg.Step, w.cfg.Populations[p.To].Synapses[p.Synapse])
	q := Plastic{Projection: int64(projection), Sign: float32(rule.Sign), Most: float32(min(rule.Most*jump, kernels.NoBound)),
		SourceDecay: float32(rule.Source.Decay(w.cfg.Step)), SourceJump: float32(rule.Source.Jump), SourceNearest: truth(rule.Source.Nearest),
		TargetDecay: float32(rule.Target.Decay(w.cfg.Step)), TargetJump: float32(rule.Target.Jump), TargetNearest: truth(rule.Target.Nearest),
		Pre: change(rule.Pre.Scaled(jump)), Post: change(rule.Post.Scaled(jump))}
	q.Weight = w.reserve(int64(p.Matrix.Len()))
	weights := w.Vars[q.Weight:][:p.Matrix.Len()]
	at := make([]int32, len(from)) // of an entry of the matrix among those by their source
	for k, e := range from {
		weights[k] = float32(p.Weight[int(e)%len(p.Weight)] * jump)
		at[e] = int32(k)
	}
	q.Row = int64(len(w.Ints))
	w.Ints = append(w.Ints, p.Matrix.Start...)
	q.Source = int64(len(w.Ints))
	w.Ints = append(w.Ints, p.Matrix.Col...)
	q.Entry = int64(len(w.Ints))
	w.Ints = append(w.Ints, at...)
	q.SourceTrace = w.reserve(traceSlots * w.Populations[p.From].padded())
	q.TargetTrace = w.reserve(traceSlots * w.Populations[p.To].padded())
	w.Plastic = append(w.Plastic, q)
}

func truth(x bool) int64 {
	if x {
		return 1
	}
	return 0
}

// change rounds the numbers of a change.
func change(c kernels.Change) [4]float32 {
	return [4]float32{float32(c.A), float32(c.B), float32(c.C), float32(c.D)}
}

// plasticState returns the state of plastic projection i.
func (p *Plan) plasticState(i int) kernels.PlasticState {
	q := p.Plastic[i]
	s := kernels.PlasticState{Projection: int(q.Projection)}
	weights, first := p.Vars[q.Weight:], p.first(i)
	s.Weights = make([]float32, p.own[q.Projection].Len())
	for e, k := range p.entries(i) {
		s.Weights[first+e] = weights[k]
	}
	source, target := p.traces(i)
	s.Source, s.Target = slices.Clone(source), slices.Clone(target)
	return s
}

// setPlasticState is the reverse of plasticState, of a state that checkPlastic takes.
func (p *Plan) setPlasticState(i int, s kernels.PlasticState) {
	weights, first := p.Vars[p.Plastic[i].Weight:], p.first(i)
	for e, k := range p.entries(i) {
		weights[k] = s.Weights[first+e]
	}
	source, target := p.traces(i)
	copy(source, s.Source)
	copy(target, s.Target)
}

// first returns how many entries of plastic projection i other ranks have before those of this one.
func (p *Plan) first(i int) int {
	if s := p.own[p.Plastic[i].Projection].Share; s != nil {
		return s.First(p.Rank)
	}
	return 0
}

// entries returns for each entry of the matrix of plastic projection i its number among those by their source.
func (p *Plan) entries(i int) []int32 {
	q := p.Plastic[i]
	return p.Ints[q.Entry:][:p.own[q.Projection].Matrix.Len()]
}

// traces returns those of plastic projection i before the spikes of the next step.
func (p *Plan) traces(i int) (source, target []float32) {
	q := p.Plastic[i]
	of := func(at, population int64) []float32 {
		r := p.Populations[population]
		return p.Vars[at+(p.Step+traceSlots-1)%traceSlots*r.padded():][:r.Units]
	}
	projection := p.Projections[q.Projection]
	return of(q.SourceTrace, projection.From), of(q.TargetTrace, projection.To)
}

// checkPlastic wants the states of the plastic projections.
func (p *Plan) checkPlastic(all []kernels.PlasticState) error {
	if len(all) != len(p.Plastic) {
		return stateError("it has the weights of %d plastic projections, want %d", len(all), len(p.Plastic))
	}
	for i, s := range all {
		q := p.Plastic[i]
		projection := p.Projections[q.Projection]
		if s.Projection != int(q.Projection) {
			return stateError("plastic projection %d is projection %d, want %d", i, s.Projection, q.Projection)
		}
		name := fmt.Sprintf("projection %d", s.Projection)
		for _, a := range []struct {
			what string
			have []float32
			want int
		}{
			{"what a spike adds", s.Weights, p.own[q.Projection].Len()},
			{"the trace of the sources", s.Source, int(p.Populations[projection.From].Units)},
			{"the trace of the targets", s.Target, int(p.Populations[projection.To].Units)},
		} {
			if err := wantNumbers(name, a.what, a.have, a.want); err != nil {
				return err
			}
		}
		for k, v := range s.Weights {
			if m := v * q.Sign; m < 0 || m > q.Most {
				return stateError("%s: number %d of what a spike adds is %g, want 0 to %g", name, k, v, q.Sign*q.Most)
			}
		}
	}
	return nil
}
