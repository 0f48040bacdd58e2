package learning

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"

	"gonum.org/v1/gonum/stat"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "learning",
		Doc:    "what cells of equal size learn of long sequences, how fast, with which gradients, with and without clipping",
		Claim:  "the cRNN learns stably: without clipping of gradients no training diverges",
		Source: "notes on the charged RNN, section 3",
		Long:   true,
		New: func() experiment.Settings {
			return &learning{Tasks: learningNames(), Models: []string{"rnn", "irnn", "lstm", "gru", "crnn-simple", "crnn"}, Hidden: 128, Updates: 5000, Evaluations: 20, Clip: 1}
		},
	})
}

// learning trains cells of equal size on sequences of different length, with the settings of the
// recipes. A task without one of its own takes that of the task it is like: copy that of adding,
// all images that of the rows of MNIST.
//
// A crnn has so few parameters to a unit that it takes about 2800 of them to match an lstm of 128 on
// the adding problem. With the defaults a core takes hours for one training of it and weeks for
// everything, so that they are for a GPU; the two cores of a small machine do tasks, hidden units
// and updates of the order of the published table in an hour.
type learning struct {
	Tasks       []string `toml:"tasks" doc:"tasks: adding-T, copy-DELAY and images, rows or pixels; settings and rows of a part are apart from those of all"`
	Models      []string `toml:"models" doc:"cells to compare"`
	Hidden      int      `toml:"hidden" doc:"units of an lstm on the task; every cell gets as many learned parameters" min:"3" max:"4096"`
	Updates     int      `toml:"updates" doc:"updates of a training, whatever the recipe's epochs; the schedule of the rate spans them" min:"1"`
	Evaluations int      `toml:"evaluations" doc:"evaluations on the test set in a training" min:"1" max:"10000"`
	Clip        float64  `toml:"clip" doc:"largest norm of the gradient in the trainings that clip" min:"1e-9"`

	quick bool
}

// learningTask is one task, and when it counts as learned.
type learningTask struct {
	name, task, recipe string
	keys               map[string]any
	steps              int // T
	inputs, outputs    int
	samples            int     // of the whole training set of images
	constant           float64 // loss of the best constant answer; of copy, of one that remembers nothing
	blank              float64 // loss of a read-out of zeros
	threshold          float64 // accuracy of images, loss of the others
	images             bool
}

var learningTasks = slices.Concat(addings(100, 400, 750), copies(100, 200, 500), []learningTask{
	image("mnist-rows", 28, 28, 60000, 0.9), image("mnist-pixels", 784, 1, 60000, 0.9), image("mnist-permuted", 784, 1, 60000, 0.8),
	image("cifar10-rows", 32, 96, 50000, 0.45), image("cifar10-pixels", 1024, 3, 50000, 0.45),
})

// addings are adding problems; learned means a tenth of the constant answer's error.
func addings(lengths ...int) []learningTask {
	var all []learningTask
	for _, t := range lengths {
		all = append(all, learningTask{name: fmt.Sprintf("adding-%d", t), task: "adding", recipe: "adding", keys: map[string]any{"steps": t},
			steps: t, inputs: 2, outputs: 1, constant: 1. / 6, blank: 7. / 6, threshold: 1. / 60})
	}
	return all
}

// copies are copy tasks; learned means a tenth of the loss without memory, 10 ln 8/(T+20).
func copies(delays ...int) []learningTask {
	var all []learningTask
	for _, d := range delays {
		blind := 10 * math.Log(8) / float64(d+20)
		all = append(all, learningTask{name: fmt.Sprintf("copy-%d", d), task: "copy", recipe: "adding", keys: map[string]any{"delay": d},
			steps: d + 20, inputs: 10, outputs: 9, constant: blind, blank: math.Log(9), threshold: blind / 10})
	}
	return all
}

func image(name string, steps, inputs, samples int, accuracy float64) learningTask {
	return learningTask{name: name, task: name, recipe: "mnist-rows", steps: steps, inputs: inputs, outputs: 10, samples: samples,
		constant: math.Log(10), blank: math.Log(10), threshold: accuracy, images: true}
}

// learningRates overrule recipes: the identity of the irnn is unsteady at the rates of the others.
var learningRates = map[string]float64{"irnn": 1e-3}

// crnnCost is about the time of an update of the crnn relative to that of the other cells, as it
// has few parameters to a unit and so more units.
const crnnCost = 5

func learningNames() []string {
	var names []string
	for _, t := range learningTasks {
		names = append(names, t.name)
	}
	return names
}

