package conform

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/compartments"
	"galvani/kernels/sparse"

	"gorgonia.org/tensor"
)

// NeuronCase is a way to run the neuron of the suite.
type NeuronCase struct {
	Name               string
	T, B, Substeps     int
	Second, Each, Last bool
	Masked             bool
	Delays             [3]int // of events at the receptors, one of each
	Record             []int32
	Relative           bool    // parameters are learned as factors of what they were
	Fixed              bool    // the numbers of gates are not learned, so that devices may have them in tables
	Dt                 float64 // ms, 0 for 0.05
	Far                float64 // mV, how far V begins from its middle at most, 0 for 25
	Held               float64 // of all gates
}

// neuronCases leave tails in every direction.
var neuronCases = []NeuronCase{
	{Name: "one", T: 5, B: 1, Substeps: 1},
	{Name: "batch", T: 8, B: 19, Substeps: 1, Record: []int32{5, 0}},
	{Name: "second order", T: 6, B: 3, Substeps: 2, Second: true},
	{Name: "own parameters", T: 4, B: 5, Substeps: 3, Each: true},
	{Name: "last", T: 7, B: 21, Substeps: 1, Last: true, Record: []int32{2}},
	// na.h, na.m, k.n, calcium and y of the second receptor, of one unit each, and V of another.
	{Name: "shown planes", T: 4, B: 11, Substeps: 2, Record: []int32{2*8 + 6, 8 + 3, 3*8 + 5, 10*8 + 4, 14*8 + 2, 7}, Relative: true},
	{Name: "shown at the end", T: 3, B: 9, Substeps: 2, Record: []int32{2*8 + 6, 10*8 + 4, 1}, Last: true},
	{Name: "long steps", T: 4, B: 19, Substeps: 1, Dt: 1.5}, // beside the time constants of some gates
	{Name: "far", T: 3, B: 19, Substeps: 1, Far: 400},       // where rates are beyond all measure
	{Name: "fixed gates", T: 8, B: 19, Substeps: 2, Fixed: true, Record: []int32{2*8 + 6, 7}},
	{Name: "fixed gates, far", T: 3, B: 11, Substeps: 1, Fixed: true, Far: 400},
	{Name: "fixed gates, own densities", T: 4, B: 5, Substeps: 2, Fixed: true, Each: true},
	// Sequences of different lengths, some of them empty and one with a gap.
	{Name: "masked", T: 7, B: 11, Substeps: 2, Masked: true, Record: []int32{0, 3, 9*8 + 5}},
	{Name: "masked, last", T: 7, B: 11, Substeps: 2, Masked: true, Last: true, Record: []int32{0, 3, 9*8 + 5}, Delays: [3]int{0, 2, 1}},
	{Name: "held gates", T: 8, B: 19, Substeps: 2, Held: 0.75},
	{Name: "held fixed gates", T: 8, B: 19, Substeps: 2, Fixed: true, Held: 1, Record: []int32{2*8 + 6, 7}},
	{Name: "held gates, far", T: 3, B: 11, Substeps: 1, Fixed: true, Far: 400, Held: 0.5},
	{Name: "delays", T: 6, B: 11, Substeps: 2, Delays: [3]int{2, 1, 3}, Record: []int32{7, 9*8 + 3, 15*8 + 2}},
}

