package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:      "sign-symmetry",
		Models:    []string{"mlp"},
		Doc:       "errors come back through the signs of the weights of the layer above",
		Equations: "e_l = phi'(a_l) * B_{l+1}' e_{l+1}\nb_ij = m_ij sign(w_ij)",
		Reads:     []string{forward, "The way back reads the signs of the weights w_ij of the layer above, and sizes m_ij of its own."},
		Notes: []string{"The key symmetry says what the sizes are: usf takes one for all, the root mean square of the first weights; frsf draws them once like first weights; brsf draws them anew at every update.",
			"Batch-Manhattan of the source, where a weight moves by the sign of its gradient alone, is --optimizer lion --beta1 0."},
		Source:     "Liao, Leibo and Poggio (2016), arXiv:1510.05067; the names of the variants: Moskovitz, Litwin-Kumar and Abbott (2018), arXiv:1812.06488",
		References: []cite.Work{cite.SignSymmetry},
		Back:       Signs{},
	})
}
