package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/data"
	"galvani/kernels"

	"go.uber.org/goleak"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toyNet is a tanh network as a plain unrolled graph:
//
//	h ← f(x·Wᵀ + h·Rᵀ),  logits = h·Vᵀ + c + √root
//
// with f = tanh unless set. The derivative of the square root is
// infinite at root = 0.
type toyNet struct {
	inputs, hidden, outputs int
	f                       func(*gorgonia.Node) (*gorgonia.Node, error)
	builds                  int
	collide                 func(build int) bool // plant two nodes of equal hash
	extra                   func(build int) bool // plant one more node
}

func newToy() *toyNet { return &toyNet{inputs: 2, hidden: 5, outputs: 2, f: gorgonia.Tanh} }

// newLinear is the toy with f the identity.
func newLinear() *toyNet {
	n := newToy()
	n.f = func(x *gorgonia.Node) (*gorgonia.Node, error) { return x, nil }
	return n
}

func (n *toyNet) Name() string    { return "toy" }
func (n *toyNet) Rest() []float64 { return []float64{0.25} }
func (n *toyNet) Hidden() int     { return n.hidden }
func (n *toyNet) Outputs() int    { return n.outputs }

func (n *toyNet) Specs() []kernels.Spec {
	i, h, o := n.inputs, n.hidden, n.outputs
	return []kernels.Spec{
		{Name: "cell.W", Shape: []int{h, i}, Role: kernels.In, Learned: true, Bound: kernels.Free(),
			Init: kernels.Init{Kind: kernels.XavierUniform, A: 1}},
		{Name: "cell.R", Shape: []int{h, h}, Role: kernels.Rec, Learned: true, Bound: kernels.Bound{Lo: -0.9, Hi: 0.9},
			Init: kernels.Init{Kind: kernels.Orthogonal, A: 0.8}},
		{Name: "cell.gain", Shape: []int{h}, Role: kernels.Vec, Bound: kernels.Free(),
			Init: kernels.Init{Kind: kernels.Constant, A: 1}},
		{Name: "readout.weight", Shape: []int{o, h}, Role: kernels.Readout, Learned: true, Bound: kernels.Free(),
			Init: kernels.Init{Kind: kernels.XavierUniform, A: 1}},
		{Name: "readout.bias", Shape: []int{o}, Role: kernels.Readout, Learned: true, Bound: kernels.Free()},
		{Name: "readout.root", Shape: []int{o}, Role: kernels.Readout, Learned: true, Bound: kernels.Bound{Lo: 1e-3, Hi: math.Inf(1)},
			Init: kernels.Init{Kind: kernels.Constant, A: 1}},
	}
}

func (n *toyNet) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (out kernels.Output, err error) {
	defer func() { // gorgonia.Must panics
		if r := recover(); r != nil {
			err = fmt.Errorf("toy: %v", r)
		}
	}()
	n.builds++
	if n.collide != nil && n.collide(n.builds) {
		plant(g)
	}
	if n.extra != nil && n.extra(n.builds) {
		scalarInput(g, "extra")
	}
	must := gorgonia.Must
	w, r, gain, v, c, root := params[0], params[1], params[2], params[3], params[4], params[5]
	bind := func(name string, t *tensor.Dense) *gorgonia.Node {
		return gorgonia.NewTensor(g, t.Dtype(), t.Dims(), gorgonia.WithShape(t.Shape()...), gorgonia.WithName(name), gorgonia.WithValue(t))
	}
	x := bind("x", in.X)
	h := must(kernels.Field(bind("state", in.State), 0, in.B, n.hidden))
	states := &toyLayer{before: []*gorgonia.Node{h}}
	wt, rt, vt := must(gorgonia.Transpose(w)), must(gorgonia.Transpose(r)), must(gorgonia.Transpose(v))
	values := make([]gorgonia.Value, in.T)
	var rows gorgonia.Nodes
	for t := range in.T {
		xt := must(kernels.Field(x, t*in.B*in.I, in.B, in.I))
		h = must(gorgonia.Add(must(gorgonia.Mul(xt, wt)), must(gorgonia.Mul(h, rt))))
		h = must(n.f(must(gorgonia.BroadcastHadamardProd(h, gain, nil, []byte{0}))))
		gorgonia.Read(h, &values[t])
		states.steps = append(states.steps, h)
		rows = append(rows, h)
	}
	states.after = []*gorgonia.Node{h}
	if in.Every {
		h = must(kernels.Pack(rows...))
		h = must(kernels.Field(h, 0, in.T*in.B, n.hidden))
	}
	bias := must(gorgonia.Add(c, must(gorgonia.Sqrt(root))))
	logits := must(gorgonia.BroadcastAdd(must(gorgonia.Mul(h, vt)), bias, nil, []byte{0}))
	states.h = func() (gorgonia.Value, error) { return joined(values, in.T, in.B, n.hidden) }
	states.final = func() (gorgonia.Value, error) { return joined(values[in.T-1:], 1, in.B, n.hidden) }
	return kernels.NewOutput(logits, states), nil
}

// toyLayer is the layer of a toyNet.
type toyLayer struct {
	h, final             func() (gorgonia.Value, error)
	steps, before, after []*gorgonia.Node
}