// neuronOf returns a neuron with every kind of gate, form, receptor and input, on a tree with a node and
// two roots, and the table of its parameters with their values. All numbers are near those of cells.
func neuronOf(c NeuronCase, r *rand.Rand) (*compartments.Neuron, []kernels.Spec, []func() float64) {
	tree, err := sparse.NewTree(8, []int32{0, 1, 1, 3, 1, 6}, []int32{1, 2, 3, 4, 5, 7})
	if err != nil {
		panic(err)
	}
	n := &compartments.Neuron{Dt: cmp.Or(c.Dt, 0.05), Substeps: c.Substeps, Second: c.Second, Each: c.Each, Tree: tree, Record: c.Record,
		Area: []float64{120, 0, 80, 95, 60, 150, 110, 70}}
	var specs []kernels.Spec
	var draws []func() float64
	param := func(name string, length int, lo, hi float64) compartments.Quantity {
		shape := []int{length}
		if c.Each {
			shape = []int{c.B, length}
		}
		specs = append(specs, kernels.Spec{Name: name, Role: kernels.Named, Shape: shape, Learned: name != "g_in"})
		draws = append(draws, func() float64 { return lo + (hi-lo)*r.Float64() })
		return compartments.Quantity{Param: len(specs) - 1}
	}
	of := func(q compartments.Quantity, index ...int32) compartments.Quantity {
		q.Index = index
		return q
	}
	numbers := func(name string, ranges ...[2]float64) []compartments.Quantity {
		var list []compartments.Quantity
		for i, v := range ranges {
			q := compartments.Fixed(v[0] + (v[1]-v[0])*r.Float64())
			if !c.Fixed {
				q = param(fmt.Sprintf("%s.%d", name, i), 1, v[0], v[1])
			}
			list = append(list, q)
		}
		return list
	}
	fixed := func(values ...float64) []compartments.Quantity {
		var list []compartments.Quantity
		for _, v := range values {
			list = append(list, compartments.Fixed(v))
		}
		return list
	}
	n.Capacity = of(param("cm", 3, 0.8, 1.2), 0, 1, 1, 2, 2, 0, 1, 2)
	n.Leak = of(param("g_leak", 2, 2e-4, 5e-4), 0, 0, 1, 1, 0, 1, 0, 1)
	n.Rest = param("e_leak", 1, -70, -60)
	n.Axial = of(param("g_axial", 6, 0.005, 0.02), 0, 1, 2, 3, 4, 5)
	form := func(a, b compartments.Form) [2]compartments.Form { return [2]compartments.Form{a, b} }
	steady := [2]float64{-55, -45}
	n.Channels = []compartments.Channel{
		{Name: "na", Units: []int32{0, 2, 3, 4, 5, 6, 7}, Density: of(param("g_na", 2, 0.08, 0.14), 0, 1, 0, 1, 0, 1, 0), Reversal: of(param("e_na", 2, 45, 55), 1),
			Gates: []compartments.Gate{
				{Name: "m", Power: 3, Kinetics: compartments.Rates, Forms: form(compartments.Linear, compartments.Exponential), Speed: 1.3,
					Numbers: numbers("na.m", [2]float64{.9, 1.1}, [2]float64{-41, -39}, [2]float64{9, 11}, [2]float64{3.5, 4.5}, [2]float64{-66, -64}, [2]float64{-19, -17})},
				{Name: "h", Power: 1, Kinetics: compartments.Rates, Forms: form(compartments.Exponential, compartments.Sigmoid), Speed: 1,
					Numbers: numbers("na.h", [2]float64{.06, .08}, [2]float64{-66, -64}, [2]float64{-21, -19}, [2]float64{.9, 1.1}, [2]float64{-36, -34}, [2]float64{9, 11})},
			}},
		{Name: "k", Units: []int32{0, 5}, Density: compartments.Fixed(0.03), Reversal: compartments.Fixed(-77), Gates: []compartments.Gate{
			{Name: "n", Power: 4, Kinetics: compartments.Rates, Forms: form(compartments.Sigmoid, compartments.Linear), Speed: 1, Numbers: fixed(.5, -50, 10, .1, -60, -15)},
			{Name: "b", Power: 2, Kinetics: compartments.SteadyBell, Speed: 1,
				Numbers: numbers("k.b", steady, [2]float64{8, 12}, [2]float64{.5, 1}, [2]float64{3, 5}, [2]float64{-55, -50}, [2]float64{10, 12}, [2]float64{-55, -50}, [2]float64{-12, -10})},
			{Name: "c", Power: 1, Kinetics: compartments.SteadyConstant, Speed: 1, Numbers: numbers("k.c", steady, [2]float64{-9, -7}, [2]float64{2, 4})},
		}},
		{Name: "ca", Units: []int32{2, 3, 4}, Density: of(param("g_ca", 1, 0.001, 0.003), 0, 0, 0), Reversal: param("e_ca", 1, 110, 130), Calcium: true, Gates: []compartments.Gate{
			{Name: "s", Power: 2, Kinetics: compartments.SteadySigmoid, Speed: 1, Numbers: numbers("ca.s", steady, [2]float64{6, 9}, [2]float64{.5, 1}, [2]float64{2, 4}, [2]float64{-55, -50}, [2]float64{-12, -10})},
			{Name: "p", Power: 1, Kinetics: compartments.SteadyProduct, Speed: 1, Numbers: numbers("ca.p", steady, [2]float64{6, 9}, [2]float64{.5, 1}, [2]float64{2, 4}, [2]float64{-55, -50}, [2]float64{-12, -10})},
		}},
		{Name: "kca", Units: []int32{3, 4}, Density: of(param("g_kca", 2, 0.01, 0.03), 0, 1), Reversal: compartments.Fixed(-80), Gates: []compartments.Gate{
			{Name: "q", Power: 2, Kinetics: compartments.ByCalcium, Speed: 1, Numbers: numbers("kca.q", [2]float64{0, 1e-5}, [2]float64{.02, .04}, [2]float64{1, 2})},
			{Name: "now", Power: 1, Kinetics: compartments.SteadyConstant, Speed: 1, Numbers: fixed(-50, 10, 0)},
		}},
		{Name: "leak", Units: []int32{1, 6}, Density: of(param("g_more", 2, 1e-4, 2e-4), 1, 0), Reversal: param("e_more", 1, -80, -70)},
	}
	for i := range n.Channels {
		for k := range n.Channels[i].Gates {
			n.Channels[i].Gates[k].Held = c.Held
		}
	}
	n.Calcium = &compartments.Calcium{Gain: param("ca.gain", 1, .005, .01), Rest: param("ca.rest", 1, .01, .02), Tau: param("ca.tau", 1, 50, 100)}
	n.Receptors = []compartments.Receptor{
		{Name: "fast", Rise: compartments.Fixed(0), Decay: param("fast.decay", 1, .5, 2), Reversal: param("fast.e", 1, -5, 5)},
		{Name: "slow", Rise: param("slow.rise", 1, .5, 1), Decay: param("slow.decay", 1, 2, 4), Reversal: compartments.Fixed(-75)},
		{Name: "alpha", Rise: compartments.Fixed(1.5), Decay: compartments.Fixed(1.5), Reversal: compartments.Fixed(0)},
	}
	weights := param("weight", 4, .001, .005)
	at := func(i int32) compartments.Quantity { return of(weights, i) }
	n.Inputs = []compartments.Input{
		{From: 0, Unit: 0, Receptor: -1, Weight: param("g_in", 1, .01, .05)}, {From: 1, Unit: 3, Receptor: 0, Weight: at(0)},
		{From: 2, Unit: 3, Receptor: 0, Weight: at(1)}, {From: 1, Unit: 2, Receptor: 1, Weight: at(2)}, {From: 2, Unit: 7, Receptor: 2, Weight: at(3)},
		{From: 2, Unit: 6, Receptor: -1, Weight: compartments.Fixed(.02)},
	}
	for k := range n.Inputs {
		if in := &n.Inputs[k]; in.Receptor >= 0 && k != 2 { // of two at a place one is late
			in.Delay = c.Delays[in.Receptor]
		}
	}
	if c.Relative {
		for i, s := range specs {
			var base []float64
			for range s.Len() {
				base = append(base, draws[i]())
			}
			n.Base, draws[i] = append(n.Base, base), func() float64 { return 0.4*r.Float64() - 0.2 }
		}
		n.Base[1] = nil // one is a parameter as it is
		draws[1] = func() float64 { return 2e-4 + 3e-4*r.Float64() }
	}
	return n, specs, draws
}

