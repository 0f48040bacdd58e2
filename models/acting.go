package models

import (
	"fmt"
	"math"

	"galvani/kernels"
)

// Array is a named array of numbers of a network.
type Array struct {
	Name, Unit, Doc string
	Shape           []int
	Values          []float32
}

// Deriver is a Cell that knows quantities which its parameters stand for, such as time constants.
type Deriver interface {
	// Derived returns them, given the stored values of the parameters by name.
	Derived(stored func(name string) []float32) []Array
}

// Acting returns the weight that acts where w is stored as element e of parameter p of Specs:
// with Dale's law |w| or max(0, w) times its sign, 0 for a connection that does not exist, and
// otherwise w.
func (n *Network) Acting(p, e int, w float32) float32 {
	r := n.reading(p)
	if r == nil {
		return w
	}
	return read(*r, e, w)
}

// Stored returns what to store as element e of parameter p so that v acts, or the nearest to v
// that its sign and its bounds allow. It is false for a connection that does not exist.
func (n *Network) Stored(p, e int, v float64) (float32, bool) {
	if r := n.reading(p); r != nil {
		if r.Factor != nil {
			if r.Factor[e] == 0 {
				return 0, false
			}
			v /= r.Factor[e]
		}
		if r.Rectifier != kernels.AsIs {
			v = max(0, v)
		}
	}
	b := n.specs[p].Bound
	if columns := n.specs[p].Columns; columns != nil {
		b = columns[e%len(columns)]
	}
	return float32(min(max(v, b.Lo), b.Hi)), true
}

// reading returns how the weights that act are made of parameter p, nil where they are it.
func (n *Network) reading(p int) *kernels.Reading {
	if l, row := n.layerOf(p); l != nil {
		if r, ok := l.constraints[l.params[row].Name]; ok {
			return &r
		}
		return nil
	}
	if n.specs[p].Name == readoutWeight && n.readout.Readings != nil {
		return &n.readout.Readings[0]
	}
	return nil
}

// read returns c f(w), the weight that a reading makes of a stored one but for its scale.
func read(r kernels.Reading, e int, w float32) float32 {
	switch r.Rectifier {
	case kernels.Absolute:
		w = float32(math.Abs(float64(w)))
	case kernels.Positive:
		w = max(0, w)
	}
	if r.Factor != nil {
		w *= float32(r.Factor[e])
	}
	if w == 0 {
		return 0 // not −0
	}
	return w
}

// Effective returns what acts in the network, given the stored values of its parameters in the
// order of Specs: each parameter under its own name and shape, with signs and masks applied; then
// the other weights that the cell makes of them, with their scales; then what the cell derives.
//
// Errors: kernels.ErrShape for values that do not fit Specs.
func (n *Network) Effective(stored [][]float32) ([]Array, error) {
	if len(stored) != len(n.specs) {
		return nil, fmt.Errorf("models: %s: %d parameters, want %d: %w", n.name, len(stored), len(n.specs), kernels.ErrShape)
	}
	var list []Array
	for p, s := range n.specs {
		if len(stored[p]) != s.Len() {
			return nil, fmt.Errorf("models: %s: %s has %d elements, want %d: %w", n.name, s.Name, len(stored[p]), s.Len(), kernels.ErrShape)
		}
		values := make([]float32, s.Len())
		for e, w := range stored[p] {
			values[e] = n.Acting(p, e, w)
		}
		list = append(list, Array{s.Name, s.Unit, s.Doc, s.Shape, values})
	}
	for _, l := range n.layers {
		own := stored[l.first : l.first+len(l.params)]
		for _, o := range l.step {
			if r := o.weights.Readings[0]; o.names[0] != o.spec.Name {
				list = append(list, Array{l.rename(o.names[0]), o.spec.Unit, "made of " + o.spec.Name + " for the conductance",
					o.spec.Shape, o.values(r, own)})
			}
		}
		if d, ok := l.cell.(Deriver); ok {
			for _, a := range d.Derived(func(name string) []float32 { return own[l.row(name)] }) {
				a.Name = l.rename(a.Name)
				list = append(list, a)
			}
		}
	}
	return list, nil
}

// values returns the weights that a reading makes of stored parameters.
func (o operand) values(r kernels.Reading, stored [][]float32) []float32 {
	values := make([]float32, o.spec.Len())
	for e := range values {
		values[e] = read(r, e, stored[o.of][e])
		if r.Scaled {
			at := map[kernels.Along]int{kernels.Whole: 0, kernels.Columns: e % o.weights.C, kernels.Rows: e / o.weights.C}
			values[e] *= stored[o.scale][at[o.weights.Scale]]
		}
	}
	return values
}

// Constants calls visit for each array of the network that is fixed by its wiring and is not all
// ones:
//
//	wiring.mask     [H,H]  1 where unit i receives from unit j; the leak of a unit is no connection;
//	                       wiring.mask_l1 and so on of the layers above the first
//	wiring.sign     [H]    with Dale's law 1 for units that excite and −1 for those that inhibit
//	wiring.readout  [H]    1 for units that the read-out sees
func (n *Network) Constants(visit func(name string, shape []int, values []int8)) {
	for _, l := range n.layers {
		h := l.dims.H
		if l.mask == nil {
			continue
		}
		mask := make([]int8, h*h)
		for k, m := range l.mask {
			mask[k] = int8(m)
		}
		visit(l.suffixed("wiring.mask"), []int{h, h}, mask)
	}
	if !n.wiring.Dale {
		return
	}
	h := n.dims.H
	sign, seen := make([]int8, h), make([]int8, h)
	for j := range h {
		sign[j], seen[j] = int8(n.wiring.sign(j, h)), 1
		if n.readout.Readings != nil {
			seen[j] = int8(n.readout.Readings[0].Factor[j])
		}
	}
	visit("wiring.sign", []int{h}, sign)
	if n.readout.Readings != nil {
		visit("wiring.readout", []int{h}, seen)
	}
}

// Store returns what to store of parameter p so that the given weights act.
//
// Errors: ErrPart for a number that is not finite in float32, or that no stored one gives: of a connection that does
// not exist, of the other sign than Dale's law asks for, out of its bounds.
func (n *Network) Store(p int, acting []float64) ([]float32, error) {
	s := n.specs[p]
	if len(acting) != s.Len() {
		return nil, fmt.Errorf("models: %s: %d numbers, want %d: %w", s.Name, len(acting), s.Len(), kernels.ErrShape)
	}
	stored := make([]float32, len(acting))
	for e, v := range acting {
		w, _ := n.Stored(p, e, v)
		if got := n.Acting(p, e, w); got != float32(v) || math.IsInf(float64(got), 0) {
			return nil, fmt.Errorf("models: element %d of %s is %v, which bounds, signs and masks of this network do not allow (the nearest is %v): %w", e, s.Name, v, got, ErrPart)
		}
		stored[e] = w
	}
	return stored, nil
}
