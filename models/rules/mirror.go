package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:      "weight-mirror",
		Models:    []string{"mlp"},
		Doc:       "weights of the way back follow what the layer above answers to noise",
		Equations: "e_l = phi'(a_l) * B_{l+1}' e_{l+1}\nnoise x in layer l, uniform with variance 1, answer y = W_{l+1} x\ndB = -lr mirror_rate (B - mean(y x'))",
		Reads:     []string{forward, "b_ij: the noise of unit j and the answer of unit i to it, but not w_ij."},
		Notes: []string{"Every update has a phase of noise of its own beside the samples, with as many patterns as the batch has samples. The mean of y x' is W, so B follows W; the decay of B with factor 1 takes the place of the source's normalisation.",
			"With optimizers that divide by the size of the gradient, such as adam, mirror_rate has no effect on the weights of the way back.",
			"weight_decay does not act on the weights of the way back, which follow W whatever it is.",
			"Layers answer to noise without bias and activation."},
		Source:     "Akrout, Wilson, Humphreys, Lillicrap and Tweed (2019), arXiv:1904.05391",
		References: []cite.Work{deepLearning},
		Back:       Own{},
		Learn:      Mirror{},
	})
}
