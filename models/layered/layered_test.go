package layered

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models/rules"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestRulesAreChoices holds the words of the key rule of every model to the registry.
func TestRulesAreChoices(t *testing.T) {
	for _, e := range All() {
		keys, err := setting.Keys(e.Name, e.New())
		if err != nil {
			t.Fatal(err)
		}
		if got := keys[1]; got.Name != "rule" || !slices.Equal(got.OneOf, rules.For(e.Name)) {
			t.Errorf("%s: key %s takes %v, want the rules %v", e.Name, got.Name, got.OneOf, rules.For(e.Name))
		}
	}
}

// TestGraph holds the operation with every activation to the graph, in both number types.
func TestGraph(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 2)
	for _, name := range []string{"relu", "tanh", "sigmoid", "softplus"} {
		e := newExample(t, func(m *MLP) { m.Activation = name })
		want := e.run(t, nil, tensor.Float64)
		for dt, tolerance := range map[tensor.Dtype]float64{tensor.Float64: 1e-8, tensor.Float32: 1e-5} { // Gorgonia's sigmoid is off by 6e-9
			if dev == nil {
				continue // the graph in float32 is Gorgonia's affair
			}
			got := e.run(t, dev, dt)
			near(t, name+" logits", got.logits, want.logits, tolerance)
			for _, p := range forwardNames {
				near(t, name+" gradient of "+p, got.grads[p], want.grads[p], 10*tolerance)
			}
		}
	}
}

// TestFiniteDifferences holds the gradients of backprop, of the graph and of the operation, to finite
// differences of the loss in float64.
func TestFiniteDifferences(t *testing.T) {
	const h = 1e-5
	e := newExample(t, byRule("backprop"))
	for _, dev := range []kernels.Device{nil, devicetest.CPUOrNil(t, 1)} {
		r := e.run(t, dev, tensor.Float64)
		for _, name := range forwardNames {
			v := e.values[name]
			for _, i := range []int{0, len(v) - 1} {
				old := v[i]
				v[i] = old + h
				up := e.run(t, dev, tensor.Float64).loss
				v[i] = old - h
				down := e.run(t, dev, tensor.Float64).loss
				v[i] = old
				if want := (up - down) / (2 * h); math.Abs(r.grads[name][i]-want) > 1e-6*max(1, math.Abs(want)) {
					t.Errorf("∂L/∂%s[%d] is %v, finite differences give %v", name, i, r.grads[name][i], want)
				}
			}
		}
	}
}

// TestSymmetricFeedback holds the rules whose weights of the way back equal those of the layer above to
// backprop, bit for bit: with and without a device.
func TestSymmetricFeedback(t *testing.T) {
	for _, dev := range []kernels.Device{nil, devicetest.CPUOrNil(t, 2)} {
		for _, name := range []string{"feedback-alignment", "kolen-pollack", "weight-mirror"} {
			e := newExample(t, byRule(name))
			for _, pair := range e.net.Pairs() {
				copy(e.values[pair[0]], e.values[pair[1]])
			}
			want := *e
			want.net = e.net.Exact()
			same(t, name, e.run(t, dev, tensor.Float32), want.run(t, dev, tensor.Float32), forwardNames...)
		}
	}
}

// TestExact holds the network with the gradient's way back to backprop, for every rule.
func TestExact(t *testing.T) {
	want := newExample(t, byRule("backprop")).run(t, nil, tensor.Float64)
	for name, change := range variants() {
		e := newExample(t, change)
		e.net = e.net.Exact()
		got := e.run(t, devicetest.CPUOrNil(t, 1), tensor.Float64)
		for _, p := range forwardNames {
			near(t, name+": gradient of "+p, got.grads[p], want.grads[p], 1e-10)
		}
	}
}

