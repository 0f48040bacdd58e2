package models

import (
	"fmt"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Ops writes cells as Gorgonia graphs. Every plane is a matrix [B,H]; nothing is broadcast.
//
// The first error is kept and turns all later calls into no-ops, so a cell reads like its
// equations; Err returns it.
type Ops struct {
	B, H  int
	graph *gorgonia.ExprGraph
	dtype tensor.Dtype
	salt  string
	ones  map[[2]int]*gorgonia.Node
	fills map[float64]*gorgonia.Node
	named int // inputs that fresh has named

	elapsed *gorgonia.Node // of the step at hand, [B,H]; nil where all are 1
	noise   *noisyStep     // of the step at hand; nil for none
	err     error
}

// NewOps returns the operations for planes [b,h] of type dt (float32 or float64) on g.
//
// Gorgonia tells nodes apart by a 32-bit hash that starts from the names of the inputs. Salt
// is part of every name given here, so that another salt gives other hashes.
func NewOps(g *gorgonia.ExprGraph, dt tensor.Dtype, b, h int, salt string) *Ops {
	return &Ops{B: b, H: h, graph: g, dtype: dt, salt: salt,
		ones: map[[2]int]*gorgonia.Node{}, fills: map[float64]*gorgonia.Node{}}
}

// Err returns the first error.
func (k *Ops) Err() error { return k.err }

// Fail keeps err if it is the first.
func (k *Ops) Fail(err error) {
	if k.err == nil && err != nil {
		k.err = err
	}
}

// Elapsed returns the lengths of the step at hand, a plane: 1 without a mask, 0 where it holds the
// state.
//
// Units: time steps.
func (k *Ops) Elapsed() *gorgonia.Node {
	if k.elapsed == nil {
		return k.Const(1)
	}
	return k.elapsed
}

// Input adds an input node bound to elems, a []float32 or []float64 of the dtype, which is
// read again at every run.
func (k *Ops) Input(name string, elems any, shape ...int) *gorgonia.Node {
	if k.err != nil {
		return nil
	}
	v := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(elems))
	return gorgonia.NewTensor(k.graph, k.dtype, len(shape), gorgonia.WithShape(shape...),
		gorgonia.WithName(k.salt+"."+name), gorgonia.WithValue(v))
}

// fresh returns a name that no other input has.
func (k *Ops) fresh(name string) string {
	k.named++
	return fmt.Sprintf("%s %d", name, k.named)
}

// numbers converts to the dtype.
func (k *Ops) numbers(v []float64) any {
	if k.dtype == tensor.Float64 {
		return v
	}
	e := make([]float32, len(v))
	for i, x := range v {
		e[i] = float32(x)
	}
	return e
}

// Matrix returns a constant matrix [r,c].
func (k *Ops) Matrix(name string, r, c int, v []float64) *gorgonia.Node {
	return k.Input(name, k.numbers(v), r, c)
}

// Ones returns a matrix [r,c] of ones.
func (k *Ops) Ones(r, c int) *gorgonia.Node {
	key := [2]int{r, c}
	if k.ones[key] == nil {
		k.ones[key] = k.Matrix(fmt.Sprintf("ones %dx%d", r, c), r, c, full(r*c, 1))
	}
	return k.ones[key]
}

// Const returns a plane filled with c.
func (k *Ops) Const(c float64) *gorgonia.Node {
	if k.fills[c] == nil {
		k.fills[c] = k.Matrix(fmt.Sprintf("constant %b", c), k.B, k.H, full(k.B*k.H, c))
	}
	return k.fills[c]
}

// full returns n times c.
func full(n int, c float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = c
	}
	return v
}

// Row repeats a row vector [1,N] r times: [r,N].
func (k *Ops) Row(v *gorgonia.Node, r int) *gorgonia.Node { return k.MatMul(k.Ones(r, 1), v) }

// Column repeats a column [B,1] over the H units: [B,H].
func (k *Ops) Column(v *gorgonia.Node) *gorgonia.Node { return k.MatMul(v, k.Ones(1, k.H)) }

// Field returns part of a packed tensor.
func (k *Ops) Field(x *gorgonia.Node, offset int, shape ...int) *gorgonia.Node {
	return k.apply(func(n ...*gorgonia.Node) (*gorgonia.Node, error) {
		return kernels.Field(n[0], offset, shape...)
	}, x)
}

// Pack lays tensors of equal shape behind each other.
func (k *Ops) Pack(x ...*gorgonia.Node) *gorgonia.Node { return k.apply(kernels.Pack, x...) }

// MatMul returns the matrix product a·b; with noise where b is an input matrix.
func (k *Ops) MatMul(a, b *gorgonia.Node) *gorgonia.Node {
	return k.noise.drive(k.binary(gorgonia.Mul, a, b), b)
}

// Transpose returns the transpose of a matrix.
func (k *Ops) Transpose(a *gorgonia.Node) *gorgonia.Node {
	return k.unary(func(n *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Transpose(n, 1, 0) }, a)
}

// Add returns the elementwise sum of its arguments.
func (k *Ops) Add(a *gorgonia.Node, more ...*gorgonia.Node) *gorgonia.Node {
	for _, b := range more {
		a = k.binary(gorgonia.Add, a, b)
	}
	return a
}

