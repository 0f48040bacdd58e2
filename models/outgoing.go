package models

import (
	"fmt"

	"galvani/kernels"
)

// Outgoing calls visit for every weight by which one of the units acts on the rest of the
// network, with the number of its parameter in Specs and of its element there:
//
//   - its column of every recurrent matrix, W[post,pre], but for the diagonal: what a unit does
//     to itself stays, which for crnn-simple is its leak;
//   - the axial edges that end at it, each once. They are the neighbour's edges too;
//   - with readout, its column of the read-out.
//
// No unit sees another one by any other way. With all of these weights 0, logits and the states
// of the other units are those of a network in which h of the units is 0 at every step, and the
// edges at them are cut; the units' own states go on, unseen.
//
// Errors: kernels.ErrShape for a unit that there is not, or that is named twice.
func (n *Network) Outgoing(units []int, readout bool, visit func(param, element int)) error {
	hidden := n.dims.H
	chosen := make([]bool, hidden)
	for _, u := range units {
		if u < 0 || u >= hidden || chosen[u] {
			return fmt.Errorf("models: %s: unit %d is named twice or is not one of 0 to %d: %w", n.name, u, hidden-1, kernels.ErrShape)
		}
		chosen[u] = true
	}
	for i, s := range n.specs {
		switch {
		case s.Role == kernels.Rec:
			for row := range s.Shape[0] {
				for _, u := range units {
					if row%hidden != u {
						visit(i, row*hidden+u)
					}
				}
			}
		case s.Role == kernels.Edge:
			for e := range n.scan.Axial.I {
				if chosen[n.scan.Axial.I[e]] || chosen[n.scan.Axial.J[e]] {
					visit(i, e)
				}
			}
		case readout && s.Name == readoutWeight:
			for row := range n.dims.O {
				for _, u := range units {
					visit(i, row*hidden+u)
				}
			}
		}
	}
	return nil
}
