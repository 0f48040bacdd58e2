package kernels

import (
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"sync/atomic"

	"github.com/chewxy/hm"
	// The version that Gorgonia asks for panics at start on Go 1.22 and newer.
	_ "go4.org/unsafe/assume-no-moving-gc"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// ErrCollision means that Gorgonia took two different nodes for one, because their 32-bit
// hashes are equal. Building again with other node names on a new graph helps.
var ErrCollision = errors.New("hash collision in the graph")

// Distinct checks that no two nodes of a graph have the same hash: Gorgonia takes them for one, and computes
// something else. Built again, with other names, a graph has other hashes.
//
// Errors: ErrCollision.
func Distinct(g *gorgonia.ExprGraph) error {
	seen := make(map[uint32]*gorgonia.Node, len(g.AllNodes()))
	for _, n := range g.AllNodes() {
		if m, ok := seen[n.Hashcode()]; ok {
			return fmt.Errorf("nodes %v and %v: %w", m, n, ErrCollision)
		}
		seen[n.Hashcode()] = n
	}
	return nil
}

// op is what all our Gorgonia operations have in common. One value serves one node.
//
// Gorgonia merges nodes whose operations hash alike, so each op carries a number that no
// other op in the process has, and a name that spells out its configuration.
type op struct {
	id   uint64
	name string
	in   []int        // dimensions of the inputs
	out  tensor.Shape // of the result
}

// operation is a pointer to a type with an op in it.
type operation interface {
	gorgonia.Op
	self() *op
}

// apply applies an operation whose result has a shape to its inputs.
func apply(o operation, out tensor.Shape, in ...*gorgonia.Node) (*gorgonia.Node, error) {
	b := o.self()
	b.out = out.Clone()
	for _, n := range in {
		b.in = append(b.in, n.Dims())
	}
	return gorgonia.ApplyOp(o, in...)
}

func (o *op) self() *op { return o }

func (o op) Arity() int    { return len(o.in) }
func (o op) Type() hm.Type { return fnType(append(slices.Clone(o.in), len(o.out))...) }

func (o op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.out.Clone(), nil }

// lastOp numbers the operations of the process.
var lastOp atomic.Uint64

// newOp returns an op with a fresh number. The name is the operation and its configuration.
func newOp(format string, args ...any) op {
	return op{id: lastOp.Add(1), name: fmt.Sprintf(format, args...)}
}

func (o op) WriteHash(h hash.Hash) { fmt.Fprintf(h, "galvani %s #%d", o.name, o.id) }

func (o op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o op) String() string { return o.name }

// ReturnsPtr is true: results live in buffers that the op owns.
func (o op) ReturnsPtr() bool { return true }

// OverwritesInput is -1: inputs may be parameters or data.
func (o op) OverwritesInput() int { return -1 }

// CallsExtern is false: with true the machine would allocate a result at every run.
func (o op) CallsExtern() bool { return false }

// input adds a value to a graph as a node.
func input(g *gorgonia.ExprGraph, v gorgonia.Value, name string) *gorgonia.Node {
	return gorgonia.NewTensor(g, v.Dtype(), v.Shape().Dims(), gorgonia.WithShape(v.Shape()...),
		gorgonia.WithName(name), gorgonia.WithValue(v))
}

// adjoint is an op that computes a gradient. Nothing is differentiated through it.
type adjoint struct{ op }

func (a adjoint) DiffWRT(inputs int) []bool { return make([]bool, inputs) }

func (a adjoint) SymDiff(gorgonia.Nodes, *gorgonia.Node, *gorgonia.Node) (gorgonia.Nodes, error) {
	return nil, fmt.Errorf("kernels: %s has no second derivative", a.name)
}

// fnType returns a fresh type a-tensor -> ... -> a-tensor from the number of dimensions of
// each input and, last, of the result; 0 dimensions are a scalar. Gorgonia recycles the types
// it is given, so each call must build its own.
func fnType(dims ...int) hm.Type {
	const elem = hm.TypeVariable('a')
	types := make([]hm.Type, len(dims))
	for i, d := range dims {
		if d == 0 {
			types[i] = elem
		} else {
			types[i] = gorgonia.TensorType{Dims: d, Of: elem}
		}
	}
	return hm.NewFnType(types...)
}

// caught turns a panic inside an operation into its error; use it as `defer caught(...)`.
// Gorgonia runs operations on a goroutine of its own, where a panic ends the process.
func caught(name string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("kernels: %s: %v", name, r)
	}
}
