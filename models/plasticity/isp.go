package plasticity

import "galvani/kernels"

// isp is inhibitory plasticity in proportion to the weight. The trace of a unit has its rate as the mean, so
// that the mean change is 2 eta m r_source (r_target - r0): no more at the rate r0.
func init() {
	Register(Rule{
		Name: "isp",
		Doc:  "inhibitory plasticity that brings the targets to a rate, in proportion to the weight",
		Equations: "traces x' = -x/tau, + 1/tau at a spike; source: m += eta m (x_target - 2 r0); target: m += eta m x_source; " +
			"0 <= m <= w_max",
		Source: "Zhu (2020), Recurrent Neuronal Models, inhibitory plasticity; after Vogels et al. (2011), doi:10.1126/science.1211095",
		Params: append(ispParams(), Param{Name: "eta", Unit: Milliseconds, Doc: "rate of learning", Value: 3, Min: 0, Max: largest}),
		Make: func(v []float64) kernels.Plasticity {
			p := ispRule(v)
			p.Pre, p.Post = kernels.Change{A: -2 * v[0] / 1000 * v[3], B: v[3], D: 1}, kernels.Change{B: v[3], D: 1}
			return p
		},
	})
}

// ispParams are those of both forms.
func ispParams() []Param {
	return []Param{
		{Name: "rate", Unit: Hertz, Doc: "rate r0 of the targets at which weights stay", Value: 5, Min: 0, Max: 1e6},
		{Name: "tau", Unit: Milliseconds, Doc: "time constant of the traces", Value: 200, Min: 0, Max: longest},
		bound(),
	}
}

// ispRule returns the traces of both forms, with the rate in 1/ms as their mean.
func ispRule(v []float64) (p kernels.Plasticity) {
	p.Most = v[2]
	p.Source, p.Target = both(v[1], 1/v[1])
	return p
}
