package rules

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/models/layered"
)

func init() {
	experiment.Register(experiment.Entry{
		Name: "published",
		Doc:  "test errors on the digits of MNIST of networks whose test errors are published",
		Claim: "networks of layers reach the published test errors on MNIST by backprop, latent equilibrium and a microcircuit in two sweeps; feedback alignment and sign symmetry lose " +
			"what they are published to lose to backprop",
		Source: "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393; Haider et al. (2021), arXiv:2110.14549; Sanfiz and Akrout (2021), arXiv:2108.13446, of LeNet",
		Long:   true,
		New:    func() experiment.Settings { return &published{Epochs: 20} },
	})
}

// published trains networks on MNIST.
type published struct {
	Epochs     int `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	TrainLimit int `toml:"train_limit" doc:"training digits, 0 for all" min:"0" max:"100000000"`
	TestLimit  int `toml:"test_limit" doc:"test digits, 0 for all" min:"0" max:"100000000"`
	// Validation has no digits in common with the test digits.
	Validation float64 `toml:"validation" doc:"part of the training digits that is kept from training and has the errors measured on it, in place of the test digits, to choose settings by; there is no verdict then" min:"0" max:"0.9"`

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

// rises lets a rate rise in the first tenth of the updates. Errors are large then: at the full rate cells saturate.
func rises(o engine.Options) engine.Options {
	o.Warmup = 0.1
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

// leakyDigits returns leaky units with the nudging of the source. Weights change once an answer has come, after 5 steps for 3
// layers up and 2 down, in place of in each of 100 steps.
func leakyDigits(hidden []int) (layered.Settings, engine.Options) {
	m := layered.NewLeaky()
	m.Hidden, m.TPres, m.Onset, m.RateUp = hidden, 1, 0.5, []float64{1, 0.1, 0.05}
	return m, rises(falls(16, 8))
}

func circuitDigits(hidden []int) (layered.Settings, engine.Options) {
	return digitsCircuit(hidden, true), circuitOptions()
}

// circuitOptions returns those that digitsCircuit is trained with.
func circuitOptions() engine.Options { return rises(falls(16, 0.016)) }

// Learning rates of hidden layers of digitsCircuit, in that of the outputs: of the first, and of others, below which
// interneurons learn to follow them and do not bear as much.
const digitsFirst, digitsOther = 16, 1.5

// digitsCircuit returns the circuit for MNIST in two sweeps. Interneurons learn as fast as makes them change as the cells above
// them do, of whose error they have a part: slower ones lag behind, which apical dendrites take for errors. With outputs alone no
// other weights change.
func digitsCircuit(hidden []int, all bool) *layered.Microcircuit {
	m := layered.NewMicrocircuit()
	m.Hidden, m.Rule, m.Activation, m.TargetHigh, m.TargetLow, m.DownScale = hidden, "two-sweeps", "tanh", 1, -1, 1
	apical := m.GApical / (m.GLeak + m.GBasal + m.GApical)
	pulled := m.GSom / (m.GLeak + m.GDend + m.GSom)
	last := len(hidden)
	m.RateUp, m.RateIP = make([]float64, last+1), make([]float64, last)
	m.RateUp[last] = 1
	if !all {
		return m
	}
	left := 1.0 // what somata have of their basal potentials, without an error
	for l := last - 1; l >= 0; l-- {
		m.RateUp[l], m.RateIP[l] = digitsOther, left*m.RateUp[l+1]/pulled
		left = 1 - apical
	}
	m.RateUp[0] = digitsFirst
	return m
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
	task, err := pictures(env, s.quick, "mnist", seed, s.TrainLimit, s.TestLimit, s.Validation)
	if err != nil {
		return experiment.Result{}, err
	}
	hidden := r.hidden
	if s.quick {
		hidden = []int{6, 5}
	}
	settings, o := r.make(hidden)
	if o.Epochs, o.Seed = s.Epochs, seed; s.quick {
		o.Batch = quickBatch
	}
	return measureError(ctx, env, settings, task, o)
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
	if s.Validation > 0 {
		return experiment.None
	}
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
	what := "test error"
	if s.Validation > 0 {
		what = "validation error"
	}
	t := rows.Table{Title: fmt.Sprintf("MNIST after %d epochs of %s training digits", s.Epochs, allOr(s.TrainLimit)),
		Head: []string{"network", "layers", what, "more than backprop (points)", "published", "allowed", "reached", "seeds", "time per epoch"}}
	lines := chart.Lines{Title: "Digits", XLabel: "epoch", YLabel: what, LogY: true}
	for _, r := range publishedRows {
		of := results.Of(r.name)
		if len(of.Values("error")) == 0 {
			continue
		}
		points, ok := r.reached(results)
		seconds := 0.0
		for _, row := range of {
			seconds += row.Seconds
		}
		more, told, allowed := "-", fmt.Sprintf("%.2f %%", r.error), fmt.Sprintf("%.2f %%", r.error+r.within)
		if r.more {
			more, told, allowed = fmt.Sprintf("%+.2f", points), fmt.Sprintf("%+.2f", r.error), fmt.Sprintf("%+.2f", r.error+r.within)
		}
		t.Rows = append(t.Rows, []string{r.name, fmt.Sprintf("784-%d-%d-10", r.hidden[0], r.hidden[1]), fmt.Sprintf("%.2f %%", 100*of.Mean("error").Value), more, told, allowed,
			map[bool]string{true: "yes", false: "no"}[ok], fmt.Sprint(len(of)),
			fmt.Sprintf("%.1f s", seconds/float64(len(of)*s.Epochs))})
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
		"(0.91 % by backprop), so what is compared is how much more each loses than backprop. Latent equilibrium: nudging 0.1 as in the code of the source, where each batch of 512 is shown for 100 steps of 0.1 ms, weights change in all of them, and the layers learn at rates of 16, 3.2 and 1.6; " +
		"here 10 steps for each batch of 16, rates of 8, 0.8 and 0.4, tanh in place of the hard sigmoid, and weights change in the last 5, since an answer passes one layer per step and errors before are those of another pattern; published after 100 epochs. " +
		"Microcircuit: two sweeps for each batch of 16 (10 in the source), tanh in place of the logistic function and no thresholds, targets of 1 and -1, weights from the layer above up to 1, rate 0.016, 16 times that in the first hidden layer and 1.5 times in the second, and interneurons that learn as the cells above them. " +
		"All rates fall along a cosine, and those of the last two rise in the first tenth of the updates. Rates and batches of these two were chosen on 5000 of the training digits (`--validation 0.08333`), and the test error is that after the last epoch. " +
		"With the epochs of the sources: `galvani experiment published --epochs 100 --seeds 5`; one rule: `--only \"latent equilibrium\"`. " +
		"The authors of latent equilibrium state in their repository that its procedures are registered for patent protection."
}
