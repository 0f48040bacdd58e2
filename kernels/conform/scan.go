package conform

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cells"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Tails are sizes that leave tails in every direction.
var Tails = []Sizes{
	{T: 1, B: 1, I: 1, H: 1}, {T: 3, B: 2, I: 1, H: 5, Last: true}, {T: 5, B: 9, I: 3, H: 19, Sequence: true},
	{T: 4, B: 3, I: 20, H: 33, Last: true, Sequence: true},
}

// Scan holds the scans of a device to those of a reference that computes in float64: every cell in
// the given sizes, hidden states, last states and, of rectified functions in fp32 alone, gradients, within the
// rounding of a precision.
func Scan(t *testing.T, dev, ref kernels.Device, precision string, sizes []Sizes) {
	for _, v := range Variants() {
		for i, s := range sizes {
			t.Run(fmt.Sprintf("%s/%+v", v.Name, s), func(t *testing.T) { One(t, dev, ref, precision, v, s, uint64(i)) })
		}
	}
}

// One is Scan for one cell, size and seed.
func One(t *testing.T, dev, ref kernels.Device, precision string, v Variant, s Sizes, seed uint64) {
	t.Helper()
	p, q := NewProblem[float32](v, s, seed), NewProblem[float64](v, s, seed)
	p.Cfg.Noise, q.Cfg.Noise = kernels.Noise{}, kernels.Noise{} // see Noise
	compare(t, dev, ref, precision, p, q)
}

// Noise holds scans with noise to those of the reference in fp32: it draws the same numbers, and they reach
// the gradients. Cells are left out whose inputs must not be negative, which noise makes of them.
func Noise(t *testing.T, dev, ref kernels.Device) {
	for _, v := range Variants() {
		if cells.Positive(v.Header) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			s := Sizes{T: 5, B: 9, I: 3, H: 19, Sequence: true}
			p, q := NewProblem[float32](v, s, 2), NewProblem[float64](v, s, 2)
			compare(t, dev, ref, "fp32", p, q)
			noisy := Solve(t, dev, p)
			p.Cfg.Noise = kernels.Noise{}
			if plain := Solve(t, dev, p); slices.Equal(noisy.H, plain.H) {
				t.Error("noise does not reach h")
			}
		})
	}
}

// compare holds a problem on a device to the same one in float64 on the reference.
func compare(t *testing.T, dev, ref kernels.Device, precision string, p, q *Problem) {
	t.Helper()
	for _, c := range []*kernels.ScanConfig{&p.Cfg, &q.Cfg} {
		c.KeepGradH, c.GradX, c.GradState = true, true, true
	}
	q.round(p)
	plan, h, grad := q.Run(t, ref)
	got := Solve(t, dev, p)
	bound := kernels.Rounding(precision)
	Near(t, "h", got.H, Data[float64](h), bound.H)
	Near(t, "final", got.Final, Data[float64](plan.Final()), bound.H)
	if p.kinked && precision != "fp32" {
		return // see kinked; the gradients of coarser products are those of other functions
	}
	want := split(q.Cfg, Data[float64](grad))
	nearGrad(t, p.Cfg, got.Grad, want[0], bound.Grad)
	if q.Cfg.T <= fewSteps {
		Near(t, "gradient of x", got.GradX, want[1], bound.Grad)
		Near(t, "gradient of the state", got.GradState, want[2], bound.Grad)
		Near(t, "gradient of h", got.GradH, Data[float64](plan.GradH()), bound.Grad)
	}
}

// fewSteps is up to how many steps the gradients of single states are compared: each has passed
// through all steps behind it, and with it the errors, which the sums of the other gradients even out.
const fewSteps = 10

// Solution is what a scan leaves: its result, all hidden states, the last state, the
// packed gradient of the parameters, and the gradients of all hidden states, of x and of the first
// state, nil where they are not asked for.
type Solution[F kernels.Float] struct{ H, All, Final, Grad, GradH, GradX, GradState []F }

