package conform

import (
	"errors"
	"math"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/sparse"
)

// PlasticBits holds weights that change to the reference, to the bit, on a device and from it to another.
func PlasticBits(t *testing.T, dev, other kernels.Device) {
	t.Run("reference", func(t *testing.T) { spikeForSpike(t, dev, "plastic", plasticCircuit(t)) })
	t.Run("later", func(t *testing.T) { spikeForSpike(t, dev, "late plastic", later(plasticCircuit(t), 5)) })
	t.Run("state", func(t *testing.T) { resumes(t, dev, other, plasticCircuit(t)) })
}

// Plastic holds weights that change to PlasticBits and to the formulas of rules.
func Plastic(t *testing.T, dev, other kernels.Device) {
	PlasticBits(t, dev, other)
	c := plasticCircuit(t)
	t.Run("changes", func(t *testing.T) { changesWeights(t, dev, c) })
	t.Run("pairs", func(t *testing.T) { pairs(t, dev) })
	t.Run("refuses", func(t *testing.T) { refusesPlastic(t, dev) })
	t.Run("refuses states", func(t *testing.T) { refusesStates(t, dev, c, badPlasticStates) })
}

// plasticCircuit has additive changes of sources' weights, which are all equal at the start, additive ones
// with bounds and delays, and multiplicative ones of nearest pairs from a population to itself.
func plasticCircuit(t *testing.T) *kernels.Circuit {
	c := Balanced(t, 300, 3, true)
	for i, p := range c.Projections {
		rule := kernels.Plasticity{Sign: 1, Most: kernels.NoBound, Source: kernels.Pairing{Tau: 20, Jump: 1}, Target: kernels.Pairing{Tau: 30, Jump: 1}}
		if p.Weight[0] < 0 {
			rule.Sign = -1
		}
		size := math.Abs(p.Weight[0])
		switch {
		case p.From == 2 && p.To == 0:
			c.Projections[i].Weight, c.Projections[i].Delay = []float64{size}, []uint16{1}
			rule.Most = 1.2 * size
			rule.Pre, rule.Post = kernels.Change{B: -0.2, C: size}, kernels.Change{B: 0.1, C: size}
		case p.From == 1 && p.To == 0:
			rule.Pre, rule.Post = kernels.Change{A: -0.5, B: 1, C: 0.1 * size}, kernels.Change{B: 1, C: 0.1 * size}
		case p.From == 1:
			rule.Source.Nearest, rule.Target.Nearest = true, true
			rule.Pre, rule.Post = kernels.Change{A: -0.4, B: 1, C: 0.01, D: 0.05}, kernels.Change{B: 1, D: -0.05}
		default:
			continue
		}
		c.Projections[i].Plasticity = &rule
	}
	return c
}

// changesWeights wants weights at both bounds and between, of the sign that they have.
func changesWeights(t *testing.T, dev kernels.Device, c *kernels.Circuit) {
	plan := newCircuit(t, dev, c)
	goOn(t, plan, 3000)
	state, err := plan.State()
	if err != nil {
		t.Fatal(err)
	}
	var least, most, between int
	for _, i := range c.Plastic() {
		rule := c.Projections[i].Plasticity
		for _, w := range c.WeightsNow(state, i) {
			switch m := w * rule.Sign; {
			case m == 0:
				least++
			case m > 0.99999*rule.Most:
				most++
			case m < 0:
				t.Fatalf("projection %d has a weight %g of the wrong sign", i, w)
			default:
				between++
			}
		}
	}
	if least == 0 || most == 0 || between == 0 {
		t.Errorf("%d weights are at 0, %d at the largest and %d between, want some of each", least, most, between)
	}
}

// Pair is two neurons that spike in given steps, of which the first acts on the second by a plastic
// projection of one weight; it does not make it spike.
func Pair(t *testing.T, rule kernels.Plasticity, weight float64, source, target []int64) *kernels.Circuit {
	c := &kernels.Circuit{Step: 0.1}
	for i, steps := range [][]int64{source, target} {
		name := []string{"source", "target"}[i]
		c.Populations = append(c.Populations, kernels.Population{Name: name, Header: "lif", N: 1, Synapses: []float64{5},
			Params: Params(t, "lif", map[string]float64{"tau_m": 1e-3, "V_th": 200})})
		for _, n := range steps {
			c.Currents = append(c.Currents, kernels.Current{Population: i, First: n, Last: n + 1, Amplitude: 1e5})
		}
	}
	c.Projections = []kernels.Projection{{From: 0, To: 1, Matrix: sparse.OneToOne(1), Weight: []float64{weight}, Delay: []uint16{1}, Plasticity: &rule}}
	return c
}

