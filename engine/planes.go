package engine

import (
	"errors"

	"galvani/data"
	"galvani/engine/safetensors"
	"galvani/kernels"
)

// planes returns the planes of the state besides h at every step of a batch from rest, under their names.
// Scans keep h alone of all steps, so a graph of one step goes through the batch once more.
func (s *Session) planes(cfg GraphConfig, layers []kernels.Layer, b *data.Batch) (list []safetensors.Tensor, err error) {
	planes, behind := 0, false
	var shown []int
	for _, l := range layers {
		s, ok := l.(kernels.Stateful)
		if !ok {
			return nil, nil
		}
		shown = append(shown, s.Shown())
		planes, behind = planes+len(l.Planes()), behind || len(l.Planes()) > 1
	}
	if !behind || planes != len(cfg.Net.Rest()) {
		return nil, nil
	}
	cfg.T, cfg.Grad, cfg.Steps, cfg.Given = 1, false, false, true
	g, err := NewGraph(cfg, s.params)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	all, err := g.course(b, planes)
	if err != nil {
		return nil, err
	}
	at := 0
	for number, l := range layers {
		for k, p := range l.Planes() {
			if k != shown[number] {
				list = append(list, safetensors.Float32(g.named(number, "state."+p.Name), []int{b.T, b.B, len(all[at]) / (b.T * b.B)}, all[at]))
			}
			at++
		}
	}
	return list, nil
}

// course returns each plane [T,B,H] of the state after every step of a batch from rest. The graph has one step.
func (g *Graph[F]) course(b *data.Batch, planes int) ([][]F, error) {
	units := PlaneUnits(g.cfg.Net)
	all, state := make([][]F, planes), make([]F, len(g.state))
	for t := range b.T {
		if err := g.Load(oneStep(b, t)); err != nil {
			return nil, err
		}
		if err := g.Run(); err != nil {
			return nil, err
		}
		if err := g.Final(state); err != nil {
			return nil, err
		}
		at := 0
		for p := range all {
			size := b.B * units[p]
			all[p] = append(all[p], state[at:at+size]...)
			at += size
		}
		if err := g.CarryState(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// oneStep returns step t of a batch as a batch of its own, which shares the arrays. Where there is one target
// for a whole sequence, it is that of every step.
func oneStep(b *data.Batch, t int) *data.Batch {
	step := func(v []float32, each int) []float32 {
		if v == nil {
			return nil
		}
		return v[t*b.B*each : (t+1)*b.B*each]
	}
	one := *b
	one.T, one.X, one.Mask, one.Decisions = 1, step(b.X, b.I), step(b.Mask, 1), nil
	if b.Every {
		one.Label, one.Value, one.Weight = step(b.Label, 1), step(b.Value, b.O), step(b.Weight, 1)
	}
	return &one
}
