package neurons

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels/devices"
	"galvani/models/neurons"
	"galvani/models/neurons/correspond"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "lgmd-correspondence",
		Doc:    "how far each assumption on the way from a neuron to a charged RNN leads away from the neuron, at steps of current",
		Claim:  "leak and axial currents of a neuron are the linear part of a charged RNN, its synapses the gated input and its channels σ₊σ₋, so that the charged RNN follows the neuron",
		Source: "Notes on the charged RNN, section 2, with the signs of section 1 restored",
		New: func() experiment.Settings {
			return &correspondence{Neurons: []string{"lgmd", "hh"}, Drive: []float64{-5, 1, 2, 10, 20}, Settle: 500, After: 250, Step: 10, Near: 5}
		},
	})
}

// correspondence puts a step of current into neurons and takes each to a charged RNN, assumption by assumption.
type correspondence struct {
	Neurons []string  `toml:"neurons" doc:"neurons that take a current"`
	Drive   []float64 `toml:"drive" doc:"steps of current, as what they would move V by were the neuron linear" unit:"mV" min:"-100" max:"100"`
	Settle  float64   `toml:"settle" doc:"time without input before" unit:"ms" min:"1" max:"100000"`
	After   float64   `toml:"after" doc:"time from 50 ms before the step of 100 ms on" unit:"ms" min:"10" max:"100000"`
	Step    float64   `toml:"step" doc:"coarse steps of the charged RNN" unit:"ms" min:"0.025" max:"100"`
	Near    float64   `toml:"near" doc:"distance from rest from which on pairs of gates may differ from channels" unit:"mV" min:"0.1" max:"1000"`
}

// Quick implements Settings.
func (s *correspondence) Quick() {
	s.Neurons, s.Drive, s.Settle, s.After = []string{"hh"}, []float64{2, 20}, 20, 80
}

// Choices implements experiment.Choices.
func (s *correspondence) Choices() map[string][]string {
	return map[string][]string{"neurons": neurons.Names()}
}

// mostApart is the root of the mean squared difference in mV up to which a charged RNN follows a neuron.
const mostApart = 1

func correspondenceCondition(neuron string, drive float64) string {
	return fmt.Sprintf("%s, %g mV", neuron, drive)
}

// Cases implements Settings. Nothing is left to chance, so there is one seed.
func (s *correspondence) Cases([]uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, name := range s.Neurons {
		n, err := neurons.Load(name)
		if err != nil {
			return nil, fmt.Errorf("neurons: %w: %w", err, experiment.ErrSettings)
		}
		for _, drive := range s.Drive {
			all = append(all, experiment.Condition{Name: correspondenceCondition(name, drive), Cost: float64(n.Compartments()),
				Run: func(ctx context.Context, env *experiment.Env, _ uint64) (experiment.Result, error) {
					return s.measure(ctx, env, n, drive)
				}})
		}
	}
	return experiment.ByCondition(all, []uint64{1}), nil // nothing is drawn
}

// stages are those of package correspond behind the neuron, by the names of their values.
var stages = []struct{ key, name string }{{"fixed", correspond.Fixed}, {"steady", correspond.Steady}, {"pairs", correspond.Pairs}, {"merged", correspond.Merged},
	{"gated", correspond.Gated}, {"crnn", correspond.Crnn}, {"coarse", correspond.Coarse}}

func (s *correspondence) measure(ctx context.Context, env *experiment.Env, n *neurons.Neuron, drive float64) (experiment.Result, error) {
	dev, err := devices.OpenCPU(1)
	if err != nil {
		return experiment.Result{}, err
	}
	defer dev.Close()
	many := math.Round(s.Step / n.Dt)
	c := correspond.Settings{Dt: n.Dt, Settle: s.Settle, Coarse: s.Step, Near: s.Near, Steps: int(many * math.Round(s.After/s.Step))}
	input, current, err := correspond.PerMillivolt(ctx, dev, n, c)
	if err != nil {
		return experiment.Result{}, err
	}
	wave := func(ms float64) float64 {
		if ms >= 50 && ms < 150 {
			return drive * current
		}
		return 0
	}
	got, err := correspond.Compare(ctx, dev, n, neurons.Stimulus{Waves: map[int]neurons.Wave{input: wave}}, c, env.Tick)
	if err != nil {
		return experiment.Result{}, err
	}
	r := experiment.Result{Values: rows.Values{"current": drive * current, "spikes": float64(len(got.Stages[0].Spikes)), "rest": got.Rest}, Curves: map[string]rows.Curve{}}
	for i, stage := range got.Stages {
		key := "neuron"
		if i > 0 {
			key = stages[i-1].key
			r.Values[key], r.Values[key+"_alone"], r.Values[key+"_quiet"] = stage.RMS, stage.Moves, stage.Quiet
		}
		v := stage.V[0]
		for k := range correspondencePoints + 1 {
			r.Curves[key] = append(r.Curves[key], math.Round(1000*v[k*(len(v)-1)/correspondencePoints])/1000) // µV, for short rows
		}
	}
	return r, nil
}

