package neurons

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"galvani/bench/analysis"
	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine/chart"
	"galvani/engine/safetensors"
	"galvani/models"
)

func init() {
	experiment.Register(experiment.Entry{
		Name: "lgmd-training",
		Doc:  "how well an LGMD of compartments learns to tell looming apart by gradient, beside a charged RNN, an LSTM and an Elman network of as many parameters",
		Claim: "an LGMD with ion channels and a dendrite, trained end to end by gradient, tells a loom from a recession, a translation and a scrambled loom as well as " +
			"networks with as many parameters do",
		Source: "notes on the charged RNN, section 1, by which the neuron is a deep recurrent network; no such training is published",
		New: func() experiment.Settings {
			return &training{Models: []string{"lgmd", "crnn", "lstm", "rnn"}, Neurons: 4, Dt: 0.25, Epochs: 10, Batch: 16, TrainSize: 2000, TestSize: 1000}
		},
	})
}

// training trains LGMDs and networks of as many learned parameters on the task looming. The read-out sees of an LGMD the
// smoothed rate of every compartment, of a network its units.
type training struct {
	Models    []string `toml:"models" doc:"what is trained, of those with a learning rate: lgmd, crnn, lstm, rnn"`
	Neurons   int      `toml:"neurons" doc:"LGMDs side by side; the networks get as many learned parameters as they have" min:"1" max:"64"`
	Dt        float64  `toml:"dt" doc:"step of integration of the LGMD" unit:"ms" min:"0.01" max:"1"`
	Gates     float64  `toml:"gate_gradient" doc:"part of the gradient of the LGMD that goes back through the gates of its channels: galvani models show lgmd" unit:"1" min:"0" max:"1"`
	Epochs    int      `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	Batch     int      `toml:"batch" doc:"sequences of an update" min:"1" max:"1024"`
	TrainSize int      `toml:"train_size" doc:"training sequences" min:"8" max:"1000000"`
	TestSize  int      `toml:"test_size" doc:"test sequences, which are measured behind each pass and select nothing" min:"8" max:"1000000"`

	quick bool
}

// trainingRates are the learning rates: those with the least loss on the validation part of galvani train with the default settings
// of this experiment and seed 1001, which no case has. Of the networks they are of 0.003, 0.01, 0.03 and 0.1, of the Elman
// network, which the least suits, of 0.001, too; of the LGMD of 0.1 (a loss of 0.286) and 0.2 (0.170), behind 3 passes and without
// the limit that its key within sets.
var trainingRates = map[string]float64{"lgmd": 0.2, "crnn": 3e-2, "lstm": 0.1, "rnn": 3e-3}

// trainingMargin is how far below that of a network the accuracy of the LGMDs counts as equal.
const trainingMargin = 0.02

// spikeLevel in mV is passed in spikes alone.
const spikeLevel = -20

// chance is the accuracy of a constant answer.
const chance = 0.25

// Quick implements Settings.
func (s *training) Quick() {
	s.Models, s.Neurons, s.Dt, s.Epochs, s.TrainSize, s.TestSize, s.quick = []string{"lgmd", "rnn"}, 1, 1, 1, 8, 8, true
}

// Choices lists the values of keys.
func (s *training) Choices() map[string][]string {
	return map[string][]string{"models": slices.Sorted(maps.Keys(trainingRates))}
}

// Cases implements Settings. Seeds are outermost, so that a run cut off has whole ones.
func (s *training) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, model := range s.Models {
		if trainingRates[model] == 0 {
			return nil, fmt.Errorf("model %q has no learning rate here; want some of %s: %w", model, strings.Join(s.Choices()["models"], ", "), experiment.ErrSettings)
		}
		cost := 1.0
		if model == "lgmd" {
			cost = 10 * float64(s.Neurons)
		}
		all = append(all, experiment.Condition{Name: model, Cost: cost, Run: experiment.Of(model, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// measure trains one network.
func (s *training) measure(ctx context.Context, env *experiment.Env, model string, seed uint64) (experiment.Result, error) {
	configure := func(model string, more map[string]any) (experiment.Training, error) {
		keys := map[string]any{"epochs": s.Epochs, "batch": s.Batch, "train_size": s.TrainSize, "test_size": s.TestSize, "seed": seed, "lr": trainingRates[model],
			"schedule": "cosine", "warmup": 0.0}
		if s.quick {
			keys["max_steps"], keys["batch"], keys["steps"], keys["step_ms"] = 2, 4, 10, 4.0
		}
		if model == "lgmd" {
			keys["neurons"], keys["dt"], keys["gate_gradient"] = s.Neurons, s.Dt, s.Gates
			if s.quick {
				keys["bin"] = 4.0
			}
		}
		maps.Copy(keys, more)
		return env.Configure(model, "looming", keys)
	}
	reference, err := configure("lgmd", nil)
	if err != nil {
		return experiment.Result{}, err
	}
	t := reference
	if model != "lgmd" {
		if t, err = configure(model, nil); err != nil {
			return experiment.Result{}, err
		}
		eye := t.Task.(*data.Looming)
		if t.Hidden, err = experiment.MatchingUnits(reference, t, eye.Facets*eye.Facets, len(data.Shows())); err != nil {
			return experiment.Result{}, err
		}
	}
	return env.Measure(ctx, t, func(n *experiment.Trained, r *experiment.Result) error {
		r.Values["hidden"] = float64(t.Hidden)
		if sized, ok := t.Cell.(models.Sized); ok {
			r.Values["hidden"] = float64(sized.Units())
			if err := s.spikes(n, r); err != nil {
				return err
			}
		}
		dev, err := env.Device()
		if err != nil {
			return err
		}
		of := analysis.Subject{Net: n.Net, Task: n.Task, Params: n.Session.Params(), Device: dev, Batch: s.Batch}
		answers, err := of.Confusion(n.Task.Test)
		if err != nil {
			return err
		}
		for class, row := range answers {
			all := 0
			for _, count := range row {
				all += count
			}
			r.Values[foundOf(n.Task.Classes[class])] = float64(row[class]) / float64(max(1, all))
		}
		return nil
	})
}

// foundOf is the value that holds how many sequences of a class are found.
func foundOf(class string) string { return "found_" + class }

// spikes tells how often V of the zones where spikes begin is that of a spike, at the steps of the task on one batch of the test set.
func (s *training) spikes(n *experiment.Trained, r *experiment.Result) error {
	b, err := n.Session.Batch(n.Task.Test, s.Batch)
	if err != nil {
		return err
	}
	tensors, err := n.Session.Trace(b)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == "state.V" })
	if i < 0 {
		return fmt.Errorf("the trace of %s lacks V", n.Net.Name())
	}
	v, err := tensors[i].Float32s()
	if err != nil {
		return err
	}
	spiking, looks := 0, 0
	for at := 0; at < len(v); at += n.Net.Hidden() / s.Neurons { // the zone is the first compartment of each
		if looks++; v[at] > spikeLevel {
			spiking++
		}
	}
	r.Values["spiking"] = float64(spiking) / float64(looks)
	return nil
}

// Report implements Settings.
func (s *training) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: "Accuracy on the test set behind the last pass", Head: []string{"model", "units", "learned parameters", "lr", "accuracy", "loss"}}
	lines := chart.Lines{Title: "Telling looming apart", XLabel: "updates", YLabel: "test accuracy"}
	accuracy := map[string]rows.Estimate{}
	diverged := 0.0
	for _, model := range s.Models {
		of := results.Of(model)
		if len(of) == 0 {
			continue
		}
		accuracy[model] = of.Mean("last_accuracy")
		diverged += of.Sum("diverged")
		table.Rows = append(table.Rows, []string{model, fmt.Sprintf("%g", of[0].Values["hidden"]), fmt.Sprintf("%g", of[0].Values["parameters"]), fmt.Sprintf("%g", trainingRates[model]),
			accuracy[model].PercentTenths(), of.Mean("last_loss").FormatOr("%.3f")})
		lines.Series = append(lines.Series, rows.Band(model, rows.ValuesOf(of.Curve("step")), of.Curve("test_accuracy")))
	}
	r.Tables = []rows.Table{table, s.classes(results)}
	r.Charts = []experiment.Chart{{Name: "accuracy", Caption: "Mean over seeds, with intervals of 95 %, behind each pass over the training set.", Lines: lines}}
	r.Result = s.text(accuracy, diverged)
	if of := results.Of("lgmd"); len(of) > 0 {
		r.Result += fmt.Sprintf(" V of the zones where spikes begin is above %d mV at %s of the steps of the task, on as many test sequences as a batch has.", spikeLevel, of.Mean("spiking").PercentTenths())
	}
	if own, ok := accuracy["lgmd"]; ok && len(accuracy) == len(s.Models) && len(s.Models) > 1 {
		equals := 0
		for model, a := range accuracy {
			if model != "lgmd" && own.Value >= a.Value-trainingMargin {
				equals++
			}
		}
		switch {
		case equals == len(s.Models)-1:
			r.Verdict = experiment.Holds
		case equals > 0:
			r.Verdict = experiment.HoldsWhen
		default:
			r.Verdict = experiment.Fails
		}
	}
	return r, nil
}

// classes tells of each class how many sequences are found.
func (s *training) classes(results experiment.Rows) rows.Table {
	table := rows.Table{Title: "Sequences found of each class, %", Head: append([]string{"model"}, data.Shows()...)}
	for _, model := range s.Models {
		of := results.Of(model)
		if len(of) == 0 {
			continue
		}
		row := []string{model}
		for _, class := range data.Shows() {
			row = append(row, of.Mean(foundOf(class)).PercentTenths())
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// text says what came out.
func (s *training) text(accuracy map[string]rows.Estimate, diverged float64) string {
	text := fmt.Sprintf("%d passes over %d sequences; the networks have as many learned parameters as the %d LGMDs, to the nearest unit. ", s.Epochs, s.TrainSize, s.Neurons)
	own, ok := accuracy["lgmd"]
	if ok {
		text += fmt.Sprintf("The LGMDs find %s of the test sequences, a constant answer %g %%. ", own.PercentTenths(), 100*chance)
	}
	for _, model := range s.Models {
		a, there := accuracy[model]
		if model == "lgmd" || !there {
			continue
		}
		text += fmt.Sprintf("%s finds %s", model, a.PercentTenths())
		if ok {
			text += fmt.Sprintf(", %+.1f points from the LGMDs, ", 100*(a.Value-own.Value)) +
				map[bool]string{true: "which they reach", false: "which they do not reach"}[own.Value >= a.Value-trainingMargin]
		}
		text += ". "
	}
	if diverged > 0 {
		text += fmt.Sprintf("%g trainings ended with numbers that are not finite. ", diverged)
	}
	return text + fmt.Sprintf("An accuracy counts as reached from %g percentage points below it on. The learning rates were chosen on a validation part with a seed of its own, of four or five for each network and of two for the LGMDs; "+
		"all fall along a cosine. The passes and the sequences are as many as the LGMDs do in some minutes. "+
		"The gradient of the LGMDs is the whole one with gate_gradient 1; with 0 it takes the course of the gates of channels as given (galvani models show lgmd). The test set selected nothing.", 100*trainingMargin)
}
