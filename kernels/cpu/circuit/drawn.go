//go:build cgo

package circuit

// #include "circuit.h"
import "C"

import "galvani/kernels"

// draw makes the tables of the projections whose entries are drawn again and again.
func (e *engine) draw(cfg *kernels.Circuit) {
	e.drawn = make([]C.struct_drawn, len(cfg.Projections))
	for i, p := range cfg.Projections {
		d := p.Drawn
		if d == nil {
			continue
		}
		_, jump := kernels.Decay(cfg.Step, cfg.Populations[p.To].Synapses[p.Synapse])
		c := C.struct_drawn{on: 1, out: -1, key: C.ulonglong(d.Key), jump: C.double(jump), step: C.double(cfg.Step),
			in: C.int(d.In), weight: e.spread(d.Weight), delay: e.spread(d.Delay), most: C.int(p.Delay[len(p.Delay)-1])}
		if d.Autapses || p.From != p.To {
			c.autapses = 1
		}
		if p.Counts() {
			c.counts = 1
		}
		if d.In > 0 {
			e.drawn[i] = c
			continue
		}
		if d.Out != nil {
			c.out = C.int(len(e.list))
			e.list = append(e.list, d.Out...)
		} else {
			threshold, guide := d.Gaps()
			c.guide, c.threshold, c.thresholds = C.int(len(e.list)), C.int(len(e.threshold)), C.int(len(threshold))
			e.list, e.threshold = append(e.list, guide...), append(e.threshold, threshold...)
		}
		e.drawn[i] = c
	}
}

// spread makes a distribution, and its table.
func (e *engine) spread(s kernels.Spread) C.struct_spread {
	c := C.struct_spread{a: C.double(s.A), b: C.double(s.B)}
	switch s.Form {
	case kernels.SpreadUniform:
		c.form = C.SPREAD_UNIFORM
	case kernels.SpreadNormal:
		c.form = C.SPREAD_NORMAL
	case kernels.SpreadLognormal:
		high, low := s.Powers()
		c.form, c.table = C.SPREAD_LOGNORMAL, C.int(len(e.power))
		e.power = append(append(e.power, high[:]...), low[:]...)
	}
	return c
}
