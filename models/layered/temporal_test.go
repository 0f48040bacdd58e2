package layered

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
)

// newTemporalNet returns a network that learns sequences, with time constants of its settings and other parameters drawn.
func newTemporalNet(t *testing.T, inputs, outputs int, change func(*Leaky)) (*LeakyNet, [][]float64) {
	t.Helper()
	n := newLeakyNet(t, inputs, outputs, func(m *Leaky) {
		m.Rule = "generalised-latent-equilibrium"
		change(m)
	})
	params := draws(n.specs, 3)
	prepareTimes(n, params)
	return n, params
}

// TestErrorsUndoTheLag holds that what a neuron makes of a signal is undone, to rounding, by time constants in the other order,
// for those that lag, look ahead further than they lag, and do neither.
func TestErrorsUndoTheLag(t *testing.T) {
	p := &kernels.Program{N: 1, Weights: []kernels.ProgramWeight{{M: 4, K: 1}, {M: 4, K: 1}}}
	for _, name := range []string{"x", "u", "r", "v", "e"} {
		p.Arrays = append(p.Arrays, kernels.ProgramArray{Name: name, Units: 4, Kept: true})
	}
	for i, tau := range [][]int{{0, 1}, {1, 0}} {
		o := kernels.NewOp(kernels.Soma, 1+2*i)
		o.Also, o.From[0], o.By[0], o.Total, o.Part, o.W, o.Bias = 2+2*i, 2*i, 1, 1, 0.1, tau[0], tau[1]
		p.Answer = append(p.Answer, o)
	}
	h, err := newHost[float64](p)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		for i := range h.arrays[0] {
			h.arrays[0][i] = r.NormFloat64()
		}
		if err := h.Run(false, 1, 0, [][]float64{{10, 2, 10, 0}, {1, 5, 0, 0}}); err != nil {
			t.Fatal(err)
		}
		near(t, "signal", h.arrays[4], h.arrays[0], 1e-11)
	}
	if slices.Equal(h.arrays[2], h.arrays[0]) {
		t.Error("the neuron passes on the signal as it came: nothing is undone")
	}
}

// TestTemporalLimits holds the limits of generalised latent equilibrium: where all look ahead as far as they lag it is latent
// equilibrium in what is learned and told, and without looking ahead units are leaky ones.
func TestTemporalLimits(t *testing.T) {
	const width = 3
	size := func(m *Leaky) { m.Hidden, m.TPres, m.Prospective = []int{6, 5}, 1.5, 1 }
	n, params := newTemporalNet(t, 4, 3, size)
	plain := newLeakyNet(t, 4, 3, size)
	want := draws(n.specs, 3)[:6]
	r := rand.New(rand.NewPCG(2, 2))
	x, target := make([]float64, width*4), make([]float64, width*3)
	general, latent := begin(t, n, width, params), begin(t, plain, width, want)
	for range 4 {
		for i := range x {
			x[i] = r.NormFloat64()
		}
		for i := range target {
			target[i] = r.Float64()
		}
		if err := general.Learn(x, target, nil, 0.5); err != nil {
			t.Fatal(err)
		}
		if err := latent.Learn(x, target, nil, 0.5); err != nil {
			t.Fatal(err)
		}
		near(t, "told", general.Outputs(), latent.Outputs(), 1e-12)
	}
	near(t, "weights", slices.Concat(params[:6]...), slices.Concat(want...), 1e-12)

	leaky, params := newTemporalNet(t, 1, 2, func(m *Leaky) { m.Hidden, m.Prospective, m.TauR, m.LagOut, m.TPres = []int{3}, 0, 0, true, 0.1 })
	run := begin(t, leaky, 1, params)
	u, out, rates := make([]float64, 3), make([]float64, 2), make([]float64, 3)
	for k := range 30 {
		in := math.Sin(float64(k))
		show := run.Next
		if k == 0 {
			show = run.Answer
		}
		if err := show([]float64{in}); err != nil {
			t.Fatal(err)
		}
		for o := range out {
			sum := params[3][o]
			for i, v := range rates {
				sum += params[2][o*3+i] * v
			}
			out[o] += 0.1 / 10 * (sum - out[o])
		}
		for i := range u {
			u[i] += 0.1 / 10 * (params[0][i]*in + params[1][i] - u[i])
			rates[i] = math.Tanh(u[i])
		}
		near(t, "leaky units", run.Outputs(), out, 1e-12)
	}
}

// TestTemporalGradient holds changes under a sine, at which neurons lag by up to 70 degrees, to the gradient of the squared
// error over a period from finite differences: by each weight and time constant of a neuron it is the gradient
// times 1/|H|² of that neuron and of the output.
func TestTemporalGradient(t *testing.T) {
	const period, settle, nudging = 400, 4, 1e-4
	n, params := newTemporalNet(t, 1, 1, func(m *Leaky) {
		m.Hidden, m.Prospective, m.TauM, m.TauMax, m.TauR, m.LagOut, m.RateTau = []int{2}, 0, 8, 16, 1, true, 1
		m.Nudging, m.TPres = nudging, 0.1
	})
	params[0], params[1], params[2], params[3] = []float64{0.9, -0.6}, []float64{0, 0}, []float64{0.8, 0.7}, []float64{0}
	w := 2 * math.Pi / period / 0.1 // in 1/ms
	at := func(k int, phase float64) float64 { return 0.1 * math.Sin(w*0.1*float64(k)+phase) }
	loss := func(params [][]float64) (sum float64) {
		r := begin(t, n, 1, params)
		for k := range (settle + 1) * period {
			if err := r.Next([]float64{at(k, 0)}); err != nil {
				t.Fatal(err)
			}
			if d := at(k, -1.1) - r.Outputs()[0]; k >= settle*period {
				sum += d * d / 2 / period
			}
		}
		return sum
	}
	run := begin(t, n, 1, params)
	before := make([][]float64, len(params))
	const lr = 1e-4
	for k := range (settle + 1) * period {
		rate := 0.0
		if k >= settle*period {
			rate = lr / period
		}
		if k == settle*period {
			for i, p := range params {
				before[i] = slices.Clone(p)
			}
		}
		if err := run.Learn([]float64{at(k, 0)}, []float64{at(k, -1.1)}, nil, rate); err != nil {
			t.Fatal(err)
		}
	}
	less := func(tau float64) float64 { return (1 + w*w) / (1 + w*w*tau*tau) } // |H|²
	for _, p := range []struct {
		row, at int
		times   float64
	}{{0, 0, less(8) * less(8)}, {0, 1, less(16) * less(8)}, {2, 0, less(8)}, {2, 1, less(8)}, {4, 0, less(8) * less(8)}, {4, 1, less(16) * less(8)}, {6, 0, less(8)}} {
		shift := func(d float64) float64 {
			moved := make([][]float64, len(before))
			for i, b := range before {
				moved[i] = slices.Clone(b)
			}
			moved[p.row][p.at] += d
			return loss(moved)
		}
		const d = 1e-4
		gradient := (shift(d) - shift(-d)) / (2 * d)
		want, got := -gradient*nudging/p.times, (params[p.row][p.at]-before[p.row][p.at])/lr
		if math.Abs(got-want) > 0.1*math.Abs(want) {
			t.Errorf("%s[%d] changes by %.4g, want %.4g", n.specs[p.row].Name, p.at, got, want)
		}
	}
}
