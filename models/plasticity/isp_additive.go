package plasticity

import (
	"math"

	"galvani/kernels"
)

// ispAdditive is inhibitory plasticity of which a change does not depend on the weight.
func init() {
	Register(Rule{
		Name: "isp-additive",
		Doc:  "inhibitory plasticity that brings the targets to a rate, by the same for every weight",
		Equations: "traces x' = -x/tau, + 1/tau at a spike; source: m += eta (x_target - 2 r0); target: m += eta x_source; " +
			"0 <= m <= w_max; of rate units m' = 2 eta r_source (r_target - r0)",
		Source: "Zhu and Rosenbaum, github.com/RobertRosenbaum/PCISP; after Vogels et al. (2011), doi:10.1126/science.1211095",
		Params: append(ispParams(), Param{Name: "eta", Unit: WeightTime, Doc: "rate of learning", Value: math.NaN(), Min: 0, Max: largest}),
		Make: func(v []float64) kernels.Plasticity {
			p := ispRule(v)
			p.Pre, p.Post = kernels.Change{A: -2 * v[0] / 1000, B: 1, C: v[3]}, kernels.Change{B: 1, C: v[3]}
			return p
		},
	})
}
