package rules

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/engine/local"
	"galvani/models/layered"
)

func init() {
	experiment.Register(experiment.Entry{
		Name: "published",
		Doc:  "test errors on the digits of MNIST of networks whose test errors are published",
		Claim: "networks of layers reach the published test errors on MNIST by backprop, latent equilibrium and a microcircuit in two sweeps; feedback alignment and sign symmetry lose " +
			"what they are published to lose to backprop",
		Source: "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393; Haider et al. (2021), arXiv:2110.14549; Sanfiz and Akrout (2021), arXiv:2108.13446, of LeNet",
		New:    func() experiment.Settings { return &published{Epochs: 20, TestLimit: 10000} },
	})
}

// published trains networks on MNIST.
type published struct {
	Epochs     int `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	TrainLimit int `toml:"train_limit" doc:"training digits, 0 for all" min:"0" max:"100000000"`
	TestLimit  int `toml:"test_limit" doc:"test digits, 0 for all" min:"0" max:"100000000"`

	quick bool
}

// Quick implements Settings. It needs no data-set files.
func (s *published) Quick() { s.Epochs, s.quick = 2, true }

// publishedRow is a network with its published error, or what it is published to have more than backprop, in points.
type publishedRow struct {
	name          string
	hidden        []int
	error, within float64
	more          bool
	cost          float64
	make          func(hidden []int) (layered.Settings, engine.Options)
}

// publishedBase is the row that others are compared with.
const publishedBase = "backprop"

// publishedRows are those of the sources. What rules lose to backprop is that of the table of LeNet.
var publishedRows = []publishedRow{
	{publishedBase, []int{500, 500}, 1.5, 0.2, false, 1, mlpOf("backprop", "usf")},
	{"feedback alignment", []int{500, 500}, 0.79, 0.3, true, 1, mlpOf("feedback-alignment", "usf")},
	{"direct feedback alignment", []int{500, 500}, 0.70, 0.3, true, 1, mlpOf("direct-feedback-alignment", "usf")},
	{"sign symmetry, usf", []int{500, 500}, 0.03, 0.3, true, 1, mlpOf("sign-symmetry", "usf")},
	{"sign symmetry, frsf", []int{500, 500}, 0.06, 0.3, true, 1, mlpOf("sign-symmetry", "frsf")},
	{"sign symmetry, brsf", []int{500, 500}, 0.00, 0.3, true, 1, mlpOf("sign-symmetry", "brsf")},
	{"latent equilibrium", []int{300, 100}, 2.0, 0.2, false, 4, leakyDigits},
	{"microcircuit, two sweeps", []int{500, 500}, 1.96, 0.34, false, 3, circuitDigits},
}

// falls returns options of training with a rate that falls along a cosine.
func falls(batch int, lr float64) engine.Options {
	o := engine.DefaultOptions()
	o.Batch, o.LR, o.Schedule, o.Warmup = batch, lr, "cosine", 0
	return o
}

// mlpOf returns a network without time, with the options of the recipe for MNIST.
func mlpOf(rule, symmetry string) func([]int) (layered.Settings, engine.Options) {
	return func(hidden []int) (layered.Settings, engine.Options) {
		m := layered.NewMLP()
		m.Hidden, m.Rule, m.Symmetry = hidden, rule, symmetry
		o := falls(64, 0.05)
		o.Optimizer, o.Momentum, o.WeightDecay = "sgd", 0.9, 5e-4
		return m, o
	}
}

func leakyDigits(hidden []int) (layered.Settings, engine.Options) {
	m := layered.NewLeaky()
	m.Hidden = hidden
	return m, falls(64, 0.5)
}

func circuitDigits(hidden []int) (layered.Settings, engine.Options) {
	return digitsCircuit(hidden, true), falls(8, 0.01)
}

// Cases implements Settings. Seeds come before networks, so that a run that is cut off has whole seeds.
func (s *published) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, r := range publishedRows {
		all = append(all, experiment.Condition{Name: r.name, Cost: r.cost, Run: experiment.Of(r, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// measure trains one network.
func (s *published) measure(ctx context.Context, env *experiment.Env, r publishedRow, seed uint64) (experiment.Result, error) {
	task, hidden, err := blobs(), []int{6, 5}, error(nil)
	if !s.quick {
		hidden = r.hidden
		if task, err = pictures(env, "mnist", seed, s.TrainLimit, s.TestLimit); err != nil {
			return experiment.Result{}, err
		}
	}
	dev, err := env.Device()
	if err != nil {
		return experiment.Result{}, err
	}
	settings, o := r.make(hidden)
	if o.Epochs, o.Seed = s.Epochs, seed; s.quick {
		o.Batch = 8
	}
	net, err := settings.Bind(r.name, task.I, task.O)
	if err != nil {
		return experiment.Result{}, err
	}
	cfg := engine.Config{Net: net, Task: task, Device: dev, Options: o}
	if stepped, ok := net.(layered.Stepped); ok {
		cfg.Learner = local.NewLearner(stepped, func(width int, params [][]float32) (local.Run, error) {
			return stepped.Start(dev, width, params, seed)
		})
	}
	w := &errorCourse{}
	result, note, err := train(ctx, cfg, func(updates int) engine.Observer {
		w.progress = progress{env.Tick, updates}
		return w
	})
	switch {
	case err != nil:
		return experiment.Result{}, err
	case note != "":
		return experiment.Result{Values: rows.Values{"error": 1}, Note: note}, nil
	}
	return experiment.Result{Values: rows.Values{"error": 1 - result.Last.Accuracy()}, Curves: map[string]rows.Curve{"error": w.errors}}, nil
}

// errorCourse follows the error of a training.
type errorCourse struct {
	progress
	errors rows.Curve
}

// Evaluated implements engine.Observer.
func (w *errorCourse) Evaluated(e engine.EvalEvent) error {
	w.errors = append(w.errors, 1-e.Held.Accuracy())
	return nil
}

// reached returns what a row has in points, an error or what it has more than backprop, and whether that is at most what is
// published and the allowance; NaN where it was not measured.
func (r publishedRow) reached(results experiment.Rows) (points float64, ok bool) {
	own, base := results.Of(r.name), results.Of(publishedBase)
	if len(own.Values("error")) == 0 || r.more && len(base.Values("error")) == 0 {
		return math.NaN(), false
	}
	points = 100 * own.Mean("error").Value
	if r.more {
		points -= 100 * base.Mean("error").Value
	}
	return points, points <= r.error+r.within
}

// verdict holds where every row has what is published.
func (s *published) verdict(results experiment.Rows) experiment.Verdict {
	v := experiment.Holds
	for _, r := range publishedRows {
		switch points, ok := r.reached(results); {
		case math.IsNaN(points):
			return experiment.None
		case !ok:
			v = experiment.Fails
		}
	}
	return v
}

// Report implements Settings.
func (s *published) Report(results experiment.Rows) (experiment.Report, error) {
	t := rows.Table{Title: fmt.Sprintf("Test error on MNIST after %d epochs of %s training digits", s.Epochs, allOr(s.TrainLimit)),
		Head: []string{"network", "layers", "test error", "more than backprop (points)", "published", "allowed", "reached", "seeds"}}
	lines := chart.Lines{Title: "Digits", XLabel: "epoch", YLabel: "test error", LogY: true}
	for _, r := range publishedRows {
		of := results.Of(r.name)
		if len(of.Values("error")) == 0 {
			continue
		}
		points, ok := r.reached(results)
		more, told, what := "-", fmt.Sprintf("%.2f %%", r.error), fmt.Sprintf("%.2f %%", r.error+r.within)
		if r.more {
			more, told, what = fmt.Sprintf("%+.2f", points), fmt.Sprintf("%+.2f", r.error), fmt.Sprintf("%+.2f", r.error+r.within)
		}
		t.Rows = append(t.Rows, []string{r.name, fmt.Sprintf("784-%d-%d-10", r.hidden[0], r.hidden[1]), fmt.Sprintf("%.2f %%", 100*of.Mean("error").Value), more, told, what,
			map[bool]string{true: "yes", false: "no"}[ok], fmt.Sprint(len(of))})
		series := chart.Series{Name: r.name}
		for i, e := range of[0].Curves["error"] {
			series.X, series.Y = append(series.X, float64(i+1)), append(series.Y, e)
		}
		lines.Series = append(lines.Series, series)
	}
	return experiment.Report{Verdict: s.verdict(results), Tables: []rows.Table{t}, Result: s.words(),
		Charts: []experiment.Chart{{Name: "errors", Caption: "The first seed.", Lines: lines}}}, nil
}

// allOr writes a limit of 0 as all.
func allOr(limit int) string {
	if limit == 0 {
		return "all"
	}
	return fmt.Sprint(limit)
}

// words says how networks were trained.
func (s *published) words() string {
	return "Rules of layers without time: stochastic gradient with momentum 0.9, rate 0.05, weight decay 5e-4, batches of 64. The published errors of these rules are of LeNet, a convolutional network, after 100 epochs " +
		"(0.91 % by backprop), so what is compared is how much more each loses than backprop. Latent equilibrium: tanh in place of the hard sigmoid of the source, 10 steps for each batch of 64, rate 0.5; published after 100 epochs and more. " +
		"Microcircuit: two sweeps for each batch of 8, tanh, rate 0.01, of hidden layers 4 times that for each conductance on the way down; at 0.02 a first network of this size did not learn. All rates fall along a cosine. " +
		"With the epochs of the sources: `galvani experiment published --epochs 100 --seeds 5`. " +
		"The authors of latent equilibrium state in their repository that its procedures are registered for patent protection."
}
