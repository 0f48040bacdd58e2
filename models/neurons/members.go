package neurons

import (
	"fmt"
	"slices"

	"galvani/kernels/compartments"
	"galvani/kernels/sparse"
)

// Members returns some copies of a compiled neuron side by side as one forest, in which no copy reaches another. Unit
// u of copy m is m·U + u. Learned numbers of compartments, of channels by region and of inputs are each copy's own: their
// parameters have the rows of one copy behind those of the other. What is not learned, and the numbers of whole channels, pools
// and receptors, are shared. All units are recorded.
//
// Errors: those of sparse.NewTree.
func (c *Compiled) Members(many int) (*Compiled, error) {
	n, u := c.Neuron, int32(c.Neuron.Units())
	out := &Compiled{Neuron: n, Units: c.Units, Rest: c.Rest, Values: slices.Clone(c.Values)}
	out.Neuron.Record, out.Neuron.Base = nil, slices.Clone(n.Base)
	own := make([]int32, len(c.Params)) // elements of one copy, 0 of what is shared
	for i, s := range c.Params {
		if s.Learned && c.placed(i) {
			own[i] = int32(s.Len())
			rows := many
			if len(s.Shape) == 2 {
				rows *= s.Shape[0]
			}
			width := s.Shape[len(s.Shape)-1]
			letter := fmt.Sprint(width)
			if len(s.Shape) == 2 && s.Letters[len(s.Letters)-1] == 'I' {
				letter = "I"
			}
			s.Shape, s.Letters = []int{rows, width}, fmt.Sprintf("%d %s", rows, letter)
			s.Init.Values, out.Values[i] = slices.Repeat(s.Init.Values, many), slices.Repeat(c.Values[i], many)
			if n.Base != nil && n.Base[i] != nil {
				out.Neuron.Base[i] = slices.Repeat(n.Base[i], many)
			}
		}
		out.Params = append(out.Params, s)
	}
	spread := func(q compartments.Quantity) compartments.Quantity {
		if q.Param < 0 || q.Index == nil {
			return q
		}
		index := make([]int32, 0, many*len(q.Index))
		for m := range int32(many) {
			for _, e := range q.Index {
				index = append(index, e+m*own[q.Param])
			}
		}
		q.Index = index
		return q
	}
	units := func(one []int32) (all []int32) {
		for m := range int32(many) {
			for _, i := range one {
				all = append(all, i+m*u)
			}
		}
		return all
	}
	o := &out.Neuron
	o.Area = slices.Repeat(n.Area, many)
	o.Capacity, o.Leak, o.Rest, o.Axial = spread(n.Capacity), spread(n.Leak), spread(n.Rest), spread(n.Axial)
	o.Channels = slices.Clone(n.Channels)
	for i := range o.Channels {
		ch := &o.Channels[i]
		ch.Units, ch.Density = units(ch.Units), spread(ch.Density)
	}
	o.Inputs = nil
	for m := range many {
		for _, in := range n.Inputs {
			in.Unit += m * int(u)
			if w := &in.Weight; w.Param >= 0 && w.Index != nil {
				w.Index = []int32{w.Index[0] + int32(m)*own[w.Param]}
			}
			o.Inputs = append(o.Inputs, in)
		}
	}
	from, to := c.edges()
	var err error
	o.Tree, err = sparse.NewTree(len(o.Area), units(from), units(to))
	return out, err
}

// placed tells whether the elements of a parameter belong to places, not to the whole of a channel, pool or receptor.
func (c *Compiled) placed(param int) bool {
	n := &c.Neuron
	of := []compartments.Quantity{n.Capacity, n.Leak, n.Rest, n.Axial}
	for _, ch := range n.Channels {
		of = append(of, ch.Density)
	}
	for _, in := range n.Inputs {
		of = append(of, in.Weight)
	}
	return slices.ContainsFunc(of, func(q compartments.Quantity) bool { return q.Param == param && q.Index != nil })
}

// edges returns the edges of the tree, in their order.
func (c *Compiled) edges() (from, to []int32) {
	t := &c.Neuron.Tree
	from, to = make([]int32, c.Neuron.Edges()), make([]int32, c.Neuron.Edges())
	for k, e := range t.Edge {
		if e >= 0 {
			from[e], to[e] = t.Unit[t.Parent[k]], t.Unit[k]
		}
	}
	return from, to
}
