package conform

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/random"
)

// programTolerance bounds what two devices differ by, in the largest number of an array: sums of up to 70 products in
// float32 in another order, over a few steps.
const programTolerance = 1e-5

// functions of rates.
var programFunctions = []kernels.Function{kernels.Unchanged, kernels.ReLU, kernels.Tanh, kernels.Sigmoid, kernels.Softplus, kernels.SoftRectifier}

// Programs holds programs of a device to those of another, each function and kind of operation at some widths: kept
// arrays, weights and traces, over runs that go on from each other. The other is held to the networks in Go by package
// models/layered.
func Programs(t *testing.T, dev, other kernels.Stepper) {
	for i, width := range []int{1, 3, 7, 8, 9, 33} {
		t.Run(fmt.Sprintf("%d patterns", width), func(t *testing.T) { sameProgram(t, dev, other, width, programFunctions[i]) })
	}
	t.Run("refuses", func(t *testing.T) { refusesPrograms(t, dev) })
}

// Sizes of the program of the tests: more than a tile of a GPU, and no multiple of one.
const programInputs, programUnits = 37, 70

// everyOperation returns a program with all kinds of operations.
func everyOperation(width int, phi kernels.Function) *kernels.Program {
	const k, m = programInputs, programUnits
	p := &kernels.Program{N: width, Weights: []kernels.ProgramWeight{{M: m, K: k, Traced: true}, {M: m, K: 1}, {M: k, K: m}, {M: k, K: 1}, {M: m, K: k}, {M: m, K: 1}, {M: m, K: 1}}}
	array := func(name string, units int, kept bool) int {
		p.Arrays = append(p.Arrays, kernels.ProgramArray{Name: name, Units: units, Kept: kept})
		return len(p.Arrays) - 1
	}
	spikes := &kernels.Spikes{Mean: 0.7, Size: 5, Refractory: width % 3, Delay: 1 + width%2, Key: 9}
	x, target, share := array("x", k, true), array("target", m, true), array("share", 1, true)
	in, seen, sum, fired := array("in", k, false), array("seen", k, true), array("sum", m, true), array("fired", m, true)
	u, ahead, rate, arriving := array("u", m, true), array("ahead", m, false), array("rate", m, true), array("arriving", m, true)
	follows, leads, moved := array("follows", m, true), array("leads", m, true), array("moved", m, true)
	direct, wrong, back, less := array("direct", m, true), array("wrong", m, true), array("back", k, true), array("less", k, true)
	spikes.History, spikes.Clock = array("history", m*spikes.Slots(), true), array("clock", 2, true)
	op := func(kind kernels.ProgramKind, to int, set func(o *kernels.ProgramOp)) kernels.ProgramOp {
		o := kernels.NewOp(kind, to)
		o.Phi = phi
		set(&o)
		return o
	}
	p.Answer = []kernels.ProgramOp{
		op(kernels.Follow, in, func(o *kernels.ProgramOp) { o.From[0], o.Part = x, 0.5 }),
		op(kernels.Rate, seen, func(o *kernels.ProgramOp) { o.From[0], o.By[0] = in, 1.5 }),
		op(kernels.Product, sum, func(o *kernels.ProgramOp) { o.W, o.Bias, o.From[0], o.From[1] = 0, 1, seen, target }),
		op(kernels.Product, direct, func(o *kernels.ProgramOp) { o.W, o.Bias, o.From[0], o.From[1] = 4, 1, x, sum }), // the same in all steps
		op(kernels.Soma, u, func(o *kernels.ProgramOp) {
			o.Also, o.From, o.By = ahead, [3]int{direct, target, kernels.None}, [3]float64{0.8, 0.3, 0}
			o.Total, o.Part, o.Ahead = 1.5, 0.1, width%2 > 0
		}),
		op(kernels.Soma, follows, func(o *kernels.ProgramOp) {
			o.Also, o.From, o.By = leads, [3]int{sum, u, direct}, [3]float64{0.8, 0.3, -0.2}
			o.Total, o.Part, o.W, o.Bias = 1.2, 0.1, 5, 6
		}),
		op(kernels.Jitter, u, func(o *kernels.ProgramOp) { o.Also, o.By[0], o.Spikes = ahead, 0.1, spikes }),
		op(kernels.Rate, rate, func(o *kernels.ProgramOp) { o.From[0], o.By[0] = ahead, 1 }),
		op(kernels.Emit, arriving, func(o *kernels.ProgramOp) { o.Also, o.From[0], o.Spikes = fired, rate, spikes }),
		op(kernels.Tick, spikes.Clock, func(*kernels.ProgramOp) {}),
	}
	p.Learn = append(slices.Clone(p.Answer),
		op(kernels.Error, wrong, func(o *kernels.ProgramOp) {
			o.From, o.By, o.Scale, o.Learning = [3]int{fired, sum, share}, [3]float64{1, -0.5, 0.4}, 0.6, true
		}),
		op(kernels.Learn, kernels.None, func(o *kernels.ProgramOp) {
			o.W, o.Bias, o.From, o.Part, o.Scale = 0, 1, [3]int{wrong, seen, kernels.None}, 0.2, 0.3
		}),
		op(kernels.Learn, kernels.None, func(o *kernels.ProgramOp) { o.W, o.From = 4, [3]int{wrong, x, kernels.None} }),
		op(kernels.Times, moved, func(o *kernels.ProgramOp) {
			o.From, o.By, o.Scale, o.Learning = [3]int{wrong, leads, follows}, [3]float64{0, 2, -1}, 0.7, true
		}),
		op(kernels.Learn, kernels.None, func(o *kernels.ProgramOp) { o.W, o.From = 5, [3]int{moved, share, kernels.None} }),
		op(kernels.Back, back, func(o *kernels.ProgramOp) { o.W, o.From[0], o.From[1] = 0, wrong, seen }),
		op(kernels.Error, less, func(o *kernels.ProgramOp) { o.From[0], o.By[0], o.Scale = back, 1, 0.1 }),
		op(kernels.Learn, kernels.None, func(o *kernels.ProgramOp) { o.W, o.Bias, o.From = 2, 3, [3]int{less, arriving, kernels.None} }),
		op(kernels.Product, less, func(o *kernels.ProgramOp) { o.W, o.From[0] = 2, arriving }),
		op(kernels.Follow, seen, func(o *kernels.ProgramOp) { o.From[0], o.Part = less, 1 }),
		op(kernels.Back, back, func(o *kernels.ProgramOp) { o.W, o.From[0] = 0, wrong }))
	return p
}

