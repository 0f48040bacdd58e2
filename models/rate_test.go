package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// vanilla is the rate cell with both time constants at Δt.
func vanilla() *Rate {
	c := NewRate()
	c.Learn, c.Dt, c.TauS, c.TauR = "none", 0.1, 0.1, 0.1
	return c
}

// TestRateIsElman: with τ_s = τ_r = Δt the cell is the rnn, or with relu the irnn, to the bit:
// states, logits and the gradients of what they share.
func TestRateIsElman(t *testing.T) {
	for activation, elman := range map[string]Cell{"tanh": &RNN{}, "relu": &IRNN{}} {
		rate := vanilla()
		rate.Activation = activation
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			for i, s := range []size{{5, 3, 2, 7, 2}, {40, 5, 3, 35, 1}} {
				for _, dev := range devicetest.Hosts(t, 2) {
					if dev == nil && i > 0 {
						continue // a long graph takes its time
					}
					t.Run(fmt.Sprintf("%s %v %v fused=%v", activation, dt, s, dev != nil), func(t *testing.T) {
						sameAsElman(t, rate, elman, s, dt, dev)
					})
				}
			}
		}
	}
}

func sameAsElman(t *testing.T, rate *Rate, elman Cell, s size, dt tensor.Dtype, dev kernels.Device) {
	t.Helper()
	want := newFixture(t, variant{name: "elman", cell: elman}, s, every|masked)
	got := newFixture(t, variant{name: "rate", cell: rate}, s, every|masked)
	copy(got.seq.State.Data().([]float64), want.seq.State.Data().([]float64)) // plane 0
	got.seq.X, got.seq.Mask = want.seq.X, want.seq.Mask
	clear(want.values["cell.bias_hh_l0"])
	names := map[string]string{"cell.U": "cell.weight_ih_l0", "cell.W": "cell.weight_hh_l0", "cell.b": "cell.bias_ih_l0",
		"readout.weight": "readout.weight", "readout.bias": "readout.bias"}
	for to, from := range names {
		got.values[to] = want.values[from]
	}
	for _, name := range []string{"cell.tau_s", "cell.tau_r"} {
		for u := range got.values[name] {
			got.values[name][u] = rate.Dt
		}
	}
	want, got = want.on(t, dt, dev), got.on(t, dt, dev)
	loss, grads := want.differentiate(t)()
	l, gs := got.differentiate(t)()
	near(t, "h", got.h(t), want.h(t), 0)
	near(t, "final rates", got.final(t)[:s.B*s.H], want.final(t), 0)
	near(t, "logits", numbers(got.logits), numbers(want.logits), 0)
	near(t, "loss", []float64{l}, []float64{loss}, 0)
	for to, from := range names {
		near(t, "gradient of "+to, gs[to], grads[from], 0)
	}
}

// play runs a network of the cell over the inputs x [T,H] of one sequence, T = len(x)/H, with
// U = 1, b = 0 and the given W [H,H], in float64 from rest. It returns r and I after every step.
func play(t *testing.T, c *Rate, dev kernels.Device, h int, w, x []float64) (r, i [][]float64) {
	t.Helper()
	net, err := Bind("rate", c, Dims{h, h, 1})
	if err != nil {
		t.Fatal(err)
	}
	y := &fixture{net: net, size: size{1, 1, h, h, 1}, values: map[string][]float64{}}
	input, state := make([]float64, h), make([]float64, 2*h)
	y.seq = kernels.Sequence{T: 1, B: 1, I: h,
		X:     tensor.New(tensor.WithShape(1, 1, h), tensor.WithBacking(input)),
		State: tensor.New(tensor.WithShape(2, 1, h), tensor.WithBacking(state))}
	for _, s := range net.Specs() {
		y.values[s.Name] = make([]float64, s.Len())
		for u := range s.Len() {
			y.values[s.Name][u] = s.Init.A
		}
	}
	for u := range h {
		for v := range h {
			y.values["cell.U"][u*h+v] = 0
		}
		y.values["cell.U"][u*h+u], y.values["cell.b"][u] = 1, 0
	}
	copy(y.values["cell.W"], w)
	y = y.on(t, tensor.Float64, dev)
	for at := 0; at < len(x); at += h {
		copy(input, x[at:at+h])
		y.run(t)
		copy(state, y.final(t))
		r = append(r, append([]float64(nil), state[:h]...))
		i = append(i, append([]float64(nil), state[h:]...))
	}
	return r, i
}

