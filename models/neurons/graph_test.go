//go:build cgo

package neurons

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// mostGraph is how many compartments the graph of a test has at most: the elimination is unrolled.
const mostGraph = 24

// TestGraph holds the CPU to the graph, in both orders of steps: V, the whole state, and the gradients of
// all numbers that may be learned, of the input and of the first state.
func TestGraph(t *testing.T) {
	all := map[string]*Neuron{}
	for _, name := range Names() {
		if n := load(t, name); n.Compartments() <= mostGraph {
			all[name] = n
		}
	}
	n, err := readGood(good, other)
	if err != nil {
		t.Fatal(err)
	}
	if all["reversal by region"], err = readGood(inRegion, other); err != nil {
		t.Fatal(err)
	}
	if all["every key"] = n; len(all) < 4 {
		t.Errorf("%d neurons are small enough", len(all))
	}
	for name, n := range all {
		for _, second := range []bool{false, true} {
			t.Run(map[bool]string{false: name, true: name + " second order"}[second], func(t *testing.T) { graphOf(t, n, second) })
		}
	}
}

func graphOf(t *testing.T, n *Neuron, second bool) {
	var learn []string
	for _, name := range n.Learnable() {
		part, _, _ := strings.Cut(name, ".")
		if dotted := part != name; !dotted || !isRegion(n, part) {
			learn = append(learn, name)
		}
	}
	c := compile(t, n, Options{Second: second, Substeps: 2, Learn: learn})
	c.Neuron.Record = nil
	holdToGraph(t, c, 2, n.Columns())
}

// TestLGMDGraph holds the LGMD of the registry to its graph: two neurons of it, whose weights and densities are learned as
// factors, whose inhibition is two steps late, and whose h is a gate; with all of the gradient through gates, a part and none.
func TestLGMDGraph(t *testing.T) {
	for _, part := range []float64{0, 0.3, 1} {
		t.Run(fmt.Sprint(part), func(t *testing.T) { lgmdToGraph(t, part) })
	}
}

func lgmdToGraph(t *testing.T, gateGradient float64) {
	s := NewLGMD()
	s.GateGradient = gateGradient
	s.Neurons, s.Bin, s.Dt, s.Lag, s.Delay = 2, 0.4, 0.4, 1.5, 0.8
	s.Learn += ",rate.r.tau,inhibition.reversal,e_leak"
	c, err := s.compile(4)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i, p := range c.Params {
		for k := range c.Values[i] {
			if p.Learned {
				c.Values[i][k] = 0.3 * r.NormFloat64()
			}
		}
	}
	holdToGraph(t, c, 5, 4)
}

// holdToGraph holds the CPU to the graph of a compiled neuron over some steps.
func holdToGraph(t *testing.T, c *Compiled, steps, inputs int) {
	const batch = 2
	units, planes := c.Neuron.Units(), len(c.Rest)
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(count int, f func(i int) float64) []float64 {
		v := make([]float64, count)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	x := draw(steps*batch*inputs, func(int) float64 { return r.Float64() })
	state := draw(planes*batch*units, func(i int) float64 {
		if rest := c.Rest[i/(batch*units)]; i >= batch*units {
			return rest + 0.05*r.Float64()
		}
		return c.Rest[0] + 10*r.Float64()
	})
	weight := draw(steps*batch*units, func(int) float64 { return r.NormFloat64() })

	dev := devicetest.CPU(t, 1)
	plan, err := dev.NewScan(kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: planes, Rest: c.Rest}, T: steps, B: batch, I: inputs, H: units,
		Dtype: tensor.Float64, Params: c.Params, GradX: true, GradState: true})
	if err != nil {
		t.Fatal(err)
	}
	args := kernels.ScanArgs{X: kernels.Wrap(x, steps, batch, inputs), State: kernels.Wrap(state, planes, batch, units)}
	for i, values := range c.Values {
		args.Params = append(args.Params, kernels.Wrap(append([]float64(nil), values...), c.Params[i].Shape...))
	}
	h, err := plan.Forward(args)
	if err != nil {
		t.Fatal(err)
	}
	grad, err := plan.Backward(args, kernels.Wrap(weight, steps*batch, units))
	if err != nil {
		t.Fatal(err)
	}

	g := gorgonia.NewGraph()
	node := func(name string, v []float64, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(v))))
	}
	k := models.NewOps(g, tensor.Float64, batch, units, "neuron")
	var params, learned []*gorgonia.Node
	for i, p := range c.Params {
		params = append(params, node(p.Name, append([]float64(nil), c.Values[i]...), p.Len()))
		if p.Learned {
			learned = append(learned, params[i])
		}
	}
	xs, ss := node("x", x, steps*batch, inputs), node("state", state, planes*batch, units)
	var in, begin []*gorgonia.Node
	for s := range steps {
		in = append(in, k.Field(xs, s*batch*inputs, batch, inputs))
	}
	for p := range planes {
		begin = append(begin, k.Field(ss, p*batch*units, batch, units))
	}
	out, final := c.Steps(k, params, in, begin)
	rows := k.Pack(out...)
	cost := gorgonia.Must(gorgonia.Sum(k.Mul(rows, node("weight", weight, steps*batch, units))))
	if k.Err() != nil {
		t.Fatal(k.Err())
	}
	end := k.Pack(final...)
	grads, err := gorgonia.Grad(cost, append(learned, xs, ss)...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]gorgonia.Value, len(grads)+2)
	for i, n := range append(grads, rows, end) {
		gorgonia.Read(n, &values[i])
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	near := func(name string, got, want []float64, tolerance float64) {
		t.Helper()
		most := 0.0
		for _, w := range want {
			most = max(most, math.Abs(w))
		}
		for i, w := range want {
			if e := math.Abs(got[i] - w); !(e <= tolerance*(most+1e-9)) {
				t.Errorf("%s[%d] is %.12g, want %.12g", name, i, got[i], w)
				return
			}
		}
	}
	data := func(v gorgonia.Value) []float64 { return v.Data().([]float64) }
	near("V", data(h), data(values[len(grads)]), 1e-10)
	near("the state", data(plan.Final()), data(values[len(grads)+1]), 1e-10)
	packed, at := data(grad), 0
	for i, p := range c.Params {
		if !p.Learned {
			continue
		}
		want := data(values[0])
		values = values[1:]
		near("gradient of "+c.Params[i].Name, packed[at:at+p.Len()], want, 1e-6)
		at += p.Len()
	}
	near("gradient of x", packed[at:at+len(x)], data(values[0]), 1e-6)
	near("gradient of the state", packed[at+len(x):], data(values[1]), 1e-6)
}

func isRegion(n *Neuron, name string) bool {
	for _, r := range n.Regions {
		if r.Name == name {
			return true
		}
	}
	return false
}
