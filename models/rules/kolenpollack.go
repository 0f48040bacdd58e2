package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:      "kolen-pollack",
		Models:    []string{"mlp"},
		Doc:       "weights of the way back make the changes of the forward weights, and decay with them until both are alike",
		Equations: "e_l = phi'(a_l) * B_{l+1}' e_{l+1}\ndW = -lr (e r' + decay W)\ndB = -lr (e r' + decay B)",
		Reads:     []string{forward, "b_ij: the rate r_j and the error e_i of the two units that it joins, as w_ij does, but not w_ij."},
		Notes: []string{"B - W shrinks by weight_decay alone, as (1 - lr weight_decay)^updates: with weight_decay 0 the weights of the two ways never meet.",
			"Weights of the way back decay where their forward weights do, which decay_on names."},
		Source: "Kolen and Pollack (1994), doi:10.1109/ICNN.1994.374486; Akrout, Wilson, Humphreys, Lillicrap and Tweed (2019), arXiv:1904.05391",
		References: []cite.Work{{Key: "kolen1994backpropagation", Kind: "inproceedings", Authors: "Kolen, John F. and Pollack, Jordan B.",
			Title: "Backpropagation without Weight Transport", In: "Proceedings of the IEEE International Conference on Neural Networks", Pages: "1375-1380", Year: 1994,
			DOI: "10.1109/ICNN.1994.374486"}, deepLearning},
		Back:  Own{},
		Learn: Twin{},
	})
}

var deepLearning = cite.Work{Key: "akrout2019deep", Kind: "inproceedings",
	Authors: "Akrout, Mohamed and Wilson, Collin and Humphreys, Peter C. and Lillicrap, Timothy and Tweed, Douglas",
	Title:   "Deep Learning without Weight Transport", In: "Advances in Neural Information Processing Systems", Volume: "32", Year: 2019, ArXiv: "1904.05391"}
