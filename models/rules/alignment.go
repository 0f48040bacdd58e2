package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:       "feedback-alignment",
		Models:     []string{"mlp"},
		Doc:        "errors come back from the layer above through fixed random weights",
		Equations:  "e_l = phi'(a_l) * B_{l+1}' e_{l+1}\nB fixed, drawn like the first W",
		Reads:      []string{forward, "The way back reads weights b_ij of its own, which never change."},
		Source:     "Lillicrap, Cownden, Tweed and Akerman (2016), doi:10.1038/ncomms13276",
		References: []cite.Work{cite.FeedbackAlignment},
		Back:       Own{},
	})
}
