//go:build cgo

package neurons

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// adjointRun is the LGMD with events of some facets, and a loss that weighs its rates at the end.
type adjointRun struct {
	t                    *testing.T
	c                    *Compiled
	dev                  kernels.Device
	steps, batch, inputs int
	x                    []float64 // [steps,B,I]
	weight               []float64 // of the rates at the end [B,H]
}

// newAdjointRun has 20 steps of 10 ms, of each of which so many of integration, and spikes.
func newAdjointRun(t *testing.T, dt float64) *adjointRun {
	t.Helper()
	s := NewLGMD()
	s.Dt = dt
	r := &adjointRun{t: t, steps: 20, batch: 8, inputs: 36}
	var err error
	if r.c, err = s.compile(r.inputs); err != nil {
		t.Fatal(err)
	}
	draw := rand.New(rand.NewPCG(5, 6))
	r.x = make([]float64, r.steps*r.batch*r.inputs)
	for i := range r.x {
		if draw.Float64() < 0.06 {
			r.x[i] = 1
		}
	}
	r.weight = make([]float64, r.batch*len(r.c.Neuron.Record))
	for i := range r.weight {
		r.weight[i] = draw.NormFloat64()
	}
	r.dev = devicetest.CPU(t, 1)
	return r
}

// plan returns a scan of the neuron, which is that of r.c or a part of its steps.
func (r *adjointRun) plan(cfg kernels.ScanConfig, dtype tensor.Dtype) kernels.ScanPlan {
	r.t.Helper()
	n := cfg.Cell.Neuron
	cfg.Cell.States, cfg.Cell.Rest, cfg.B, cfg.I, cfg.H, cfg.Dtype, cfg.Params = n.States(), r.c.Rest, r.batch, r.inputs, len(n.Record), dtype, r.c.Params
	plan, err := r.dev.NewScan(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return plan
}

// forward runs a plan in its type and returns the state after it.
func (r *adjointRun) forward(plan kernels.ScanPlan, dtype tensor.Dtype, x, state []float64, steps int) (kernels.ScanArgs, []float64) {
	r.t.Helper()
	n := &r.c.Neuron
	a := kernels.ScanArgs{X: typed(dtype, x, steps, r.batch, r.inputs), State: typed(dtype, state, n.States(), r.batch, n.Units())}
	for i, v := range r.c.Values {
		a.Params = append(a.Params, typed(dtype, v, r.c.Params[i].Shape...))
	}
	if _, err := plan.Forward(a); err != nil {
		r.t.Fatal(err)
	}
	return a, widened(plan.Final())
}

func (r *adjointRun) start() (state []float64) {
	for _, rest := range r.c.Rest {
		for range r.batch * r.c.Neuron.Units() {
			state = append(state, rest)
		}
	}
	return state
}

// whole returns the gradient of one scan over all steps.
func (r *adjointRun) whole(dtype tensor.Dtype) []float64 {
	r.t.Helper()
	plan := r.plan(kernels.ScanConfig{Cell: kernels.Cell{Neuron: &r.c.Neuron}, T: r.steps, Last: true}, dtype)
	args, _ := r.forward(plan, dtype, r.x, r.start(), r.steps)
	g, err := plan.Backward(args, typed(dtype, r.weight, r.batch, len(r.c.Neuron.Record)))
	if err != nil {
		r.t.Fatal(err)
	}
	return widened(g)
}

// along goes through the steps of integration one by one in a type, rounds every number of the state behind each, and
// returns the gradient in float64 along the way that this takes.
func (r *adjointRun) along(dtype tensor.Dtype, round func(float64) float64) (grad []float64) {
	r.t.Helper()
	one := r.c.Neuron
	substeps, shown, units, planes := one.Substeps, one.Record, one.Units(), one.States()
	one.Substeps, one.Record = 1, nil
	for i := range units * planes {
		one.Record = append(one.Record, int32(i)) // so that h is the whole state
	}
	cfg := kernels.ScanConfig{Cell: kernels.Cell{Neuron: &one}, T: 1, GradState: true}
	ahead, back := r.plan(cfg, dtype), r.plan(cfg, tensor.Float64)
	input := func(k int) []float64 {
		row := r.batch * r.inputs
		if k%substeps > 0 {
			return make([]float64, row) // events come in the first
		}
		return r.x[k/substeps*row : (k/substeps+1)*row]
	}
	states := [][]float64{r.start()}
	for k := range r.steps * substeps {
		_, next := r.forward(ahead, dtype, input(k), states[k], 1)
		for i := range next {
			next[i] = round(next[i])
		}
		states = append(states, next)
	}
	g := make([]float64, planes*r.batch*units) // of the state [planes,B,U]
	place := func(b int, at int32) int { return (int(at)/units*r.batch+b)*units + int(at)%units }
	for b := range r.batch {
		for i, at := range shown {
			g[place(b, at)] = r.weight[b*len(shown)+i]
		}
	}
	for k := len(states) - 2; k >= 0; k-- {
		args, _ := r.forward(back, tensor.Float64, input(k), states[k], 1)
		dh := make([]float64, len(g))
		for b := range r.batch {
			for i, at := range one.Record {
				dh[b*len(one.Record)+i] = g[place(b, at)]
			}
		}
		all, err := back.Backward(args, typed(tensor.Float64, dh, r.batch, len(one.Record)))
		if err != nil {
			r.t.Fatal(err)
		}
		packed := widened(all)
		params := len(packed) - len(g)
		if grad == nil {
			grad = make([]float64, params)
		}
		for i := range grad {
			grad[i] += packed[i]
		}
		g = packed[params:]
	}
	return grad
}

func typed(dtype tensor.Dtype, v []float64, shape ...int) *tensor.Dense {
	if dtype == tensor.Float64 {
		return kernels.Wrap(append([]float64(nil), v...), shape...)
	}
	narrow := make([]float32, len(v))
	for i := range v {
		narrow[i] = float32(v[i])
	}
	return kernels.Wrap(narrow, shape...)
}

func widened(v interface{ Data() any }) []float64 {
	if d, ok := v.Data().([]float64); ok {
		return append([]float64(nil), d...)
	}
	return kernels.Wide(v.Data().([]float32))
}

// apart is the norm of a difference over that of the second.
func apart(a, b []float64) float64 {
	d, n := 0.0, 0.0
	for i := range b {
		d += (a[i] - b[i]) * (a[i] - b[i])
		n += b[i] * b[i]
	}
	return math.Sqrt(d / n)
}

// TestLGMDSinglePrecision holds the gradient in float32, over spikes, to that in float64. What differs is the way that the
// neuron takes, not the adjoint: along the way in float32 the adjoint in float64 gives the same gradient. And the way differs by a
// few roundings in each step: rounding the state of float64 to float32 behind each step, and nothing else, leads a tenth to a twentieth as far away.
func TestLGMDSinglePrecision(t *testing.T) {
	for _, dt := range []float64{1, 0.25} {
		t.Run(fmt.Sprintf("%g ms", dt), func(t *testing.T) {
			r := newAdjointRun(t, dt)
			same := func(x float64) float64 { return x }
			exact, single := r.whole(tensor.Float64), r.whole(tensor.Float32)
			if e := apart(r.along(tensor.Float64, same), exact); !(e < 1e-12) {
				t.Errorf("steps one by one give another gradient, by %.2g", e)
			}
			adjoint := apart(single, r.along(tensor.Float32, same))
			rounding := apart(r.along(tensor.Float64, func(x float64) float64 { return float64(float32(x)) }), exact)
			t.Logf("float32 is off by %.2g, its adjoint by %.2g, rounding alone by %.2g", apart(single, exact), adjoint, rounding)
			if !(adjoint < 5e-5) || !(apart(single, exact) < 60*rounding) {
				t.Errorf("float32 is off by %.2g, its adjoint by %.2g, rounding alone by %.2g", apart(single, exact), adjoint, rounding)
			}
		})
	}
}

// TestRateSlope: where the rate of na.m is 0/0, at -40 mV, and a rounding beside it, the gradient of a step of the gate in
// float32 is that of the formula, with gates of tables and with learned ones.
func TestRateSlope(t *testing.T) {
	n, dev := load(t, "hh"), devicetest.CPU(t, 1)
	const m = 0.3
	v := []float64{-40, float64(math.Nextafter32(-40, 0)), float64(math.Nextafter32(-40, -50)), -40.001, -39.99, -39.5, -55}
	for _, learn := range [][]string{nil, {"na.m.alpha.v"}} {
		c := compile(t, n, Options{Learn: learn})
		c.Neuron.Record = []int32{1} // na.m
		plan, err := dev.NewScan(kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: len(c.Rest), Rest: c.Rest}, T: 1, B: len(v), I: 1, H: 1, Dtype: tensor.Float32,
			Params: c.Params, GradState: true})
		if err != nil {
			t.Fatal(err)
		}
		state := make([]float64, len(c.Rest)*len(v))
		for b := range v {
			state[b], state[len(v)+b] = v[b], m
		}
		a := kernels.ScanArgs{X: typed(tensor.Float32, make([]float64, len(v)), 1, len(v), 1), State: typed(tensor.Float32, state, len(c.Rest), len(v), 1)}
		for i, values := range c.Values {
			a.Params = append(a.Params, typed(tensor.Float32, values, c.Params[i].Shape...))
		}
		if _, err := plan.Forward(a); err != nil {
			t.Fatal(err)
		}
		g, err := plan.Backward(a, typed(tensor.Float32, slices.Repeat([]float64{1}, len(v)), len(v), 1))
		if err != nil {
			t.Fatal(err)
		}
		got := widened(g)
		got = got[len(got)-len(state):]
		gate := n.Channels[0].Gates[0]
		next := func(v float64) float64 {
			inf := gate.Steady(v)
			return inf + (m-inf)*math.Exp(-n.Dt/gate.Tau(v))
		}
		for b := range v {
			if want := (next(v[b]+1e-3) - next(v[b]-1e-3)) / 2e-3; !(math.Abs(got[b]-want) < 1e-3*math.Abs(want)) {
				t.Errorf("learning %v, at %.9g mV the slope of a step of m is %g, want %g", learn, v[b], got[b], want)
			}
		}
	}
}