func sameProgram(t *testing.T, dev, other kernels.Stepper, width int, phi kernels.Function) {
	p := everyOperation(width, phi)
	var plans [2]kernels.ProgramPlan[float32]
	var weights [2][][]float32
	for i, d := range []kernels.Stepper{dev, other} {
		plan, err := d.NewProgram(p)
		if err != nil {
			t.Fatal(err)
		}
		plans[i] = plan
		draw := random.New(3)
		for k, w := range p.Weights {
			weights[i] = append(weights[i], make([]float32, w.M*w.K))
			fill(weights[i][k], draw.Stream(uint64(k)), 0.2)
		}
		for k, a := range p.Arrays {
			if a.Name == "x" || a.Name == "target" || a.Name == "u" {
				fill(plan.Array(k), draw.Stream(uint64(100+k)), 1)
			}
		}
		for k := range plan.Array(2) {
			plan.Array(2)[k] = float32(k+1) / float32(width*(width+1)/2)
		}
	}
	for run, learn := range []bool{false, true, true} {
		for i, plan := range plans {
			if run == 2 { // the caller changes what it sees between runs
				weights[i][2][0], plan.Array(0)[0] = 0.5, -0.25
				clear(plan.Trace(0)[:programInputs])
			}
			if err := plan.Run(learn, 2, 0.1, weights[i]); err != nil {
				t.Fatal(err)
			}
		}
		for k, a := range p.Arrays {
			if a.Kept {
				sameNumbers(t, fmt.Sprintf("run %d: %s", run, a.Name), plans[0].Array(k), plans[1].Array(k))
			}
		}
		for k := range p.Weights {
			sameNumbers(t, fmt.Sprintf("run %d: weight %d", run, k), weights[0][k], weights[1][k])
		}
		sameNumbers(t, fmt.Sprintf("run %d: trace", run), plans[0].Trace(0), plans[1].Trace(0))
	}
	for k, a := range p.Arrays {
		if a.Kept && !slices.ContainsFunc(plans[1].Array(k), func(v float32) bool { return v != 0 }) {
			t.Errorf("%s is 0 in the end: nothing is compared", a.Name)
		}
	}
	if plans[0].Trace(1) != nil {
		t.Error("a weight that has no trace has one")
	}
}

// fill draws numbers between ±size.
func fill(list []float32, draw random.Stream, size float64) {
	for i := range list {
		list[i] = float32(size * (2*draw.Uniform(uint64(i)) - 1))
	}
}

// sameNumbers wants arrays that differ by programTolerance of their largest number.
func sameNumbers(t *testing.T, what string, got, want []float32) {
	t.Helper()
	size, off := 0.0, 0.0
	for i, w := range want {
		size, off = max(size, math.Abs(float64(w))), max(off, math.Abs(float64(got[i])-float64(w)))
	}
	if !(off <= programTolerance*size) || len(got) != len(want) {
		t.Errorf("%s: differs by %g of numbers of up to %g", what, off, size)
	}
}

func refusesPrograms(t *testing.T, dev kernels.Stepper) {
	p := everyOperation(2, kernels.Tanh)
	plan, err := dev.NewProgram(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Run(false, 1, 0, make([][]float32, 7)); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("weights of no elements: error %v, want ErrShape", err)
	}
	p.Answer[0].From[0] = len(p.Arrays)
	if _, err := dev.NewProgram(p); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("an array that is not there: error %v, want ErrShape", err)
	}
}
