package circuits

import (
	"math"
	"strconv"

	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/models/description"
	"galvani/models/rates"
)

// Dimensions of networks besides those that descriptions share.
var (
	frequency = description.Dimension{Unit: "Hz", Factors: map[string]float64{"Hz": 1, "1/s": 1, "/s": 1, "kHz": 1e3, "1/ms": 1e3}}
	slope     = description.Dimension{Unit: "Hz/mV", Factors: map[string]float64{"Hz/mV": 1}}
	area      = description.Dimension{Unit: "mV ms", Factors: map[string]float64{"mVms": 1, "Vms": 1e3, "mVs": 1e3, "uVs": 1}}
)

// mostUnits is the most units of a population.
const mostUnits = 1 << 30

// Blueprint returns the network at its settings in effect, for steps of so many ms.
//
// Errors: *description.Mistake, with line and key.
func (n *Network) Blueprint(step float64) (*Blueprint, error) {
	t, err := description.Open(n.File, n.text)
	if err != nil {
		return nil, err
	}
	t.Let(n.names())
	r := reader{Table: t, file: n.File, b: &Blueprint{Step: step}, signs: map[int]sign{}, used: map[string]int{}}
	t.Step(step)
	t.Spend("doc", "source", "setting")
	r.populations()
	if t.Err() == nil {
		r.projections()
		r.currents()
		r.records()
		r.drives()
		r.ofRates()
	}
	t.Done()
	return r.b, t.Err()
}

// reader reads a network; what a list of its populations knows is read from the blueprint so far.
type reader struct {
	*description.Table
	b     *Blueprint
	file  string
	signs map[int]sign   // of the connections from a population, so far
	used  map[string]int // how many connections are between two populations, by their names
}

// sign is that of a connection, with its place.
type sign struct {
	of   float64
	line int
}

func (r *reader) populations() {
	all := r.Sub("population")
	for _, name := range all.Names() {
		t := all.Sub(name)
		all.Called(name, name)
		p := Population{Population: kernels.Population{Name: name}}
		p.N = 1
		if t.Has("n") {
			p.N = t.Integer("n", 1, 1, mostUnits)
		}
		t.Spend("n")
		if t.Has("kind") {
			p.Kind = kinds[t.OneOf("kind", kinds)]
		}
		t.Spend("kind", "spikes")
		if t.Has("spikes") {
			p.Unrecorded = !t.Truth("spikes")
		}
		if t.Need("neuron", `"eif"`) {
			r.neuron(t, &p)
		}
		t.Done()
		r.b.Populations = append(r.b.Populations, p)
	}
	if len(r.b.Populations) == 0 {
		r.Fail("population", "is missing; add a table such as [population.e] with n and neuron")
	}
}

var kinds = []string{"excitatory", "inhibitory"}

// neuron reads what the units of a population are.
func (r *reader) neuron(t *description.Table, p *Population) {
	p.Header = t.Words("neuron", "")
	if p.Source() && p.Header != kernels.Events { // which are of a drive
		r.source(t, p)
		return
	}
	header, ok := Unit(p.Header)
	if have := neurons.All(); !ok && (len(have) > 0 || p.Source()) {
		known := []string{kernels.Poisson, kernels.Correlated, kernels.Regular, kernels.Trains}
		for _, h := range append(have, rates.Unit()) {
			known = append(known, h.Name)
		}
		t.Fail("neuron", "is an %s", setting.Unknown("neuron", p.Header, known))
		return
	}
	if t.Has("start") {
		s := r.spread(t, "start", p.StartUnit(), description.Interval{Lo: -1e4, Hi: 1e4})
		p.Potentials = &s
	}
	t.Spend("start")
	r.numbers(t.Sub("numbers"), header, p)
	s := t.Sub("synapse")
	for _, name := range s.Names() {
		s.Called(name, name)
		p.SynapseNames = append(p.SynapseNames, name)
		to, key, in := math.NaN(), name, s
		if _, table := s.Value(name).(map[string]any); table {
			if p.Header == rates.Header {
				s.Fail(name, "has a reversal potential, and rate units have no potential; give the time constant alone")
			}
			in, key = s.Sub(name), "tau"
			if in.Need("reversal", `"0 mV"`) {
				to = in.Quantity("reversal", description.Voltage, 0, description.Interval{Lo: -1e4, Hi: 1e4})
			}
			in.Need("tau", `"5 ms"`)
		}
		tau := in.Quantity(key, description.Duration, 1, description.Interval{Lo: 0, Hi: 1e6, Open: true})
		if in != s {
			in.Done()
		}
		if p.Reversals = append(p.Reversals, to); tau < r.b.Step {
			in.Fail(key, "is %g ms, shorter than the step, %g ms; give a longer one or a shorter step", tau, r.b.Step)
		}
		p.Synapses = append(p.Synapses, tau)
	}
}

