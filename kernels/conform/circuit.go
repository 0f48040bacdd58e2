package conform

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// CircuitSpikes holds circuits of some names, of all without, to the reference, spike for spike.
func CircuitSpikes(t *testing.T, dev kernels.Device, names ...string) {
	for name, c := range circuits(t) {
		if len(names) == 0 || slices.Contains(names, name) {
			t.Run(name, func(t *testing.T) { spikeForSpike(t, dev, name, c) })
		}
	}
}

// Circuit holds the circuits of a device to the reference, spike for spike, and to the contract.
func Circuit(t *testing.T, dev kernels.Device) {
	CircuitSpikes(t, dev)
	t.Run("sources", func(t *testing.T) { sources(t, dev) })
	t.Run("delay", func(t *testing.T) { delay(t, dev) })
	t.Run("not finite", func(t *testing.T) { explodes(t, dev) })
	t.Run("refuses", func(t *testing.T) { refusesCircuits(t, dev) })
}

// stretches divides the steps of a run: about the size of a device's tables, and in the end what is left.
var stretches = []int{1, 255, 257, 87}

// steps is how many a run has.
const steps = 600

// Simulate runs a circuit in some stretches.
func Simulate(t *testing.T, dev kernels.Device, c *kernels.Circuit, stretches ...int) kernels.CircuitRecord {
	t.Helper()
	return goOn(t, newCircuit(t, dev, c), stretches...)
}