// split divides a packed gradient into those of the parameters, of x and of the first state.
func split[F kernels.Float](c kernels.ScanConfig, grad []F) (parts [3][]F) {
	parts[0] = grad[:c.Learned()]
	x, state := c.Inputs()
	if x >= 0 {
		parts[1] = grad[x : x+c.T*c.B*c.I]
	}
	if state >= 0 {
		parts[2] = grad[state:]
	}
	return parts
}

// Solve runs a float32 problem on a device, forward and backward.
func Solve(t testing.TB, d kernels.Device, p *Problem) Solution[float32] {
	t.Helper()
	plan, h, grad := p.Run(t, d)
	parts := split(p.Cfg, Floats(t, grad))
	return Solution[float32]{Floats(t, h), Floats(t, plan.H()), Floats(t, plan.Final()), parts[0], Floats(t, plan.GradH()), parts[1], parts[2]}
}

// Same wants the same bits.
func (s Solution[F]) Same(t testing.TB, name string, want Solution[F]) {
	t.Helper()
	SameBits(t, name+": h", s.H, want.H)
	SameBits(t, name+": all h", s.All, want.All)
	SameBits(t, name+": final", s.Final, want.Final)
	SameBits(t, name+": grad", s.Grad, want.Grad)
	SameBits(t, name+": gradient of h", s.GradH, want.GradH)
	SameBits(t, name+": gradient of x", s.GradX, want.GradX)
	SameBits(t, name+": gradient of the state", s.GradState, want.GradState)
}

// InputGradients wants the gradients of x and of the first state to change nothing else.
func InputGradients(t *testing.T, dev kernels.Device) {
	for _, v := range Kinds() {
		p := NewProblem[float32](v, Sizes{T: 9, B: 6, I: 3, H: 9, Sequence: true}, 3)
		want := Solve(t, dev, p)
		p.Cfg.GradX, p.Cfg.GradState = true, true
		got := Solve(t, dev, p)
		if len(got.GradX) != 9*6*3 || len(got.GradState) != p.Cfg.Cell.States*6*9 {
			t.Errorf("%s: gradients of %d and %d elements", v.Name, len(got.GradX), len(got.GradState))
		}
		got.GradX, got.GradState = nil, nil
		got.Same(t, v.Name, want)
	}
}

func shapeOf(t testing.TB, v Variant) cells.Shape {
	t.Helper()
	s, ok := cells.ShapeOf(v.Header)
	if !ok {
		t.Fatalf("%s: no header %s", v.Name, v.Header)
	}
	return s
}

// CarriedState runs a sequence whole and in two parts with the state carried over, and wants the
// same bits.
func CarriedState(t *testing.T, dev kernels.Device) {
	for _, v := range Variants() {
		const T, cut = 45, 17
		s := Sizes{T: T, B: 6, I: 3, H: 9, Sequence: true}
		p := NewProblem[float32](v, s, 3)
		p.Cfg.Noise = kernels.Noise{} // goes by the number of the step, which the second part counts anew
		whole, err := dev.NewScan(p.Cfg)
		if err != nil {
			t.Fatal(err)
		}
		h, err := whole.Forward(p.Args)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]float32(nil), Data[float32](h)...)
		state := p.Args.State
		for _, part := range [][2]int{{0, cut}, {cut, T}} {
			cfg := p.Cfg
			cfg.T = part[1] - part[0]
			plan, err := dev.NewScan(cfg)
			if err != nil {
				t.Fatal(err)
			}
			rows := func(x gorgonia.Value, k int) *tensor.Dense {
				shape := []int{cfg.T, cfg.B, k}
				if k == 1 {
					shape = shape[:2]
				}
				return kernels.Wrap(Data[float32](x)[part[0]*cfg.B*k:part[1]*cfg.B*k], shape...)
			}
			h, err := plan.Forward(kernels.ScanArgs{X: rows(p.Args.X, cfg.I), State: state, Params: p.Args.Params,
				Mask: rows(p.Args.Mask, 1)})
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range Data[float32](h) {
				if w := want[part[0]*cfg.B*cfg.H+i]; x != w {
					t.Fatalf("%s: part %v: h[%d] = %g, want %g", v.Name, part, i, x, w)
				}
			}
			state = plan.Final()
		}
		for i, x := range Data[float32](whole.Final()) {
			if y := Data[float32](state)[i]; x != y {
				t.Fatalf("%s: final[%d] = %g in parts, want %g", v.Name, i, y, x)
			}
		}
	}
}