// pairs holds the change by one pair of spikes to the formula, and that by three spikes of each to the sum
// over all pairs, or over those of nearest ones.
func pairs(t *testing.T, dev kernels.Device) {
	rule := kernels.Plasticity{Sign: 1, Most: 100, Source: kernels.Pairing{Tau: 20, Jump: 1}, Target: kernels.Pairing{Tau: 35, Jump: 1},
		Pre: kernels.Change{B: -0.0105, C: 100}, Post: kernels.Change{B: 0.01, C: 100}}
	// Potentiation by source before target, depression by the other order, nothing by both at once.
	change := func(lag int64) float64 {
		ms := float64(lag) / 10
		switch {
		case lag > 0:
			return math.Exp(-ms / 20)
		case lag < 0:
			return -1.05 * math.Exp(ms/35)
		}
		return 0
	}
	for _, nearest := range []bool{false, true} {
		rule.Source.Nearest, rule.Target.Nearest = nearest, nearest
		for _, spikes := range [][2][]int64{
			{{100}, {101}}, {{100}, {100}}, {{101}, {100}}, {{100}, {350}}, {{400}, {100}},
			{{100, 180, 400}, {150, 180, 330}},
		} {
			want := 50.0
			for _, s := range spikes[0] {
				for _, p := range spikes[1] {
					if !nearest || isNearest(s, p, spikes) {
						want += change(p - s)
					}
				}
			}
			c := Pair(t, rule, 50, spikes[0], spikes[1])
			near(t, "float64", weightOf(t, c, 600), want, 1e-12)
			plan := newCircuit(t, dev, c)
			if got := len(goOn(t, plan, 600).Spikes); got != len(spikes[0])+len(spikes[1]) {
				t.Fatalf("%d spikes, want those of %v", got, spikes)
			}
			state, err := plan.State()
			if err != nil {
				t.Fatal(err)
			}
			near(t, "device", c.WeightsNow(state, 0)[0], want, 1e-6)
		}
	}
}

// isNearest reports whether no spike of the one that came first lies between two spikes.
func isNearest(source, target int64, spikes [2][]int64) bool {
	first, last, of := source, target, spikes[0]
	if target < source {
		first, last, of = target, source, spikes[1]
	}
	for _, n := range of {
		if first < n && n < last {
			return false
		}
	}
	return true
}

// weightOf returns the one plastic weight of a circuit after so many steps of the reference in float64.
func weightOf(t *testing.T, c *kernels.Circuit, steps int) float64 {
	t.Helper()
	_, _, weights := Reference[float64](c, steps)
	_, jump := kernels.Decay(c.Step, c.Populations[1].Synapses[0])
	return weights[0][0] / jump
}

// near wants a number within a relative distance.
func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if !(math.Abs(got-want) <= relative*math.Abs(want)) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}

// PairWeight returns the weight of a Pair after so many steps, by the reference in float64.
func PairWeight(t *testing.T, rule kernels.Plasticity, weight float64, source, target []int64, steps int) float64 {
	t.Helper()
	return weightOf(t, Pair(t, rule, weight, source, target), steps)
}

// refusesPlastic wants one line that names the place for what is no plasticity.
func refusesPlastic(t *testing.T, dev kernels.Device) {
	for want, spoil := range map[string]func(p *kernels.Projection){
		"the sign of plastic weights is 0":       func(p *kernels.Projection) { p.Plasticity.Sign = 0 },
		"the largest plastic weight is NaN":      func(p *kernels.Projection) { p.Plasticity.Most = math.NaN() },
		"the time constant 0.05 ms":              func(p *kernels.Projection) { p.Plasticity.Target.Tau = 0.05 },
		"and the jump +Inf":                      func(p *kernels.Projection) { p.Plasticity.Source.Jump = math.Inf(1) },
		"changes by (0 + NaN trace)":             func(p *kernels.Projection) { p.Plasticity.Post.B = math.NaN() },
		"plastic weight 0 is -1, want one of th": func(p *kernels.Projection) { p.Weight = []float64{-1} },
		"plastic weight 0 is 9, want one of the": func(p *kernels.Projection) { p.Weight = []float64{9} },
	} {
		c := Pair(t, kernels.Plasticity{Sign: 1, Most: 8, Source: kernels.Pairing{Tau: 20}, Target: kernels.Pairing{Tau: 20}}, 1, nil, nil)
		spoil(&c.Projections[0])
		_, err := kernels.NewCircuit(dev, c)
		if !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), "projection 0 (source to target): ") || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// badPlasticStates says of states of plasticCircuit what is wrong with them.
var badPlasticStates = map[string]func(s *kernels.CircuitState){
	"weights of 2 plastic projections, want 3":  func(s *kernels.CircuitState) { s.Plastic = s.Plastic[:2] },
	"plastic projection 0 is projection 5":      func(s *kernels.CircuitState) { s.Plastic[0].Projection = 5 },
	"what a spike adds has 1 numbers":           func(s *kernels.CircuitState) { s.Plastic[0].Weights = []float32{1} },
	"trace of the sources has 0 numbers":        func(s *kernels.CircuitState) { s.Plastic[0].Source = nil },
	"number 0 of the trace of the targets is N": func(s *kernels.CircuitState) { s.Plastic[0].Target[0] = float32(math.NaN()) },
	"number 0 of what a spike adds is 1, want ": func(s *kernels.CircuitState) { s.Plastic[0].Weights[0] = 1 },
}
