package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// variant is a cell with settings worth a test of their own.
type variant struct {
	name   string
	cell   Cell
	wiring []Wiring // one or none
	layers int      // 0 is 1
	above  []Cell   // in place of layers
	norm   bool     // between layers
	both   bool     // directions
	taper  bool     // each layer has a unit less than the one below
	frozen []string
}

// variants returns every registered cell with its defaults, or with every option where it has options.
// Everything that can be learned is.
func variants(t *testing.T) []variant {
	t.Helper()
	var all []variant
	for _, e := range All() {
		cell := e.New()
		if c, ok := cell.(varied); ok {
			all = append(all, c.variants()...)
		} else {
			all = append(all, variant{name: e.Name, cell: cell})
		}
	}
	return append(append(all, layeredVariants()...), wiredVariants()...)
}

// layeredVariants are every cell in two layers, and one in three, with masks.
func layeredVariants() []variant {
	var all []variant
	for _, e := range All() {
		v := variant{name: e.Name, cell: e.New()}
		if c, ok := v.cell.(varied); ok {
			v = c.variants()[0]
		}
		v.name, v.layers = v.name+" in 2 layers", 2
		all = append(all, v)
	}
	w := NewWiring()
	w.RecDensity = 0.6
	simple, rate := NewCRNNSimple(), NewRate()
	rate.Activation = "tanh"
	all = append(all, variant{name: "gru in 2 layers, normed", cell: &GRU{}, layers: 2, norm: true},
		variant{name: "lstm both ways", cell: &LSTM{}, layers: 1, both: true}, variant{name: "gru both ways in 2 layers, normed", cell: &GRU{}, layers: 2, norm: true, both: true},
		variant{name: "rate below lstm and crnn-simple, normed", cell: rate, above: []Cell{&LSTM{}, simple}, norm: true},
		variant{name: "lstm in 3 sizes", cell: &LSTM{}, layers: 3, taper: true},
		variant{name: "rate below gru in 2 sizes both ways, normed", cell: rate, above: []Cell{&GRU{}}, norm: true, both: true, taper: true})
	return append(all, variant{name: "gru in 3 layers", cell: &GRU{}, wiring: []Wiring{w}, layers: 3})
}

// wiredVariants are every form of Dale's law and every mask, of cells with and without a leak in
// their matrix, with one plane and with several.
func wiredVariants() []variant {
	rate, varying := NewRate(), NewCondVarying()
	rate.Activation, varying.Activation = "sigmoid", "softplus"
	cells := []variant{{name: "crnn-simple", cell: NewCRNNSimple()}, {name: "gru", cell: &GRU{}},
		{name: "rate", cell: rate}, {name: "cond-varying", cell: varying}, NewLIF().variants()[0]}
	var all []variant
	for i, form := range []string{"abs", "relu", "clamp", ""} { // the last with masks alone
		w := NewWiring()
		w.Dale, w.EIRatio, w.RecDensity = form != "", 0.5, 0.6
		if w.Dale {
			w.DaleForm = form
		} else {
			w.Autapses = "no"
		}
		for j, v := range cells {
			if i == j {
				w.ReadoutFrom = "all"
			}
			v.name, v.wiring = strings.TrimSpace(fmt.Sprintf("%s wired %s", v.name, form)), []Wiring{w}
			all = append(all, v)
		}
		for _, shape := range []string{"scalar", "post", "type"} {
			c := NewCondVarying()
			c.AShape, c.Activation, c.Gate = shape, "tanh", []string{"sigmoid", "softplus"}[i%2]
			if w.Dale {
				all = append(all, variant{name: fmt.Sprintf("cond-varying %s wired %s", shape, form), cell: c, wiring: []Wiring{w}})
			}
		}
	}
	for ratio, kind := range []string{"I", "E"} {
		w := NewWiring()
		w.Dale, w.EIRatio = true, float64(ratio)
		byType := NewCondVarying()
		byType.AShape, byType.Activation = "type", "tanh"
		for _, v := range []variant{{name: "crnn-simple", cell: NewCRNNSimple()}, {name: "cond-varying type", cell: byType}} {
			v.name, v.wiring = v.name+" wired "+kind+" alone", []Wiring{w}
			all = append(all, v)
		}
	}
	return all
}

// size is the shape of one test run.
type size struct{ T, B, I, H, O int }

// sizes mix 1, 2 and odd numbers.
var sizes = []size{{1, 1, 1, 1, 1}, {3, 2, 2, 3, 2}, {1, 3, 3, 2, 1}, {2, 1, 1, 3, 3}, {2, 3, 2, 1, 2}, {2, 1, 1, 2, 2},
	{3, 2, 3, 2, 1}, {3, 3, 1, 3, 2}}

