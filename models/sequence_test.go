package models

import (
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// splitTolerance: the two halves compute the same sums in the same order.
const splitTolerance = 1e-14

// TestCarriedState holds a sequence cut in two, with the state carried over, to the whole.
func TestCarriedState(t *testing.T) {
	s := size{T: 5, B: 2, I: 2, H: 3, O: 1}
	const cut = 2
	for _, v := range variants(t) {
		if v.both {
			continue // which needs the whole
		}
		t.Run(v.name, func(t *testing.T) {
			whole := newFixture(t, v, s, masked)
			whole.run(t)
			first := part(t, whole, 0, cut, whole.seq.State)
			state := tensor.New(tensor.WithShape(whole.seq.State.Shape()...), tensor.WithBacking(first.final(t)))
			second := part(t, whole, cut, s.T, state)
			near(t, "h", joined(t, first, second), whole.h(t), splitTolerance)
			near(t, "final state", second.final(t), whole.final(t), splitTolerance)
		})
	}
}

// joined returns h of all layers of two parts of a sequence behind each other.
func joined(t *testing.T, first, second *fixture) (all []float64) {
	a, b := first.h(t), second.h(t)
	for _, h := range first.net.Sizes() {
		n, m := first.seq.T*first.seq.B*h, second.seq.T*second.seq.B*h
		all = append(append(all, a[:n]...), b[:m]...)
		a, b = a[n:], b[m:]
	}
	return all
}

// part runs steps [from,to) of a fixture from a state.
func part(t *testing.T, x *fixture, from, to int, state *tensor.Dense) *fixture {
	t.Helper()
	cut := func(d *tensor.Dense) *tensor.Dense {
		shape := d.Shape().Clone()
		n := d.Shape().TotalSize() / shape[0]
		shape[0] = to - from
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(d.Data().([]float64)[from*n:to*n]))
	}
	y := &fixture{net: x.net, size: x.size, values: x.values}
	y.seq = kernels.Sequence{T: to - from, B: x.seq.B, I: x.seq.I, X: cut(x.seq.X), State: state,
		Mask: cut(x.seq.Mask)}
	y = y.on(t, tensor.Float64, nil)
	y.run(t)
	return y
}

// TestRefill: the graph reads the caller's tensors again at every run.
func TestRefill(t *testing.T) {
	v := variant{name: "crnn", cell: NewCRNN()}
	x := newFixture(t, v, size{T: 3, B: 2, I: 2, H: 3, O: 2}, every|masked)
	x.run(t)
	before := x.h(t)
	for _, d := range []*tensor.Dense{x.seq.X, x.seq.State, x.seq.Mask} {
		e := d.Data().([]float64)
		for i := range e {
			e[i] = 1 - e[i]
		}
	}
	x.run(t)
	after := x.h(t)
	h, _, _ := x.expect(t, v.cell)
	near(t, "h", after, h, goldenTolerance)
	same := 0
	for i := range after {
		if before[i] == after[i] {
			same++
		}
	}
	if same == len(after) {
		t.Error("new values in the caller's tensors changed nothing")
	}
}

// TestNodeNames: every build names its nodes afresh, so that a hash collision can be escaped.
func TestNodeNames(t *testing.T) {
	x := newFixture(t, variant{name: "rnn", cell: &RNN{}}, size{T: 1, B: 1, I: 1, H: 1, O: 1}, 0)
	seen := map[string]bool{}
	for range 2 {
		for _, n := range x.graph.Inputs() {
			if seen[n.Name()] && n.Name()[:5] == "test." {
				t.Errorf("two builds made a node %q", n.Name())
			}
			seen[n.Name()] = true
		}
		x = x.on(t, tensor.Float64, nil)
	}
}

// TestCollisionIsFound: two inputs of one name are one node to Gorgonia; an operation on the
// second silently becomes the operation on the first.
func TestCollisionIsFound(t *testing.T) {
	k := NewOps(gorgonia.NewGraph(), tensor.Float64, 1, 1, "salt")
	a := k.Matrix("a", 1, 1, []float64{1})
	b := k.Matrix("b", 1, 1, []float64{2})
	k.apply(func(n ...*gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Exp(a) }, b)
	if k.Err() == nil {
		t.Error("a node with another input was taken")
	}
}