// TestDirect holds the errors of direct feedback alignment to the formula, for one layer: the gradient of the
// first bias is the sum of φ'(a) ∘ e B over the batch.
func TestDirect(t *testing.T) {
	e := newExample(t, byRule("direct-feedback-alignment"))
	r := e.run(t, devicetest.CPUOrNil(t, 1), tensor.Float64)
	want := make([]float64, hidden[0])
	for b := range batch {
		p := softmax(r.logits[b*outputs:][:outputs])
		p[int(e.label[b])]--
		for j := range want {
			a := e.values["layer1.bias"][j]
			for k := range inputs {
				a += e.values["layer1.weight"][j*inputs+k] * e.x[b*inputs+k]
			}
			back := 0.0
			for o := range outputs {
				back += p[o] / float64(batch) * e.values["layer1.feedback"][o*hidden[0]+j]
			}
			want[j] += back * (1 - math.Pow(math.Tanh(a), 2))
		}
	}
	near(t, "gradient of the first bias", r.grads["layer1.bias"], want, 1e-9)
}

func softmax(a []float64) []float64 {
	p, sum := make([]float64, len(a)), 0.0
	for i, x := range a {
		p[i] = math.Exp(x)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// TestTwin holds the change of the weights of the way back under kolen-pollack to that of the forward
// weights, bit for bit.
func TestTwin(t *testing.T) {
	for _, dev := range []kernels.Device{nil, devicetest.CPUOrNil(t, 1)} {
		e := newExample(t, byRule("kolen-pollack"))
		r := e.run(t, dev, tensor.Float32)
		for _, pair := range e.net.Pairs() {
			if !slices.Equal(r.grads[pair[0]], r.grads[pair[1]]) {
				t.Errorf("the gradient of %s is not that of %s", pair[0], pair[1])
			}
		}
	}
}

// TestMirror holds the mean change of the weights of the way back under weight-mirror to B − W, within five
// standard errors of the noise, and each update to noise of its own that comes back with its number.
func TestMirror(t *testing.T) {
	e := newExample(t, func(m *MLP) { m.Rule, m.MirrorRate = "weight-mirror", 1 })
	dev := devicetest.CPUOrNil(t, 1)
	const updates = 400
	pair := e.net.Pairs()[0]
	b, w := e.values[pair[0]], e.values[pair[1]]
	sum, squares := make([]float64, len(b)), make([]float64, len(b))
	var first []float64
	for i := range updates {
		e.update = uint64(i)
		g := e.run(t, dev, tensor.Float64).grads[pair[0]]
		if i == 0 {
			first = g
		} else if i == 1 && slices.Equal(first, g) {
			t.Error("two updates drew the same noise")
		}
		for k, v := range g {
			sum[k] += v / updates
			squares[k] += v * v / updates
		}
	}
	for k := range sum {
		if err := math.Sqrt((squares[k] - sum[k]*sum[k]) / updates); math.Abs(sum[k]-(b[k]-w[k])) > 5*err {
			t.Errorf("element %d: mean gradient %.4f ± %.4f, want %.4f", k, sum[k], err, b[k]-w[k])
		}
	}
	if e.update = 0; !slices.Equal(e.run(t, dev, tensor.Float64).grads[pair[0]], first) {
		t.Error("the noise of update 0 is another the second time")
	}
}

// TestSigns holds the sizes of sign symmetry: one for all with usf, drawn once with frsf, anew with brsf.
func TestSigns(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 1)
	at := func(symmetry string, update uint64) result {
		e := newExample(t, func(m *MLP) { m.Rule, m.Symmetry = "sign-symmetry", symmetry })
		e.update = update
		return e.run(t, dev, tensor.Float64)
	}
	for symmetry, stays := range map[string]bool{"usf": true, "frsf": true, "brsf": false} {
		if a, b := at(symmetry, 0).grads["layer1.weight"], at(symmetry, 1).grads["layer1.weight"]; slices.Equal(a, b) != stays {
			t.Errorf("%s: sizes stay from update to update: %t, want %t", symmetry, !stays, stays)
		}
	}
	// Weights that all have the size of usf are their own signs, times that size.
	e := newExample(t, func(m *MLP) { m.Rule = "sign-symmetry" })
	for l := 1; l < 3; l++ {
		s := e.net.specs[2*l]
		for i, w := range e.values[s.Name] {
			e.values[s.Name][i] = math.Copysign(math.Sqrt(2/float64(s.Shape[0]+s.Shape[1])), w)
		}
	}
	want := *e
	want.net = e.net.Exact()
	near(t, "gradient by signs", e.run(t, dev, tensor.Float64).grads["layer1.weight"], want.run(t, dev, tensor.Float64).grads["layer1.weight"], 1e-12)
}

// spoiler is a device that changes the weights of all layers after the forward pass.
type spoiler struct {
	kernels.Device
	spoil   func(x float64) float64
	weights []*tensor.Dense
	spoiled bool
}

func (d *spoiler) NewLinear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	p, err := d.Device.NewLinear(cfg)
	return &spoiled{p, d}, err
}

