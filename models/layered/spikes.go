package layered

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
)

// clockWrap is where the first unit of a clock starts again, so that float32 counts exactly.
const clockWrap = 1 << 24

// tick counts a step in the clocks [N,2] of all patterns, which are alike.
func tick[F kernels.Float](clock []F) {
	for i := 0; i < len(clock); i += 2 {
		if clock[i]++; clock[i] == clockWrap {
			clock[i], clock[i+1] = 0, clock[i+1]+1
		}
	}
}

// stream returns the random numbers of an operation in this step, and the number of the step.
func (h *host[F]) stream(s *kernels.Spikes) (draw random.Stream, now uint64) {
	clock := h.at(s.Clock)
	now = uint64(clock[0]) + clockWrap*uint64(clock[1])
	return random.Stream(s.Key).Stream(now), now
}

// emit lets units fire at rates.
func (h *host[F]) emit(s *kernels.Spikes, arriving, fired, rate []F) {
	history := h.at(s.History)
	draw, now := h.stream(s)
	units, slots := len(rate)/h.p.N, s.Slots()
	at, scale := int(now%uint64(slots)), F(1)
	if s.Mean > 0 {
		scale = F(1 / (s.Mean * float64(s.Size)))
	}
	before := func(steps int) int { return (at + slots - steps) % slots * units }
	for n := range h.p.N {
		ring := history[n*units*slots:][:units*slots]
		for i := range units {
			k := n*units + i
			count := rate[k]
			if s.Mean > 0 {
				silent := 0
				for back := 1; back <= s.Refractory; back++ {
					silent += int(ring[before(back)+i])
				}
				count = F(spikes(draw, uint64(k), s, silent, float64(rate[k])))
			}
			ring[at*units+i] = count
			if arriving[k] = scale * ring[before(s.Delay)+i]; fired != nil {
				fired[k] = scale * count
			}
		}
	}
}

// mostMean is how many spikes of a neuron in a step there may be; beyond it its rate counts as diverged.
const mostMean = 1e5

// spikes draws how many of the neurons of a unit fire in a step: number k of a stream. NaN stands for rates that are not
// finite.
func spikes(draw random.Stream, k uint64, s *kernels.Spikes, silent int, rate float64) float64 {
	mean := s.Mean * max(0, rate)
	switch {
	case !(mean < mostMean):
		return math.NaN()
	case s.Refractory == 0:
		return float64(draw.Poisson(k, mean*float64(s.Size)))
	}
	return float64(draw.Binomial(k, s.Size-silent, 1-random.Decay(mean)))
}

// jitter adds coarse Gaussian numbers to potentials, and to another array.
func (h *host[F]) jitter(s *kernels.Spikes, by float64, to, also []F) {
	draw, _ := h.stream(s)
	for i := range to {
		z := F(by * float64(draw.Normal4(uint64(i / 4))[i%4]))
		if to[i] += z; also != nil {
			also[i] += z
		}
	}
}
