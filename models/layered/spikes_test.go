package layered

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
)

// TestDelay holds that synapses see the rates of as many steps before as their delay says, and follow them in their time
// constant; no other array tells of the delay.
func TestDelay(t *testing.T) {
	const delay = 4
	c := newCircuit(t, 4, 3, func(m *Microcircuit) { m.Hidden, m.Rule, m.Delay, m.TauSyn = []int{5}, "sacramento", 0.4, 1 })
	r := begin(t, c, 2, weights(c, 1))
	rest := activations["sigmoid"].rate(0)
	var next [][]float64
	want := slices.Repeat([]float64{rest}, 10)
	for step := range 30 {
		r.step(t, []float64{1, -2, 0.5, 3, 0.2, 0.1, 2, -1}, -1)
		next = append(next, slices.Clone(r.array("layer1.next")))
		for i := range want {
			arrives := rest
			if step >= delay {
				arrives = next[step-delay][i]
			}
			want[i] += 0.1 * (arrives - want[i])
		}
		near(t, fmt.Sprintf("rates at step %d", step), r.array("layer1.rate"), want, 1e-12)
	}
	if slices.Equal(next[0], next[29]) {
		t.Error("rates do not change")
	}
}

// TestRefractory holds the mean rate of neurons that are silent behind a spike to p / (1 + p R) for the probability p of a
// spike in a step and R steps of silence, with one neuron for each unit and with several.
func TestRefractory(t *testing.T) {
	const steps = 20000
	for _, size := range []int{1, 7} {
		c := newCircuit(t, 1, 1, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.Gamma, m.Refractory, m.Population, m.TPres = []int{1}, "sacramento", 500, 2, size, 1
		})
		r := begin(t, c, 1, weights(c, 1))
		sum, rate := 0.0, 0.0
		for step := range steps + 200 {
			r.step(t, []float64{0.4}, -1)
			if step >= 200 {
				sum, rate = sum+r.array("layer1.fired")[0]/steps, rate+r.array("layer1.next")[0]/steps
			}
		}
		p := -math.Expm1(-0.05 * rate)
		if want := p / (1 + 20*p) / 0.05; math.Abs(sum-want) > 0.05*want {
			t.Errorf("%d neurons: the rate is %v, want %v, and without silence %v", size, sum, want, rate)
		}
	}
}

// TestManySpikes holds potentials of spiking circuits to those with rates: what they are off by shrinks as the root of the
// number of spikes, of each neuron and of neurons.
func TestManySpikes(t *testing.T) {
	off := func(gamma float64, size int) float64 {
		set := func(m *Microcircuit) {
			m.Hidden, m.Rule, m.TPres, m.TauSyn, m.SelfPredicting = []int{6, 5}, "sacramento", 30, 2, false
			m.Gamma, m.Population = gamma, size
		}
		c := newCircuit(t, 4, 3, set)
		params := weights(c, 3)
		plain := newCircuit(t, 4, 3, func(m *Microcircuit) { set(m); m.Gamma = 0 })
		spiking, settled := begin(t, c, 4, params), begin(t, plain, 4, params)
		x := []float64{0.1, 0.5, -0.3, 0.9, 0.2, -0.8, 0.4, 0, 1, 1, 0, -1, 0.3, 0.3, 0.3, 0.3}
		if err := settled.Answer(x); err != nil {
			t.Fatal(err)
		}
		sum, n := 0.0, 0
		for step := range 600 {
			if spiking.step(t, x, -1); step < 300 || step%20 > 0 {
				continue
			}
			for _, name := range []string{"layer1.u", "layer1.inter.u", "layer2.u", "layer3.u"} {
				for i, v := range spiking.array(name) {
					d := v - settled.array(name)[i]
					sum, n = sum+d*d, n+1
				}
			}
		}
		return math.Sqrt(sum / float64(n))
	}
	few, many, crowd := off(1e4, 1), off(1e6, 1), off(1e4, 100)
	for what, v := range map[string]float64{"spikes of a neuron": many, "neurons": crowd} {
		if ratio := few / v; ratio < 7 || ratio > 13 {
			t.Errorf("100 times as many %s: potentials are off by %v after %v, want a tenth", what, v, few)
		}
	}
}

