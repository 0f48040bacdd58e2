package wiring

import (
	"math"
	"slices"

	"galvani/kernels"
	"galvani/kernels/random"
)

// setSources makes the spikes of this rank's sources in the next n steps.
func (p *Plan) setSources(n int) {
	for i, q := range p.Populations {
		if q.Neuron >= 0 {
			continue
		}
		for k := range n {
			clear(p.Spikes[k*p.Words+int(q.First):][:q.Words])
		}
		cfg := p.cfg.Populations[i]
		lo, hi := p.units(i, p.Rank)
		add := func(u int, step int64) {
			p.Spikes[int(step-p.Step)*p.Words+int(q.First)+u/64] |= 1 << (u % 64)
		}
		switch cfg.Header {
		case kernels.Poisson:
			s := newPoisson(p.cfg, cfg)
			for u := lo; u < hi; u++ {
				s.spikes(u, p.Step, int64(n), func(step int64) { add(u, step) })
			}
		case kernels.Regular:
			for _, step := range regular(p.cfg.Step, cfg.Params[0], cfg.Params[1], p.Step, int64(n)) {
				for u := lo; u < hi; u++ {
					add(u, step)
				}
			}
		case kernels.Trains:
			for u, train := range cfg.Trains[lo:hi] {
				at, _ := slices.BinarySearch(train, p.Step)
				for ; at < len(train) && train[at] < p.Step+int64(n); at++ {
					add(lo+u, train[at])
				}
			}
		}
	}
}

// regular returns which of n steps from one on are spikes of a rate in Hz, of which the first is at so many ms.
func regular(dt, rate, start float64, first, n int64) (all []int64) {
	if rate == 0 {
		return nil
	}
	between := 1000 / rate
	for k := math.Max(0, math.Floor((float64(first)*dt-start)/between)-1); ; k++ {
		step := int64(math.Round((start + k*between) / dt))
		if step >= first+n {
			return all
		}
		if step >= first {
			all = append(all, step)
		}
	}
}

// poisson makes the spikes of a population of Poisson sources.
type poisson struct {
	stream random.Stream
	fail   float64 // logarithm of the probability of no spike in a step
	none   float64 // from which number on a first gap is longer than a block, whatever the rounding
}

func newPoisson(c *kernels.Circuit, p kernels.Population) poisson {
	s := poisson{stream: random.New(c.Seed).Named(p.Name), fail: math.Log1p(-p.Params[0] * c.Step / 1000)}
	s.none = 1 - math.Exp(kernels.SourceBlock*s.fail) + 1e-6
	return s
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
			if at += int64(kernels.SourceGap(x, s.fail)); at >= end {
				break
			}
			if at >= first {
				f(at)
			}
			at++
		}
	}
}
