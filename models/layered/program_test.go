package layered

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models/rules"
)

// steppedNets returns networks of all models that are stepped in time by all rules, each with and without low-passed changes,
// and by one with every activation.
func steppedNets(t *testing.T) map[string]programmed {
	t.Helper()
	all := map[string]programmed{}
	for i, rule := range rules.For("microcircuit") {
		for k, activation := range []string{"sigmoid", "softplus", "soft-rectifier", "tanh", "relu"} {
			for _, tau := range []float64{0, 5}[k%2:] {
				if i > 0 && k > 1 {
					continue // functions are the same in all rules
				}
				all[fmt.Sprintf("%s, %s, low-pass %g ms", rule, activation, tau)] = newCircuit(t, 9, 4, func(m *Microcircuit) {
					m.Hidden, m.Rule, m.Activation, m.TauW, m.TauIn, m.TPres = []int{21, 7}, rule, activation, tau, tau, 0.5
					m.SelfPredicting, m.RatePI, m.RateDown = false, 0.5, 0.25
				})
			}
		}
	}
	for name, set := range map[string]func(m *Microcircuit){
		"spikes":     func(m *Microcircuit) { m.Gamma, m.Population, m.Delay, m.TauSyn, m.Reads = 250, 500, 0.2, 1, "spikes" },
		"refractory": func(m *Microcircuit) { m.Gamma, m.Population, m.Refractory = 250, 500, 0.3 },
		"delays":     func(m *Microcircuit) { m.Delay = 0.2 },
		"noise":      func(m *Microcircuit) { m.Sigma = 0.3 },
	} {
		all[name] = newCircuit(t, 9, 4, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.TauW, m.TPres, m.RatePI, m.RateDown = []int{21, 7}, "sacramento", 5, 0.5, 0.5, 0.25
			set(m)
		})
	}
	for i, rule := range rules.For("leaky") {
		for _, activation := range []string{"sigmoid", "softplus", "tanh", "relu"}[:max(1, 4-3*i)] {
			all[fmt.Sprintf("leaky %s, %s", rule, activation)] = newLeakyNet(t, 9, 4, func(m *Leaky) {
				m.Hidden, m.Rule, m.Activation, m.TPres, m.RateTau, m.Nudging = []int{21, 7}, rule, activation, 0.5, 1, 0.01
			})
		}
	}
	return all
}

// specs returns the parameter table of a network.
func specs(n programmed) []kernels.Spec { return n.(Net).Specs() }

// TestPrograms holds programs on the CPU to those in Go, in weights, answers and what goes on to the next presentation, and
// the bits of two threads to those of one.
func TestPrograms(t *testing.T) {
	one, two := devicetest.CPUOrNil(t, 1), devicetest.CPUOrNil(t, 2)
	if one == nil {
		return
	}
	for name, n := range steppedNets(t) {
		for _, width := range []int{1, 3, 16} {
			r := rand.New(rand.NewPCG(5, uint64(width)))
			x, target, weight := make([]float64, width*9), make([]float64, width*4), make([]float64, width)
			for i := range x {
				x[i] = r.NormFloat64()
			}
			for i := range target {
				target[i] = r.Float64()
			}
			for i := range weight {
				weight[i] = float64(1 + i%2)
			}
			params := draws(specs(n), 4)
			want := begin(t, n, width, params)
			narrowed := func() (p [][]float32) {
				for _, w := range draws(specs(n), 4) {
					p = append(p, narrow(w))
				}
				return p
			}
			all := [2][][]float32{narrowed(), narrowed()}
			var runs [2]*Run[float32]
			for i, dev := range []kernels.Device{one, two} {
				var err error
				if runs[i], err = start(n, placeOn(dev), width, all[i], 0); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := want.Learn(x, target, weight, 0.1); err != nil {
					t.Fatal(err)
				}
				for _, run := range runs {
					if err := run.Learn(narrow(x), narrow(target), narrow(weight), 0.1); err != nil {
						t.Fatal(err)
					}
				}
			}
			what := fmt.Sprintf("%s, %d patterns", name, width)
			near(t, what+": weights", kernels.Wide(slices.Concat(all[0]...)), slices.Concat(params...), 1e-5)
			near(t, what+": told", kernels.Wide(runs[0].Outputs()), want.Outputs(), 1e-5)
			near(t, what+": state", kernels.Wide(stateOf(runs[0])), stateOf(want), 1e-5)
			if !slices.Equal(slices.Concat(all[0]...), slices.Concat(all[1]...)) || !slices.Equal(stateOf(runs[0]), stateOf(runs[1])) {
				t.Errorf("%s: bits differ between one thread and two", what)
			}
			if err := want.Answer(x); err != nil {
				t.Fatal(err)
			}
			if err := runs[0].Answer(narrow(x)); err != nil {
				t.Fatal(err)
			}
			near(t, what+": answers", kernels.Wide(runs[0].Outputs()), want.Outputs(), 1e-5)
		}
	}
}