// filterTolerance is the rounding of some hundred steps of a filter with gain 1.
const filterTolerance = 1e-12

// TestRateImpulse: without recurrent weights an impulse gives I_t = α_s(1−α_s)^t, and r is the
// convolution of that with α_r(1−α_r)^t. Both kernels have the sum 1, so a step ends at 1. The
// time constants are read back through both forms that learning has.
func TestRateImpulse(t *testing.T) {
	const steps, dt, tauS, tauR = 400, 0.5, 2.5, 5.0
	const as, ar = dt / tauS, dt / tauR
	for _, dev := range devicetest.Hosts(t, 2) {
		for _, learn := range []string{"none", "all"} {
			for _, form := range []string{"softplus", "sigmoid"} {
				c := NewRate()
				c.Activation, c.Learn, c.TauForm, c.Dt, c.TauS, c.TauR = "linear", learn, form, dt, tauS, tauR
				impulse, step := make([]float64, steps), full(steps, 1)
				impulse[0] = 1
				r, i := play(t, c, dev, 1, []float64{0}, impulse)
				sumR, sumI, wantR, slow := 0.0, 0.0, 0.0, 0.0
				for n := range steps {
					wantI := as * math.Pow(1-as, float64(n))
					slow = (1-ar)*slow + wantI // Σ_k I_k (1−α_r)^(n−k)
					wantR = ar * slow
					near(t, "I of an impulse", i[n], []float64{wantI}, filterTolerance)
					near(t, "r of an impulse", r[n], []float64{wantR}, filterTolerance)
					sumR, sumI = sumR+r[n][0], sumI+i[n][0]
				}
				near(t, "sums of the kernels", []float64{sumI, sumR}, []float64{1, 1}, filterTolerance)
				r, i = play(t, c, dev, 1, []float64{0}, step)
				near(t, "end of a step", []float64{i[steps-1][0], r[steps-1][0]}, []float64{1, 1}, filterTolerance)
			}
		}
	}
}

// TestRateContinuous: with short steps the impulse response of r is that of the differential
// equations, (exp(−t/τ_s) − exp(−t/τ_r))/(τ_s − τ_r), up to errors of order Δt.
func TestRateContinuous(t *testing.T) {
	const dt, tauS, tauR, steps = 1e-3, 1.0, 3.0, 4000
	c := NewRate()
	c.Activation, c.Learn, c.Dt, c.TauS, c.TauR = "linear", "none", dt, tauS, tauR
	impulse := make([]float64, steps)
	impulse[0] = 1 / dt
	r, _ := play(t, c, nil, 1, []float64{0}, impulse)
	for n := range r {
		at := dt * float64(n+1)
		want := (math.Exp(-at/tauS) - math.Exp(-at/tauR)) / (tauS - tauR)
		if math.Abs(r[n][0]-want) > 2*dt {
			t.Fatalf("r at t = %g is %g, want %g", at, r[n][0], want)
		}
	}
}

// TestRateFixedPoint: linear rates settle at (1 − W)⁻¹ X, whatever the time constants, where
// the spectral radius of W is below 1.
func TestRateFixedPoint(t *testing.T) {
	const h, steps, tolerance = 6, 1500, 1e-9
	rng := rand.New(rand.NewPCG(3, 4))
	w, want, x := make([]float64, h*h), make([]float64, h), make([]float64, h)
	for i := range w {
		w[i] = 0.5 * rng.NormFloat64() / math.Sqrt(h)
	}
	for i := range want {
		want[i] = rng.NormFloat64()
	}
	for i := range x { // X = (1 − W) r*
		x[i] = want[i] - row(w, i, want)
	}
	var input []float64
	for range steps {
		input = append(input, x...)
	}
	for _, dev := range devicetest.Hosts(t, 2) {
		for _, tau := range [][2]float64{{1, 4}, {3, 1}, {5, 10}} {
			c := NewRate()
			c.Activation, c.Learn, c.TauS, c.TauR = "linear", "none", tau[0], tau[1]
			r, i := play(t, c, dev, h, w, input)
			near(t, "rates", r[steps-1], want, tolerance)
			near(t, "currents", i[steps-1], want, tolerance)
		}
	}
}