// Quick implements Settings.
func (s *learning) Quick() {
	s.Tasks, s.Models, s.Hidden, s.Updates, s.Evaluations, s.quick = []string{"adding-100", "copy-100"}, []string{"lstm", "crnn"}, 3, 2, 2, true
}

// Choices lists the values of keys.
func (s *learning) Choices() map[string][]string {
	return map[string][]string{"tasks": learningNames()}
}

// learningCase is a condition.
type learningCase struct {
	learningTask
	model string
	clip  float64 // 0 for none
}

func (c learningCase) String() string {
	return fmt.Sprintf("%s, %s, %s", c.name, c.model, c.clipping())
}

func (c learningCase) clipping() string {
	if c.clip == 0 {
		return "no clipping"
	}
	return fmt.Sprintf("clip %g", c.clip)
}

// conditions lists what is compared.
func (s *learning) conditions() ([]learningCase, error) {
	var all []learningCase
	for _, name := range s.Tasks {
		i := slices.IndexFunc(learningTasks, func(t learningTask) bool { return t.name == name })
		if i < 0 {
			return nil, fmt.Errorf("tasks has %q, want some of %s", name, strings.Join(learningNames(), ", "))
		}
		for _, clip := range []float64{s.Clip, 0} {
			for _, model := range s.Models {
				all = append(all, learningCase{learningTasks[i], model, clip})
			}
		}
	}
	return all, nil
}

