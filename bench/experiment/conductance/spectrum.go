package conductance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "spectrum",
		Doc:    "accuracy of gated and conductance-based cells, from artificial to biological, with and without Dale's law",
		Claim:  "on hard pictures accuracy decreases as constraints increase, from the GRU over varying to fixed conductances; on digits all do well",
		Source: "notes on conductance-based recurrent networks, section 4, which name no number; the test is this project's",
		New: func() experiment.Settings {
			return &spectrum{Tasks: []string{"cifar10-rows", "mnist-rows"}, Hidden: 128, Epochs: 3, ShortEpochs: 12, DigitSeeds: 3, LR: 3e-3, Batch: 64}
		},
	})
}

// spectrum trains cells that have more and more in common with neurons, each with free weights and
// with Dale's law, and compares their accuracy, seed by seed.
type spectrum struct {
	Tasks       []string `toml:"tasks" doc:"tasks to train on"`
	Hidden      int      `toml:"hidden" doc:"number H of hidden units" min:"2" max:"65536"`
	Epochs      int      `toml:"epochs" doc:"passes over the training set of mnist-rows" min:"1" max:"1000"`
	ShortEpochs int      `toml:"short_epochs" doc:"passes over those of other tasks" min:"1" max:"1000"`
	DigitSeeds  int      `toml:"digit_seeds" doc:"seeds of mnist-rows, at most as many as there are" min:"1" max:"1000"`
	LR          float64  `toml:"lr" doc:"learning rate at its peak, the same for all cells" min:"1e-6" max:"1"`
	Batch       int      `toml:"batch" doc:"sequences per update" min:"1" max:"65536"`

	quick bool
}

// spectrumCells are the cells, the least constrained first.
var spectrumCells = []string{"gru", "cond-gru", "cond-varying", "cond-fixed"}

// Quick implements Settings. It needs no data-set files.
func (s *spectrum) Quick() {
	s.Tasks, s.Hidden, s.Epochs, s.ShortEpochs, s.Batch, s.quick = []string{"looming"}, 5, 1, 1, 4, true
}

// spectrumPlace is a condition: task, cell, Dale's law.
type spectrumPlace struct {
	task, cell string
	dale       bool
}

func (p spectrumPlace) String() string { return p.task + ", " + p.short() }

// short is the condition without its task.
func (p spectrumPlace) short() string {
	if p.dale {
		return p.cell + ", Dale"
	}
	return p.cell
}

// places returns the conditions of a task, the least constrained first.
func places(task string) []spectrumPlace {
	var list []spectrumPlace
	for _, dale := range []bool{false, true} {
		for _, cell := range spectrumCells {
			list = append(list, spectrumPlace{task, cell, dale})
		}
	}
	return list
}

// Cases implements Settings. Seeds come before conditions, so that a run that is cut off has
// whole seeds to compare.
func (s *spectrum) Cases(seeds []uint64) ([]experiment.Case, error) {
	var cases []experiment.Case
	for i, task := range s.Tasks {
		if slices.Contains(s.Tasks[:i], task) {
			return nil, fmt.Errorf("tasks has %q twice", task)
		}
		of, cost := seeds, 1.0
		if task == digitTask {
			cost = digitCost * float64(s.Epochs) / float64(s.ShortEpochs)
			of = of[:min(s.DigitSeeds, len(seeds))]
		}
		var all []experiment.Condition
		for _, p := range places(task) {
			all = append(all, experiment.Condition{Name: p.String(), Cost: cost, Run: experiment.Of(p, s.measure)})
		}
		cases = append(cases, experiment.BySeed(all, of)...)
	}
	return cases, nil
}

const (
	digitTask = "mnist-rows"
	digitCost = 8 // of an epoch of digits, in one of the objects that the defaults are made for
)

// keys returns the settings of training, beside the recipe of the task.
func (s *spectrum) keys(p spectrumPlace, seed uint64) map[string]any {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.ShortEpochs, "batch": s.Batch, "lr": s.LR, "schedule": "onecycle", "warmup": 0.3,
		"dale": p.dale, "seed": seed}
	if p.task == digitTask {
		keys["epochs"] = s.Epochs
	}
	if s.quick {
		keys["train_size"], keys["test_size"], keys["max_steps"] = 8, 8, 2
	}
	return keys
}