func stateOf[F kernels.Float](r *Run[F]) (all []F) {
	r.State(func(_ string, _ []int, data []F) { all = append(all, data...) })
	return all
}

// TestSynapsesSeeNoOtherWeights holds that what changes a weight reads arrays of the neuron behind it and rates before it, and no
// other weight: with all others drawn anew it makes the same change to the bit. And that nothing of a microcircuit comes
// back through the weights of the way up, which only networks of leaky units claim to need.
func TestSynapsesSeeNoOtherWeights(t *testing.T) {
	places := []place{placeOn(nil)}
	if dev := devicetest.CPUOrNil(t, 1); dev != nil {
		places = append(places, placeOn(dev))
	}
	for name, n := range steppedNets(t) {
		p := n.program(2, 0).program
		_, circuit := n.(*Circuit)
		backs := slices.ContainsFunc(p.Learn, func(o kernels.ProgramOp) bool { return o.Kind == kernels.Back })
		if backs == circuit {
			t.Errorf("%s: weights of the way up are read on the way down: %v, want %v", name, backs, !circuit)
		}
		rules := 0
		for i, o := range p.Learn {
			if o.Kind != kernels.Learn {
				continue
			}
			rules++
			lesson := p.Learn[i-1]
			layer, _, _ := strings.Cut(specs(n)[o.W].Name, ".")
			for _, a := range lesson.From[:2] {
				if a != kernels.None && !strings.HasPrefix(p.Arrays[a].Name, layer+".") {
					t.Errorf("%s: %s learns by %s, which is of another neuron", name, specs(n)[o.W].Name, p.Arrays[a].Name)
				}
			}
			alone := *p
			alone.Arrays, alone.Learn = slices.Clone(p.Arrays), []kernels.ProgramOp{lesson, o}
			for k := range alone.Arrays {
				alone.Arrays[k].Kept = true
			}
			for _, at := range places {
				change := func(seed uint64) []float32 {
					plan, err := planned[float32](at, &alone)
					if err != nil {
						t.Fatal(err)
					}
					r := rand.New(rand.NewPCG(1, 2))
					for k := range alone.Arrays {
						for j := range plan.Array(k) {
							plan.Array(k)[j] = r.Float32()
						}
					}
					var weights [][]float32
					for k, w := range draws(specs(n), seed) {
						if k == o.W || k == o.Bias {
							w = draws(specs(n), 1)[k]
						}
						weights = append(weights, narrow(w))
					}
					if err := plan.Run(true, 1, 0.1, weights); err != nil {
						t.Fatal(err)
					}
					return weights[o.W]
				}
				a := change(1)
				if slices.Equal(a, narrow(draws(specs(n), 1)[o.W])) {
					t.Fatalf("%s: %s does not change", name, specs(n)[o.W].Name)
				}
				if !slices.Equal(a, change(2)) {
					t.Errorf("%s: the change of %s depends on other weights", name, specs(n)[o.W].Name)
				}
			}
		}
		if rules == 0 {
			t.Errorf("%s: nothing learns", name)
		}
	}
}
