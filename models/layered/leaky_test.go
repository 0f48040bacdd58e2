package layered

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/models/rules"
)

func newLeakyNet(t *testing.T, inputs, outputs int, change func(*Leaky)) *LeakyNet {
	t.Helper()
	m := NewLeaky()
	change(m)
	net, err := m.Bind("leaky", inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	return net.(*LeakyNet)
}

// draws returns parameters from [-1,1).
func draws(specs []kernels.Spec, seed uint64) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	params := make([][]float64, len(specs))
	for i, s := range specs {
		for range s.Len() {
			params[i] = append(params[i], 2*r.Float64()-1)
		}
	}
	return params
}

// feed returns the rates of all layers, inputs first, and the potentials of the outputs, of a network without time.
func feed(n *LeakyNet, params [][]float64, x []float64) (all [][]float64, out []float64) {
	phi := activations[n.cfg.Activation]
	all = [][]float64{x}
	for l := range n.layers() {
		below := all[l]
		u := slices.Clone(params[2*l+1])
		for i := range u {
			for k, v := range below {
				u[i] += params[2*l][i*len(below)+k] * v
			}
		}
		if out = u; l < n.layers()-1 {
			r := make([]float64, len(u))
			for i, v := range u {
				r[i] = phi.rate(v)
			}
			all = append(all, r)
		}
	}
	return all, out
}

// TestAnswersAtOnce holds that units that look ahead answer, after as many steps as there are layers, as a network without
// time does, and others only after many time constants.
func TestAnswersAtOnce(t *testing.T) {
	x := []float64{0.3, -0.7, 0.9, 0.2}
	for rule, time := range map[string]float64{"latent-equilibrium": 0.3, "predictive-coding": 1000} {
		n := newLeakyNet(t, 4, 3, func(m *Leaky) { m.Hidden, m.Rule, m.TPres, m.TauM = []int{6, 5}, rule, time, 1 })
		params := draws(n.specs, 3)
		r := begin(t, n, 1, params)
		if err := r.Answer(x); err != nil {
			t.Fatal(err)
		}
		_, want := feed(n, params, x)
		near(t, rule, r.Outputs(), want, 1e-12)
		if rule == "predictive-coding" {
			r.Reset()
			for range 3 {
				r.step(t, x, -1)
			}
			if u := r.array("layer3.u"); math.Abs(u[0]-want[0]) < 0.1*math.Abs(want[0]) {
				t.Errorf("%s: the output is %v after 3 steps, want it far from %v", rule, u[0], want[0])
			}
		}
	}
}

// TestWeakNudging holds the change of every layer to nudging and its learning rate times the change that backprop gives for the
// squared error: the cosine exceeds 0.999, and the relative difference shrinks in proportion to nudging.
func TestWeakNudging(t *testing.T) {
	difference := func(rule string, nudging float64) float64 {
		n := newLeakyNet(t, 4, 3, func(m *Leaky) {
			m.Hidden, m.Rule, m.TPres, m.TauM, m.Nudging, m.RateUp = []int{6, 5}, rule, 1000, 1, nudging, []float64{3, 1, 0.5}
		})
		params := draws(n.specs, 4)
		x, target := []float64{0.3, -0.7, 0.9, 0.2}, []float64{0.8, -0.5, 0.1}
		r := begin(t, n, 1, params)
		if err := r.Learn(x, target, nil, 0); err != nil {
			t.Fatal(err)
		}
		before := slices.Concat(params...)
		r.step(t, x, 1)
		after := slices.Concat(params...)
		all, out := feed(n, draws(n.specs, 4), x)
		e := make([]float64, 3)
		for o := range e {
			e[o] = nudging * (target[o] - out[o])
		}
		want := make([][]float64, len(params))
		for l := n.layers() - 1; l >= 0; l-- {
			below, w := all[l], draws(n.specs, 4)[2*l]
			rate := n.cfg.RateUp[l]
			for _, v := range e {
				want[2*l+1] = append(want[2*l+1], rate*v)
			}
			down := make([]float64, len(below))
			for i, v := range e {
				for k, r := range below {
					want[2*l] = append(want[2*l], rate*v*r)
					down[k] += w[i*len(below)+k] * v
				}
			}
			for k := range down {
				down[k] *= 1 - below[k]*below[k] // tanh
			}
			e = down
		}
		var dot, own, other, apart float64
		for i, g := range slices.Concat(want...) {
			d := after[i] - before[i]
			dot, own, other, apart = dot+g*d, own+g*g, other+d*d, apart+(g-d)*(g-d)
		}
		if cosine := dot / math.Sqrt(own*other); cosine < 0.999 {
			t.Errorf("%s, nudging %g: cosine %v, want more than 0.999", rule, nudging, cosine)
		}
		return math.Sqrt(apart / own)
	}
	for _, rule := range rules.For("leaky") {
		if a, b := difference(rule, 2e-3), difference(rule, 1e-3); b > 0.6*a || b < 0.4*a {
			t.Errorf("%s: the relative difference to backprop is %.3g at twice the nudging and %.3g, want half", rule, a, b)
		}
	}
}

// TestLeakyProducts holds a network of large layers on a device to one in Go, and its bits to those on two threads; and
// what copies side by side learn to the parts that patterns have in it.
func TestLeakyProducts(t *testing.T) {
	const width, inputs = 64, 70
	n := newLeakyNet(t, inputs, 20, func(m *Leaky) { m.Hidden = []int{300, 10} })
	r := rand.New(rand.NewPCG(5, 6))
	x, target, weight := make([]float64, width*inputs), make([]float64, width*20), make([]float64, width)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for i := range target {
		target[i] = r.Float64()
	}
	for i := range weight {
		weight[i] = float64(i % 3)
	}
	onThreads(t, n, width, func() [][]float64 { return draws(n.specs, 4) }, x, target, weight)
}

// TestRefusedLeakyNets holds what is refused.
func TestRefusedLeakyNets(t *testing.T) {
	refused(t, "leaky", NewLeaky, map[string]func(*Leaky){
		"t_pres is 0.06 ms, shorter than a step of dt = 0.1 ms":     func(m *Leaky) { m.TPres = 0.06 }, // which rounds to one
		"t_eval is 0.04 ms, shorter than a step of dt = 0.1 ms":     func(m *Leaky) { m.TEval = 0.04 },
		"dt is 20 ms, want at most tau_m = 10 ms":                   func(m *Leaky) { m.DT, m.TPres = 20, 100 },
		"onset is 1 ms, and a presentation of t_pres = 1 ms ends":   func(m *Leaky) { m.Onset = 1 },
		"rate_up has 3 values, want 1, or one for each of 2 layers": func(m *Leaky) { m.RateUp = []float64{1, 2, 3} },
		"nudging is 1.5": func(m *Leaky) { m.Nudging = 1.5 },
	})
}
