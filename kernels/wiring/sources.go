package wiring

import (
	"math"
	"math/bits"
	"slices"
	"sync"

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
			s := newPoisson(random.New(p.cfg.Seed).Named(cfg.Name), cfg.Params[0]*p.cfg.Step/1000)
			p.divided(lo, hi, hi-lo, func(lo, hi int) {
				for u := lo; u < hi; u++ {
					s.spikes(u, p.Step, int64(n), func(step int64) { add(u, step) })
				}
			})
		case kernels.Correlated:
			p.setCorrelated(cfg, lo, hi, n, add)
		case kernels.Events:
			p.setEvents(cfg, lo, hi, n, add)
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

// fewDraws take less time than it takes to wake other threads, and these may then stand in the way of those that step units.
const fewDraws = 2048

// divided calls part for parts of the units lo to hi, one for each worker, at once, where they make more than few draws. Each
// has words of its own.
func (p *Plan) divided(lo, hi, draws int, part func(lo, hi int)) {
	if draws <= fewDraws {
		part(lo, hi)
		return
	}
	words := (hi - lo + 63) / 64
	var wait sync.WaitGroup
	for k := range p.Workers {
		first, last := lo+64*(words*k/p.Workers), min(hi, lo+64*(words*(k+1)/p.Workers))
		wait.Add(1)
		go func() {
			defer wait.Done()
			part(first, last)
		}()
	}
	wait.Wait()
}

// setEvents adds the spikes of the units lo to hi of Events in the next n steps.
func (p *Plan) setEvents(cfg kernels.Population, lo, hi, n int, add func(unit int, step int64)) {
	mean := cfg.Params[0] * p.cfg.Step / 1000
	width := kernels.EventBits(mean)
	thresholds, err := random.Poisson(mean)
	if err != nil {
		return // Check has refused such a mean
	}
	key := random.New(p.cfg.Seed).Named(cfg.Name)
	p.divided(lo, hi, (hi-lo)/width*n, func(lo, hi int) {
		for u := lo / width; u*width < hi; u++ {
			source := key.Stream(uint64(u))
			for step := p.Step; step < p.Step+int64(n); step++ {
				for set := source.Count(uint64(step), thresholds); set != 0; set &= set - 1 {
					if i := u*width + bits.TrailingZeros(uint(set)); lo <= i && i < hi {
						add(i, step)
					}
				}
			}
		}
	})
}

// setCorrelated adds the spikes of the units lo to hi of Correlated in the next n steps, of all spikes of the mother process
// that may reach them.
func (p *Plan) setCorrelated(cfg kernels.Population, lo, hi, n int, add func(unit int, step int64)) {
	rate, part, ms := cfg.Params[0], cfg.Params[1], cfg.Params[2]
	key, reach := random.New(p.cfg.Seed).Named(cfg.Name), kernels.Reach(ms, p.cfg.Step)
	newPoisson(key.Named("mother"), rate/part*p.cfg.Step/1000).spikes(0, p.Step, int64(n)+2*reach, func(m int64) {
		spike := key.Stream(uint64(m))
		for u := lo; u < hi; u++ {
			own := spike.Stream(uint64(u))
			if own.Uniform(0) >= part {
				continue
			}
			move := int64(math.Round(own.Normal(1) * ms / p.cfg.Step))
			if step := m - reach + min(max(move, -reach), reach); p.Step <= step && step < p.Step+int64(n) {
				add(u, step)
			}
		}
	})
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

// newPoisson returns sources with a probability of a spike in a step.
func newPoisson(stream random.Stream, probability float64) poisson {
	s := poisson{stream: stream, fail: math.Log1p(-probability)}
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