type spoiled struct {
	kernels.LinearPlan
	dev *spoiler
}

func (p *spoiled) Forward(x, w, b gorgonia.Value) (gorgonia.Value, error) {
	p.dev.weights = append(p.dev.weights, w.(*tensor.Dense))
	return p.LinearPlan.Forward(x, w, b)
}

func (p *spoiled) Backward(x, back, dy gorgonia.Value) (dx, dp gorgonia.Value, err error) {
	if !p.dev.spoiled {
		p.dev.spoiled = true
		for _, w := range p.dev.weights {
			for i, v := range w.Data().([]float64) {
				w.Data().([]float64)[i] = p.dev.spoil(v)
			}
		}
	}
	return p.LinearPlan.Backward(x, back, dy)
}

// TestReads holds every rule to what it says it reads of the weights of the layer above: when they are spoiled
// between the forward pass and the way back, no update changes by a bit; nor does that of sign-symmetry when
// they keep their signs. Backprop, which reads them, notices both.
func TestReads(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 1)
	if dev == nil {
		return // without a device nothing stands between the passes
	}
	for name, change := range variants() {
		for what, spoil := range map[string]func(float64) float64{
			"another size": func(x float64) float64 { return 3 * x }, "no number": func(float64) float64 { return math.NaN() }} {
			e := newExample(t, change)
			want := e.run(t, dev, tensor.Float64)
			got := e.run(t, &spoiler{Device: dev, spoil: spoil}, tensor.Float64)
			blind := true
			switch e.net.Rule().Back.(type) {
			case rules.Transport:
				blind = false
			case rules.Signs:
				blind = what == "another size"
			}
			equal := true
			for p, w := range want.grads {
				equal = equal && fmt.Sprint(got.grads[p]) == fmt.Sprint(w)
			}
			if equal != blind {
				t.Errorf("%s, weights of %s: the update is the same: %t, want %t", name, what, equal, blind)
			}
		}
	}
}

// TestThreads holds all results to the same bits on one and two threads, with layers so wide that the work is
// divided.
func TestThreads(t *testing.T) {
	defer func(h []int, b, i int) { hidden, batch, inputs = h, b, i }(hidden, batch, inputs)
	hidden, batch, inputs = []int{300, 200}, 128, 100
	one, two := devicetest.CPUOrNil(t, 1), devicetest.CPUOrNil(t, 2)
	for name, change := range variants() {
		e := newExample(t, change)
		a, b := e.run(t, one, tensor.Float32), e.run(t, two, tensor.Float32)
		for p := range a.grads {
			same(t, name, b, a, p)
		}
	}
}

// TestGo holds products without a device to those of the CPU.
func TestGo(t *testing.T) {
	dev := devicetest.CPUOrNil(t, 1)
	for name, change := range variants() {
		e := newExample(t, change)
		want := e.run(t, dev, tensor.Float64)
		got := e.run(t, nil, tensor.Float64)
		for p := range want.grads {
			near(t, name+": gradient of "+p, got.grads[p], want.grads[p], 1e-10)
		}
	}
}

