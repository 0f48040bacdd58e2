package rules

import "galvani/engine/cite"

func init() {
	Register(Rule{
		Name:      "backprop",
		Models:    []string{"mlp"},
		Doc:       "the gradient itself: errors come back through the weights of the layer above",
		Equations: "e_L = dLoss/da_L\ne_l = phi'(a_l) * W_{l+1}' e_{l+1}",
		Reads:     []string{forward, "The way back reads the weights w_ij of the layer above (weight transport)."},
		Source:    "Rumelhart, Hinton and Williams (1986), doi:10.1038/323533a0",
		References: []cite.Work{{Key: "rumelhart1986learning", Kind: "article", Authors: "Rumelhart, David E. and Hinton, Geoffrey E. and Williams, Ronald J.",
			Title: "Learning Representations by Back-Propagating Errors", In: "Nature", Volume: "323", Pages: "533-536", Year: 1986, DOI: "10.1038/323533a0"}},
		Back: Transport{},
	})
}