// NewNeuronProblem draws a problem in float32; equal seeds give equal numbers.
func NewNeuronProblem(c NeuronCase, seed uint64) *Problem { return newNeuronProblem[float32](c, seed) }

// newNeuronProblem draws a problem; equal seeds give equal numbers, in either type.
func newNeuronProblem[F kernels.Float](c NeuronCase, seed uint64) *Problem {
	r := rand.New(rand.NewPCG(seed, 2))
	n, specs, draws := neuronOf(c, r)
	p := &Problem{Cfg: kernels.ScanConfig{Cell: kernels.Cell{Neuron: n, States: n.States(), Rest: make([]float64, n.States())},
		T: c.T, B: c.B, I: 3, H: len(c.Record), Params: specs, Last: c.Last, Dtype: kernels.Wrap([]F{0}, 1).Dtype()}}
	if c.Record == nil {
		p.Cfg.H = n.Units()
	}
	draw := func(f func(i int) float64, shape ...int) *tensor.Dense {
		b := make([]F, tensor.Shape(shape).TotalSize())
		for i := range b {
			b[i] = F(f(i))
		}
		return kernels.Wrap(b, shape...)
	}
	for i, s := range specs {
		p.Params = append(p.Params, draw(func(int) float64 { return draws[i]() }, s.Shape...))
		p.Args.Params = append(p.Args.Params, p.Params[i])
	}
	p.Args.X = draw(func(int) float64 { return 2 * r.Float64() }, c.T, c.B, 3)
	if c.Masked {
		p.Cfg.Masked = true
		p.Args.Mask = draw(func(i int) float64 {
			step, b := i/c.B, i%c.B
			if step < c.T-b || b == 2 && step > c.T-2 {
				return 1
			}
			return 0
		}, c.T, c.B)
	}
	plane := c.B * n.Units()
	p.Args.State = draw(func(i int) float64 {
		if i < plane {
			return -50 + cmp.Or(c.Far, 25)*(2*r.Float64()-1)
		}
		return r.Float64() / 2
	}, n.States(), c.B, n.Units())
	p.Weight = draw(func(int) float64 { return r.NormFloat64() }, p.Cfg.Rows(), p.Cfg.H)
	return p
}