// sizes returns those that a variant is tried at, few where a cell has many variants.
func (v variant) sizes() []size {
	if v.wiring != nil || v.layers > 1 || v.above != nil || strings.HasPrefix(v.name, "cond-") {
		return sizes[len(sizes)-3:]
	}
	return sizes
}

func (s size) String() string {
	return fmt.Sprintf("T%d B%d I%d H%d O%d", s.T, s.B, s.I, s.H, s.O)
}

// fixture is a network with random numbers in all its tensors, on a graph.
type fixture struct {
	net    *Network
	size   size
	seq    kernels.Sequence     // in float64
	values map[string][]float64 // parameters by name
	dt     tensor.Dtype
	dev    kernels.Device
	record kernels.PenaltyRecord
	graph  *gorgonia.ExprGraph
	nodes  []*gorgonia.Node
	out    kernels.Output
	logits gorgonia.Value
	vm     gorgonia.VM
}

// feature asks for a part of a sequence.
type feature int

const (
	every feature = 1 << iota
	masked
	noisy   // for cells that take noise
	begins  // with a learned first state
	rated   // with penalties of the rates
	dropped // with dropout between layers
)

// featured returns the i-th mixture of features, over and over.
func featured(i int) feature { return feature(i % 4) }

// newFixture binds v to random values of the given size, on the unrolled graph in float64.
func newFixture(t *testing.T, v variant, s size, f feature) *fixture {
	t.Helper()
	r := rand.New(rand.NewPCG(7, uint64(s.T*s.B+s.H)))
	var opts []Option
	for _, w := range v.wiring {
		s.H = max(2, s.H) // of two populations
		opts = append(opts, Wired(w))
	}
	if v.layers > 0 {
		opts = append(opts, Layers(v.layers))
	}
	opts = append(opts, Above(v.above...))
	if v.taper {
		h := make([]int, max(v.layers, 1+len(v.above)))
		for l := range h {
			h[l] = s.H + len(h) - 1 - l
		}
		opts = append(opts, Sizes(h...))
	}
	if v.both {
		opts, f = append(opts, BothWays()), f&^(every)
	}
	if v.norm {
		opts = append(opts, Normed())
	}
	if v.frozen != nil {
		opts = append(opts, Frozen(v.frozen...))
	}
	if _, _, err := NoiseScale(v.cell); err == nil && f&noisy != 0 {
		opts = append(opts, Noised(Noise{Rec: 0.2, Input: 0.1}))
	}
	if f&dropped != 0 {
		opts = append(opts, Dropped(0.4))
	}
	if f&begins != 0 {
		opts = append(opts, LearnedState())
	}
	net, err := Bind("test", v.cell, Dims{s.I, s.H, s.O}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	x := &fixture{net: net, size: s, values: map[string][]float64{}}
	x.seq = kernels.Sequence{T: s.T, B: s.B, I: s.I, Every: f&every != 0, Noise: f&(noisy|dropped) != 0, Begins: f&begins != 0,
		Update: func() (uint64, uint64) { return 3, 5 }, First: func() int { return 2 },
		X:     random(r, 1, s.T, s.B, s.I),
		State: random(r, 0.5, kernels.StateShape(net.PlaneUnits(), s.B)...)}
	if f&rated != 0 {
		x.seq.Rates = &kernels.RatePenalty{L1: 0.3, L2: 0.7, TargetL2: 1.3, Target: 0.2, Change: 0.9}
	}
	if f&masked != 0 {
		x.seq.Mask = flags(r, s.T, s.B)
		if e := x.seq.Mask.Data().([]float64); net.Irregular() {
			for i := range e {
				e[i] *= float64(1+r.IntN(12)) / 4 // the same number in both types
			}
		}
	}
	for _, spec := range net.Specs() {
		x.values[spec.Name] = draw(r, spec)
	}
	return x.on(t, tensor.Float64, nil)
}

// on returns the same network with the same numbers on a graph of its own. In float64 it
// shares the storage of x.
func (x *fixture) on(t *testing.T, dt tensor.Dtype, dev kernels.Device) *fixture {
	t.Helper()
	in := x.seq
	in.X, in.State, in.Mask = convert(dt, in.X), convert(dt, in.State), convert(dt, in.Mask)
	y := &fixture{net: x.net, size: x.size, values: x.values, seq: in, dt: dt, dev: dev}
	y.build(t)
	return y
}

// build puts the network on a new graph.
func (x *fixture) build(t *testing.T) {
	t.Helper()
	x.graph, x.nodes = gorgonia.NewGraph(), nil
	for _, spec := range x.net.Specs() {
		v := convert(x.dt, tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(x.values[spec.Name])))
		x.nodes = append(x.nodes, gorgonia.NewTensor(x.graph, x.dt, len(spec.Shape),
			gorgonia.WithShape(spec.Shape...), gorgonia.WithName(spec.Name), gorgonia.WithValue(v)))
	}
	in := x.seq
	if in.Rates != nil {
		x.record = kernels.PenaltyRecord{}
		in.Rates = in.Rates.Recorded(&x.record)
	}
	var err error
	if x.out, err = x.net.Build(x.graph, x.dev, in, x.nodes); err != nil {
		t.Fatal(err)
	}
	gorgonia.Read(x.out.Logits(), &x.logits)
}