func (*toyLayer) Planes() []kernels.Plane                  { return []kernels.Plane{{Name: "h"}} }
func (l *toyLayer) H() (gorgonia.Value, error)             { return l.h() }
func (l *toyLayer) Shown() int                             { return 0 }
func (l *toyLayer) Final() (gorgonia.Value, error)         { return l.final() }
func (l *toyLayer) Steps() []*gorgonia.Node                { return l.steps }
func (l *toyLayer) Ends() (before, after []*gorgonia.Node) { return l.before, l.after }

// joined returns the values, one after the other, as one tensor.
func joined(values []gorgonia.Value, shape ...int) (*tensor.Dense, error) {
	if values[0] == nil {
		return nil, errors.New("toy: not run yet")
	}
	if values[0].Dtype() == tensor.Float64 {
		return join[float64](values, shape)
	}
	return join[float32](values, shape)
}

func join[F kernels.Float](values []gorgonia.Value, shape []int) (*tensor.Dense, error) {
	n := tensor.Shape(shape).TotalSize() / len(values)
	all := make([]F, n*len(values))
	for i, v := range values {
		if err := unpack(all[i*n:(i+1)*n], v); err != nil {
			return nil, err
		}
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(all)), nil
}

// toySet is sequences of noise. The class says whether the first input has a larger sum than
// the second; the value is the sums themselves, at each step those so far.
type toySet struct {
	n     int
	name  string
	fresh bool // new samples each epoch
	fail  int  // index whose Fill fails, −1 for none
}

func (s *toySet) Len() int { return s.n }

func (s *toySet) Fill(b *data.Batch, col, epoch, index int) error {
	if index == s.fail {
		return errors.New("toy: broken sample")
	}
	if !s.fresh {
		epoch = 0
	}
	r := newStream(uint64(epoch), fmt.Sprintf("%s %d", s.name, index))
	sum := make([]float64, b.I)
	for t := range b.T {
		for i := range b.I {
			v := float32(r.Normal(uint64(t*b.I + i)))
			b.X[(t*b.B+col)*b.I+i] = v
			sum[i] += float64(v) / float64(b.T)
		}
		if !b.Every && t < b.T-1 {
			continue
		}
		n := col
		if b.Every {
			n = t*b.B + col
		}
		b.Weight[n] = 1
		if b.Label != nil {
			b.Label[n] = 0
			if sum[0] < sum[1] {
				b.Label[n] = 1
			}
			continue
		}
		for o := range b.O {
			b.Value[n*b.O+o] = float32(sum[o])
		}
	}
	return nil
}

func newToyTask() *data.Task {
	return &data.Task{Name: "toy", T: 4, I: 2, O: 2, Goal: data.Classify,
		Train: &toySet{n: 50, name: "train", fresh: true, fail: -1}, Test: &toySet{n: 37, name: "test", fail: -1}}
}

func toyOptions() Options {
	o := DefaultOptions()
	o.Epochs, o.Batch, o.LR = 3, 8, 2e-2
	return o
}

func newToySession(t testing.TB, change func(*Config)) *Session {
	t.Helper()
	cfg := Config{Net: newToy(), Task: newToyTask(), Options: toyOptions()}
	if change != nil {
		change(&cfg)
	}
	s, err := NewSession(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// batchOf returns batch k of epoch 0 in the order of the set.
func batchOf(t testing.TB, s *Session, k int) *data.Batch {
	t.Helper()
	p := s.cfg.trainPlan()
	p.shuffle = false
	b := data.NewBatch(s.cfg.Task, p.batch)
	if err := p.fill(b, nil, 0, k); err != nil {
		t.Fatal(err)
	}
	return b
}

// mustGrad returns the gradient of a graph in host memory.
func mustGrad[F kernels.Float](g *Graph[F]) []F {
	grad, err := g.Grad()
	if err != nil {
		panic(err)
	}
	return grad
}

// sameState compares all tensors of two sessions bit by bit.
func sameState(t *testing.T, a, b *Session) {
	t.Helper()
	x, err := a.State()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.State()
	if err != nil {
		t.Fatal(err)
	}
	for i := range x.Tensors {
		if !slices.Equal(x.Tensors[i].Data, y.Tensors[i].Data) {
			t.Errorf("%s differs", x.Tensors[i].Name)
		}
	}
	if x.Extra[progressKey] != y.Extra[progressKey] {
		t.Errorf("progress is %s and %s", x.Extra[progressKey], y.Extra[progressKey])
	}
}

// spoilt returns the task with a NaN in one sample of the training set.
func spoilt(t *data.Task, index int) *data.Task {
	c := *t
	c.Train = spoiltSet{t.Train, index}
	return &c
}

type spoiltSet struct {
	data.Set
	index int
}

func (s spoiltSet) Fill(b *data.Batch, col, epoch, index int) error {
	err := s.Set.Fill(b, col, epoch, index)
	if index == s.index {
		b.X[col*b.I] = float32(math.NaN())
	}
	return err
}

// descentOf returns what follows the gradient in a session, graphsOf what the gradient comes from.
func descentOf(s *Session) *descent { return s.learner.(*descent) }
func graphsOf(s *Session) *graphs   { return descentOf(s).rule.(*graphs) }

// shaped is the configuration of the training graph for the shape of a batch.
func shaped(s *Session, b *data.Batch) GraphConfig {
	cfg, err := s.batchConfig(b)
	if err != nil {
		panic(err)
	}
	return cfg
}