// Neuron holds neurons of compartments on a device to a reference that computes in float64.
func Neuron(t *testing.T, dev, ref kernels.Device, precision string) {
	for i, c := range neuronCases {
		t.Run(c.Name, func(t *testing.T) {
			compare(t, dev, ref, precision, newNeuronProblem[float32](c, uint64(i)), newNeuronProblem[float64](c, uint64(i)))
		})
	}
}

// NeuronSame wants the bits of another device, all of them.
func NeuronSame(t *testing.T, dev, other kernels.Device) {
	for i, c := range neuronCases {
		t.Run(c.Name, func(t *testing.T) {
			p := newNeuronProblem[float32](c, uint64(i))
			p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState = true, true, true
			Solve(t, dev, p).Same(t, other.Name(), Solve(t, other, p))
		})
	}
}

// NeuronStretches wants a run in two parts, the second from the state after the first, to be one run.
func NeuronStretches(t *testing.T, dev kernels.Device) {
	c := NeuronCase{T: 9, B: 3, Substeps: 2, Delays: [3]int{6, 0, 1}}
	p := newNeuronProblem[float32](c, 1)
	whole := Solve(t, dev, p)
	part := func(from, to int, state *tensor.Dense) Solution[float32] {
		q := *p
		q.Cfg.T = to - from
		row := q.Cfg.B * q.Cfg.I
		q.Args.X = kernels.Wrap(Data[float32](p.Args.X)[from*row:to*row], q.Cfg.T, q.Cfg.B, q.Cfg.I)
		q.Args.State = state
		rows := q.Cfg.B * q.Cfg.H
		q.Weight = kernels.Wrap(Data[float32](p.Weight)[from*rows:to*rows], q.Cfg.T*q.Cfg.B, q.Cfg.H)
		return Solve(t, dev, &q)
	}
	a := part(0, 4, p.Args.State.(*tensor.Dense))
	b := part(4, 9, kernels.Wrap(a.Final, p.Cfg.Cell.States, p.Cfg.B, p.Cfg.Units()))
	SameBits(t, "h", append(a.H, b.H...), whole.H)
	SameBits(t, "final", b.Final, whole.Final)
}

