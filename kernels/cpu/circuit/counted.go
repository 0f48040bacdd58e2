//go:build cgo

package circuit

// #include "circuit.h"
import "C"

import (
	"galvani/kernels"
	"galvani/kernels/pages"
	"galvani/kernels/wiring"
)

// mostBytes is the most that a byte counts.
const mostBytes = 255

// count finds the counted synapses: those that one projection alone acts on, with one weight and one delay.
func (e *engine) count(cfg *kernels.Circuit, w *wiring.Wiring) {
	e.counted = make([]C.struct_counted, len(w.Synapses))
	acting := make([]int, len(w.Synapses))
	for _, q := range w.Projections {
		acting[q.Synapse]++
	}
	bytes := 0
	for k := range e.counted {
		e.counted[k].at = -1
	}
	for i, q := range w.Projections {
		if acting[q.Synapse] != 1 || q.Counts < 0 || cfg.Projections[i].Drawn != nil {
			continue
		}
		s, c := w.Synapses[q.Synapse], &e.counted[q.Synapse]
		*c = C.struct_counted{at: C.longlong(bytes), how: C.longlong(e.hows), most: mostBytes, weight: C.float(w.Weights[q.Weight])}
		if q.Bits < 0 {
			c.most = C.longlong(mostBytes / mostAlike(cfg.Projections[i]))
		}
		bytes += int(s.Slots * w.Room(w.Populations[q.To]))
		e.hows += int(s.Slots)
	}
	e.hows = apartBytes(e.hows)
	e.bytes, e.how = pages.Make[uint8](bytes), make([]uint8, e.hows*len(e.workers))
	e.calm = make([]uint8, apartBytes(w.Words+2*len(w.Populations))*len(e.workers))
}

// apartBytes returns how many bytes a worker has where it needs n: a multiple of what lies between those of two.
func apartBytes(n int) int { return (n + 511) / 512 * 512 }

// mostAlike returns the most entries of one source and one target, at least 1.
func mostAlike(p kernels.Projection) int {
	most := 1
	for i := range p.Matrix.Rows {
		alike := 1
		for row, k := p.Matrix.Row(i), 1; k < len(row); k++ {
			if row[k] != row[k-1] {
				alike = 0
			}
			alike++
			most = max(most, alike)
		}
	}
	return most
}

// Pull implements wiring.Engine: the steps are done where the state is, but for what is due as bytes.
func (e *engine) Pull(p *wiring.Plan) error {
	for _, q := range p.Projections {
		c := e.counted[q.Synapse]
		if c.at < 0 {
			continue
		}
		s, to := p.Synapses[q.Synapse], p.Populations[q.To]
		for slot := range s.Slots {
			for worker := range e.workers {
				how := &e.how[worker*e.hows+int(c.how)+int(slot)]
				if *how == C.DUE_BYTES {
					lo, hi := p.Part(int(q.To), worker)
					at := slot*p.Room(to) + int64(64*p.Apart*worker)
					due, bytes := p.Vars[s.Ring+at:], e.bytes[int64(c.at)+at:]
					for u := 64 * lo; u < 64*hi; u++ {
						due[u] += float32(float32(bytes[u]) * float32(c.weight))
					}
				}
				if *how != C.DUE_NONE {
					*how = C.DUE_FLOATS
				}
			}
		}
	}
	return nil
}

// Near implements wiring.Engine.
func (e *engine) Near() bool { return true }

// Push implements wiring.Engine: any number may be due now.
func (e *engine) Push(*wiring.Plan) error {
	for i := range e.how {
		e.how[i] = C.DUE_FLOATS
	}
	return nil
}
