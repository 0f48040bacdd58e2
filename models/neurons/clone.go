package neurons

import (
	"maps"
	"slices"
)

// Clone returns a copy of a neuron that shares nothing that may be changed.
func (n *Neuron) Clone() *Neuron {
	c := *n
	c.Regions, c.Channels, c.Inputs = slices.Clone(n.Regions), slices.Clone(n.Channels), slices.Clone(n.Inputs)
	for i := range c.Regions {
		c.Regions[i].Densities, c.Regions[i].Reversals = maps.Clone(c.Regions[i].Densities), maps.Clone(c.Regions[i].Reversals)
	}
	for i := range c.Channels {
		c.Channels[i].Gates = slices.Clone(c.Channels[i].Gates)
		for k := range c.Channels[i].Gates {
			c.Channels[i].Gates[k].Numbers = slices.Clone(c.Channels[i].Gates[k].Numbers)
		}
	}
	if n.Calcium != nil {
		pool := *n.Calcium
		c.Calcium = &pool
	}
	c.Receptors, c.Records, c.Notes = slices.Clone(n.Receptors), slices.Clone(n.Records), slices.Clone(n.Notes)
	c.mesh.Axial = slices.Clone(n.mesh.Axial)
	return &c
}

// Membrane returns the area in µm² of a compartment and the number of its region.
func (n *Neuron) Membrane(compartment int) (area float64, region int) {
	return n.mesh.area[compartment], n.kind[compartment]
}

// Edges returns what joins compartments, and nodes behind them: edge e joins from[e] and to[e] with axial[e] µS.
func (n *Neuron) Edges() (from, to []int32, axial []float64) {
	return n.mesh.from, n.mesh.to, n.mesh.Axial
}

// RecordAll records every compartment in order.
func (n *Neuron) RecordAll() {
	n.Records = nil
	for u, name := range n.Places() {
		n.Records = append(n.Records, Record{name, u})
	}
}
