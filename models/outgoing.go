package models

import (
	"fmt"

	"galvani/kernels"
)

// Outgoing calls visit for every weight by which one of the units acts on the rest of the
// network, with the number of its parameter in Specs and of its element there. Units are counted over the layers, from
// below: of layers of H units each, unit l·H + j is unit j of layer l:
//
//   - its column of every recurrent matrix of its layer, W[post,pre], but for the diagonal: what a unit
//     does to itself stays, which for crnn-simple is its leak;
//   - the axial edges that end at it, each once. They are the neighbour's edges too;
//   - its column of every input matrix of the layer above;
//   - with readout, the column of the read-out of a unit of the last layer.
//
// No unit sees another one by any other way. With all of these weights 0, logits and the states
// of the other units are those of a network in which h of the units is 0 at every step, and the
// edges at them are cut; the units' own states go on, unseen.
//
// Of a neuron of compartments the tree stays as it is, a part of the neuron, and its compartments act by the read-out alone.
//
// Errors: kernels.ErrShape for a unit that there is not, or that is named twice, for a network with Normed, in which
// every unit acts by the mean and the variance of its layer, too, and for a neuron of compartments without the read-out.
func (n *Network) Outgoing(units []int, readout bool, visit func(param, element int)) error {
	if n.norm {
		return fmt.Errorf("models: %s: with layer_norm every unit acts by the mean and the variance of its layer, too, so that no weights hold all that it sends: %w", n.name, kernels.ErrShape)
	}
	if n.both {
		return fmt.Errorf("models: %s reads sequences in both directions, and what single units send is followed in one direction alone: %w", n.name, kernels.ErrShape)
	}
	if n.Scan().Neuron != nil && !readout {
		return fmt.Errorf("models: %s: its units are compartments, whose tree stays as it is, and act by the read-out alone, so that nothing is left to change: %w", n.name, kernels.ErrShape)
	}
	of := make([][]int, n.depth) // the units of each layer
	chosen := make([][]bool, n.depth)
	all := 0
	for i, h := range n.Sizes() {
		chosen[i] = make([]bool, h)
		all += h
	}
	for _, u := range units {
		layer, own := n.UnitOf(u)
		if u < 0 || u >= all || chosen[layer][own] {
			return fmt.Errorf("models: %s: unit %d is named twice or is not one of 0 to %d: %w", n.name, u, all-1, kernels.ErrShape)
		}
		chosen[layer][own] = true
		of[layer] = append(of[layer], own)
	}
	// columns visits those of the units of a layer in a matrix, without the diagonal of its own.
	columns := func(i, rows, layer int, own bool) {
		hidden := len(chosen[layer])
		for row := range rows {
			for _, u := range of[layer] {
				if own || row%hidden != u {
					visit(i, row*hidden+u)
				}
			}
		}
	}
	for i, s := range n.specs {
		l, _ := n.layerOf(i)
		switch {
		case l == nil:
			if readout && s.Name == readoutWeight {
				columns(i, n.dims.O, n.depth-1, true)
			}
		case s.Role == kernels.Rec:
			columns(i, s.Shape[0], l.number, false)
		case s.Role == kernels.In && l.number > 0:
			columns(i, s.Shape[0], l.number-1, true)
		case s.Role == kernels.Edge:
			own := chosen[l.number]
			for e := range l.scan.Axial.I {
				if own[l.scan.Axial.I[e]] || own[l.scan.Axial.J[e]] {
					visit(i, e)
				}
			}
		}
	}
	return nil
}
