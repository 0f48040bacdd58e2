package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:      "direct-feedback-alignment",
		Models:    []string{"mlp"},
		Doc:       "the error of the output comes to every hidden layer through fixed random weights",
		Equations: "e_l = phi'(a_l) * B_l' e_L\nB_l [O, units of l] fixed, drawn like first weights",
		Reads:     []string{forward, "The way back reads weights b_ij of its own, which never change, and the error of the output alone."},
		Source:    "Nøkland (2016), arXiv:1609.01596",
		References: []cite.Work{{Key: "nokland2016direct", Kind: "inproceedings", Authors: "Nøkland, Arild",
			Title: "Direct Feedback Alignment Provides Learning in Deep Neural Networks", In: "Advances in Neural Information Processing Systems", Volume: "29",
			Year: 2016, ArXiv: "1609.01596"}},
		Direct: true,
		Back:   Own{},
	})
}