// correspondencePoints is how many parts the time of a curve has.
const correspondencePoints = 250

// Report implements Settings.
func (s *correspondence) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	whole := rows.Table{Title: "Root of the mean squared difference of V from the neuron, in mV", Head: []string{"neuron", "step (mV, were it linear)", "spikes"}}
	alone := rows.Table{Title: "What each assumption changes by itself: the difference from the stage before, in mV", Head: []string{"neuron", "step (mV, were it linear)"}}
	for _, stage := range stages {
		whole.Head, alone.Head = append(whole.Head, stage.name), append(alone.Head, stage.name)
	}
	var silent, spiking outcome
	judged := 0
	for _, name := range s.Neurons {
		for _, drive := range s.Drive {
			of := results.Of(correspondenceCondition(name, drive))
			if len(of) == 0 {
				continue
			}
			v := of[0].Values
			judged++
			if v["spikes"] > 0 {
				spiking.add(v["crnn"], v["steady"])
			} else {
				silent.add(v["crnn"], v["steady"])
			}
			a, b := []string{name, fmt.Sprintf("%g", drive), fmt.Sprintf("%.0f", v["spikes"])}, []string{name, fmt.Sprintf("%g", drive)}
			for _, stage := range stages {
				a, b = append(a, fmt.Sprintf("%.2f", v[stage.key])), append(b, fmt.Sprintf("%.2f", v[stage.key+"_alone"]))
			}
			whole.Rows, alone.Rows = append(whole.Rows, a), append(alone.Rows, b)
		}
	}
	if judged == len(s.Neurons)*len(s.Drive) {
		switch {
		case silent.most <= mostApart && spiking.most <= mostApart:
			r.Verdict = experiment.Holds
		case silent.cases > 0 && silent.most <= mostApart:
			r.Verdict = experiment.HoldsWhen
		default:
			r.Verdict = experiment.Fails
		}
	}
	r.Result = fmt.Sprintf("In %d steps of current the neuron does not spike, and the charged RNN in its time steps is at most %.2g mV away from it, in %d of them within the %g mV that were allowed. In %d the neuron spikes, the charged RNN is up to %.2g mV away, and quasi-steady gates alone lead up to %.2g mV away. "+
		"The linear part, with gates that stay at rest, is exact for leak and axial currents. The product of two sigmoids follows V at once, so there is no spike, which is a race between gates of different speed. "+
		"In steps of %g ms what comes into a compartment reaches its neighbours a step later, and a compartment far away after as many steps as are between; that is what coarse steps cost.",
		silent.cases, silent.most, silent.near, float64(mostApart), spiking.cases, spiking.most, spiking.steady, s.Step)
	r.Tables = []rows.Table{whole, alone}
	for _, name := range s.Neurons {
		if c, ok := s.course(results, name); ok {
			r.Charts = append(r.Charts, experiment.Chart{Name: name, Caption: fmt.Sprintf("V of %s at a step of %g mV, were it linear, from 50 to 150 ms.", name, s.Drive[len(s.Drive)-1]), Lines: c})
		}
	}
	return r, nil
}

// outcome is the greatest difference of some cases.
type outcome struct {
	cases, near  int // near are those within mostApart
	most, steady float64
}

func (o *outcome) add(crnn, steady float64) {
	o.cases, o.most, o.steady = o.cases+1, max(o.most, crnn), max(o.steady, steady)
	if crnn <= mostApart {
		o.near++
	}
}

// course is V of a neuron and of the stages at the last step.
func (s *correspondence) course(results experiment.Rows, name string) (chart.Lines, bool) {
	of := results.Of(correspondenceCondition(name, s.Drive[len(s.Drive)-1]))
	if len(of) == 0 {
		return chart.Lines{}, false
	}
	c := chart.Lines{Title: "From " + name + " to a charged RNN", XLabel: "time (ms)", YLabel: "V (mV)"}
	add := func(key, label string, hue int) {
		line := chart.Series{Name: label, Y: rows.ValuesOf(of.Curve(key)), Hue: hue}
		for k := range line.Y {
			line.X = append(line.X, s.After*float64(k)/correspondencePoints)
		}
		c.Series = append(c.Series, line)
	}
	add("neuron", correspond.Reference, 7)
	for _, stage := range stages {
		switch stage.name {
		case correspond.Fixed, correspond.Steady, correspond.Crnn, correspond.Coarse:
			add(stage.key, stage.name, len(c.Series)) // the neuron has the darkest
		}
	}
	return c, true
}
