package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:   "sacramento",
		Models: []string{"microcircuit"},
		Doc:    "dendritic errors: interneurons learn to cancel what comes from above, and what is left of it in the apical dendrite teaches",
		Equations: "du_k/dt = -g_leak u_k + g_basal (v_B - u_k) + g_apical (v_A - u_k)\n" +
			"du^I_k/dt = -g_leak u^I_k + g_dend (v^I - u^I_k) + g_som (u_{k+1} - u^I_k)\n" +
			"v_B = W_{k,k-1} phi(u_{k-1})   v_A = D_{k,k+1} phi(u_{k+1}) + P_k phi(u^I_k)   v^I = Q_k phi(u_k)\n" +
			"output: no apical dendrite, g_som (u_target - u_N) while it is taught\n\n" +
			"dW_{k,k-1} ~ (phi(u_k) - phi(a v_B)) phi(u_{k-1})'   a = g_basal / (g_leak + g_basal + g_apical)\n" +
			"dQ_k ~ (phi(u^I_k) - phi(a v^I)) phi(u_k)'           a = g_dend / (g_leak + g_dend)\n" +
			"dP_k ~ -v_A phi(u^I_k)'\n" +
			"dD_{k,k+1} ~ (phi(u_k) - phi(D phi(u_{k+1}))) phi(u_{k+1})'",
		Reads: []string{
			"Every synapse: the rate before it, and two potentials of the neuron behind it; no weight but its own.",
			"w_ij, q_ij: the somatic potential of the neuron behind it and that of the dendrite that it sits on.",
			"p_ij: the apical potential of the neuron behind it.",
			"d_ij: the somatic potential of the neuron behind it and what the synapses from above add up to."},
		Notes: []string{
			"With P = -D and Q = W_{k+1,k} [g_basal (g_leak + g_dend)] / [g_dend (g_leak + g_basal + g_apical)], without g_apical for the last layer, the apical potential is 0 and interneurons follow the layer above: the self-predicting state, in which a network begins (self_predicting).",
			"Potentials lag behind their inputs by 1/(g_leak + g_basal + g_apical), layer by layer: patterns have to be shown for many times as long, or weights may change from an onset on at which potentials have settled; otherwise the lag is learned as an error; see rule latent-equilibrium."},
		Try:        "--t-pres 50 --onset 25 --lr 2 --epochs 300",
		Source:     "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393",
		References: []cite.Work{cite.Microcircuits},
		Compare:    &Dendritic,
	})
	Register(Rule{
		Name:   "latent-equilibrium",
		Models: []string{"microcircuit", "leaky"},
		Doc:    "rate and plasticity follow the potential that a neuron is heading for, so that networks of slow neurons answer at once",
		Equations: "u~ = u + tau du/dt, tau = 1 / (sum of the conductances of the soma)\n" +
			"phi(u~) in place of phi(u) in the dynamics and in the plasticity of rule sacramento (model microcircuit)\n" +
			"or of rule predictive-coding (model leaky)",
		Reads: []string{
			"Every synapse: the rate before it, and two potentials of the neuron behind it; no weight but its own.",
			"The neuron: its own potential and the rate at which that changes.",
			"In model leaky errors come back through the weights of the layer above (weight transport)."},
		Notes: []string{
			"The authors of latent equilibrium state in their repository (github.com/unibe-cns/le_NeurIPS_code) that its procedures are registered for patent protection. Ask them before you use this rule for anything but research.",
			"An answer passes one layer per step dt, so a presentation needs at least as many steps as there are layers on the way up and down."},
		Source:     "Haider, Ellenberger, Kriener, Jordan, Senn and Petrovici (2021), arXiv:2110.14549",
		References: []cite.Work{cite.LatentEquilibrium, cite.Microcircuits},
		Compare:    &Dendritic,
		LooksAhead: true,
	})
}

func init() {
	Register(Rule{
		Name:   "two-sweeps",
		Models: []string{"microcircuit"},
		Doc:    "rule sacramento without time: one sweep up the layers and one down give the potentials that synapses compare",
		Equations: "up:   u_k = v_B = W_{k,k-1} phi(u_{k-1})   v^I = Q_k phi(u_k)\n" +
			"top:  u_N = (1 - l_N) v_B + l_N u_target                 l_N = g_som / (g_leak + g_basal + g_som)\n" +
			"down: u^I_k = (1 - l_I) v^I + l_I u_{k+1}                l_I = g_som / (g_leak + g_dend + g_som)\n" +
			"      v_A = D_{k,k+1} phi(u_{k+1}) + P_k phi(u^I_k)\n" +
			"      u_k = (1 - l_k) v_B + l_k v_A                      l_k = g_apical / (g_leak + g_basal + g_apical)\n\n" +
			"changes as by rule sacramento with a = 1 - l_k for W, 1 for outputs and Q; the rates before W and Q are those of the sweep up",
		Reads: []string{
			"Every synapse: the rate before it, and two potentials of the neuron behind it; no weight but its own.",
			"w_ij, q_ij: the somatic potential of the neuron behind it after the sweep down and that of the dendrite that it sits on.",
			"p_ij: the apical potential of the neuron behind it."},
		Notes: []string{"The steady state of rule sacramento to first order in the conductances that pull (l_N, l_I, l_k), at the cost of one step; settings of time have no effect.",
			"The error of a layer shrinks by l_k with every layer on the way down: raise rate_up of the lower layers by as much."},
		Source:     "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393, for the training on MNIST",
		References: []cite.Work{cite.Microcircuits},
		Compare:    &Dendritic,
		TwoSweeps:  true,
	})
}

// Dendritic compares compartments of a neuron: the rate that it has with the one that a dendrite predicts, and what is to be
// silent with its rest at 0.
var Dendritic = Compare{Mismatch: [2]float64{1, -1}, Silence: -1}