// Sub returns a − b.
func (k *Ops) Sub(a, b *gorgonia.Node) *gorgonia.Node { return k.binary(gorgonia.Sub, a, b) }

// Mul returns the elementwise product a∘b.
func (k *Ops) Mul(a, b *gorgonia.Node) *gorgonia.Node { return k.binary(gorgonia.HadamardProd, a, b) }

// Div returns the elementwise quotient a/b.
func (k *Ops) Div(a, b *gorgonia.Node) *gorgonia.Node { return k.binary(gorgonia.HadamardDiv, a, b) }

// Scale returns c·a for a plane a.
func (k *Ops) Scale(a *gorgonia.Node, c float64) *gorgonia.Node { return k.Mul(k.Const(c), a) }

// AddConst returns a + c for a plane a.
func (k *Ops) AddConst(a *gorgonia.Node, c float64) *gorgonia.Node { return k.Add(a, k.Const(c)) }

// OneMinus returns 1 − a for a plane a.
func (k *Ops) OneMinus(a *gorgonia.Node) *gorgonia.Node { return k.Sub(k.Const(1), a) }

// Neg returns −a.
func (k *Ops) Neg(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Neg, a) }

// Exp returns exp(a).
func (k *Ops) Exp(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Exp, a) }

// Log returns the natural logarithm of a.
func (k *Ops) Log(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Log, a) }

// Sigmoid returns 1/(1+exp(−a)).
func (k *Ops) Sigmoid(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Sigmoid, a) }

// Tanh returns tanh(a).
func (k *Ops) Tanh(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Tanh, a) }

// Softplus returns log(1 + exp(a)).
func (k *Ops) Softplus(a *gorgonia.Node) *gorgonia.Node { return k.unary(gorgonia.Softplus, a) }

// Activation returns tanh, relu, sigmoid or softplus of a plane; other names are the identity.
func (k *Ops) Activation(name string, a *gorgonia.Node) *gorgonia.Node {
	switch name {
	case "tanh":
		return k.Tanh(a)
	case "relu":
		return k.Relu(a)
	case "sigmoid":
		return k.Sigmoid(a)
	case "softplus":
		return k.Softplus(a)
	}
	return a
}

// Relu returns max(0,a) for a plane a; its derivative at 0 is 0 (gorgonia.Rectify has 1).
func (k *Ops) Relu(a *gorgonia.Node) *gorgonia.Node { return k.Mul(a, k.positive(a)) }

// Hold returns a, through which nothing is differentiated.
func (k *Ops) Hold(a *gorgonia.Node) *gorgonia.Node { return k.unary(kernels.Hold, a) }

// size returns |a| for a plane a; its derivative at 0 is −1.
func (k *Ops) size(a *gorgonia.Node) *gorgonia.Node { return k.Choose(k.positive(a), a, k.Neg(a)) }

// Power returns a^p where a > 0 and 0 elsewhere, with derivative 0, for a plane a.
func (k *Ops) Power(a *gorgonia.Node, p float64) *gorgonia.Node {
	on := k.positive(a)
	base := k.Choose(on, a, k.Const(1)) // the logarithm of 1 does no harm where it is not used
	return k.Mul(on, k.Exp(k.Scale(k.Log(base), p)))
}

// positive returns 1 where a > 0 and 0 elsewhere.
func (k *Ops) positive(a *gorgonia.Node) *gorgonia.Node { return k.greater(a, k.Const(0)) }

// greater returns 1 where a > b and 0 elsewhere.
func (k *Ops) greater(a, b *gorgonia.Node) *gorgonia.Node {
	return k.binary(func(a, b *gorgonia.Node) (*gorgonia.Node, error) { return gorgonia.Gt(a, b, true) }, a, b)
}

func (k *Ops) unary(f func(a *gorgonia.Node) (*gorgonia.Node, error), a *gorgonia.Node) *gorgonia.Node {
	return k.apply(func(n ...*gorgonia.Node) (*gorgonia.Node, error) { return f(n[0]) }, a)
}

func (k *Ops) binary(f func(a, b *gorgonia.Node) (*gorgonia.Node, error), a, b *gorgonia.Node) *gorgonia.Node {
	return k.apply(func(n ...*gorgonia.Node) (*gorgonia.Node, error) { return f(n[0], n[1]) }, a, b)
}

// apply adds one operation to the graph. It refuses the node when Gorgonia has handed back
// another one with the same hash, which has other inputs.
func (k *Ops) apply(f func(n ...*gorgonia.Node) (*gorgonia.Node, error), in ...*gorgonia.Node) *gorgonia.Node {
	if k.err != nil {
		return nil
	}
	n, err := f(in...)
	if err != nil {
		k.Fail(err)
		return nil
	}
	from := map[int64]bool{}
	for it := k.graph.From(n.ID()); it.Next(); {
		from[it.Node().ID()] = true
	}
	for _, c := range in {
		if !from[c.ID()] {
			k.Fail(fmt.Errorf("%v stands for two nodes: %w", n, kernels.ErrCollision))
			return nil
		}
	}
	return n
}
