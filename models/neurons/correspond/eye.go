package correspond

import "galvani/models/neurons"

// Eye is that of a task: facets on a square of ±Half deg, row by row.
type Eye struct {
	Facets int // per side
	Half   float64
}

const (
	// facetSpacing is the distance in deg between the facets that weights of a neuron are for. One facet of a
	// coarser eye stands for as many as lie in its square.
	facetSpacing = 1.6
	// edgeSpeed is the speed in deg/s of an edge for which weights that follow it are taken: that of a disc of
	// l/|v| = 40 ms at an angular size of 24 deg, the threshold of the locust.
	edgeSpeed = 62
)

// Weights returns U_exc and U_inh [H,I] of the charged RNN for the facets of an eye, one input each, in steps of dt
// ms. Delays, jitter and noise of the neuron have no counterpart.
func (c *Charged) Weights(n *neurons.Neuron, eye Eye, dt float64) (exc, inh []float64) {
	inputs := eye.Facets * eye.Facets
	exc, inh = make([]float64, c.H*inputs), make([]float64, c.H*inputs)
	short, long := c.Times(dt)
	spacing := 2 * eye.Half / float64(eye.Facets)
	many := max(1, spacing*spacing/(facetSpacing*facetSpacing))
	at := func(k int) float64 { return spacing*(float64(k)+0.5) - eye.Half }
	for i, in := range n.Inputs {
		if in.Facets == nil {
			continue
		}
		r := n.Receptors[in.Receptor]
		to := exc
		if r.Reversal <= c.Rest {
			to = inh
		}
		for f := range inputs {
			units, weight := n.Reach(i, at(f%eye.Facets), at(f/eye.Facets), edgeSpeed)
			for _, u := range units {
				area := weight * many * course(r.Rise, r.Decay) // µS ms
				to[u*inputs+f] += area * c.Factor / (dt * c.gain(short[u], long[u]))
			}
		}
	}
	return exc, inh
}
