package layered

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/kernels/devices/devicetest"
	"galvani/models/rules"
)

// newCircuit binds a circuit whose potentials are settled after a presentation.
func newCircuit(t *testing.T, inputs, outputs int, change func(*Microcircuit)) *Circuit {
	t.Helper()
	m := NewMicrocircuit()
	m.Activation, m.TPres = "sigmoid", 100
	change(m)
	net, err := m.Bind("microcircuit", inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	return net.(*Circuit)
}

// begin starts a run in float64 without a device.
func begin(t *testing.T, c programmed, width int, params [][]float64) *Run[float64] {
	t.Helper()
	r, err := start(c, placeOn(nil), width, params, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// array returns an array of the program of a run by its name.
func (r *Run[F]) array(name string) []F {
	return r.plan.Array(slices.IndexFunc(r.program.Arrays, func(a kernels.ProgramArray) bool { return a.Name == name }))
}

// step shows x for one step, and learns at a rate where it is not negative.
func (r *Run[F]) step(t *testing.T, x []F, rate float64) {
	t.Helper()
	copy(r.array("x"), x)
	if err := r.plan.Run(rate >= 0, 1, rate, r.params); err != nil {
		t.Fatal(err)
	}
}

// weights draws the parameters of a circuit from [-1,1).
func weights(c *Circuit, seed uint64) [][]float64 {
	params := draws(c.specs, seed)
	prepare(c, params)
	return params
}

// TestSmallestCircuit holds one cell per layer to potentials that were computed apart, with and without a target, by
// every rule.
func TestSmallestCircuit(t *testing.T) {
	const tolerance = 1e-7 // the published digits
	for _, rule := range []string{"latent-equilibrium", "sacramento"} {
		c := newCircuit(t, 1, 1, func(m *Microcircuit) { m.Hidden, m.Rule, m.TPres = []int{1}, rule, 200 })
		params := [][]float64{{1.5}, {0.7}, {0}, {0}, {-2}}
		prepare(c, params)
		for _, p := range []struct {
			targets          []float64
			h, inter, y, top float64
		}{
			{nil, 0.47368421, -1.12046434, -1.12046434, 0},
			{[]float64{1}, 0.50960741, -0.75719057, -0.23654151, 0.08531760},
		} {
			r := begin(t, c, 1, params)
			err := r.Answer([]float64{0.6})
			if p.targets != nil {
				err = r.Learn([]float64{0.6}, p.targets, nil, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			apical := r.array("layer1.apical")[0]
			near(t, rule+": potentials", []float64{r.array("layer1.u")[0], r.array("layer1.inter.u")[0], r.array("layer2.u")[0], apical}, []float64{p.h, p.inter, p.y, p.top}, tolerance)
			if p.targets == nil && math.Abs(apical) > 1e-12 {
				t.Errorf("%s: the apical potential without target is %v, want 0", rule, apical)
			}
		}
	}
}

// TestSweeps holds one cell per layer in two sweeps to their equations, and its changes of weights.
func TestSweeps(t *testing.T) {
	c := newCircuit(t, 1, 1, func(m *Microcircuit) {
		m.Hidden, m.Rule, m.RatePI, m.RateDown, m.RateUp, m.RateIP = []int{1}, "two-sweeps", 2, 3, []float64{1, 0.5}, []float64{1.5}
	})
	params := [][]float64{{1.5}, {0.7}, {0}, {0}, {-2}}
	prepare(c, params)
	phi := activations["sigmoid"].rate
	top, inter, apical := 0.8/1.9, 0.8/1.9, 0.8/1.9
	basal := 1.5 * 0.6
	out := -2 * phi(basal)
	y := (1-top)*out + top*1
	i := (1-inter)*out + inter*y
	above := 0.7 * phi(y)
	va := above - 0.7*phi(i)
	h := (1-apical)*basal + apical*va
	r := begin(t, c, 1, params)
	if err := r.Learn([]float64{0.6}, []float64{1}, nil, 0.1); err != nil {
		t.Fatal(err)
	}
	near(t, "potentials", []float64{r.array("layer1.u")[0], r.array("layer1.inter.u")[0], r.array("layer2.u")[0], r.array("layer1.apical")[0], r.Outputs()[0]}, []float64{h, i, y, va, out}, 1e-14)
	near(t, "weights", slices.Concat(params...), []float64{
		1.5 + 0.1*(phi(h)-phi((1-apical)*basal))*0.6, 0.7 + 0.3*(phi(h)-phi(above))*phi(y), -0.7 - 0.2*va*phi(i),
		-2 + 0.15*(phi(i)-phi(out))*phi(basal), -2 + 0.05*(phi(y)-phi(out))*phi(basal)}, 1e-14)
}

// TestSelfPrediction holds that interneurons follow the layer above and nothing reaches apical dendrites, with several
// hidden layers: at every moment from rest on where neurons look ahead, otherwise once potentials are settled, since
// time constants differ. No weight changes then without a target.
func TestSelfPrediction(t *testing.T) {
	for _, rule := range rules.For("microcircuit") {
		c := newCircuit(t, 4, 3, func(m *Microcircuit) { m.Hidden, m.Rule, m.GDend = []int{6, 5}, rule, 0.7 })
		params := weights(c, 1)
		r := begin(t, c, 2, params)
		x := []float64{0.1, 0.5, -0.3, 0.9, 0.2, -0.8, 0.4, 0}
		for step := range 1000 {
			r.step(t, x, -1)
			if c.rule.Name == "sacramento" && step < 999 {
				continue
			}
			for l := range 2 {
				near(t, rule+": interneurons", r.array(named(l, "inter.ahead")), r.array(named(l+1, "ahead")), 1e-12)
				for _, v := range r.array(named(l, "apical")) {
					if math.Abs(v) > 1e-12 {
						t.Fatalf("%s, step %d: an apical potential is %v, want 0", rule, step, v)
					}
				}
			}
		}
		before := slices.Concat(params...)
		copy(r.array("pull"), r.array("layer3.ahead")) // a target that pulls nowhere
		divide(r.array("share"), 2, nil)
		r.step(t, x, 1)
		near(t, rule+": weights", slices.Concat(params...), before, 1e-12)
	}
}

// TestSmallNudging holds the change of the weights of the first layer to the gradient of backprop, where the target pulls
// weakly and the weights from above are those from below: the angle between them shrinks in proportion to the pull.
func TestSmallNudging(t *testing.T) {
	angle := func(rule string, pull float64) float64 {
		c := newCircuit(t, 4, 3, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.GSom, m.GApical, m.RateIP, m.TPres = []int{5}, rule, pull, pull, []float64{0}, 400
		})
		params := weights(c, 2)
		w2 := params[c.row(1, 0)]
		for i := range 5 {
			for o := range 3 {
				params[c.row(0, 1)][i*3+o] = w2[o*5+i]
			}
		}
		prepare(c, params)
		x, target := []float64{0.3, -0.7, 0.9, 0.2}, []float64{0.8, -0.5, 0.1}
		r := begin(t, c, 1, params)
		if err := r.Learn(x, target, nil, 0); err != nil { // to the steady state
			t.Fatal(err)
		}
		before := slices.Clone(params[0])
		r.step(t, x, 1)
		// Backprop of the loss of the same network: potentials of somata are a times those of basal dendrites, outputs
		// fire at phi(a v), the derivative of the pull on output o is phi'(u_o) (target_o - u_o).
		phi := activations["sigmoid"]
		a1, a2 := c.attenuation(0), c.attenuation(1)
		if c.rule.TwoSweeps {
			a1, a2 = 1, 1 // on the way up
		}
		u1, r1, u2 := make([]float64, 5), make([]float64, 5), make([]float64, 3)
		for i := range u1 {
			for k, v := range x {
				u1[i] += a1 * params[0][i*4+k] * v
			}
			r1[i] = phi.rate(u1[i])
		}
		for o := range u2 {
			for i, v := range r1 {
				u2[o] += a2 * w2[o*5+i] * v
			}
		}
		var dot, own, other float64
		for i := range u1 {
			e := 0.0
			for o := range u2 {
				e += w2[o*5+i] * phi.slope(phi.rate(u2[o])) * (target[o] - u2[o])
			}
			for k, v := range x {
				g, d := phi.slope(r1[i])*e*v, params[0][i*4+k]-before[i*4+k]
				dot, own, other = dot+g*d, own+g*g, other+d*d
			}
		}
		cosine := dot / math.Sqrt(own*other)
		if pull <= 1e-3 && cosine < 0.999 {
			t.Errorf("%s: the cosine at a pull of %g is %v, want more than 0.999", rule, pull, cosine)
		}
		return math.Sqrt(2 * max(0, 1-cosine))
	}
	for _, rule := range rules.For("microcircuit") {
		if a, b := angle(rule, 2e-3), angle(rule, 1e-3); b > 0.6*a {
			t.Errorf("%s: the angle is %.3g at twice the pull and %.3g, want half", rule, a, b)
		}
	}
}

// TestRunsSideBySide holds what copies of a circuit that learn side by side do to the mean of what each does alone, and that a
// copy without a pattern does nothing.
func TestRunsSideBySide(t *testing.T) {
	for _, tau := range []float64{0, 30} {
		c := newCircuit(t, 3, 2, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.TPres, m.RatePI, m.RateDown, m.TauW, m.SelfPredicting = []int{4}, "sacramento", 0.1, 0.5, 0.25, tau, false
		})
		x, target := []float64{0.2, -0.4, 0.7, 0.9, 0.1, -0.6}, []float64{1, 0.1, 0.1, 1}
		first := weights(c, 3)
		want := make([]float64, len(slices.Concat(first...)))
		for n := range 2 {
			params := weights(c, 3)
			r := begin(t, c, 1, params)
			for range 3 {
				r.step(t, x[3*n:][:3], -1)
			}
			if err := r.Learn(x[3*n:][:3], target[2*n:][:2], nil, 0.3); err != nil {
				t.Fatal(err)
			}
			for i, v := range slices.Concat(params...) {
				want[i] += v / 2
			}
		}
		r := begin(t, c, 3, first)
		for range 3 {
			r.step(t, x, -1)
		}
		if err := r.Learn(x, target, nil, 0.3); err != nil {
			t.Fatal(err)
		}
		near(t, "weights", slices.Concat(first...), want, 1e-12)
	}
}

// TestLargeProducts holds a circuit of large layers on a device to one in Go, with and without low-passed changes; and its
// bits to those on two threads.
func TestLargeProducts(t *testing.T) {
	const width, inputs = 64, 70 // fewer patterns than inputs: weights that read the same in all steps are treated apart
	for _, tau := range []float64{0, 5} {
		c := newCircuit(t, inputs, 20, func(m *Microcircuit) {
			m.Hidden, m.TPres, m.RatePI, m.RateDown, m.TauW, m.SelfPredicting = []int{300}, 1, 0.5, 0.25, tau, false
		})
		r := rand.New(rand.NewPCG(5, 6))
		x, target := make([]float64, width*inputs), make([]float64, width*20)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		for i := range target {
			target[i] = r.Float64()
		}
		onThreads(t, c, width, func() [][]float64 { return weights(c, 4) }, x, target, nil)
	}
}

// TestRefusedCircuits holds what is refused.
func TestRefusedCircuits(t *testing.T) {
	refused(t, "microcircuit", NewMicrocircuit, map[string]func(*Microcircuit){
		"t_pres is 0.06 ms, shorter than a step of dt = 0.1 ms":          func(m *Microcircuit) { m.TPres = 0.06 }, // which rounds to one
		"tau_w is 0.05 ms, shorter than a step":                          func(m *Microcircuit) { m.TauW = 0.05 },
		"rate_up has 2 values, want 1, or one for each of 3 layers":      func(m *Microcircuit) { m.Hidden, m.RateUp = []int{3, 3}, []float64{1, 2} },
		"rate_ip has 2 values, want 1, or one for each of 1 layers":      func(m *Microcircuit) { m.RateIP = []float64{1, 2} },
		"conductances add up to 1.9/ms, for which dt = 1 ms is too long": func(m *Microcircuit) { m.DT = 1 },
		"hidden is 0, want 1 to 65536":                                   func(m *Microcircuit) { m.Hidden = []int{0} },
	})
}

// onThreads lets a network learn in Go and on a device, and holds the one to the other, and the bits on one thread to those on
// two. draw returns the parameters to begin with.
func onThreads(t *testing.T, n interface {
	Stepped
	programmed
}, width int, draw func() [][]float64, x, target, weight []float64) {
	t.Helper()
	want := draw()
	if err := begin(t, n, width, want).Learn(x, target, weight, 0.1); err != nil {
		t.Fatal(err)
	}
	var given []float32
	if weight != nil {
		given = narrow(weight)
	}
	var bits [2][]float32
	for i := range bits {
		params := make([][]float32, len(want))
		for k, p := range draw() {
			params[k] = narrow(p)
		}
		run, err := n.Start(devicetest.CPU(t, 1+i), width, params, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Learn(narrow(x), narrow(target), given, 0.1); err != nil {
			t.Fatal(err)
		}
		bits[i] = slices.Concat(params...)
	}
	near(t, "parameters", kernels.Wide(bits[0]), slices.Concat(want...), 1e-5)
	if !slices.Equal(bits[0], bits[1]) {
		t.Error("parameters differ between one thread and two")
	}
}

// refused binds settings that are changed, which want is to say what is wrong with.
func refused[S Settings](t *testing.T, name string, settings func() S, wrong map[string]func(S)) {
	t.Helper()
	for want, change := range wrong {
		s := settings()
		change(s)
		if _, err := s.Bind(name, 3, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// TestSoftplus holds log(1 + exp(a)) to math.Log1p, relative to its value.
func TestSoftplus(t *testing.T) {
	for a := -700.0; a < 700; a += 0.37 {
		want := max(a, 0) + math.Log1p(math.Exp(-math.Abs(a)))
		if got := softplus(a); math.Abs(got-want) > 4e-16*want {
			t.Errorf("softplus(%v) is %v, want %v", a, got, want)
		}
	}
}

// BenchmarkStep measures a step of training of a circuit of 9, 30 and 3 cells with one pattern, and of 784, 500, 500 and 10 with 64.
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		hidden                 []int
		inputs, outputs, width int
		time                   float64
	}{{[]int{30}, 9, 3, 1, 10}, {[]int{500, 500}, 784, 10, 64, 2}} {
		for _, rule := range rules.For("microcircuit") {
			for _, threads := range []int{0, 1, 2} {
				b.Run(fmt.Sprintf("%d-%s-%d", c.inputs, rule, threads), func(b *testing.B) {
					m := NewMicrocircuit()
					m.Hidden, m.Rule, m.TPres, m.InitScale = c.hidden, rule, c.time, 0
					net, err := m.Bind("microcircuit", c.inputs, c.outputs)
					if err != nil {
						b.Fatal(err)
					}
					circuit := net.(*Circuit)
					params := make([][]float32, len(circuit.specs))
					for k, p := range weights(circuit, 4) {
						params[k] = narrow(p)
						for i := range params[k] {
							params[k][i] /= float32(c.inputs)
						}
					}
					var dev kernels.Device
					if threads > 0 {
						if dev, err = devices.OpenCPU(threads); err != nil {
							b.Skip(err)
						}
					}
					run, err := circuit.Start(dev, c.width, params, 0)
					if err != nil {
						b.Fatal(err)
					}
					x, targets := make([]float32, c.width*c.inputs), make([]float32, c.width*c.outputs)
					for i := range x {
						x[i] = float32(i%7) / 7
					}
					for b.Loop() {
						if err := run.Learn(x, targets, nil, 0.01); err != nil {
							b.Fatal(err)
						}
					}
					steps, _ := circuit.steps()
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(steps), "ns/step")
				})
			}
		}
	}
}