// TestPlainRateModel: with τ_s = Δt the cell is the Euler rule of τ dr/dt = −r + f(W r + X).
func TestPlainRateModel(t *testing.T) {
	const h, steps, tau = 4, 30, 7.0
	rng := rand.New(rand.NewPCG(5, 6))
	w, x := make([]float64, h*h), make([]float64, steps*h)
	for i := range w {
		w[i] = rng.NormFloat64()
	}
	for i := range x {
		x[i] = 14 + 3*rng.NormFloat64()
	}
	for _, dev := range devicetest.Hosts(t, 2) {
		c := NewRate()
		c.Activation, c.Learn, c.TauS, c.TauR = "power", "none", 1, tau
		got, _ := play(t, c, dev, h, w, x)
		r := make([]float64, h)
		for n := range steps {
			next := make([]float64, h)
			for u := range h {
				rate := 7.759 * math.Pow(math.Max(0, row(w, u, r)+x[n*h+u]-12.99), 0.6)
				next[u] = r[u] + (rate-r[u])/tau
			}
			r = next
			near(t, "rates", got[n], r, filterTolerance)
		}
	}
}

// TestRateRefuses: time constants below the step, and at the step where they are learned.
func TestRateRefuses(t *testing.T) {
	for name, change := range map[string]func(*Rate){
		"tau_s below dt":     func(c *Rate) { c.Learn, c.TauS = "none", 0.5 },
		"tau_r below dt":     func(c *Rate) { c.Learn, c.TauR = "tau_s", 0.5 },
		"learned tau_r = dt": func(c *Rate) { c.TauR = c.Dt },
		"negative tau_s":     func(c *Rate) { c.TauS = -2 },
		"tau_r not a number": func(c *Rate) { c.TauR = math.NaN() },
		"dt":                 func(c *Rate) { c.Dt = 0 },
		"learn":              func(c *Rate) { c.Learn = "tau_m" },
		"tau_shape":          func(c *Rate) { c.TauShape = "matrix" },
		"tau_form":           func(c *Rate) { c.TauForm = "exp" },
		"activation":         func(c *Rate) { c.Activation = "swish" },
		"exponent":           func(c *Rate) { c.PowerExponent = 0 },
	} {
		c := NewRate()
		change(c)
		_, err := Bind("rate", c, Dims{2, 3, 1})
		if err == nil || !strings.HasPrefix(err.Error(), "models: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestRateParameters: the table follows the settings, and a network learns no more than that.
func TestRateParameters(t *testing.T) {
	for _, c := range []struct {
		learn, shape, form string
		want               string
	}{
		{"all", "unit", "softplus", "U* W* b* t_s[3]* t_r[3]*"},
		{"tau_r", "unit", "sigmoid", "U* W* b* tau_s[3] a_r[3]*"},
		{"tau_s", "scalar", "softplus", "U* W* b* t_s[1]* tau_r[1]"},
		{"none", "scalar", "softplus", "U* W* b* tau_s[1] tau_r[1]"},
	} {
		rate := NewRate()
		rate.Learn, rate.TauShape, rate.TauForm = c.learn, c.shape, c.form
		specs, err := rate.Params(Dims{2, 3, 1})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range specs {
			name := s.Name
			if strings.Contains(name, "_") {
				name += fmt.Sprint(s.Shape)
			}
			if s.Learned {
				name += "*"
			}
			got = append(got, name)
			checkSpec(t, "rate", s, map[byte]int{'I': 2, 'H': 3, '1': 1})
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s, %s, %s: parameters are %v, want %v", c.learn, c.shape, c.form, got, c.want)
		}
	}
}