// TestSpikesGoOn holds that a run that goes on from the state of another draws what that would have drawn, that another
// seed draws other spikes and other noise, and that every answer draws the same.
func TestSpikesGoOn(t *testing.T) {
	for name, set := range map[string]func(*Microcircuit){
		"spikes": func(m *Microcircuit) { m.Gamma, m.Refractory, m.Delay, m.TauSyn, m.Reads = 250, 1, 0.5, 2, "spikes" },
		"noise":  func(m *Microcircuit) { m.Sigma = 0.3 },
	} {
		c := newCircuit(t, 4, 3, func(m *Microcircuit) {
			m.Hidden, m.Rule, m.TPres, m.SelfPredicting, m.RatePI = []int{5}, "sacramento", 5, false, 0.5
			set(m)
		})
		x, y := []float64{0.1, 0.5, -0.3, 0.9}, []float64{1, 0.1, 0.1}
		run := func(seed uint64, params [][]float64) *Run[float64] {
			r, err := start(c, placeOn(nil), 1, params, seed)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		learn := func(r *Run[float64]) {
			if err := r.Learn(x, y, nil, 0.1); err != nil {
				t.Fatal(err)
			}
		}
		params := weights(c, 1)
		r := run(1, params)
		learn(r)
		r.Reset() // an epoch ends
		other := weights(c, 1)
		for i := range other {
			copy(other[i], params[i])
		}
		again := run(1, other)
		state := stateOf(r)
		again.State(func(_ string, _ []int, data []float64) { state = state[copy(data, state):] })
		learn(r)
		learn(again)
		if !slices.Equal(slices.Concat(params...), slices.Concat(other...)) {
			t.Errorf("%s: a run that goes on from the state of another learns something else", name)
		}
		one, two := weights(c, 1), weights(c, 1)
		learn(run(1, one))
		learn(run(2, two))
		if slices.Equal(slices.Concat(one...), slices.Concat(two...)) {
			t.Errorf("%s: two seeds draw the same", name)
		}
		var answers [2][]float64
		for i := range answers {
			if err := r.Answer(x); err != nil {
				t.Fatal(err)
			}
			answers[i] = slices.Clone(r.Outputs())
		}
		if !slices.Equal(answers[0], answers[1]) {
			t.Errorf("%s: two answers differ: %v", name, answers)
		}
	}
}

// TestOnset holds that weights change behind the onset alone, and then by the mean over the time that is left.
func TestOnset(t *testing.T) {
	c := newCircuit(t, 4, 3, func(m *Microcircuit) { m.Hidden, m.Rule, m.TPres, m.Onset = []int{5}, "sacramento", 2, 1.9 })
	x, y := []float64{0.1, 0.5, -0.3, 0.9}, []float64{1, 0.1, 0.1}
	got, want := weights(c, 1), weights(c, 1)
	if err := begin(t, c, 1, got).Learn(x, y, nil, 0.1); err != nil {
		t.Fatal(err)
	}
	r := begin(t, c, 1, want)
	copy(r.array("pull"), y)
	divide(r.array("share"), 1, nil)
	for range 19 {
		r.step(t, x, 0)
	}
	if !slices.Equal(slices.Concat(want...), slices.Concat(weights(c, 1)...)) {
		t.Error("weights change at a rate of 0")
	}
	r.step(t, x, 0.1)
	near(t, "weights", slices.Concat(got...), slices.Concat(want...), 0)
}

// TestRefusedSpikes holds what is refused.
func TestRefusedSpikes(t *testing.T) {
	refused(t, "microcircuit", NewMicrocircuit, map[string]func(*Microcircuit){
		"rates of tanh may be negative":                  func(m *Microcircuit) { m.Gamma, m.Activation = 100, "tanh" },
		"delay is 0.01 ms, shorter than a step":          func(m *Microcircuit) { m.Delay = 0.01 },
		"refractory is 0.01 ms, shorter than a step":     func(m *Microcircuit) { m.Gamma, m.Refractory = 100, 0.01 },
		"delay is 1000 ms, which is 100000 steps":        func(m *Microcircuit) { m.DT, m.Delay = 0.01, 1000 },
		"ends before weights change":                     func(m *Microcircuit) { m.Onset = m.TPres },
		`reads is "both", want one of potential, spikes`: func(m *Microcircuit) { m.Reads = "both" },
	})
}

// TestDivergedSpikes holds that rates without bound are told as what is not finite, and do not hang.
func TestDivergedSpikes(t *testing.T) {
	c := newCircuit(t, 1, 1, func(m *Microcircuit) { m.Hidden, m.Activation, m.Gamma, m.TPres = []int{1}, "relu", 1000, 1 })
	params := weights(c, 1)
	params[0][0] = 1e30
	r := begin(t, c, 1, params)
	if err := r.Answer([]float64{1}); err != nil {
		t.Fatal(err)
	}
	if v := r.array("layer1.rate")[0]; !math.IsNaN(v) {
		t.Errorf("a rate of 1e30 gives %v, want NaN", v)
	}
	if _, err := newHost[float64](&kernels.Program{N: 1, Arrays: []kernels.ProgramArray{{Units: 3}}, Answer: []kernels.ProgramOp{kernels.NewOp(kernels.Tick, 0)}}); err == nil {
		t.Error("a clock of three units is taken")
	}
}