func newCircuit(t *testing.T, dev kernels.Device, c *kernels.Circuit) kernels.CircuitPlan {
	t.Helper()
	p, err := kernels.NewCircuit(dev, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goOn(t *testing.T, p kernels.CircuitPlan, stretches ...int) (all kernels.CircuitRecord) {
	t.Helper()
	for _, n := range stretches {
		r, err := p.Run(n)
		if err != nil {
			t.Fatal(err)
		}
		all = joined(all, r)
	}
	return all
}

// joined returns two records, one behind the other.
func joined(a, b kernels.CircuitRecord) kernels.CircuitRecord {
	if a.V == nil {
		a.V = make([][]float32, len(b.V))
	}
	a.Spikes = append(a.Spikes, b.Spikes...)
	for i := range b.V {
		a.V[i] = append(a.V[i], b.V[i]...)
	}
	return a
}

// Params returns the parameters of a neuron with some of them set.
func Params(t *testing.T, header string, set map[string]float64) []float64 {
	t.Helper()
	n, ok := neurons.Of(header)
	if !ok {
		t.Fatal("no neuron ", header)
	}
	p, found := n.Defaults(), 0
	for i, q := range n.Params {
		if v, ok := set[q.Name]; ok {
			p[i] = v
			found++
		}
	}
	if found < len(set) {
		t.Fatalf("%s has not all of %v", header, set)
	}
	return p
}

// Single is one neuron with a constant current.
func Single(t *testing.T, header string, set map[string]float64, current float64) *kernels.Circuit {
	return &kernels.Circuit{Step: 0.1, Populations: []kernels.Population{{Name: "cell", Header: header, N: 1, Params: Params(t, header, set)}},
		Currents: []kernels.Current{{Last: math.MaxInt64, Amplitude: current}}}
}

// Balanced is the balanced network of Rosenbaum et al. (2017), doi:10.1038/nn.4433: n EIF neurons and a
// fifth as many sources. With different delays and LIF neurons for i it is a test of everything else.
func Balanced(t *testing.T, n int, seed uint64, mixed bool) *kernels.Circuit {
	t.Helper()
	fifth := int(math.Round(0.2 * float64(n)))
	sizes := []int{n - fifth, fifth, fifth}
	c := &kernels.Circuit{Step: 0.1, Seed: seed}
	for i, name := range []string{"e", "i", "x"} {
		p := kernels.Population{Name: name, Header: "eif", N: sizes[i], Synapses: []float64{8, 4, 10}}
		if name == "x" {
			p.Header, p.Params, p.Synapses = kernels.Poisson, []float64{10}, nil
		} else {
			p.Params = Params(t, "eif", nil)
			for u := range p.N {
				p.Start = append(p.Start, -75+20*random.New(seed).Named("start").Named(name).Uniform(uint64(u)))
			}
		}
		if mixed && name == "i" {
			p.Header, p.Params = "lif", Params(t, "lif", map[string]float64{"t_ref": 0.5, "V_lb": -78})
		}
		c.Populations = append(c.Populations, p)
	}
	for to, row := range [][]float64{{25, -150, 180}, {112.5, -250, 135}} {
		for from, j := range row {
			key := random.New(seed).Named("edges").Stream(uint64(3*to + from))
			m, err := sparse.Whole(sizes[to]).Probability(sizes[from], 0.1, true, key)
			if err != nil {
				t.Fatal(err)
			}
			weight := 15 * j / math.Sqrt(float64(n))
			q := kernels.Projection{From: from, To: to, Synapse: from, Matrix: m, Weight: []float64{weight}, Delay: []uint16{1}}
			if mixed {
				q.Weight, q.Delay = unequal(m, weight, key)
			}
			c.Projections = append(c.Projections, q)
		}
	}
	return c
}

// unequal returns weights of half to one and a half of one, and delays of 1 to 17 steps.
func unequal(m *sparse.Matrix, weight float64, key random.Stream) (w []float64, d []uint16) {
	for k := range m.Len() {
		d = append(d, uint16(1+key.Below(uint64(k), 17)))
		w = append(w, weight*(0.5+key.Uniform(uint64(k))))
	}
	return w, d
}

// circuits are networks that together have all that a circuit may have: every neuron, equal and different
// weights and delays, currents that begin and end, several entries from one source to one target, and
// more sources than a word, and than 32 words, have bits.
func circuits(t *testing.T) map[string]*kernels.Circuit {
	all := map[string]*kernels.Circuit{
		"lif":   Single(t, "lif", map[string]float64{"t_ref": 2}, 38),
		"eif":   Single(t, "eif", map[string]float64{"D_T": 4, "V_th": 10}, 30),
		"adex":  Single(t, "adex", map[string]float64{"t_ref": 1}, 40),
		"hh":    Single(t, "hh", nil, 10/0.3), // 10 uA/cm2
		"traub": Single(t, "traub", nil, 20),
	}
	for name, mixed := range map[string]bool{"balanced": false, "mixed": true} {
		c := Balanced(t, 300, 3, mixed)
		c.Probes = []kernels.Probe{{Population: 0, Unit: 77}, {Population: 1, Unit: 59}}
		c.Currents = []kernels.Current{{Population: 1, First: 400, Last: 500, Amplitude: 9}}
		all[name] = c
	}
	all["sparse"] = Balanced(t, 300, 3, false) // below the density from which a device may store bits
	for i, p := range all["sparse"].Projections {
		m, err := sparse.Whole(p.Matrix.Rows).Probability(p.Matrix.Cols, 0.02, true, random.New(7).Stream(uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		p.Matrix, p.Weight = m, []float64{3 * p.Weight[0]}
		p.Delay = []uint16{uint16(1 + i)}
		all["sparse"].Projections[i] = p
	}
	all["many at once"] = manyAtOnce(t)
	all["given sources"] = givenSources(t)
	all["conductances"] = conductances(t)
	all["exact conductances"] = exactConductances(t)
	all["many sources"] = manySources(t)
	all["small currents"] = smallCurrents(t)
	return all
}

// later returns a circuit with all delays longer by so many steps.
func later(c *kernels.Circuit, steps int) *kernels.Circuit {
	for _, p := range c.Projections {
		for k := range p.Delay {
			p.Delay[k] += uint16(steps)
		}
	}
	return c
}

// manySources are 2500 sources onto 70 neurons, of which each source reaches two, one of them by three
// entries.
func manySources(t *testing.T) *kernels.Circuit {
	const units, from = 70, 2500
	key := random.New(4)
	var post, pre []int32
	for j := range from {
		i := int32(key.Below(uint64(j), units))
		post, pre = append(post, i, i, i, (i+9)%units), append(pre, int32(j), int32(j), int32(j), int32(j))
	}
	m, _, err := sparse.Entries(units, from, post, pre)
	if err != nil {
		t.Fatal(err)
	}
	for i := range units {
		slices.Sort(m.Row(i))
	}
	c := &kernels.Circuit{Step: 0.1, Seed: 5, Populations: []kernels.Population{
		{Name: "x", Header: kernels.Poisson, N: from, Params: []float64{30}},
		{Name: "cell", Header: "lif", N: units, Params: Params(t, "lif", nil), Synapses: []float64{5, 3}}}}
	c.Projections = []kernels.Projection{
		{From: 0, To: 1, Synapse: 1, Matrix: m, Weight: []float64{7}, Delay: []uint16{3}},
		{From: 0, To: 1, Matrix: m, Weight: []float64{0}, Delay: []uint16{1}}}
	c.Projections[0].Weight, c.Projections[0].Delay = unequal(m, 15, key.Stream(1))
	c.Projections[1].Weight, _ = unequal(m, 9, key.Stream(2))
	return c
}

// givenSources drives neurons, whose spikes are in the record, by trains that are given and by regular ones, which
// are not.
func givenSources(t *testing.T) *kernels.Circuit {
	c := &kernels.Circuit{Step: 0.1, Populations: []kernels.Population{
		{Name: "given", Header: kernels.Trains, N: 3, Trains: [][]int64{{0, 7, 255, 256, 1400}, nil, {3, 512}}, Unrecorded: true},
		{Name: "clock", Header: kernels.Regular, N: 70, Params: []float64{70, 3}},
		{Name: "cell", Header: "lif", N: 80, Params: Params(t, "lif", nil), Synapses: []float64{5, 3}}}}
	givenEvents(c)
	for from, weight := range []float64{600, 40} {
		m, err := sparse.Whole(80).AllToAll(c.Populations[from].N, true)
		if err != nil {
			t.Fatal(err)
		}
		c.Projections = append(c.Projections, kernels.Projection{From: from, To: 2, Synapse: from, Matrix: m, Weight: []float64{weight}, Delay: []uint16{1}})
	}
	return c
}

// givenEvents has the first units of population 2 receive 1.7 events of their own in a step, and all the spikes of a
// correlated source. They are few, as an emulated GPU is slow.
func givenEvents(c *kernels.Circuit) {
	bits := kernels.EventBits(1.7)
	n, few := c.Populations[2].N, 15
	m := &sparse.Matrix{Rows: n, Cols: few * bits, Start: make([]int32, n+1)}
	var weights []float64
	for i := range m.Cols {
		m.Col, weights = append(m.Col, int32(i)), append(weights, 0.5*float64(int(1)<<(i%bits)))
		m.Start[i/bits+1] = int32(i + 1)
	}
	for i := few; i < n; i++ {
		m.Start[i+1] = int32(m.Cols)
	}
	c.Projections = append(c.Projections, kernels.Projection{From: len(c.Populations), To: 2, Matrix: m, Weight: weights, Delay: []uint16{2}})
	c.Populations = append(c.Populations, kernels.Population{Name: "events", Header: kernels.Events, N: few * bits, Params: []float64{17000}},
		kernels.Population{Name: "correlated", Header: kernels.Correlated, N: n, Params: []float64{100, 0.4, 0.7}})
	c.Projections = append(c.Projections, kernels.Projection{From: len(c.Populations) - 1, To: 2, Matrix: sparse.OneToOne(n), Weight: []float64{8}, Delay: []uint16{1}})
}

// manyAtOnce is 290 sources that spike together, in a few steps as an emulated GPU is slow, with one weight and one delay, onto 70 units:
// dense, and sparse with entries twice.
func manyAtOnce(t *testing.T) *kernels.Circuit {
	c := &kernels.Circuit{Step: 0.1, Seed: 5, Populations: []kernels.Population{
		{Name: "x", Header: kernels.Trains, N: 290},
		{Name: "cell", Header: "lif", N: 70, Params: Params(t, "lif", nil), Synapses: []float64{5, 3}}}}
	for u := range 290 {
		c.Populations[0].Trains = append(c.Populations[0].Trains, []int64{9, 10 + int64(u%2), 300, 1201})
	}
	m, err := sparse.Whole(70).Probability(290, 0.2, true, random.New(3))
	if err != nil {
		t.Fatal(err)
	}
	var post, pre []int32
	for j := range 290 {
		for k := range 3 {
			post, pre = append(post, int32(j%70), int32((j+k)%70)), append(pre, int32(j), int32(j))
		}
	}
	twice, _, err := sparse.Entries(70, 290, post, pre)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 70 {
		slices.Sort(twice.Row(i))
	}
	c.Projections = []kernels.Projection{{From: 0, To: 1, Matrix: m, Weight: []float64{20}, Delay: []uint16{2}},
		{From: 0, To: 1, Synapse: 1, Matrix: twice, Weight: []float64{9}, Delay: []uint16{1}}}
	c.Probes = []kernels.Probe{{Population: 1, Unit: 69}}
	return c
}

// smallCurrents has a current decay to 0, and V to the smallest number of a float32 that a step leaves alone.
func smallCurrents(t *testing.T) *kernels.Circuit {
	c := Single(t, "lif", map[string]float64{"tau_m": 0.5, "E_L": 0, "V_th": 3, "V_re": -1}, 0)
	c.Populations[0].Synapses, c.Populations[0].Start = []float64{0.4}, []float64{0}
	c.Populations = append(c.Populations, kernels.Population{Name: "source", Header: "lif", N: 1, Params: Params(t, "lif", nil)})
	c.Currents = []kernels.Current{{Population: 1, First: 3, Last: 4, Amplitude: 1e5}, {Population: 1, First: 20, Last: 21, Amplitude: 1e5}}
	c.Projections = []kernels.Projection{{From: 1, Matrix: sparse.OneToOne(1), Weight: []float64{4}, Delay: []uint16{2}}}
	c.Probes = []kernels.Probe{{}}
	return c
}

// referred is what the reference gives of a circuit.
type referred struct {
	spikes     []kernels.Spike
	v, weights [][]float32
}

// references are those of the circuits by name, each computed once for all devices.
var references sync.Map

// spikeForSpike wants the spikes of the reference, and its V to the bit. Circuits of one name are all the same.
func spikeForSpike(t *testing.T, dev kernels.Device, name string, c *kernels.Circuit) {
	known, ok := references.Load(name)
	if !ok {
		spikes, v, weights := Reference[float32](c, steps)
		known = referred{spikes, v, weights}
		references.Store(name, known)
	}
	want, v, weights := known.(referred).spikes, known.(referred).v, known.(referred).weights
	if len(want) < 2 {
		t.Fatalf("%d spikes are too few for a test", len(want))
	}
	plan := newCircuit(t, dev, c)
	got := goOn(t, plan, stretches...)
	if !slices.Equal(got.Spikes, want) {
		t.Errorf("%d spikes differ from the %d of the reference", len(got.Spikes), len(want))
	}
	for i, p := range c.Probes {
		g, w := got.V[i], v[p.Population][p.Unit]
		if len(g) != steps || math.Float32bits(g[steps-1]) != math.Float32bits(w) {
			t.Errorf("probe %d ends after %d steps at %v, want %d and %v", i, len(g), g[len(g)-1], steps, w)
		}
	}
	state, err := plan.State()
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range weights {
		if !slices.Equal(state.Plastic[i].Weights, w) {
			t.Errorf("the weights of plastic projection %d differ from those of the reference", i)
		}
	}
}

// sources wants the stream of a source to be its own: the same whatever else is there.
func sources(t *testing.T, dev kernels.Device) {
	const steps = 2000
	c := &kernels.Circuit{Step: 0.1, Seed: 9, Populations: []kernels.Population{{Name: "x", Header: kernels.Poisson, N: 200, Params: []float64{150}}}}
	spikes := Simulate(t, dev, c, steps).Spikes
	if mean := 200 * 0.2 * 150; math.Abs(float64(len(spikes))-mean) > 4*math.Sqrt(mean) {
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
	for _, s := range Simulate(t, dev, c, steps).Spikes {
		if s.Population == 1 {
			again = append(again, s)
		}
	}
	if !slices.Equal(first, again) {
		t.Error("other populations and a smaller one change the spikes of a source")
	}
}

// delay wants a spike to arrive after exactly the delay, and its weight to be the area of the current.
func delay(t *testing.T, dev kernels.Device) {
	for _, d := range []int{1, 3, 64, 300} {
		// About 0 a float32 holds V well enough for its area.
		c := Single(t, "lif", map[string]float64{"E_L": 0, "V_th": 200}, 0)
		c.Populations[0].Synapses, c.Populations[0].Start = []float64{5}, []float64{0}
		c.Populations = append(c.Populations, kernels.Population{Name: "source", Header: "lif", N: 1, Params: Params(t, "lif", nil)})
		c.Currents = []kernels.Current{{Population: 1, First: 10, Last: 11, Amplitude: 1e5}} // one spike, in step 10
		c.Projections = []kernels.Projection{{From: 1, Matrix: sparse.OneToOne(1), Weight: []float64{40}, Delay: []uint16{uint16(d)}}}
		c.Probes = []kernels.Probe{{}}
		r := Simulate(t, dev, c, d+1500)
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

// explodes wants a state that explodes to end the run with the population's name.
func explodes(t *testing.T, dev kernels.Device) {
	c := Single(t, "lif", map[string]float64{"V_th": 200}, 0)
	c.Populations[0].Synapses = []float64{1}
	c.Populations = append(c.Populations, kernels.Population{Name: "x", Header: kernels.Poisson, N: 2, Params: []float64{10000}})
	m, err := sparse.Whole(1).AllToAll(2, true)
	if err != nil {
		t.Fatal(err)
	}
	c.Projections = []kernels.Projection{{From: 1, Matrix: m, Weight: []float64{-math.MaxFloat32 * 0.1}, Delay: []uint16{1}}}
	if _, err = newCircuit(t, dev, c).Run(1000); !errors.Is(err, kernels.ErrNotFinite) || !strings.Contains(fmt.Sprint(err), `population "cell"`) {
		t.Errorf("got the error %v", err)
	}
}

// refusesCircuits wants one line that names the place for what is not a circuit.
func refusesCircuits(t *testing.T, dev kernels.Device) {
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
		"4 trains of spikes, want 0":       func(c *kernels.Circuit) { c.Populations[2].Trains = make([][]int64, 4) },
		"spikes in step 5 behind step 5": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params, c.Populations[2].Trains = kernels.Trains, nil, [][]int64{{5, 5}, nil, nil, nil}
		},
		"has 110 events in a step, want 0 to 100": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Events, []float64{1.1e6}
		},
		"mother process, 12500 Hz, of at most": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Correlated, []float64{5000, 0.4, 1}
		},
		"the correlation 0, want": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Correlated, []float64{5, 0, 1}
		},
		"moves its spikes by -1 ms": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Correlated, []float64{5, 0.4, -1}
		},
		"has 4 units, want 5 for each source": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Events, []float64{1e4}
		},
		"spikes first at -1 ms": func(c *kernels.Circuit) {
			c.Populations[2].Header, c.Populations[2].Params = kernels.Regular, []float64{5, -1}
		},
		"starts from 3 potentials":      func(c *kernels.Circuit) { c.Populations[0].Start = []float64{1, 2, 3} },
		"2 reversal potentials":         func(c *kernels.Circuit) { c.Populations[0].Reversals = []float64{0, 0} },
		"reversal potential of +Inf mV": func(c *kernels.Circuit) { c.Populations[0].Reversals = []float64{0, math.Inf(1), 0} },
		"the time constant 0.05 ms":     func(c *kernels.Circuit) { c.Populations[0].Synapses[0] = 0.05 },
		"goes from population 7":        func(c *kernels.Circuit) { c.Projections[0].From = 7 },
		"to 2, want":                    func(c *kernels.Circuit) { c.Projections[0].To = 2 },
		"synapse 3 of 3":                func(c *kernels.Circuit) { c.Projections[0].Synapse = 3 },
		"a delay of 0 steps":            func(c *kernels.Circuit) { c.Projections[0].Delay = []uint16{0} },
		"2 delays":                      func(c *kernels.Circuit) { c.Projections[0].Delay = []uint16{1, 1} },
		"1 weights":                     func(c *kernels.Circuit) { c.Projections[0].Weight = []float64{math.Inf(1)} },
		"the matrix is not one of":      func(c *kernels.Circuit) { c.Projections[0].Matrix = sparse.OneToOne(3) },
		"current 0 of NaN mV":           func(c *kernels.Circuit) { c.Currents = []kernels.Current{{Amplitude: math.NaN()}} },
		"probe 0 is at unit 900":        func(c *kernels.Circuit) { c.Probes = []kernels.Probe{{Unit: 900}} },
	} {
		c := Balanced(t, 20, 1, false)
		spoil(c)
		if _, err := kernels.NewCircuit(dev, c); !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	other := struct{ kernels.Device }{dev}
	if _, err := kernels.NewCircuit(other, Balanced(t, 20, 1, false)); !errors.Is(err, kernels.ErrNoDevice) {
		t.Errorf("a device that runs no circuits: %v", err)
	}
}
