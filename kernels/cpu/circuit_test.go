//go:build cgo

package cpu

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/neurons"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

func simulate(t *testing.T, c *kernels.Circuit, threads int, stretches ...int) kernels.CircuitRecord {
	t.Helper()
	d, err := Open(threads)
	if err != nil {
		t.Fatal(err)
	}
	p, err := kernels.NewCircuit(d, c)
	if err != nil {
		t.Fatal(err)
	}
	all := kernels.CircuitRecord{V: make([][]float32, len(c.Probes))}
	for _, n := range stretches {
		r, err := p.Run(n)
		if err != nil {
			t.Fatal(err)
		}
		all.Spikes = append(all.Spikes, r.Spikes...)
		for i := range r.V {
			all.V[i] = append(all.V[i], r.V[i]...)
		}
	}
	return all
}

// params returns the parameters of a neuron with some of them set.
func params(t *testing.T, header string, set map[string]float64) []float64 {
	t.Helper()
	n, ok := neurons.Of(header)
	if !ok {
		t.Fatal("no neuron ", header)
	}
	p := n.Defaults()
	for i, q := range n.Params {
		if v, ok := set[q.Name]; ok {
			p[i] = v
			delete(set, q.Name)
		}
	}
	if len(set) > 0 {
		t.Fatalf("%s has none of %v", header, set)
	}
	return p
}

// single is one neuron with a constant current.
func single(t *testing.T, header string, set map[string]float64, current float64) *kernels.Circuit {
	return &kernels.Circuit{Step: 0.1, Populations: []kernels.Population{{Name: "cell", Header: header, N: 1, Params: params(t, header, set)}},
		Currents: []kernels.Current{{Last: math.MaxInt64, Amplitude: current}}}
}

// balanced is the balanced network of Rosenbaum et al. (2017), doi:10.1038/nn.4433: n EIF neurons and a
// fifth as many sources. With different delays and LIF neurons for i it is a test of everything else.
func balanced(t *testing.T, n int, seed uint64, mixed bool) *kernels.Circuit {
	t.Helper()
	fifth := int(math.Round(0.2 * float64(n)))
	sizes := []int{n - fifth, fifth, fifth}
	c := &kernels.Circuit{Step: 0.1, Seed: seed}
	for i, name := range []string{"e", "i", "x"} {
		p := kernels.Population{Name: name, Header: "eif", N: sizes[i], Synapses: []float64{8, 4, 10}}
		if name == "x" {
			p.Header, p.Params, p.Synapses = kernels.Poisson, []float64{10}, nil
		} else {
			p.Params = params(t, "eif", nil)
			for u := range p.N {
				p.Start = append(p.Start, -75+20*random.New(seed).Named("start").Named(name).Uniform(uint64(u)))
			}
		}
		if mixed && name == "i" {
			p.Header, p.Params = "lif", params(t, "lif", map[string]float64{"t_ref": 0.5})
		}
		c.Populations = append(c.Populations, p)
	}
	for to, row := range [][]float64{{25, -150, 180}, {112.5, -250, 135}} {
		for from, j := range row {
			key := random.New(seed).Named("edges").Stream(uint64(3*to + from))
			m, err := sparse.Probability(sizes[to], sizes[from], 0.1, true, key)
			if err != nil {
				t.Fatal(err)
			}
			q := kernels.Projection{From: from, To: to, Synapse: from, Matrix: m, Weight: []float64{15 * j / math.Sqrt(float64(n))}, Delay: []int{1}}
			if mixed {
				q.Delay, q.Weight = nil, nil
				for k := range m.Len() {
					q.Delay = append(q.Delay, 1+int(key.Below(uint64(k), 17)))
					q.Weight = append(q.Weight, 15*j/math.Sqrt(float64(n))*(0.5+key.Uniform(uint64(k))))
				}
			}
			c.Projections = append(c.Projections, q)
		}
	}
	return c
}

// TestCircuitConforms wants the spikes of the reference from any number of threads and any division into
// stretches, over every neuron, with equal and with different weights and delays.
func TestCircuitConforms(t *testing.T) {
	for _, mixed := range []bool{false, true} {
		c := balanced(t, 300, 3, mixed)
		c.Probes = []kernels.Probe{{Population: 0, Unit: 77}, {Population: 1, Unit: 59}}
		c.Currents = []kernels.Current{{Population: 1, First: 500, Last: 600, Amplitude: 9}}
		want, v := conform.Reference[float32](c, 1500)
		seen := map[int]int{}
		for _, s := range want {
			seen[s.Population]++
		}
		if seen[0] < 30 || seen[1] < 30 || seen[2] < 30 {
			t.Fatalf("mixed %v: spikes by population %v, too few for a test", mixed, seen)
		}
		for _, threads := range []int{1, 2, 3, 7} {
			got := simulate(t, c, threads, 1, 255, 256, 257, 731)
			if !slices.Equal(got.Spikes, want) {
				t.Errorf("mixed %v, %d threads: %d spikes differ from the %d of the reference", mixed, threads, len(got.Spikes), len(want))
			}
			for i, p := range c.Probes {
				if g, w := got.V[i], v[p.Population][p.Unit]; len(g) != 1500 || g[1499] != w {
					t.Errorf("mixed %v, %d threads: probe %d ends at %v, want %v", mixed, threads, i, g[len(g)-1], w)
				}
			}
		}
	}
}

