package correspond

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"galvani/kernels"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// Settings say how neuron and charged RNN are compared.
type Settings struct {
	Dt     float64 // ms, of the neuron, and of the charged RNN that keeps its steps
	Steps  int     // of Dt
	Settle float64 // ms without input before the comparison begins, in which everything comes to rest
	Coarse float64 // ms, of the steps of the charged RNN that is trained; a multiple of Dt
	Near   float64 // mV from rest at which a V counts a quarter as much in the fits of gates as rest does
}

// Stage is a model on the way from the neuron to the charged RNN, and how far its V is from that of the neuron, over
// all recorded places and all times.
type Stage struct {
	Name   string      `json:"name"`
	Doc    string      `json:"assumption"`
	RMS    float64     `json:"rms_mv"`
	Quiet  float64     `json:"rms_before_spikes_mv"` // until 2 ms before the first spike of the neuron
	Worst  float64     `json:"worst_mv"`
	Moves  float64     `json:"rms_from_stage_before_mv"` // what this assumption alone changes
	Spikes []float64   `json:"spikes_ms"`
	Dt     float64     `json:"dt_ms"`
	V      [][]float64 `json:"-"` // [places][steps+1], mV
}

// Fit says how well a pair of gates stands for channels of a region.
type Fit struct {
	Region   string   `json:"region"`
	Channels []string `json:"channels"`
	Gamma    float64  `json:"gamma_s_cm2"`
	Vm       float64  `json:"v_m_mv"`
	Km       float64  `json:"k_m_mv"`
	Vn       float64  `json:"v_n_mv"`
	Kn       float64  `json:"k_n_mv"`
	E        float64  `json:"e_mv"`
	// Residual is the root of the mean squared residual over -100 to 50 mV: by how much the potential at which all
	// currents of the region balance is shifted.
	Residual float64 `json:"residual_mv"`
}

// Result is a comparison.
type Result struct {
	Rest    float64  `json:"rest_mv"`
	Places  []string `json:"places"`
	Stages  []Stage  `json:"stages"`
	Pairs   []Fit    `json:"channels"`
	Merged  []Fit    `json:"merged_channels"`
	Charged *Charged `json:"-"`
}

// Names of the stages, in order.
const (
	Reference = "neuron"
	Fixed     = "fixed gates"
	Steady    = "quasi-steady gates"
	Pairs     = "σ₊σ₋ for each channel"
	Merged    = "merged channels"
	Gated     = "input by conductances"
	Crnn      = "crnn"
	Coarse    = "crnn, coarse steps"
)

var docs = map[string]string{
	Reference: "gates move with their own time constants",
	Fixed:     "gates stay where they are at rest: what is left of the neuron without input is linear, W(G)",
	Steady:    "gates, and calcium, follow V at once",
	Pairs:     "two gates of the first power stand for all gates of a channel, fitted to its current",
	Merged:    "one such pair stands for all channels of a region that reverse above rest, one for those below",
	Gated:     "a current is a conductance times the distance to a potential; a compartment has one synaptic time course",
	Crnn:      "currents between compartments are those of the step before, and input acts a step later",
	Coarse:    "the same in the steps of a task",
}

// ErrSettings marks what cannot be compared.
var ErrSettings = errors.New("bad settings of a correspondence")

// restOf returns the median V of each compartment in the second half of a run without input.
func restOf(ctx context.Context, dev kernels.Device, n *neurons.Neuron, s Settings, tick func(int)) ([]float64, error) {
	c := n.Clone()
	c.RecordAll()
	steps := max(2, int(s.Settle/s.Dt))
	t, err := c.Run(ctx, dev, tensor.Float64, neurons.Options{Dt: s.Dt}, steps, neurons.Stimulus{}, tick)
	if err != nil {
		return nil, err
	}
	rest := make([]float64, len(t.V))
	for u, v := range t.V {
		v = slices.Clone(v[len(v)/2:])
		slices.Sort(v)
		rest[u] = v[len(v)/2]
	}
	return rest, nil
}

// byRegion returns the mean over the membrane of each region, and over all.
func byRegion(n *neurons.Neuron, v []float64) (regions []float64, all float64) {
	regions = make([]float64, len(n.Regions))
	areas, whole := make([]float64, len(n.Regions)), 0.0
	for u, x := range v {
		area, r := n.Membrane(u)
		regions[r], areas[r] = regions[r]+area*x, areas[r]+area
		all, whole = all+area*x, whole+area
	}
	for r := range regions {
		regions[r] /= areas[r]
	}
	return regions, all / whole
}

// later moves a stimulus by some ms.
func later(s neurons.Stimulus, ms float64) neurons.Stimulus {
	out := neurons.Stimulus{Waves: map[int]neurons.Wave{}, Events: map[int][]neurons.Event{}}
	for i, w := range s.Waves {
		out.Waves[i] = func(t float64) float64 {
			if t < ms {
				return 0
			}
			return w(t - ms)
		}
	}
	for i, list := range s.Events {
		for _, e := range list {
			e.Ms += ms
			out.Events[i] = append(out.Events[i], e)
		}
	}
	return out
}

