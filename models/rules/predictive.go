package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:   "predictive-coding",
		Models: []string{"leaky"},
		Doc:    "units settle between what the layer below predicts and what the layer above asks for; weights change by what is left between both",
		Equations: "tau_m du_l/dt = -(u_l - I_l) + phi'(u_l) * W_{l+1}' (u_{l+1} - I_{l+1})   I_l = W_l phi(u_{l-1}) + b_l\n" +
			"output: nudging (target - u_L) in place of what comes from above while it is taught\n\n" +
			"dW_l ~ (u_l - I_l) phi(u_{l-1})'\n\n" +
			"the gradient flow of E = sum |u_l - I_l|^2 / 2 + nudging |target - u_L|^2 / 2",
		Reads: []string{
			"w_ij: the rate before it, and the potential of the neuron behind it beside what its inputs add up to.",
			"The way back reads the weights w_ij of the layer above (weight transport)."},
		Notes: []string{
			"As nudging goes to 0, the change of the weights of a network at rest becomes nudging times what backprop gives for the squared error.",
			"Units need several times tau_m per layer to settle: give t_pres as long, or onset, or the lag is learned as an error; see rule latent-equilibrium.",
			"u_l - I_l is what is left of a unit once its prediction is taken away. Where inhibition makes the prediction, inhibitory plasticity learns it (vogels and isp of galvani networks plasticity): " +
				"inhibition grows as r_pre (r_post - r0), in the form of dW, until what it was trained on leaves the target rate r0, so r - r0 is the error signal; see experiment novelty."},
		Try:        "--tau-m 1 --t-pres 20 --onset 10 --lr 3",
		Source:     "Whittington and Bogacz (2017), doi:10.1162/NECO_a_00949",
		References: []cite.Work{cite.PredictiveCoding},
	})
}
