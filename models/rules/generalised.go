package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:   "generalised-latent-equilibrium",
		Models: []string{"leaky"},
		Doc:    "neurons look ahead less far than they lag, and errors run through each with both time constants swapped, so that networks learn what their past asks for",
		Equations: "tau_m du_l/dt = -u_l + I_l + coupling e_l      I_l = W_l r_{l-1} + b_l\n" +
			"r_l = phi(u_l + tau_r du_l/dt)\n\n" +
			"tau_r dv_l/dt = -v_l + x_l                    x_l = phi'_l * W_{l+1}' e_{l+1}\n" +
			"e_l = v_l + tau_m dv_l/dt\n" +
			"output: x_L = nudging (target - (u_L + tau_r du_L/dt)) while it is taught\n\n" +
			"dW_l ~ e_l r_{l-1}'   db_l ~ e_l   dtau_m ~ -e_l du_l/dt\n\n" +
			"tau_m and tau_r are of each neuron: layerL.tau_m, layerL.tau_r",
		Reads: []string{
			"w_ij: the rate before it, and the error of the neuron behind it.",
			"The neuron: its own potential, its error, and the rates at which both change. So it learns tau_m, too.",
			"The way back reads the weights w_ij of the layer above (weight transport)."},
		Notes: []string{
			"The authors of generalised latent equilibrium state in their repository (github.com/unibe-cns/gle-code) that its procedures are registered for patent protection, as are those of latent equilibrium. " +
				"Ask them before you use this rule for anything but research.",
			"It learns sequences, each step of which is shown for t_pres: target at every step, or at the last one. Give --task chain a try.",
			"A neuron with tau_r = tau_m passes on at once what it is told, as by rule latent-equilibrium; one with tau_r = 0 is a leaky unit. In time tau_r and tau_m are at least dt.",
			"In frequencies w a neuron has the gain H = (1 + i w tau_r) / (1 + i w tau_m), and its error 1/H: the phase of the adjoint, the conjugate of H, whose gain 1/H makes larger by 1/|H|^2. " +
				"So changes have the phase of the gradient, and fast errors count for more than in it, by up to (tau_m / tau_r)^2."},
		Source:     "Ellenberger, Haider, Jordan, Max, Jaras, Kriener, Benitez and Petrovici (2024), arXiv:2403.16933",
		References: []cite.Work{cite.GeneralisedEquilibrium, cite.LatentEquilibrium},
		LooksAhead: true,
		Temporal:   true,
	})
}