// convert returns d, or a float32 copy of it.
func convert(dt tensor.Dtype, d *tensor.Dense) *tensor.Dense {
	if d == nil || dt == tensor.Float64 {
		return d
	}
	e := make([]float32, d.Shape().TotalSize())
	for i, v := range d.Data().([]float64) {
		e[i] = float32(v)
	}
	return tensor.New(tensor.WithShape(d.Shape()...), tensor.WithBacking(e))
}

// run evaluates the graph.
func (x *fixture) run(t *testing.T) {
	t.Helper()
	if x.vm == nil {
		if err := kernels.Distinct(x.graph); err != nil {
			t.Fatal(err)
		}
		x.vm = gorgonia.NewTapeMachine(x.graph)
		t.Cleanup(func() { x.vm.Close() })
	}
	if err := x.vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	x.vm.Reset()
}

// penalties returns the sum of the penalties of the last run.
func (x *fixture) penalties() (sum float64) {
	terms, err := x.record.Sum()
	if err != nil {
		panic(err) // host memory
	}
	for _, p := range terms {
		sum += p
	}
	return sum
}

// h returns the hidden states of all layers of the last run, [L,T,B,H].
func (x *fixture) h(t *testing.T) (all []float64) {
	for _, l := range x.out.Layers() {
		all = append(all, data(t, l.H)...)
	}
	return all
}

// final returns the last state of all layers of the last run, [S,B,H].
func (x *fixture) final(t *testing.T) (all []float64) {
	for _, l := range x.out.Layers() {
		all = append(all, data(t, l.(kernels.Stateful).Final)...)
	}
	return all
}

func data(t *testing.T, get func() (gorgonia.Value, error)) []float64 {
	t.Helper()
	d, err := get()
	if err != nil {
		t.Fatal(err)
	}
	return numbers(d)
}

// numbers copies the elements of a tensor or scalar into float64.
func numbers(v gorgonia.Value) []float64 {
	switch e := v.Data().(type) {
	case []float64:
		return append([]float64(nil), e...)
	case []float32:
		wide := make([]float64, len(e))
		for i, x := range e {
			wide[i] = float64(x)
		}
		return wide
	case float64:
		return []float64{e}
	case float32:
		return []float64{float64(e)}
	}
	return nil
}

// flags returns a tensor of ones and zeros.
func flags(r *rand.Rand, shape ...int) *tensor.Dense {
	d := random(r, 1, shape...)
	for i, v := range d.Data().([]float64) {
		d.Data().([]float64)[i] = math.Round(min(1, math.Abs(v)))
	}
	return d
}

// random returns a tensor of normal numbers of standard deviation sd.
func random(r *rand.Rand, sd float64, shape ...int) *tensor.Dense {
	e := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range e {
		e[i] = sd * r.NormFloat64()
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(e))
}

// draw returns values for a parameter inside its bound: positive ones spread over a factor of
// two, the others normal.
func draw(r *rand.Rand, s kernels.Spec) []float64 {
	e := make([]float64, s.Len())
	typical := 0.3
	if s.Init.Kind == kernels.Constant && s.Init.A > 0 {
		typical = s.Init.A
	}
	for i := range e {
		if s.Columns != nil {
			e[i] = 0.1 + math.Abs(r.NormFloat64()) // |w| has a kink at 0
			if s.Columns[i%len(s.Columns)].Hi == 0 {
				e[i] = -e[i]
			}
			continue
		}
		if s.Bound.IsFree() {
			e[i] = 0.5 * r.NormFloat64()
		} else {
			e[i] = typical * (0.7 + 0.6*r.Float64())
		}
	}
	return e
}

var near, mismatch = conform.EachNear, conform.Mismatch
