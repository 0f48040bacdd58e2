package wiring

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// setSources makes the spikes of the sources in the next n steps.
func (p *Plan) setSources(n int) {
	for i, q := range p.Populations {
		if q.Neuron >= 0 {
			continue
		}
		for k := range n {
			clear(p.Spikes[k*p.Words+int(q.First):][:q.Words])
		}
		rate := p.cfg.Populations[i].Params[0]
		s := poisson{stream: random.New(p.cfg.Seed).Named(p.cfg.Populations[i].Name), fail: math.Log1p(-rate * p.cfg.Step / 1000)}
		s.none = 1 - math.Exp(kernels.SourceBlock*s.fail) + 1e-6
		for u := range int(q.Units) {
			s.spikes(u, p.Step, int64(n), func(step int64) {
				p.Spikes[int(step-p.Step)*p.Words+int(q.First)+u/64] |= 1 << (u % 64)
			})
		}
	}
}

// poisson makes the spikes of a population of Poisson sources.
type poisson struct {
	stream random.Stream
	fail   float64 // logarithm of the probability of no spike in a step
	none   float64 // from which number on a first gap is longer than a block, whatever the rounding
}

// spikes calls f for each spike of unit u in n steps from first on, in their order.
func (s poisson) spikes(u int, first, n int64, f func(step int64)) {
	unit, last := s.stream.Stream(uint64(u)), first+n
	for b := first / kernels.SourceBlock; b*kernels.SourceBlock < last; b++ {
		block, at := unit.Stream(uint64(b)), b*kernels.SourceBlock
		end := min(at+kernels.SourceBlock, last)
		for k := uint64(0); ; k++ {
			x := block.Uniform(k)
			if x >= s.none {
				break
			}
			if at += int64(sparse.Gap(x, s.fail, kernels.SourceBlock)); at >= end {
				break
			}
			if at >= first {
				f(at)
			}
			at++
		}
	}
}
