package neurons

import (
	"errors"
	"slices"

	"galvani/engine/setting"
)

// Learnable returns the names of the numbers that may be learned: cm, g_leak and e_leak, one for each region;
// axial, one for each edge; g_CHANNEL, one for each region that has it, and e_CHANNEL, one, or one for each region that
// has it where a region has a reversal potential of its own; REGION.NAME for one region of the former alone; CHANNEL.GATE.NUMBER; calcium.NUMBER; RECEPTOR.NUMBER; w_INPUT.
func (n *Neuron) Learnable() []string {
	names := []string{"cm", "g_leak", "e_leak"}
	if len(n.mesh.Axial) > 0 {
		names = append(names, "axial")
	}
	for _, c := range n.Channels {
		names = append(names, "g_"+c.Name, "e_"+c.Name)
	}
	for _, r := range n.Regions {
		for _, name := range []string{"cm", "g_leak", "e_leak"} {
			names = append(names, r.Name+"."+name)
		}
		for _, c := range n.Channels {
			if _, ok := r.Densities[c.Name]; ok {
				names = append(names, r.Name+".g_"+c.Name)
				if n.ByRegion(c.Name) {
					names = append(names, r.Name+".e_"+c.Name)
				}
			}
		}
	}
	for _, c := range n.Channels {
		for _, g := range c.Gates {
			for _, number := range g.Kinetics.Numbers() {
				names = append(names, c.Name+"."+g.Name+"."+number)
			}
		}
	}
	if n.Calcium != nil {
		names = append(names, "calcium.gain", "calcium.rest", "calcium.tau")
	}
	for _, r := range n.Receptors {
		if r.Rise > 0 {
			names = append(names, r.Name+".rise")
		}
		names = append(names, r.Name+".decay", r.Name+".reversal")
	}
	for _, in := range n.Inputs {
		names = append(names, "w_"+in.Name)
	}
	return names
}

// learns refuses a name that is none of Learnable.
func (n *Neuron) learns(name string) error {
	if known := n.Learnable(); !slices.Contains(known, name) {
		return errors.New(setting.Unknown("quantity", name, known))
	}
	return nil
}