// TestCircuitSources wants the stream of a source to be its own: the same whatever else is there.
func TestCircuitSources(t *testing.T) {
	c := &kernels.Circuit{Step: 0.1, Seed: 9, Populations: []kernels.Population{{Name: "x", Header: kernels.Poisson, N: 200, Params: []float64{15}}}}
	spikes := simulate(t, c, 2, 20000).Spikes
	if mean := 200 * 2 * 15.0; math.Abs(float64(len(spikes))-mean) > 4*math.Sqrt(mean) {
		t.Errorf("%d spikes, want %g within four standard deviations", len(spikes), mean)
	}
	c.Populations = append([]kernels.Population{{Name: "y", Header: kernels.Poisson, N: 5, Params: []float64{1}}}, c.Populations...)
	c.Populations[1].N = 100
	var first, again []kernels.Spike
	for _, s := range spikes {
		if s.Unit < 100 {
			first = append(first, kernels.Spike{Step: s.Step, Population: 1, Unit: s.Unit})
		}
	}
	for _, s := range simulate(t, c, 1, 20000).Spikes {
		if s.Population == 1 {
			again = append(again, s)
		}
	}
	if !slices.Equal(first, again) {
		t.Error("other populations and a smaller one change the spikes of a source")
	}
}

// TestLIFRate holds the intervals of a LIF neuron to T = tau ln((I - (V_re - E_L)) / (I - (V_th - E_L))) + t_ref,
// each within the step.
func TestLIFRate(t *testing.T) {
	for _, current := range []float64{18, 23, 28, 33, 38} {
		for _, wait := range []float64{0, 2} {
			spikes := simulate(t, single(t, "lif", map[string]float64{"t_ref": wait}, current), 1, 20000).Spikes
			want := 15*math.Log((current+3)/(current-17)) + wait
			n := len(spikes) - 1
			got := float64(spikes[n].Step-spikes[0].Step) * 0.1 / float64(n)
			if got < want || got >= want+0.1+1e-9 {
				t.Errorf("I = %g, t_ref = %g: an interval of %.3f ms, want %.3f rounded up to the step", current, wait, got, want)
			}
		}
	}
	if s := simulate(t, single(t, "lif", nil, 16.99), 1, 20000).Spikes; len(s) > 0 {
		t.Errorf("%d spikes below the rheobase", len(s))
	}
}

// TestEIFRate holds the rates of an EIF neuron to 1000 over the integral of tau dV / f(V), within the 2 % that
// Euler's steps of 0.1 ms make.
func TestEIFRate(t *testing.T) {
	set := func() map[string]float64 { return map[string]float64{"D_T": 4, "V_th": 10} }
	for current, want := range map[float64]float64{13.1: 2.4044, 13.4: 4.9076, 14.4: 9.6366, 19.4: 24.0974} {
		spikes := simulate(t, single(t, "eif", set(), current), 1, 100000).Spikes
		n := len(spikes) - 1
		if got := 1e4 * float64(n) / float64(spikes[n].Step-spikes[0].Step); math.Abs(got/want-1) > 0.02 {
			t.Errorf("I = %g: %.4f Hz, want %.4f", current, got, want)
		}
	}
	c := single(t, "eif", set(), 13.5)
	c.Populations[0].Start = []float64{-75}
	if s := simulate(t, c, 1, 10000).Spikes; len(s) != 5 {
		t.Errorf("I = 13.5: %d spikes in a second, want 5", len(s))
	}
}

// TestDelay wants a spike to arrive after exactly the delay, and its weight to be the area of the current.
func TestDelay(t *testing.T) {
	for _, d := range []int{1, 2, 3, 64, 1000} {
		// About 0 a float32 holds V well enough for its area.
		c := single(t, "lif", map[string]float64{"E_L": 0, "V_th": 200}, 0)
		c.Populations[0].Synapses, c.Populations[0].Start = []float64{5}, []float64{0}
		c.Populations = append(c.Populations, kernels.Population{Name: "source", Header: "lif", N: 1})
		c.Currents = []kernels.Current{{Population: 1, First: 10, Last: 11, Amplitude: 1e5}} // one spike, in step 10
		c.Projections = []kernels.Projection{{From: 1, Matrix: sparse.OneToOne(1), Weight: []float64{40}, Delay: []int{d}}}
		c.Probes = []kernels.Probe{{}}
		r := simulate(t, c, 1, 3000)
		if len(r.Spikes) != 1 || r.Spikes[0].Step != 10 {
			t.Fatalf("spikes %v, want one in step 10", r.Spikes)
		}
		first := slices.IndexFunc(r.V[0], func(v float32) bool { return v != 0 })
		area := 0.0
		for _, v := range r.V[0] {
			area += float64(v) * 0.1
		}
		if first != 10+d || math.Abs(area/40-1) > 1e-3 {
			t.Errorf("delay %d: V moves first in step %d, want %d; its area is %g, want 40", d, first, 10+d, area)
		}
	}
}

