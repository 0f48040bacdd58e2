package neurons

import (
	"fmt"
	"strings"
)

// Equations returns what the neuron obeys in symbols: the voltage of a compartment, and what else it has.
func (n *Neuron) Equations() []string {
	terms := []string{"g_leak·(e_leak − V)"}
	for _, c := range n.Channels {
		terms = append(terms, "I_"+c.Name)
	}
	if len(n.mesh.Axial) > 0 {
		terms = append(terms, "Σ axial·(V_neighbour − V)")
	}
	for _, r := range n.Receptors {
		terms = append(terms, fmt.Sprintf("g_%s·(%g − V)", r.Name, r.Reversal))
	}
	for _, in := range n.Inputs {
		if in.Receptor < 0 {
			terms = append(terms, "I")
			break
		}
	}
	list := []string{"cm·dV/dt = " + strings.Join(terms, " + ")}
	for _, c := range n.Channels {
		list = append(list, strings.Replace(c.Equation(), "I =", "I_"+c.Name+" =", 1))
	}
	if len(n.Channels) > 0 {
		list = append(list, "dx/dt = (x∞ − x)/τ for each gate x; with rates x∞ = α/(α + β), τ = 1/(α + β)")
	}
	if p := n.Calcium; p != nil {
		list = append(list, fmt.Sprintf("dca/dt = −%g·i_Ca − (ca − %g)/%g, ca in mM, i_Ca in mA/cm²", p.Gain, p.Rest, p.Tau))
	}
	for _, r := range n.Receptors {
		if r.Rise == r.Decay {
			list = append(list, fmt.Sprintf("g_%s: after an event is an alpha function with its peak, the weight, at %g ms", r.Name, r.Decay))
		} else if r.Rise > 0 {
			list = append(list, fmt.Sprintf("g_%s: after an event rises with %g ms and decays with %g ms, its peak is the weight", r.Name, r.Rise, r.Decay))
		} else {
			list = append(list, fmt.Sprintf("g_%s: jumps by the weight of an event and decays with %g ms", r.Name, r.Decay))
		}
	}
	return list
}

// Origin says where the events of an input come from, empty where from nowhere by themselves.
func (in Input) Origin() string {
	switch f := in.Facets; {
	case f != nil:
		text := fmt.Sprintf("facets within ±%g deg, %s of each", f.Half, plural(f.Synapses, "synapse"))
		if f.Spread > 0 || f.Jitter > 0 {
			text += fmt.Sprintf(", weight ± %g %%, time ± %g ms", 100*f.Spread, f.Jitter)
		}
		if f.Speed.Half > 0 {
			text += ", stronger for faster edges"
		}
		return text
	case in.Noise != nil:
		return fmt.Sprintf("noise, %s of %g Hz", plural(in.Noise.Synapses, "synapse"), 1000*in.Noise.Rate)
	}
	return ""
}

// Shape returns the shape in words: how many compartments there are, in how many sections, on how many
// nodes.
func (n *Neuron) Shape() string {
	text := plural(n.Compartments(), "compartment") + " in " + plural(len(n.Sections), "section")
	if nodes := n.Nodes(); nodes > 0 {
		text += ", joined at " + plural(nodes, "node")
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
