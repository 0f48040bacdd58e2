package conform

import (
	"math"
	"testing"

	"galvani/kernels"
)

// conductances has the synapses of e and i as conductances, and that of x as a current, and no short delays.
func conductances(t *testing.T) *kernels.Circuit {
	c := later(Balanced(t, 300, 3, true), 5)
	for i := range 2 {
		c.Populations[i].Reversals = []float64{0, -80, math.NaN()}
	}
	for i, p := range c.Projections {
		for k := range p.Weight {
			if p.From < 2 {
				c.Projections[i].Weight[k] = math.Abs(p.Weight[k]) / 50
			}
		}
	}
	c.Probes = []kernels.Probe{{Population: 0, Unit: 77}, {Population: 1, Unit: 59}}
	return c
}

// exactConductances has neurons that take conductances exactly, and a current beside them.
func exactConductances(t *testing.T) *kernels.Circuit {
	c := conductances(t)
	for i, header := range []string{"traub", "hh"} {
		c.Populations[i].Header, c.Populations[i].Params, c.Populations[i].Start = header, Params(t, header, nil), nil
	}
	return c
}
