package layered

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Sizes of the networks of most tests.
var (
	hidden = []int{6, 5}
	batch  = 4
	inputs = 7
)

const outputs = 3

// example is a network with parameters and a batch, all random.
type example struct {
	net    *Network
	values map[string][]float64
	x      []float64
	label  []float64
	weight []float64
	update uint64
}

func newExample(t *testing.T, change func(*MLP)) *example {
	t.Helper()
	m := NewMLP()
	m.Activation = "tanh"
	m.Hidden = hidden
	change(m)
	net, err := Bind("mlp", m, inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	e := &example{net: net, values: map[string][]float64{}}
	draw := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return v
	}
	e.x = draw(batch * inputs)
	for range batch {
		e.label, e.weight = append(e.label, float64(r.IntN(outputs))), append(e.weight, 1)
	}
	for _, s := range net.Specs() {
		e.values[s.Name] = draw(s.Len())
	}
	return e
}

func byRule(name string) func(*MLP) { return func(m *MLP) { m.Rule = name } }

// result is what a run gives: logits, loss, the activities of the hidden layers, and a gradient for each
// learned parameter.
type result struct {
	h      [][]float64
	logits []float64
	loss   float64
	grads  map[string][]float64
}

// run computes the network on a device, nil for the graph, in a number type.
func (e *example) run(t *testing.T, dev kernels.Device, dt tensor.Dtype) result {
	t.Helper()
	r, err := e.try(dev, dt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (e *example) try(dev kernels.Device, dt tensor.Dtype) (result, error) {
	g := gorgonia.NewGraph()
	in := kernels.Sequence{T: 1, B: batch, I: inputs, X: dense(e.x, dt, 1, batch, inputs), Update: func() (uint64, uint64) { return 9, e.update }}
	var params, learned gorgonia.Nodes
	var names []string
	for _, s := range e.net.Specs() {
		v := dense(e.values[s.Name], dt, s.Shape...)
		p := gorgonia.NewTensor(g, dt, len(s.Shape), gorgonia.WithShape(s.Shape...), gorgonia.WithName(s.Name), gorgonia.WithValue(v))
		if params = append(params, p); s.Learned {
			learned, names = append(learned, p), append(names, s.Name)
		}
	}
	out, err := e.net.Build(g, dev, in, params)
	if err != nil {
		return result{}, err
	}
	node := func(name string, v []float64) *gorgonia.Node {
		return gorgonia.NewTensor(g, dt, 1, gorgonia.WithShape(batch), gorgonia.WithName(name), gorgonia.WithValue(dense(v, dt, batch)))
	}
	loss, err := kernels.CrossEntropy(dev, out.Logits(), node("label", e.label), node("weight", e.weight))
	if err != nil {
		return result{}, err
	}
	one := gorgonia.NewConstant(1.0)
	if dt == tensor.Float32 {
		one = gorgonia.NewConstant(float32(1))
	}
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{loss}, gorgonia.Nodes{g.AddNode(one)}, learned)
	if err != nil {
		return result{}, err
	}
	var logits, total gorgonia.Value
	values := make([]gorgonia.Value, len(grads))
	gorgonia.Read(out.Logits(), &logits)
	gorgonia.Read(loss, &total)
	for i, n := range grads {
		gorgonia.Read(n, &values[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return result{}, err
	}
	r := result{logits: wide(logits), loss: wide(total)[0], grads: map[string][]float64{}}
	for _, l := range out.Layers() {
		h, err := l.H()
		if err != nil {
			return result{}, err
		}
		r.h = append(r.h, wide(h))
	}
	for i, name := range names {
		r.grads[name] = wide(values[i])
	}
	return r, nil
}

func dense(v []float64, dt tensor.Dtype, shape ...int) *tensor.Dense {
	if dt == tensor.Float64 {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), v...)))
	}
	e := make([]float32, len(v))
	for i, x := range v {
		e[i] = float32(x)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(e))
}

func wide(v gorgonia.Value) []float64 {
	switch e := v.Data().(type) {
	case float32:
		return []float64{float64(e)}
	case float64:
		return []float64{e}
	case []float32:
		return kernels.Wide(e)
	case []float64:
		return append([]float64(nil), e...)
	}
	panic(fmt.Sprintf("%T", v.Data()))
}

// near holds got to want relative to the largest of want.
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d numbers, want %d", what, len(got), len(want))
	}
	most := 1e-30
	for _, w := range want {
		most = max(most, math.Abs(w))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance*most) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// same holds the bits of gradients of the parameters in names to others.
func same(t *testing.T, what string, got, want result, names ...string) {
	t.Helper()
	for _, name := range names {
		for i, w := range want.grads[name] {
			if g := got.grads[name][i]; math.Float64bits(g) != math.Float64bits(w) {
				t.Errorf("%s: element %d of the gradient of %s is %v, want %v", what, i, name, g, w)
				break
			}
		}
	}
}

// forwardNames are the parameters that all rules have.
var forwardNames = []string{"layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias", "layer3.weight", "layer3.bias"}

// variants are the settings of all rules.
func variants() map[string]func(*MLP) {
	all := map[string]func(*MLP){}
	for _, name := range rules.For("mlp") {
		all[name] = byRule(name)
	}
	for _, s := range []string{"frsf", "brsf"} {
		all["sign-symmetry "+s] = func(m *MLP) { m.Rule, m.Symmetry = "sign-symmetry", s }
	}
	return all
}
