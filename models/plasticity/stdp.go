package plasticity

import (
	"math"

	"galvani/kernels"
)

// stdp changes weights by the time between two spikes. A trace of one kind counts all pairs, one of the
// other only the nearest.
func init() {
	Register(Rule{
		Name: "stdp",
		Doc:  "pairs of spikes: source before target strengthens; the other order weakens, or with the symmetric window strengthens, too",
		Equations: "source before target: m += A_plus w_max exp(-dt/tau_plus); target before source: m -= A_minus w_max exp(-dt/tau_minus), " +
			"or += with the symmetric window; 0 <= m <= w_max",
		Source: "Song, Miller and Abbott (2000), doi:10.1038/78829",
		Params: []Param{
			{Name: "A_plus", Doc: "change by a pair at once with the source first, as part of w_max", Value: 0.01, Min: 0, Max: 1},
			{Name: "A_minus", Doc: "change by a pair at once with the target first, as part of w_max", Value: 0.0105, Min: 0, Max: 1},
			{Name: "tau_plus", Unit: Milliseconds, Doc: "time constant with the source first", Value: 20, Min: 0, Max: longest},
			{Name: "tau_minus", Unit: Milliseconds, Doc: "time constant with the target first", Value: 20, Min: 0, Max: longest},
			{Name: "w_max", Unit: Weight, Doc: "largest magnitude of a weight", Value: math.NaN(), Min: 0, Max: largest},
			{Name: "window", Doc: "what the target before the source does", Choices: []string{"asymmetric", "symmetric"}},
			{Name: "pairs", Doc: "of each spike, the pairs that count: with every spike before it, or with the last one", Choices: []string{"all", "nearest"}},
		},
		Make: func(v []float64) kernels.Plasticity {
			plus, minus, most := v[0], v[1], v[4]
			if symmetric := v[5] == 1; !symmetric {
				minus = -minus
			}
			nearest := v[6] == 1
			return kernels.Plasticity{
				Most:   most,
				Source: kernels.Pairing{Tau: v[2], Jump: 1, Nearest: nearest},
				Target: kernels.Pairing{Tau: v[3], Jump: 1, Nearest: nearest},
				Pre:    kernels.Change{B: minus, C: most},
				Post:   kernels.Change{B: plus, C: most},
			}
		},
	})
}