// Cases implements Settings. Seeds are outermost, so that a run cut off has whole ones.
func (s *learning) Cases(seeds []uint64) ([]experiment.Case, error) {
	conditions, err := s.conditions()
	if err != nil {
		return nil, err
	}
	var all []experiment.Condition
	for _, c := range conditions {
		cost := float64(c.steps)
		if c.model == "crnn" {
			cost *= crnnCost
		}
		all = append(all, experiment.Condition{Name: c.String(), Cost: cost, Run: experiment.Of(c, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// training returns the settings of a training.
func (s *learning) training(env *experiment.Env, c learningCase, model string, seed uint64) (experiment.Training, error) {
	keys := maps.Clone(c.keys)
	if keys == nil {
		keys = map[string]any{}
	}
	if s.quick {
		keys["train_size"], keys["test_size"] = 8, 8
	}
	own, err := env.Configure(model, c.task, keys)
	if err != nil {
		return experiment.Training{}, err
	}
	t, err := env.Configure(model, c.recipe, nil)
	if err != nil {
		return experiment.Training{}, err
	}
	t.Task = own.Task
	o := &t.Options
	o.Seed, o.Clip = seed, c.clip
	o.MaxSteps, o.Epochs = s.Updates, s.Updates // an epoch has an update at least
	if lr := learningRates[model]; lr > 0 {
		o.LR = lr
	}
	if s.quick {
		o.Batch = 4
	}
	o.EvalEvery = (s.Updates + s.Evaluations - 1) / s.Evaluations
	return t, nil
}

// measure trains one network.
func (s *learning) measure(ctx context.Context, env *experiment.Env, c learningCase, seed uint64) (experiment.Result, error) {
	reference, err := s.training(env, c, "lstm", seed)
	if err != nil {
		return experiment.Result{}, err
	}
	reference.Hidden = s.Hidden
	t, err := s.training(env, c, c.model, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	if t.Hidden, err = experiment.MatchingUnits(reference, t, c.inputs, c.outputs); err != nil {
		return experiment.Result{}, err
	}
	return env.Measure(ctx, t, func(n *experiment.Trained, r *experiment.Result) error {
		r.Values["hidden"], r.Values["lr"], r.Values["samples"] = float64(t.Hidden), t.Options.LR, float64(n.Task.Train.Len())
		for _, e := range n.Evaluations {
			if c.images && e.Test.Accuracy() >= c.threshold || !c.images && e.Test.Loss() <= c.threshold {
				r.Values["learned_steps"], r.Values["learned_seconds"] = float64(e.Step), e.Seconds
				break
			}
		}
		var norms []float64
		for _, step := range n.Steps {
			norms = append(norms, step.GradNorm)
		}
		slices.Sort(norms)
		for i, p := range normShares {
			if len(norms) > 0 {
				r.Values[normNames[i]] = stat.Quantile(p, stat.Empirical, norms, nil)
			}
		}
		return nil
	})
}

// Percentiles of the norm of the gradient before clipping, over the updates.
var (
	normShares = []float64{0.05, 0.5, 0.95, 1}
	normNames  = []string{"norm_5", "norm_50", "norm_95", "norm_max"}
)

// Report implements Settings.
func (s *learning) Report(results experiment.Rows) (experiment.Report, error) {
	conditions, err := s.conditions()
	if err != nil {
		return experiment.Report{}, err
	}
	var r experiment.Report
	tables := map[string]int{}
	for _, c := range conditions {
		of := results.Of(c.String())
		if len(of) == 0 {
			continue
		}
		if _, ok := tables[c.name]; !ok {
			tables[c.name] = len(r.Tables)
			r.Tables = append(r.Tables, c.table())
		}
		t := &r.Tables[tables[c.name]]
		t.Rows = append(t.Rows, c.row(of))
	}
	for _, name := range s.Tasks {
		if lines := s.course(results, conditions, name); len(lines.Series) > 0 {
			r.Charts = append(r.Charts, experiment.Chart{Name: name, Caption: fmt.Sprintf("With the gradient clipped at %g; mean over seeds and their range.", s.Clip), Lines: lines})
		}
	}
	r.Tables = append(r.Tables, anchors)
	r.Verdict, r.Result = s.verdict(results, conditions)
	return r, nil
}

// measured is the number that a task is judged by.
func (c learningCase) measured() (value, what string) {
	switch {
	case c.images:
		return "last_accuracy", "test accuracy"
	case c.task == "adding":
		return "last_loss", "test MSE"
	}
	return "last_loss", "test cross-entropy, nats"
}

// table returns the empty table of a task.
func (c learningCase) table() rows.Table {
	_, what := c.measured()
	goal := fmt.Sprintf("accuracy of %g", c.threshold)
	if !c.images {
		goal = fmt.Sprintf("loss of %.3g; without memory %.3g", c.threshold, c.constant)
	}
	return rows.Table{Title: fmt.Sprintf("%s (learned: %s)", c.name, goal),
		Head: []string{"cell", "units", "parameters", "gradient", what + " (range of seeds)", "diverged", "learned", "updates to that", "seconds to that", "norm of the gradient: 5 %, median, 95 %, largest"}}
}

// row writes what came of one condition.
func (c learningCase) row(of experiment.Rows) []string {
	value, _ := c.measured()
	n, learned := len(of), len(of.Values("learned_steps"))
	var norms []string
	for _, name := range normNames {
		norms = append(norms, rows.Mean([]float64{of.Mean(name).Value}).FormatOr("%.2g"))
	}
	return []string{c.model, fmt.Sprint(of[0].Values["hidden"]), fmt.Sprint(of[0].Values["parameters"]), c.clipping(), rows.Spread(of.Values(value)).FormatOr("%.4g"),
		fmt.Sprintf("%d of %d", c.diverged(of), n), fmt.Sprintf("%d of %d", learned, n), rows.Spread(of.Values("learned_steps")).FormatOr("%.0f"), rows.Spread(of.Values("learned_seconds")).FormatOr("%.0f"),
		strings.Join(norms, ", ")}
}

// exploded is how many times the loss of a blank read-out a training ends with, at least, that has
// diverged although its numbers are still finite.
const exploded = 10

// diverged counts the trainings that met a number that is not finite, or ended in one without sense.
func (c learningCase) diverged(of experiment.Rows) int {
	n := 0
	for _, r := range of {
		if last, ok := r.Values["last_loss"]; r.Values["diverged"] > 0 || ok && !(last <= exploded*c.blank) {
			n++
		}
	}
	return n
}

// course draws the learning curves of one task.
func (s *learning) course(results experiment.Rows, conditions []learningCase, name string) chart.Lines {
	var lines chart.Lines
	for _, c := range conditions {
		of := results.Of(c.String())
		if c.name != name || c.clip == 0 || len(of) == 0 || len(of[0].Curves["step"]) == 0 {
			continue
		}
		_, what := c.measured()
		lines.Title, lines.XLabel, lines.YLabel = name, "updates", what
		curve := "test_accuracy"
		if !c.images {
			curve, lines.LogY = "test_loss", true
		}
		series := chart.Series{Name: c.model, X: of[0].Curves["step"]}
		for i := range series.X {
			var seeds []float64
			for _, r := range of {
				if y := r.Curves[curve]; i < len(y) {
					seeds = append(seeds, y[i])
				}
			}
			rows.AddSpread(&series, seeds)
		}
		lines.Series = append(lines.Series, series)
	}
	return lines
}

// rare is the share of trainings that diverge below which the claim holds; 36 in which none does
// rule out more.
const rare = 0.1

// isCharged tells whether the claim is about a model.
func isCharged(model string) bool { return strings.HasPrefix(model, "crnn") }

// verdict counts divergences without clipping.
func (s *learning) verdict(results experiment.Rows, conditions []learningCase) (experiment.Verdict, string) {
	count := func(keep func(c learningCase) bool) (diverged, n int) {
		for _, c := range conditions {
			if of := results.Of(c.String()); keep(c) {
				diverged, n = diverged+c.diverged(of), n+len(of)
			}
		}
		return diverged, n
	}
	ours, of := count(func(c learningCase) bool { return isCharged(c.model) && c.clip == 0 })
	clipped, ofClipped := count(func(c learningCase) bool { return isCharged(c.model) && c.clip > 0 })
	others, ofOthers := count(func(c learningCase) bool { return !isCharged(c.model) && c.clip == 0 })
	verdict := experiment.None
	var text []string
	if of > 0 {
		text = append(text, fmt.Sprintf("Without clipping %d of %d trainings of charged RNNs diverged (%s).", ours, of, rows.Share(ours, of).Percent()))
		if ours > 0 {
			var each []string
			for _, model := range slices.DeleteFunc(slices.Clone(s.Models), func(m string) bool { return !isCharged(m) }) {
				d, n := count(func(c learningCase) bool { return c.model == model && c.clip == 0 })
				each = append(each, fmt.Sprintf("%s %d of %d", model, d, n))
			}
			text = append(text, "Of each: "+strings.Join(each, ", ")+".")
		}
		switch {
		case ours == 0 && rows.Share(ours, of).Interval[1] < rare:
			verdict = experiment.Holds
		case ours == 0:
			text = append(text, fmt.Sprintf("That is too few to rule out that one in %.0f does, and so no verdict.", 1/rare))
		case ofClipped > 0 && clipped == 0:
			verdict = experiment.HoldsWhen
			text = append(text, "With clipping none did: that is the condition.")
		default:
			verdict = experiment.Fails
		}
	}
	if ofOthers > 0 {
		text = append(text, fmt.Sprintf("Of the other cells without clipping %d of %d did (%s).", others, ofOthers, rows.Share(others, ofOthers).Percent()))
		if ours == 0 && others == 0 {
			text = append(text, "So it does not set charged RNNs apart at these settings.")
		}
	}
	text = append(text, fmt.Sprintf("Measured so far: %s; trainings of %d updates, cells with the learned parameters of an lstm of %d units. "+
		"To diverge is to meet a number that is not finite, or to end with a loss above %d times that of a read-out of zeros; not to diverge is not to learn, see the tables.",
		strings.Join(s.Tasks, ", "), s.Updates, s.Hidden, exploded))
	if s.Hidden < 128 || s.Updates < 5000 {
		text = append(text, "That is less than the default of 128 units and 5000 updates, and much less than behind the published numbers.")
	}
	for _, c := range conditions {
		of := results.Of(c.String())
		if c.images && len(of) > 0 && of[0].Values["samples"] < float64(c.samples) {
			text = append(text, fmt.Sprintf("The files of %s held %.0f of its %d training samples. Its accuracies are not those of the whole.",
				c.task, of[0].Values["samples"], c.samples))
			break
		}
	}
	for _, row := range results {
		if m := row.Machine; m.Load > float64(m.Cores) {
			text = append(text, fmt.Sprintf("Other programs ran meanwhile (load %.0f on %d cores at the beginning), so seconds say little.", m.Load, m.Cores))
			break
		}
	}
	return verdict, strings.Join(text, " ")
}

// anchors are published accuracies.
//
// Sources: Chang, Chen, Haber and Chi (2019), ICLR, arXiv:1902.09689, tables 1 and 2; Rusch and
// Mishra (2021), ICLR, arXiv:2010.00951 and its code; Atienza, Deep-Learning-Experiments.
var anchors = rows.Table{Title: "Published test accuracies, in percent", Head: []string{"cell", "units (parameters)", "mnist-rows", "mnist-pixels", "mnist-permuted", "cifar10-pixels", "source"},
	Rows: [][]string{
		{"LSTM", "128 (68k)", "-", "97.3", "92.6", "59.7", "Chang et al. 2019"},
		{"AntisymmetricRNN", "128 (10k); CIFAR 256 (36k)", "-", "98.0", "95.8", "58.7", "Chang et al. 2019"},
		{"coRNN", "-", "-", "99.4", "97.3", "-", "Rusch and Mishra 2021"},
		{"LSTM", "256", "98.9", "-", "-", "-", "Atienza"},
		{"SimpleRNN", "256", "98.0", "-", "-", "-", "Atienza"},
	}}
