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

// emit lets units fire at rates.
func (h *host[F]) emit(s *kernels.Spikes, arriving, fired, rate []F) {
	history, clock := h.at(s.History), h.at(s.Clock)
	now := uint64(clock[0]) + clockWrap*uint64(clock[1])
	units, slots := len(rate)/h.p.N, s.Slots()
	draw, at, scale := random.Stream(s.Key).Stream(now), int(now%uint64(slots)), F(1)
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

// spikes draws how many of the neurons of a unit fire in a step: number k of a stream. NaN stands for rates that are not
// finite.
func spikes(draw random.Stream, k uint64, s *kernels.Spikes, silent int, rate float64) float64 {
	mean := s.Mean * max(0, rate)
	switch {
	case !(mean < mostMean):
		return math.NaN()
	case s.Refractory == 0:
		return poisson(draw, k, mean*float64(s.Size))
	}
	return binomial(draw, k, s.Size-silent, -math.Expm1(-mean))
}

const (
	mostMean = 1e5 // spikes of a neuron in a step, beyond which its rate counts as diverged
	// chunk is the largest mean that is drawn by inversion at once: exp(−chunk) is far from the smallest number.
	chunk = 32
)

// poisson draws from the Poisson distribution of a mean, as a sum of draws of smaller means.
func poisson(draw random.Stream, k uint64, mean float64) float64 {
	parts := math.Ceil(mean / chunk)
	sum := 0.0
	for i := range int(parts) {
		m := mean / parts
		sum += inverted(draw.Stream(uint64(i)).Uniform(k), math.Exp(-m), func(n float64) float64 { return m / n })
	}
	return sum
}

// binomial draws how many of n events of probability p come.
func binomial(draw random.Stream, k uint64, n int, p float64) float64 {
	if p > 0.5 {
		return float64(n) - binomial(draw, k, n, 1-p)
	}
	sum := 0.0
	for i := 0; n > 0 && p > 0; i++ {
		of := n
		if chunk/p < float64(n) {
			of = int(chunk / p)
		}
		n -= of
		size, odds := float64(of), p/(1-p)
		sum += inverted(draw.Stream(uint64(i)).Uniform(k), math.Exp(size*math.Log1p(-p)), func(n float64) float64 { return (size - n + 1) / n * odds })
	}
	return sum
}

// inverted returns the number at which a distribution function reaches u, given the probability of 0 and the factor from
// that of n−1 to that of n.
func inverted(u, p float64, factor func(n float64) float64) float64 {
	n := 0.0
	for sum := p; u >= sum; sum += p {
		n++
		if p *= factor(n); p <= 0 || p < 1e-18*sum {
			break // what is left of the tail is below the last bit of u
		}
	}
	return n
}

// jitter adds Gaussian numbers to potentials, and to another array.
func (h *host[F]) jitter(s *kernels.Spikes, by float64, to, also []F) {
	clock := h.at(s.Clock)
	draw := random.Stream(s.Key).Stream(uint64(clock[0]) + clockWrap*uint64(clock[1]))
	for i := range to {
		z := F(by * draw.Normal(uint64(i)))
		if to[i] += z; also != nil {
			also[i] += z
		}
	}
}
