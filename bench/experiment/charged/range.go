package charged

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "range",
		Doc:    "how much of their range the states of bounded cells use, before and after training",
		Claim:  "fixed reversal potentials keep the dynamic range of the cRNN fixed and useful",
		Source: "notes on the charged RNN, section 3, which name no number",
		New: func() experiment.Settings {
			return &dynamicRange{Models: []string{"crnn", "rnn", "lstm", "gru", "rate"}, Task: "looming", Hidden: 64, Epochs: 2, Samples: 128, Bins: 64}
		},
	})
}

// dynamicRange trains cells whose states lie in [−1, 1] and counts their states over test sequences.
type dynamicRange struct {
	Models  []string `toml:"models" doc:"cells with states in [-1, 1]"`
	Task    string   `toml:"task" doc:"task to train on, with the recipe of each model"`
	Hidden  int      `toml:"hidden" doc:"number H of hidden units" min:"1" max:"65536"`
	Epochs  int      `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	Samples int      `toml:"samples" doc:"test sequences whose states are counted" min:"1" max:"65536"`
	Bins    int      `toml:"bins" doc:"bins of the histogram over the range" min:"2" max:"1024"`

	quick bool
}

// rangeBorder is the part of the range, at either end, in which a state counts as saturated.
const rangeBorder = 0.01

// boundedModels are the cells whose states cannot leave [−1, 1].
var boundedModels = []string{"crnn", "gru", "lstm", "rate", "rnn"}

// Quick implements Settings.
func (s *dynamicRange) Quick() {
	s.Models, s.Hidden, s.Epochs, s.Samples, s.Bins, s.quick = []string{"crnn", "rnn"}, 4, 1, 4, 8, true
}

// Choices lists the values of keys.
func (s *dynamicRange) Choices() map[string][]string {
	return map[string][]string{"models": boundedModels}
}

// Cases implements Settings.
func (s *dynamicRange) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, model := range s.Models {
		if !slices.Contains(boundedModels, model) {
			return nil, fmt.Errorf("model %q has no states in [-1, 1]; want some of %v", model, boundedModels)
		}
		all = append(all, experiment.Condition{Name: model, Run: experiment.Of(model, s.measure)})
	}
	return experiment.ByCondition(all, seeds), nil
}

// measure trains one network and counts its states before and after.
func (s *dynamicRange) measure(ctx context.Context, env *experiment.Env, model string, seed uint64) (experiment.Result, error) {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.Epochs, "seed": seed}
	if s.quick {
		keys["max_steps"], keys["batch"], keys["train_size"], keys["test_size"] = 2, 4, 8, 8
	}
	t, err := env.Configure(model, s.Task, keys)
	if err != nil {
		return experiment.Result{}, err
	}
	n, err := env.Start(t)
	if err != nil {
		return experiment.Result{}, err
	}
	defer n.Session.Close()
	before, err := s.count(n)
	if err != nil {
		return experiment.Result{}, err
	}
	if err := n.Train(ctx); err != nil {
		return experiment.Result{}, err
	}
	after, err := s.count(n)
	if err != nil {
		return experiment.Result{}, err
	}
	r := n.Result()
	for when, u := range map[string]usage{"initial": before, "trained": after} {
		r.Values[when+"_entropy"], r.Values[when+"_unit_entropy"] = u.entropy, u.unitEntropy
		r.Values[when+"_saturated"], r.Values[when+"_span"] = u.saturated, u.span
		r.Curves[when] = u.histogram
	}
	return r, nil
}

// usage is how states use their range.
type usage struct {
	histogram   rows.Curve // share of all states in each bin
	entropy     float64    // of the histogram, relative to that of an even one
	unitEntropy float64    // the same of each unit's own histogram, mean over units
	span        float64    // share of the range between a unit's lowest and highest state, mean over units
	saturated   float64    // share of states within rangeBorder of an end
}

// count runs test sequences and counts the hidden states of all steps.
func (s *dynamicRange) count(n *experiment.Trained) (usage, error) {
	b, err := n.Session.Batch(n.Task.Test, min(s.Samples, n.Task.Test.Len()))
	if err != nil {
		return usage{}, err
	}
	tensors, err := n.Session.Trace(b)
	if err != nil {
		return usage{}, err
	}
	for _, t := range tensors {
		if t.Name == "h" {
			h, err := t.Float32s()
			return s.usage(h, n.Net.Hidden()), err
		}
	}
	return usage{}, fmt.Errorf("the trace has no tensor h")
}

// usage counts states [N,H] in [−1, 1].
func (s *dynamicRange) usage(h []float32, units int) usage {
	u := usage{histogram: make(rows.Curve, s.Bins)}
	results := len(h) / units
	for k := range units {
		own := make(rows.Curve, s.Bins)
		lo, hi := 1.0, -1.0
		for row := range results {
			v := float64(h[row*units+k])
			own[min(s.Bins-1, max(0, int((v+1)/2*float64(s.Bins))))] += 1 / float64(results)
			lo, hi = min(lo, v), max(hi, v)
			if math.Abs(v) > 1-2*rangeBorder {
				u.saturated += 1 / float64(len(h))
			}
		}
		for i, share := range own {
			u.histogram[i] += share / float64(units)
		}
		u.unitEntropy += evenness(own) / float64(units)
		u.span += (hi - lo) / 2 / float64(units)
	}
	u.entropy = evenness(u.histogram)
	return u
}

// evenness returns the entropy of shares relative to that of even ones.
//
// Source: Shannon (1948), Bell Syst. Tech. J. 27:379.
func evenness(shares []float64) float64 {
	sum := 0.0
	for _, p := range shares {
		if p > 0 {
			sum -= p * math.Log(p)
		}
	}
	return sum / math.Log(float64(len(shares)))
}

// Report implements Settings.
func (s *dynamicRange) Report(results experiment.Rows) (experiment.Report, error) {
	t := rows.Table{Title: fmt.Sprintf("States of %d units in [-1, 1], %s", s.Hidden, s.Task),
		Head: []string{"cell", "when", "entropy, of an even histogram's", "entropy of single units", "span of single units", "saturated states", "test accuracy"}}
	lines := chart.Lines{Title: "States after training", XLabel: "h", YLabel: "share of states in a bin"}
	x := make([]float64, s.Bins)
	for i := range x {
		x[i] = (float64(i)+0.5)/float64(s.Bins)*2 - 1
	}
	r := experiment.Report{Verdict: experiment.None}
	for _, model := range results.Conditions() {
		of := results.Of(model)
		for _, when := range []string{"initial", "trained"} {
			accuracy := "-"
			if len(of.Values("last_accuracy")) > 0 && when == "trained" {
				accuracy = of.Mean("last_accuracy").PercentTenths()
			}
			t.Rows = append(t.Rows, []string{model, when, of.Mean(when + "_entropy").Format("%.3f"), of.Mean(when + "_unit_entropy").Format("%.3f"),
				of.Mean(when + "_span").PercentTenths(), of.Mean(when + "_saturated").PercentTenths(), accuracy})
		}
		lines.Series = append(lines.Series, chart.Series{Name: model, X: x, Y: rows.ValuesOf(of.Curve("trained"))})
	}
	r.Result = s.words(results)
	r.Tables = []rows.Table{t}
	r.Charts = []experiment.Chart{{Name: "histogram", Caption: fmt.Sprintf("Share of the states of test sequences in %d bins; mean over seeds.", s.Bins), Lines: lines}}
	return r, nil
}

// words compares the crnn, or whatever comes first, with the others.
func (s *dynamicRange) words(results experiment.Rows) string {
	all := results.Conditions()
	first := results.Of(all[0])
	text := fmt.Sprintf("After training a unit of the %s spans %s of its range, before %s; its states together have %s of the entropy of an even histogram, before %s; and %s of them lie within %g %% of an end.",
		all[0], first.Mean("trained_span").PercentTenths(), first.Mean("initial_span").PercentTenths(), first.Mean("trained_entropy").Format("%.2f"), first.Mean("initial_entropy").Format("%.2f"),
		first.Mean("trained_saturated").PercentTenths(), 100*rangeBorder)
	var more, less []string
	for _, model := range all[1:] {
		if results.Of(model).Mean("trained_entropy").Value > first.Mean("trained_entropy").Value {
			more = append(more, model)
		} else {
			less = append(less, model)
		}
	}
	if len(more) > 0 {
		text += fmt.Sprintf(" The states of %s are spread more evenly.", strings.Join(more, ", "))
	}
	if len(less) > 0 {
		text += fmt.Sprintf(" Those of %s are spread less evenly.", strings.Join(less, ", "))
	}
	return text + fmt.Sprintf(" The notes name no number that would be useful, and none is published: this is a report after %d epochs of %s.", s.Epochs, s.Task)
}