// NeuronMemory wants the same bits within the least memory that a neuron needs, which is less than it takes without a
// limit, and that less is refused with the bytes.
func NeuronMemory(t *testing.T, dev kernels.Planner) {
	p := NewNeuronProblem(NeuronCase{T: 40, B: 300, Substeps: 2, Record: []int32{7, 0}}, 7)
	p.Cfg.GradX, p.Cfg.GradState, p.Cfg.KeepGradH = true, true, true
	want := Solve(t, dev, p)
	usual, err := dev.ScanBytes(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(memory int64) (least int64) {
		p.Cfg.Memory = memory
		_, err := dev.NewScan(p.Cfg)
		if !errors.Is(err, kernels.ErrMemory) {
			t.Fatalf("error within %d bytes is %v", memory, err)
		}
		_, text, _ := strings.Cut(err.Error(), "at least ")
		if _, scan := fmt.Sscan(text, &least); scan != nil {
			t.Fatalf("no bytes in %q", err)
		}
		return least
	}
	least := refused(1)
	refused(least - 1)
	p.Cfg.Memory = least
	if tight, err := dev.ScanBytes(p.Cfg); err != nil || tight >= usual {
		t.Errorf("within %d bytes for backward the scan takes %d, %d without a limit, error %v", least, tight, usual, err)
	}
	Solve(t, dev, p).Same(t, "least memory", want)
}

// NeuronEquations holds a device in float64 to plain loops over the equations, and its gradients to
// differences of these, unless gates hold back a part of them.
func NeuronEquations(t *testing.T, dev kernels.Device) {
	for i, c := range neuronCases {
		t.Run(c.Name, func(t *testing.T) { neuronEquations(t, dev, newNeuronProblem[float64](c, uint64(i)), c.Held == 0) })
	}
}

// NeuronDelays wants events with a delay to be those of x that comes so much later, for a device in float64.
func NeuronDelays(t *testing.T, dev kernels.Device) {
	const late = 2
	p := newNeuronProblem[float64](NeuronCase{T: 7, B: 3, Substeps: 2, Delays: [3]int{late, late, late}}, 5)
	n := *p.Cfg.Cell.Neuron
	plane, traces := p.Cfg.B*n.Units(), n.States()-len(n.Receptors)*(2+late)
	state := Data[float64](p.Args.State)
	rest := slices.Clone(state[:traces*plane])
	for r := range n.Receptors {
		own := state[(traces+r*(2+late))*plane:]
		rest = append(rest, own[:2*plane]...)
		clear(own[2*plane : (2+late)*plane]) // nothing is on its way
	}
	q := *p
	q.Cfg.Cell.Neuron, q.Cfg.I = &n, 2*p.Cfg.I
	n.Inputs = slices.Clone(n.Inputs)
	for i := range n.Inputs {
		if in := &n.Inputs[i]; in.Delay > 0 {
			in.From, in.Delay = in.From+p.Cfg.I, 0
		}
	}
	q.Cfg.Cell.States, q.Cfg.Cell.Rest = n.States(), make([]float64, n.States())
	q.Args.State = kernels.Wrap(rest, n.States(), p.Cfg.B, n.Units())
	var x []float64
	own := Data[float64](p.Args.X)
	for row := range p.Cfg.T * p.Cfg.B {
		before := make([]float64, p.Cfg.I)
		if k := row - late*p.Cfg.B; k >= 0 {
			before = own[k*p.Cfg.I : (k+1)*p.Cfg.I]
		}
		x = append(append(x, own[row*p.Cfg.I:(row+1)*p.Cfg.I]...), before...)
	}
	q.Args.X = kernels.Wrap(x, p.Cfg.T, p.Cfg.B, q.Cfg.I)
	of := func(p *Problem) (h, grad []float64) {
		_, v, g := p.Run(t, dev)
		return Data[float64](v), Data[float64](g)
	}
	h, grad := of(p)
	wantH, wantGrad := of(&q)
	for name, pair := range map[string][2][]float64{"h": {h, wantH}, "gradient": {grad, wantGrad}} {
		for i, want := range pair[1] {
			if e := math.Abs(pair[0][i] - want); !(e <= 1e-11*max(1, math.Abs(want))) {
				t.Errorf("%s[%d] is %.14g, want %.14g", name, i, pair[0][i], want)
			}
		}
	}
}

func neuronEquations(t *testing.T, dev kernels.Device, p *Problem, whole bool) {
	p.Cfg.GradX, p.Cfg.GradState = true, true
	plan, err := dev.NewScan(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Forward(p.Args)
	if err != nil {
		t.Fatal(err)
	}
	want, final := neuronReference(p)
	near := func(name string, got, want, scale float64) {
		t.Helper()
		if e := math.Abs(got - want); !(e <= 1e-10*max(scale, math.Abs(want))) {
			t.Fatalf("%s = %.12g, want %.12g", name, got, want)
		}
	}
	for k, w := range want {
		near(fmt.Sprintf("h[%d]", k), Data[float64](got)[k], w, 1)
	}
	for k, w := range final {
		near(fmt.Sprintf("final[%d]", k), Data[float64](plan.Final())[k], w, 1e-3)
	}
	grad, err := plan.Backward(p.Args, p.Weight)
	if err != nil {
		t.Fatal(err)
	}
	if !whole {
		return
	}
	neuronDifferences(t, p, split(p.Cfg, Data[float64](grad)))
}

// neuronDifferences compares gradients with central differences of the reference: each learned number of
// the first rows, and some of x and of the state.
func neuronDifferences(t *testing.T, p *Problem, grads [3][]float64) {
	t.Helper()
	loss := func() float64 {
		h, _ := neuronReference(p)
		sum := 0.0
		for i, w := range Data[float64](p.Weight) {
			sum += w * h[i]
		}
		return sum
	}
	check := func(name string, v []float64, i int, got float64) {
		t.Helper()
		was, e := v[i], 1e-5*max(math.Abs(v[i]), 1e-3)
		v[i] = was + e
		up := loss()
		v[i] = was - e
		down := loss()
		v[i] = was
		want := (up - down) / (2 * e)
		// The loss is a sum of some ten to a thousand potentials, rounded at 1e-14: differences of it err
		// by 1e-12/e.
		if d := math.Abs(got - want); !(d <= 2e-6*math.Abs(want)+1e-11/e) {
			t.Errorf("gradient of %s[%d] is %.9g, want %.9g", name, i, got, want)
		}
	}
	at := 0
	for k, s := range p.Cfg.Params {
		if !s.Learned {
			continue
		}
		for i := range min(s.Len(), 6) {
			check(s.Name, Data[float64](p.Params[k]), i, grads[0][at+i])
		}
		at += s.Len()
	}
	x, state := Data[float64](p.Args.X), Data[float64](p.Args.State)
	for i := 0; i < len(x); i += 1 + len(x)/12 {
		check("x", x, i, grads[1][i])
	}
	for i := 0; i < len(state); i += 1 + len(state)/20 {
		check("state", state, i, grads[2][i])
	}
}