// TestBalanced holds the smallest published balanced network, N = 504, to the published rates, within the
// published standard deviation of a trial.
func TestBalanced(t *testing.T) {
	const networks, steps = 8, 100000
	var e, i float64
	for seed := range uint64(networks) {
		c := balanced(t, 504, seed, false)
		for _, s := range simulate(t, c, 1, steps).Spikes {
			switch s.Population {
			case 0:
				e += 1e4 / steps / float64(c.Populations[0].N) / networks
			case 1:
				i += 1e4 / steps / float64(c.Populations[1].N) / networks
			}
		}
	}
	t.Logf("e %.3f Hz, i %.3f Hz", e, i)
	if math.Abs(e-4.390) > 0.14 || math.Abs(i-9.598) > 0.33 {
		t.Errorf("rates %.3f and %.3f Hz, want 4.390 within 0.14 and 9.598 within 0.33", e, i)
	}
}

// TestCircuitRefuses wants one line that names the place for what is not a circuit.
func TestCircuitRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*kernels.Circuit){
		"the step is 0 ms":                 func(c *kernels.Circuit) { c.Step = 0 },
		`population "e" has 0 units`:       func(c *kernels.Circuit) { c.Populations[0].N = 0 },
		`of unknown neurons "lfi"`:         func(c *kernels.Circuit) { c.Populations[0].Header = "lfi" },
		`two populations are named "e"`:    func(c *kernels.Circuit) { c.Populations[1].Name = "e" },
		"tau_m is 0 ms, want 0.001":        func(c *kernels.Circuit) { c.Populations[0].Params[0] = 0 },
		"tau_m is NaN ms":                  func(c *kernels.Circuit) { c.Populations[0].Params[0] = math.NaN() },
		"V_th is -75, not above V_re, -75": func(c *kernels.Circuit) { c.Populations[0].Params[4] = -75 },
		"the rate [-1]":                    func(c *kernels.Circuit) { c.Populations[2].Params[0] = -1 },
		"the rate [10001]":                 func(c *kernels.Circuit) { c.Populations[2].Params[0] = 10001 },
		"starts from 3 potentials":         func(c *kernels.Circuit) { c.Populations[0].Start = []float64{1, 2, 3} },
		"the time constant 0.05 ms":        func(c *kernels.Circuit) { c.Populations[0].Synapses[0] = 0.05 },
		"goes from population 7":           func(c *kernels.Circuit) { c.Projections[0].From = 7 },
		"to 2, want":                       func(c *kernels.Circuit) { c.Projections[0].To = 2 },
		"synapse 3 of 3":                   func(c *kernels.Circuit) { c.Projections[0].Synapse = 3 },
		"a delay of 0 steps":               func(c *kernels.Circuit) { c.Projections[0].Delay = []int{0} },
		"2 delays":                         func(c *kernels.Circuit) { c.Projections[0].Delay = []int{1, 1} },
		"1 weights":                        func(c *kernels.Circuit) { c.Projections[0].Weight = []float64{math.Inf(1)} },
		"the matrix is not one of":         func(c *kernels.Circuit) { c.Projections[0].Matrix = sparse.OneToOne(3) },
		"current 0 of NaN mV":              func(c *kernels.Circuit) { c.Currents = []kernels.Current{{Amplitude: math.NaN()}} },
		"probe 0 is at unit 900":           func(c *kernels.Circuit) { c.Probes = []kernels.Probe{{Unit: 900}} },
	} {
		c := balanced(t, 20, 1, false)
		spoil(c)
		d, err := Open(1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kernels.NewCircuit(d, c); !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	other := struct{ kernels.Device }{&Device{isa: "portable", threads: 1}}
	if _, err := kernels.NewCircuit(other, balanced(t, 20, 1, false)); !errors.Is(err, kernels.ErrNoDevice) {
		t.Errorf("a device that runs no circuits: %v", err)
	}
}

// TestCircuitNotFinite wants a state that explodes to end the run with the population's name.
func TestCircuitNotFinite(t *testing.T) {
	c := single(t, "lif", map[string]float64{"V_th": 200}, 0)
	c.Populations[0].Synapses = []float64{1}
	c.Populations = append(c.Populations, kernels.Population{Name: "x", Header: kernels.Poisson, N: 2, Params: []float64{10000}})
	m, err := sparse.AllToAll(1, 2, true)
	if err != nil {
		t.Fatal(err)
	}
	c.Projections = []kernels.Projection{{From: 1, Matrix: m, Weight: []float64{-math.MaxFloat32 * 0.1}, Delay: []int{1}}}
	d, err := Open(1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := kernels.NewCircuit(d, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Run(1000); !errors.Is(err, kernels.ErrNotFinite) || !strings.Contains(fmt.Sprint(err), `population "cell"`) {
		t.Errorf("got the error %v", err)
	}
}
