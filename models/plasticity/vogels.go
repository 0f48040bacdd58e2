package plasticity

import (
	"math"

	"galvani/kernels"
)

// vogels is inhibitory plasticity as it was published first, with traces that a spike raises by 1.
func init() {
	Register(Rule{
		Name: "vogels",
		Doc:  "inhibitory plasticity that brings the targets to a rate, by near-coincident spikes against a constant depression",
		Equations: "traces x' = -x/tau, + 1 at a spike; source: m += eta (x_target - 2 rate tau); target: m += eta x_source; " +
			"0 <= m <= w_max",
		Source: "Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011), doi:10.1126/science.1211095",
		Params: []Param{
			{Name: "rate", Unit: Hertz, Doc: "rate of the targets at which weights stay", Value: 3, Min: 0, Max: 1e6},
			{Name: "tau", Unit: Milliseconds, Doc: "time constant of the traces", Value: 20, Min: 0, Max: longest},
			bound(),
			{Name: "eta", Unit: Weight, Doc: "change by a pair at once", Value: math.NaN(), Min: 0, Max: largest},
		},
		Make: func(v []float64) kernels.Plasticity {
			p := kernels.Plasticity{Most: v[2], Pre: kernels.Change{A: -2 * v[0] / 1000 * v[1], B: 1, C: v[3]}, Post: kernels.Change{B: 1, C: v[3]}}
			p.Source, p.Target = both(v[1], 1)
			return p
		},
	})
}