// Compare takes a neuron to a charged RNN, runs every stage under a stimulus in float64 on a CPU, and says how far
// each is from the neuron. Progress is told which part of the work is done.
//
// Errors: ErrSettings; those of Run; a region without leak.
func Compare(ctx context.Context, dev kernels.Device, n *neurons.Neuron, in neurons.Stimulus, s Settings, progress func(part float64)) (*Result, error) {
	many := math.Round(s.Coarse / s.Dt)
	if !(s.Dt > 0 && s.Steps > 0 && s.Settle >= s.Dt && s.Near > 0 && many >= 1 && math.Abs(many*s.Dt-s.Coarse) < 1e-6*s.Coarse) {
		return nil, fmt.Errorf("correspond: steps of %g ms and coarse steps of %g ms, want a multiple: %w", s.Dt, s.Coarse, ErrSettings)
	}
	settle := int(math.Ceil(s.Settle/s.Coarse)) * int(many)
	s.Settle = float64(settle) * s.Dt
	steps := settle + s.Steps
	const runs = 9.0
	done := 0.0
	tick := func(k int) { progress((done + float64(k)/float64(steps)) / runs) }
	r := &Result{}
	rest, err := restOf(ctx, dev, n, s, func(k int) { progress(float64(k) / float64(settle) / runs) })
	if err != nil {
		return nil, err
	}
	regions, mean := byRegion(n, rest)
	r.Rest = mean
	var units []int
	for _, p := range n.Records {
		r.Places, units = append(r.Places, p.Name), append(units, p.Unit)
	}
	in = later(in, s.Settle)
	add := func(name string, v [][]float64, dt float64) {
		first := int(math.Round(s.Settle / dt))
		for i := range v {
			v[i] = v[i][first:]
		}
		stage := Stage{Name: name, Doc: docs[name], Dt: dt, V: v}
		stage.Spikes = n.Spikes(&neurons.Trace{Dt: dt, V: v})
		if len(r.Stages) > 0 {
			stage.RMS, stage.Worst = apartness(v, r.Stages[0].V, 1)
			stage.Quiet, _ = apartness(v, r.Stages[0].V, r.quiet(s))
			stage.Moves, _ = apartness(v, r.Stages[len(r.Stages)-1].V, 1)
			if name == Steady {
				stage.Moves = stage.RMS // fixed gates are no stage on its way
			}
		}
		r.Stages = append(r.Stages, stage)
		done++
	}
	run := func(name string, m *neurons.Neuron, in neurons.Stimulus) error {
		t, err := m.Run(ctx, dev, tensor.Float64, neurons.Options{Dt: s.Dt}, steps, in, tick)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		add(name, t.V, s.Dt)
		return nil
	}
	done++
	if err := run(Reference, n, in); err != nil {
		return nil, err
	}
	if err := run(Fixed, fixedGates(n, regions), in); err != nil {
		return nil, err
	}
	if err := run(Steady, steadyGates(n), in); err != nil {
		return nil, err
	}
	around := focus{regions, s.Near}
	single, both := pairs(n, around), merged(n, around)
	r.Pairs, r.Merged = fits(n, single), fits(n, both)
	if err := run(Pairs, replaced(n, single), in); err != nil {
		return nil, err
	}
	last := replaced(n, both)
	if err := run(Merged, last, in); err != nil {
		return nil, err
	}
	at := ports(n, mean)
	list := columns(n, mean, at)
	m, driven := byConductance(last, in, s.Dt, at, list)
	if err := run(Gated, m, driven); err != nil {
		return nil, err
	}
	if r.Charged, err = charge(n, mean, both, at, list); err != nil {
		return nil, fmt.Errorf("correspond: %w: %w", err, ErrSettings)
	}
	for _, c := range []struct {
		name  string
		dt    float64
		parts int
	}{{Crnn, s.Dt, 1}, {Coarse, s.Coarse, int(many)}} {
		k := int(math.Round(float64(steps) * s.Dt / c.dt))
		v, err := r.Charged.run(ctx, dev, r.Charged.sample(n, in, k, c.dt, c.parts), c.dt, units, func(d int) { tick(d * steps / k) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		add(c.name, v, c.dt)
	}
	return r, nil
}

// rise is how long before a spike in ms V has begun to leave its course.
const rise = 2

// quiet returns the part of the time before the first spike of the neuron.
func (r *Result) quiet(s Settings) float64 {
	if spikes := r.Stages[0].Spikes; len(spikes) > 0 {
		return max(0, (spikes[0]-rise)/(float64(s.Steps)*s.Dt))
	}
	return 1
}

// apartness returns the root of the mean squared difference, and the greatest one, of traces with the same start
// and end, over the first part of them. Between the steps of the coarser one V is on a straight line.
func apartness(a, b [][]float64, part float64) (rms, worst float64) {
	count := 0
	for i := range a {
		fine, coarse := a[i], b[i]
		if len(fine) < len(coarse) {
			fine, coarse = coarse, fine
		}
		every := float64(len(fine)-1) / float64(len(coarse)-1)
		for k, x := range fine[:1+int(part*float64(len(fine)-1))] {
			at := float64(k) / every
			from := min(int(at), len(coarse)-2)
			share := at - float64(from)
			d := math.Abs(x - coarse[from]*(1-share) - coarse[from+1]*share)
			rms, worst, count = rms+d*d, max(worst, d), count+1
		}
	}
	return math.Sqrt(rms / float64(count)), worst
}

// fits describes fitted parts.
func fits(n *neurons.Neuron, parts []part) (list []Fit) {
	for _, p := range parts {
		f := Fit{Region: n.Regions[p.region].Name, Gamma: p.fitted.Gamma, Vm: p.fitted.Vm, Km: p.fitted.Km, Vn: p.fitted.Vn, Kn: p.fitted.Kn, E: p.fitted.E, Residual: p.worse}
		for _, k := range p.of {
			f.Channels = append(f.Channels, n.Channels[k].Name)
		}
		list = append(list, f)
	}
	return list
}
