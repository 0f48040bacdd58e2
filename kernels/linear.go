package kernels

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Check refuses sizes that are none.
//
// Errors: wraps ErrShape.
func (c LinearConfig) Check() error {
	if c.N < 1 || c.K < 1 || c.M < 1 {
		return fmt.Errorf("kernels: linear: N=%d K=%d M=%d, want all at least 1: %w", c.N, c.K, c.M, ErrShape)
	}
	return nil
}

// Linear returns y = x·wᵀ + b for x [N,K], w [M,K], b [M]: y is [N,M]. A nil device computes
// it with Gorgonia's own operations.
func Linear(dev Device, x, w, b *gorgonia.Node) (*gorgonia.Node, error) {
	return LinearBack(dev, x, w, b, w)
}

// LinearBack is Linear with a gradient dx = dy·back [M,K] in place of dy·w, so that an error reaches x
// through other weights than those that x went forward through. Back itself has no gradient. With w for
// back the result and all gradients are those of Linear, bit for bit.
//
// Source: Lillicrap et al. (2016), doi:10.1038/ncomms13276.
func LinearBack(dev Device, x, w, b, back *gorgonia.Node) (*gorgonia.Node, error) {
	if !back.Shape().Eq(w.Shape()) || back.Dtype() != w.Dtype() {
		return nil, fmt.Errorf("kernels: linear: the weights of the way back are %v %v, want %v %v: %w",
			back.Dtype(), back.Shape(), w.Dtype(), w.Shape(), ErrShape)
	}
	if x.Dims() != 2 || w.Dims() != 2 || b.Dims() != 1 || x.Shape()[1] != w.Shape()[1] || b.Shape()[0] != w.Shape()[0] {
		return nil, fmt.Errorf("kernels: linear: x is %v, w is %v, b is %v, want [N,K], [M,K], [M]: %w",
			x.Shape(), w.Shape(), b.Shape(), ErrShape)
	}
	cfg := LinearConfig{N: x.Shape()[0], K: x.Shape()[1], M: w.Shape()[0], Dtype: x.Dtype()}
	if dev == nil {
		if back == w {
			return unfusedLinear(cfg, x, w, b)
		}
		return unfusedBack(cfg, x, w, b, back)
	}
	plan, err := dev.NewLinear(cfg)
	if err != nil {
		return nil, err
	}
	l := &linearOp{op: newOp("linear N=%d K=%d M=%d on %s", cfg.N, cfg.K, cfg.M, dev.Name()), cfg: cfg, plan: plan}
	return apply(l, tensor.Shape{cfg.N, cfg.M}, x, w, b, back)
}

// unfusedBack goes through w with x held, and through back for the gradient of x alone.
func unfusedBack(cfg LinearConfig, x, w, b, back *gorgonia.Node) (*gorgonia.Node, error) {
	held, err := Hold(x)
	if err != nil {
		return nil, err
	}
	y, err := unfusedLinear(cfg, held, w, b)
	if err != nil {
		return nil, err
	}
	fixed, err := Hold(back)
	if err != nil {
		return nil, err
	}
	t, err := gorgonia.Transpose(fixed)
	if err != nil {
		return nil, err
	}
	path, err := gorgonia.Mul(x, t)
	if err != nil {
		return nil, err
	}
	return apply(&detourOp{newOp("linear N=%d K=%d M=%d with a way back", cfg.N, cfg.K, cfg.M)}, tensor.Shape{cfg.N, cfg.M}, y, path)
}

// unfusedLinear adds the bias as ones [N,1] times b [1,M]: Gorgonia's broadcasting fails for
// some shapes with a dimension of 1.
func unfusedLinear(cfg LinearConfig, x, w, b *gorgonia.Node) (*gorgonia.Node, error) {
	wt, err := gorgonia.Transpose(w)
	if err != nil {
		return nil, err
	}
	y, err := gorgonia.Mul(x, wt)
	if err != nil {
		return nil, err
	}
	row, err := Field(b, 0, 1, cfg.M)
	if err != nil {
		return nil, err
	}
	ones := tensor.New(tensor.WithShape(cfg.N, 1), tensor.Of(cfg.Dtype))
	if err := ones.Memset(one(cfg.Dtype)); err != nil {
		return nil, err
	}
	col := input(x.Graph(), ones, newOp("linear").unique("ones"))
	bias, err := gorgonia.Mul(col, row)
	if err != nil {
		return nil, err
	}
	return gorgonia.Add(y, bias)
}

func one(t tensor.Dtype) any {
	if t == tensor.Float64 {
		return float64(1)
	}
	return float32(1)
}

// unique returns a name that no other node has.
func (o op) unique(part string) string { return fmt.Sprintf("%s#%d.%s", o.name, o.id, part) }

// linearOp is the operation behind LinearBack on a device: x, w, b and the weights of the way back.
type linearOp struct {
	op
	cfg  LinearConfig
	plan LinearPlan
	dp   gorgonia.Value // packed gradient of w and b, left by the adjoint for its second half
}

func (l *linearOp) DiffWRT(int) []bool { return []bool{true, true, true, false} }

func (l *linearOp) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(l.name, &err)
	return l.plan.Forward(in[0], in[1], in[2])
}

// SymDiff makes two nodes, because an operation has one result: dx, and behind it the packed
// gradient of w and b that was computed with it.
func (l *linearOp) SymDiff(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	dx, err := apply(&linearAdjoint{adjoint{newOp("adjoint of %s #%d", l.name, l.id)}, l}, tensor.Shape{l.cfg.N, l.cfg.K}, in[0], in[3], grad)
	if err != nil {
		return nil, err
	}
	dp, err := apply(&linearParams{adjoint{newOp("parameters of %s #%d", l.name, l.id)}, l}, tensor.Shape{l.cfg.M * (l.cfg.K + 1)}, dx)
	if err != nil {
		return nil, err
	}
	dw, err := Field(dp, 0, l.cfg.M, l.cfg.K)
	if err != nil {
		return nil, err
	}
	db, err := Field(dp, l.cfg.M*l.cfg.K, l.cfg.M)
	return gorgonia.Nodes{dx, dw, db, nil}, err
}

type linearAdjoint struct {
	adjoint
	linear *linearOp
}

func (a *linearAdjoint) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer caught(a.name, &err)
	v, a.linear.dp, err = a.linear.plan.Backward(in[0], in[1], in[2])
	return v, err
}

type linearParams struct {
	adjoint
	linear *linearOp
}

func (p *linearParams) Do(...gorgonia.Value) (gorgonia.Value, error) { return p.linear.dp, nil }
