package charged

import (
	"slices"

	"galvani/bench/experiment/probe"

	"gonum.org/v1/gonum/integrate/quad"
)

// energies computes the energy of each network of a probe at constant conductances.
type energies struct {
	p              *probe.Probe
	size           int
	exc, inh       []float64
	channels       [][2]probe.Channel
	nodes, weights []float64 // of a quadrature over [0, 1]
}

// newEnergies takes the conductances from a state [S,1,H].
func newEnergies(p *probe.Probe, state []float64, size int) *energies {
	units := p.Dims.H
	e := &energies{p: p, size: size, exc: slices.Clone(state[units : 2*units]), inh: slices.Clone(state[3*units : 4*units]),
		nodes: make([]float64, energyNodes), weights: make([]float64, energyNodes)}
	for u := range units {
		e.channels = append(e.channels, p.Channels(u))
	}
	quad.Legendre{}.FixedLocations(e.nodes, e.weights, 0, 1)
	return e
}

// of returns the energy of each network at the voltages h [H...].
func (e *energies) of(h []float64) []float64 {
	p := e.p
	all := make([]float64, p.Dims.H/e.size)
	square := func(g, d float64) float64 { return g / 2 * d * d }
	leak, rest, exc, inh := p.Of("g_L"), p.Of("E_L"), p.Of("E_exc"), p.Of("E_inh")
	for u := range p.Dims.H {
		sum := square(leak[u], h[u]-rest[u]) + square(e.exc[u], h[u]-exc[u]) + square(e.inh[u], h[u]-inh[u])
		for _, c := range e.channels[u] {
			sum += e.integral(c, h[u])
		}
		all[u/e.size] += sum
	}
	for k, g := range p.Of("g_axial") {
		i, j := p.Cell.Axial.I[k], p.Cell.Axial.J[k]
		all[int(i)/e.size] += square(g, h[i]-h[j])
	}
	return all
}

// integral returns ∫ γ σ₊σ₋ (u − E_c) du from E_c to h.
func (e *energies) integral(c probe.Channel, h float64) float64 {
	width, sum := h-c.Reversal, 0.0
	for k, at := range e.nodes {
		u := c.Reversal + width*at
		sum += e.weights[k] * c.Conductance(u) * (u - c.Reversal)
	}
	return sum * width
}