// Refuses asks for scans that cannot be, and runs one with inputs that are not its own; it wants
// ErrShape, not panics.
func Refuses(t *testing.T, dev kernels.Device) {
	for name, spoil := range map[string]func(*kernels.ScanConfig){
		"unknown cell":    func(c *kernels.ScanConfig) { c.Cell.Header = "nonesuch" },
		"states":          func(c *kernels.ScanConfig) { c.Cell.States++ },
		"rest":            func(c *kernels.ScanConfig) { c.Cell.Rest = nil },
		"too few vectors": func(c *kernels.ScanConfig) { c.Params = c.Params[:2] },
		"no steps":        func(c *kernels.ScanConfig) { c.T = 0 },
		"no units":        func(c *kernels.ScanConfig) { c.H = 0 },
		"readout":         func(c *kernels.ScanConfig) { c.Params[0].Role = kernels.Readout },
		"type":            func(c *kernels.ScanConfig) { c.Dtype = tensor.Int },
		"supports":        func(c *kernels.ScanConfig) { c.Params[1].Supports = make([][2]int, 7) },
		"edge":            func(c *kernels.ScanConfig) { c.Cell.Axial = &kernels.Axial{I: []int32{0}, J: []int32{9}} },
	} {
		p := NewProblem[float32](VariantOf("rnn/0"), Sizes{T: 2, B: 2, I: 2, H: 4}, 1)
		spoil(&p.Cfg)
		if _, err := dev.NewScan(p.Cfg); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
	p := NewProblem[float32](VariantOf("rnn/0"), Sizes{T: 2, B: 2, I: 2, H: 4}, 1)
	plan, err := dev.NewScan(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	q := p.On(t, dev)
	if _, err := plan.Backward(q.Args, Put(t, dev, p.Weight)); err == nil {
		t.Error("went backward before any forward")
	}
	q.Args.X = Put(t, dev, kernels.Wrap(make([]float32, 3), 3, 1, 1))
	if _, err := plan.Forward(q.Args); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("wrong x: %v, want ErrShape", err)
	}
}

// GradH holds the gradient of a hidden state to differences: it is the state's own weight
// in the functional plus what the rest of the sequence makes of it as its first state. The device
// computes in float64.
func GradH(t *testing.T, dev kernels.Device) {
	for _, v := range Variants() {
		if shapeOf(t, v).States > 1 {
			continue // the other state planes would have to be carried along
		}
		const T, cut = 7, 3
		p := NewProblem[float64](v, Sizes{T: T, B: 3, I: 2, H: 5}, 11)
		p.Cfg.KeepGradH = true
		plan, h, _ := p.Run(t, dev)
		rows, n := p.Cfg.B*p.Cfg.H, cut*p.Cfg.B*p.Cfg.H
		got := Data[float64](plan.GradH())[n-rows : n]

		rest := *p
		rest.Cfg.T, rest.Cfg.KeepGradH = T-cut, false
		state := append([]float64(nil), Data[float64](h)[n-rows:n]...)
		rest.Args.X = kernels.Wrap(Data[float64](p.Args.X)[cut*p.Cfg.B*p.Cfg.I:], T-cut, p.Cfg.B, p.Cfg.I)
		rest.Args.State = kernels.Wrap(state, 1, p.Cfg.B, p.Cfg.H)
		rest.Weight = kernels.Wrap(Data[float64](p.Weight)[n:], (T-cut)*p.Cfg.B, p.Cfg.H)
		tail, err := dev.NewScan(rest.Cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, old := range append([]float64(nil), state...) {
			state[i] = old + 1e-5
			up := value[float64](t, &rest, tail)
			state[i] = old - 1e-5
			down := value[float64](t, &rest, tail)
			state[i] = old
			want := (up-down)/2e-5 + Data[float64](p.Weight)[n-rows+i]
			if math.Abs(got[i]-want) > tolAdjoint*max(1, math.Abs(want)) {
				t.Errorf("%s: gradient of h %d is %.9g, differences %.9g", v.Name, i, got[i], want)
			}
		}
	}
}