// measure trains one network.
func (s *spectrum) measure(ctx context.Context, env *experiment.Env, p spectrumPlace, seed uint64) (experiment.Result, error) {
	t, err := env.Configure(p.cell, p.task, s.keys(p, seed))
	if err != nil {
		return experiment.Result{}, err
	}
	return env.Measure(ctx, t, func(n *experiment.Trained, r *experiment.Result) error {
		r.Values["train_size"], r.Values["test_size"] = float64(n.Task.Train.Len()), float64(n.Task.Test.Len())
		r.Values["accuracy"] = r.Values["last_accuracy"]
		if n.Diverged() { // it answers like chance
			r.Values["accuracy"] = 1 / float64(n.Task.O)
		}
		return nil
	})
}

// comparison is of two conditions of one task, a less constrained than b, over the seeds of both.
type comparison struct {
	a, b       spectrumPlace
	difference rows.Estimate // of accuracy, a − b
	p          float64       // one-sided, of no positive difference; NaN with fewer than two seeds
}

// compare pairs the accuracies of two conditions by their seeds.
//
// Source: Student (1908), Biometrika 6:1.
func compare(results experiment.Rows, a, b spectrumPlace) comparison {
	var differences []float64
	for _, r := range results.Of(a.String()) {
		for _, other := range results.Of(b.String()) {
			if other.Seed == r.Seed {
				differences = append(differences, r.Values["accuracy"]-other.Values["accuracy"])
			}
		}
	}
	c := comparison{a, b, rows.Mean(differences), math.NaN()}
	if n := float64(len(differences)); n > 1 {
		mean, sd := stat.MeanStdDev(differences, nil)
		c.p = 1 - distuv.StudentsT{Sigma: 1, Nu: n - 1}.CDF(mean/(sd/math.Sqrt(n)))
	}
	return c
}

// spectrumP is the level of the tests.
const spectrumP = 0.05

// significant reports whether a is better than b beyond chance, and contradicts whether b is.
func (c comparison) significant() bool { return c.p < spectrumP }
func (c comparison) contradicts() bool { return c.p > 1-spectrumP }

// row is the comparison in words.
func (c comparison) row() []string {
	return []string{c.a.task, c.a.short() + " over " + c.b.short(), points(c.difference), fmt.Sprint(c.difference.N), fmt.Sprintf("%.2g", c.p)}
}

// points writes a difference of accuracies in percentage points.
func points(e rows.Estimate) string { return e.Times(100).Format("%.1f") + " points" }

// comparisons returns those that the claim is about: the extremes, the neighbours, and what Dale's
// law costs each cell.
func comparisons(results experiment.Rows, task string) (extremes comparison, others []comparison) {
	all := places(task)
	n := len(spectrumCells)
	extremes = compare(results, all[0], all[2*n-1])
	for i := 1; i < n; i++ {
		others = append(others, compare(results, all[i-1], all[i]))
	}
	for i := range n {
		others = append(others, compare(results, all[i], all[n+i]))
	}
	return extremes, others
}

// Report implements Settings.
func (s *spectrum) Report(results experiment.Rows) (experiment.Report, error) {
	accuracy := rows.Table{Title: fmt.Sprintf("Test accuracy after the last epoch, H = %d", s.Hidden),
		Head: []string{"task", "cell", "weights", "learned parameters", "accuracy", "best of all epochs", "seeds"}}
	tests := rows.Table{Title: "Pairs of the same seed, one-sided", Head: []string{"task", "pair", "difference", "seeds", "p"}}
	lines := chart.Lines{Title: "Accuracy from artificial to biological", XLabel: "cell: " + strings.Join(numbered(spectrumCells), ", "), YLabel: "test accuracy (%)"}
	r := experiment.Report{}
	var f spectrumFound
	for i, task := range s.Tasks {
		for _, dale := range []bool{false, true} {
			name, weights := task, "free"
			if dale {
				name, weights = task+", Dale", "Dale"
			}
			var x []float64
			var y []rows.Estimate
			for k, cell := range spectrumCells {
				p := spectrumPlace{task, cell, dale}
				of := results.Of(p.String())
				if len(of) == 0 {
					continue
				}
				accuracy.Rows = append(accuracy.Rows, []string{task, cell, weights, fmt.Sprint(of.Mean("parameters").Value), of.Mean("accuracy").PercentTenths(),
					of.Mean("best_accuracy").PercentTenths(), fmt.Sprint(len(of))})
				x, y = append(x, float64(k+1)), append(y, of.Mean("accuracy").Times(100))
			}
			if len(x) > 0 {
				band := rows.Band(name, x, y)
				band.Dots, band.Dashed, band.Hue = true, dale, i+1
				lines.Series = append(lines.Series, band)
			}
		}
		extremes, others := comparisons(results, task)
		if extremes.difference.N == 0 {
			continue
		}
		f.extremes = append(f.extremes, extremes)
		for _, c := range append([]comparison{extremes}, others...) {
			if c.difference.N > 0 {
				tests.Rows = append(tests.Rows, c.row())
				f.take(c)
			}
		}
	}
	lines.XTicks = []float64{1, 2, 3, 4}
	r.Tables = []rows.Table{accuracy, tests}
	if len(lines.Series) > 0 {
		r.Charts = []experiment.Chart{{Name: "accuracy", Caption: "Mean over seeds with its interval; Dale's law dashed.", Lines: lines}}
	}
	r.Verdict = f.verdict()
	r.Result = s.words(results, f)
	return r, nil
}