// TestBad holds what is refused.
func TestBad(t *testing.T) {
	for want, change := range map[string]func() error{
		"hidden is [], want at least one value":  func() error { m := NewMLP(); m.Hidden = nil; _, err := Bind("mlp", m, 3, 2); return err },
		"hidden is 0, want 1 to 65536":           func() error { m := NewMLP(); m.Hidden = []int{4, 0}; _, err := Bind("mlp", m, 3, 2); return err },
		"want all at least 1":                    func() error { _, err := Bind("mlp", NewMLP(), 0, 2); return err },
		"rule is \"hebb\", want one of backprop": func() error { m := NewMLP(); m.Rule = "hebb"; _, err := Bind("mlp", m, 3, 2); return err },
		"take a task of one step": func() error {
			_, err := newExample(t, byRule("backprop")).net.Build(gorgonia.NewGraph(), nil, kernels.Sequence{T: 2, B: 1, I: inputs}, nil)
			return err
		},
		"0 parameters, want 6": func() error {
			_, err := newExample(t, byRule("backprop")).net.Build(gorgonia.NewGraph(), nil,
				kernels.Sequence{T: 1, B: 1, I: inputs, X: dense(make([]float64, inputs), tensor.Float64, 1, 1, inputs)}, nil)
			return err
		},
		"mlp: layer2.feedback is (6, 5), want [5 6]": func() error {
			g, net := gorgonia.NewGraph(), newExample(t, byRule("feedback-alignment")).net
			var params gorgonia.Nodes
			for _, s := range net.Specs() {
				shape := slices.Clone(s.Shape)
				if s.Name == "layer2.feedback" {
					slices.Reverse(shape)
				}
				params = append(params, gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(s.Name)))
			}
			_, err := net.Build(g, nil, kernels.Sequence{T: 1, B: 1, I: inputs, X: dense(make([]float64, inputs), tensor.Float64, 1, 1, inputs)}, params)
			return err
		},
	} {
		if err := change(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestLayers: the output of a network names the activities of its hidden layers, and they are those of the
// equations, whatever computes them.
func TestLayers(t *testing.T) {
	for _, rule := range []string{"backprop", "feedback-alignment"} {
		e := newExample(t, byRule(rule))
		want, below := [][]float64{}, e.x
		for l, units := range hidden {
			w, bias := e.values[e.net.Specs()[2*l].Name], e.values[e.net.Specs()[2*l+1].Name]
			k := len(below) / batch
			h := make([]float64, batch*units)
			for i := range h {
				a := bias[i%units]
				for j, x := range below[i/units*k : (i/units+1)*k] {
					a += w[i%units*k+j] * x
				}
				h[i] = math.Tanh(a)
			}
			want, below = append(want, h), h
		}
		for _, dev := range []kernels.Device{nil, devicetest.CPUOrNil(t, 1)} {
			got := e.run(t, dev, tensor.Float64)
			if len(got.h) != len(want) {
				t.Fatalf("%s: %d layers, want %d", rule, len(got.h), len(want))
			}
			for l := range want {
				near(t, fmt.Sprintf("%s: h of layer %d", rule, l), got.h[l], want[l], 1e-12)
			}
		}
	}
}

// TestClipping holds how the limit on the norm of the gradient concerns the weights of the way back: they are
// never part of the norm, twins are scaled with the forward weights, and the mirror's are left alone.
func TestClipping(t *testing.T) {
	for name, want := range map[string]kernels.Clipping{"kolen-pollack": kernels.Scaled, "weight-mirror": kernels.Apart} {
		for _, s := range newExample(t, byRule(name)).net.Specs() {
			w := kernels.Counted
			if strings.HasSuffix(s.Name, ".feedback") {
				w = want
			}
			if s.Clip != w {
				t.Errorf("%s: clipping of %s is %d, want %d", name, s.Name, s.Clip, w)
			}
		}
	}
}