// numbers reads the parameters of a neuron, those of the header where nothing is said.
func (r *reader) numbers(t *description.Table, header neurons.Neuron, p *Population) {
	if header.Name == "" { // without cgo nobody has read the header
		t.Spend(t.Names()...)
		return
	}
	p.Params = header.Defaults()
	for i, q := range header.Params {
		switch in := (description.Interval{Lo: q.Min, Hi: q.Max}); q.Unit {
		case description.Voltage.Unit:
			p.Params[i] = t.Quantity(q.Name, description.Voltage, q.Value, in)
		case frequency.Unit:
			p.Params[i] = t.Quantity(q.Name, frequency, q.Value, in)
		case slope.Unit:
			p.Params[i] = t.Quantity(q.Name, slope, q.Value, in)
		case "1":
			p.Params[i] = t.Number(q.Name, q.Value, q.Min, q.Max)
		default:
			p.Params[i] = t.Quantity(q.Name, description.Duration, q.Value, in)
		}
	}
	t.Done()
	if above, below := header.Above, header.Below; t.Err() == nil && !(p.Params[above] > p.Params[below]) {
		t.Fail(header.Params[above].Name, "is %g, not above %s, %g", p.Params[above], header.Params[below].Name, p.Params[below])
	}
}

// spread reads a quantity, or how quantities are drawn.
func (r *reader) spread(t *description.Table, key string, d description.Dimension, in description.Interval) Spread {
	if _, is := t.Value(key).(map[string]any); !is {
		return Spread{A: t.Quantity(key, d, 0, in)}
	}
	s := t.Sub(key)
	form, name := Uniform, "uniform"
	switch {
	case s.Has("normal"):
		form, name = Normal, "normal"
	case s.Has("lognormal"):
		form, name = Lognormal, "lognormal"
	}
	s.Spend(name)
	list, _ := s.Value(name).([]any)
	var x [2]float64
	for i, e := range list {
		text, ok := e.(string)
		if !ok || i > 1 {
			list = nil
			break
		}
		within := in
		if form != Uniform && i == 1 {
			within = description.FromZero
		}
		x[i] = s.Of(name, text, d, 0, within)
	}
	if len(list) != 2 {
		t.Fail(key, "is %s, want a quantity, { uniform = [least, most] }, { normal = [mean, deviation] } or { lognormal = [mean, deviation] }, such as { uniform = [%q, %q] }",
			description.Brief(s.Value(name)), "1 "+d.Unit, "2 "+d.Unit)
	}
	s.Done()
	if form == Lognormal && x[0] == 0 {
		s.Fail(name, "has the mean 0, which no lognormal distribution has; give another one")
	}
	if form == Uniform && x[0] > x[1] {
		s.Fail(name, "has the larger number first; exchange them")
	}
	return Spread{Form: form, A: x[0], B: x[1]}
}

// population reads the name of a population, of neurons where it must be one.
func (r *reader) population(t *description.Table, key string, target bool) int {
	if !t.Need(key, strconv.Quote(r.b.Populations[0].Name)) {
		return 0
	}
	name := t.Words(key, "")
	var known []string
	for i, p := range r.b.Populations {
		if p.Name != name {
			known = append(known, p.Name)
			continue
		}
		if target && p.Source() {
			t.Fail(key, "is %s, a population of sources, which receive nothing; name one of neurons", name)
		}
		return i
	}
	t.Fail(key, "is an %s", setting.Unknown("population", name, known))
	return 0
}

// rest returns the potential at which a population is at rest.
func (b *Blueprint) rest(population int) float64 {
	p := b.Populations[population]
	if h, ok := Unit(p.Header); ok {
		for i, q := range h.Params {
			if q.Name == "E_L" {
				return p.Params[i]
			}
		}
	}
	return 0 // without cgo nobody has read the header
}

func (r *reader) currents() {
	for _, t := range r.List("current") {
		q := kernels.Current{Population: r.population(t, "population", true), Last: math.MaxInt64}
		if t.Need("amplitude", `"10 mV"`) {
			q.Amplitude = t.Quantity("amplitude", description.Voltage, 0, description.Interval{Lo: -1e30, Hi: 1e30})
		}
		steps := func(key string, otherwise int64) int64 {
			if !t.Has(key) {
				t.Spend(key)
				return otherwise
			}
			return int64(math.Round(t.Quantity(key, description.Duration, 0, description.Interval{Lo: 0, Hi: 1e12}) / r.b.Step))
		}
		q.First, q.Last = steps("from", 0), steps("to", math.MaxInt64)
		if t.Done(); q.First >= q.Last {
			t.Fail("to", "is not behind from; exchange them")
		}
		r.b.Currents = append(r.b.Currents, q)
	}
}

// mostRecords is the most units whose V is recorded.
const mostRecords = 1000

// records reads which units are recorded, the first ones of a population, or one, and which weights.
func (r *reader) records() {
	for _, t := range r.List("record") {
		if t.Has("from") {
			r.sample(t)
			continue
		}
		t.Spend("from")
		population := r.population(t, "population", true)
		n := r.b.Populations[population].N
		if t.Has("currents") {
			in := Input{Population: population, Unit: -1, Every: r.every(t, "currents")}
			if t.Has("unit") {
				in.Unit = t.Integer("unit", 0, 0, n-1)
			}
			t.Spend("unit")
			t.Done()
			r.b.Inputs = append(r.b.Inputs, in)
			continue
		}
		t.Spend("currents")
		first, units := 0, 1
		if t.Has("units") {
			units = t.Integer("units", 1, 1, min(n, mostRecords))
			t.Spend("unit")
		} else {
			first = t.Integer("unit", 0, 0, n-1)
			t.Spend("units")
		}
		t.Done()
		for u := range units {
			r.b.Probes = append(r.b.Probes, kernels.Probe{Population: population, Unit: first + u})
		}
		if len(r.b.Probes) > mostRecords {
			t.Fail("", "makes more than %d units that are recorded; record fewer", mostRecords)
			return
		}
	}
}