// spectrumFound is what became of the parts of the claim.
type spectrumFound struct {
	extremes    []comparison // of each task
	against     []comparison // where the more constrained one is better in the mean
	contradicts int          // of these, beyond chance
}

func (f *spectrumFound) take(c comparison) {
	if c.difference.Value < 0 {
		f.against = append(f.against, c)
	}
	if c.contradicts() {
		f.contradicts++
	}
}

// verdict holds where the extremes differ on every task and every step of the order is seen. It
// fails where the extremes differ on no task, or where a step goes the other way beyond chance.
func (f *spectrumFound) verdict() experiment.Verdict {
	n := 0
	for _, c := range f.extremes {
		if c.significant() {
			n++
		}
	}
	switch {
	case len(f.extremes) == 0:
		return experiment.None
	case n == 0 || f.contradicts > 0:
		return experiment.Fails
	case n == len(f.extremes) && len(f.against) == 0:
		return experiment.Holds
	}
	return experiment.HoldsWhen
}

// numbered puts a number before each word, from 1 on.
func numbered(words []string) []string {
	var list []string
	for i, w := range words {
		list = append(list, fmt.Sprintf("%d %s", i+1, w))
	}
	return list
}

// words says what was found.
func (s *spectrum) words(results experiment.Rows, f spectrumFound) string {
	text := fmt.Sprintf("All cells have %d units and were trained alike: batches of %d, one cycle of the learning rate with its peak at %g. ", s.Hidden, s.Batch, s.LR)
	for _, task := range s.Tasks {
		of := results.Where(func(r experiment.Row) bool { return strings.HasPrefix(r.Condition, task+", ") })
		if len(of) == 0 {
			continue
		}
		epochs := s.ShortEpochs
		if task == digitTask {
			epochs = s.Epochs
		}
		text += fmt.Sprintf("%s: %d epochs of %v training pictures, %v for the test. ", task, epochs, of[0].Values["train_size"], of[0].Values["test_size"])
		if n := of.Sum("diverged"); n > 0 {
			text += fmt.Sprintf("%v of its %d networks ended in numbers that are not finite and count as chance. ", n, len(of))
		}
	}
	for _, c := range f.extremes {
		says := "is better"
		if !c.significant() {
			says = "is not better beyond chance"
		}
		text += fmt.Sprintf("On %s the least constrained, %s, %s than the most constrained, %s: by %s, p = %.2g over %d seeds. ",
			c.a.task, c.a.short(), says, c.b.short(), points(c.difference), c.p, c.difference.N)
	}
	if len(f.against) == 0 {
		return text + "Every step of the order, and Dale's law with every cell, costs accuracy in the mean."
	}
	var list []string
	for _, c := range f.against {
		word := fmt.Sprintf("%s over %s on %s", c.b.short(), c.a.short(), c.a.task)
		if c.contradicts() {
			word += " (beyond chance)"
		}
		list = append(list, word)
	}
	return text + "Not all steps between go that way. The more constrained one of a pair is better in the mean: " + strings.Join(list, "; ") + "."
}
