package circuits

import (
	"slices"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Regenerate has the entries of all connections that can be so drawn again in each step rather than kept: those of a
// probability, of an in-degree, of a mean one and of all to all, with weights that stay. They are others than those that
// are kept, of the same distribution: drawn by source rather than by target. Of an in-degree kernels.Drawn says what is
// independent. It reports whether there is one.
func (b *Blueprint) Regenerate() (some bool) {
	for i, q := range b.Connections {
		switch {
		case !slices.Contains([]Rule{Probability, InDegree, MeanInDegree, AllToAll}, q.Rule), q.Plasticity != nil, b.Rates():
		default:
			_, weight := spreads[q.Weight.Form]
			_, delay := spreads[q.Delay.Form]
			b.Connections[i].Regenerated = weight && delay
		}
		some = some || b.Connections[i].Regenerated
	}
	return some
}

// spreads are the forms that can be drawn again and again.
var spreads = map[Form]kernels.SpreadForm{Same: kernels.SpreadSame, Uniform: kernels.SpreadUniform, Normal: kernels.SpreadNormal, Lognormal: kernels.SpreadLognormal}

func (s Spread) drawn() kernels.Spread { return kernels.Spread{Form: spreads[s.Form], A: s.A, B: s.B} }

// regenerated makes the projection of a connection whose entries are drawn again in each step.
func (b *Blueprint) regenerated(q Connection, key random.Stream) kernels.Projection {
	from, to := b.Populations[q.From].N, b.Populations[q.To].N
	d := &kernels.Drawn{P: q.P, Autapses: q.Autapses, Weight: q.Weight.drawn(), Delay: q.Delay.drawn(), Key: key.Named(q.stream), Expected: b.Expected(q)}
	switch q.Rule {
	case AllToAll:
		d.P = 1
	case InDegree:
		d.In = q.Degree
	case MeanInDegree:
		d.Out = make([]int32, from)
		sources := d.Key.Named("sources")
		for e := range q.Entries {
			d.Out[sources.Below(uint64(e), uint32(from))]++
		}
	}
	p := kernels.Projection{From: q.From, To: q.To, Synapse: q.Synapse, Matrix: &sparse.Matrix{Rows: to, Cols: from, Start: make([]int32, to+1)},
		Delay: []uint16{uint16(b.steps(d.Delay.Least()))}, Drawn: d}
	if q.Weight.Form == Same {
		p.Weight = []float64{q.Weight.A}
	}
	if q.Delay.Form != Same {
		p.Delay = append(p.Delay, uint16(b.steps(d.Delay.Most())))
	}
	return p
}
