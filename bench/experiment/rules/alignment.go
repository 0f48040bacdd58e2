package rules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine"
	"galvani/engine/chart"
	"galvani/models/layered"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "alignment",
		Doc:    "angles between what each rule changes and the gradient, over training, and the error on the test set",
		Claim:  "errors that come back through other weights than those of the layer above still make every hidden layer change within 90 degrees of the gradient",
		Source: "Lillicrap, Cownden, Tweed and Akerman (2016), doi:10.1038/ncomms13276, for feedback alignment; the other rules: galvani rules list",
		New: func() experiment.Settings {
			return &alignment{Task: "mnist", Hidden: []int{200, 200}, Epochs: 6, TrainLimit: 12000, TestLimit: 10000, LR: 0.05, Batch: 64}
		},
	})
}

// alignment trains a layered network by every rule.
type alignment struct {
	Task       string  `toml:"task" doc:"task to train on" oneof:"mnist|cifar10"`
	Hidden     []int   `toml:"hidden" doc:"units of each hidden layer" min:"1" max:"65536" nonempty:"true"`
	Epochs     int     `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	TrainLimit int     `toml:"train_limit" doc:"training samples, 0 for all" min:"0" max:"100000000"`
	TestLimit  int     `toml:"test_limit" doc:"test samples, 0 for all" min:"0" max:"100000000"`
	LR         float64 `toml:"lr" doc:"learning rate of the stochastic gradient, with momentum 0.9, at its peak; it falls along a cosine" min:"1e-6" max:"1"`
	Batch      int     `toml:"batch" doc:"samples per update" min:"1" max:"65536"`

	quick bool
}

// Quick implements Settings. It needs no data-set files.
func (s *alignment) Quick() {
	s.Hidden, s.Epochs, s.Batch, s.quick = []int{6, 5}, 2, 8, true
}

// condition is a rule as it is called in the tables.
type condition struct{ name, rule, symmetry string }

var conditions = []condition{
	{"backprop", "backprop", "usf"},
	{"feedback alignment", "feedback-alignment", "usf"},
	{"direct feedback alignment", "direct-feedback-alignment", "usf"},
	{"sign symmetry, usf", "sign-symmetry", "usf"},
	{"sign symmetry, frsf", "sign-symmetry", "frsf"},
	{"sign symmetry, brsf", "sign-symmetry", "brsf"},
	{"kolen-pollack", "kolen-pollack", "usf"},
	{"weight mirror", "weight-mirror", "usf"},
}

// Cases implements Settings. Seeds come before conditions, so that a run that is cut off has whole seeds.
func (s *alignment) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, c := range conditions {
		all = append(all, experiment.Condition{Name: c.name, Run: experiment.Of(c, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// options are those of training.
func (s *alignment) options(seed uint64) engine.Options {
	o := engine.DefaultOptions()
	o.Optimizer, o.LR, o.Momentum, o.WeightDecay = "sgd", s.LR, 0.9, 5e-4
	o.Schedule, o.Warmup, o.Epochs, o.Batch, o.Seed = "cosine", 0, s.Epochs, s.Batch, seed
	return o
}

// measure trains one network.
func (s *alignment) measure(ctx context.Context, env *experiment.Env, c condition, seed uint64) (experiment.Result, error) {
	dev, err := env.Device()
	if err != nil {
		return experiment.Result{}, err
	}
	task, err := pictures(env, s.quick, s.Task, seed, s.TrainLimit, s.TestLimit, 0)
	if err != nil {
		return experiment.Result{}, err
	}
	m := layered.NewMLP()
	m.Hidden, m.Rule, m.Symmetry = s.Hidden, c.rule, c.symmetry
	net, err := layered.Bind("mlp", m, task.I, task.O)
	if err != nil {
		return experiment.Result{}, err
	}
	curves := map[string]rows.Curve{}
	cfg := engine.Config{Net: net, Task: task, Device: dev, Options: s.options(seed), Exact: net.Exact(), Compare: &engine.Comparison{Pairs: net.Pairs()}}
	r, steps, err := train(ctx, env, cfg, func(e engine.EvalEvent) error {
		addAngles(curves, e)
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Curves = curves
	if r.Note == "" {
		r.Values["steps"] = float64(steps)
		for name, curve := range curves {
			r.Values[name] = curve[len(curve)-1]
		}
	}
	return r, nil
}

// addAngles adds to the curves what an evaluation tells of the weights that go back.
func addAngles(curves map[string]rows.Curve, e engine.EvalEvent) {
	for _, d := range e.Against {
		name := strings.ReplaceAll(strings.TrimSuffix(d.Name, ".weight"), ".", "_")
		curves["angle_"+name] = append(curves["angle_"+name], d.Degrees)
		if strings.HasSuffix(d.Name, ".weight") {
			curves["ratio_"+name] = append(curves["ratio_"+name], d.Ratio)
		}
	}
}

// Report implements Settings.
func (s *alignment) Report(results experiment.Rows) (experiment.Report, error) {
	hidden := len(s.Hidden)
	head := []string{"rule", "test error"}
	for l := range hidden {
		head = append(head, fmt.Sprintf("angle of layer %d", l+1))
	}
	head = append(head, "angle of B to W", "norm ratio of layer 1", "seeds")
	t := rows.Table{Title: fmt.Sprintf("%s, hidden layers %v, %d training samples, %d epochs, batches of %d", s.Task, s.Hidden, s.TrainLimit, s.Epochs, s.Batch), Head: head}
	var charts []experiment.Chart
	for l := range hidden {
		charts = append(charts, s.angles(results, l+1))
	}
	for _, c := range conditions {
		of := results.Of(c.name)
		if len(of) == 0 {
			continue
		}
		row := []string{c.name, of.Mean("error").PercentTenths()}
		for l := range hidden {
			row = append(row, strings.ReplaceAll(of.Mean(angleOf(l+1)).Format("%.0f°"), "-0°", "0°"))
		}
		back := "-"
		if len(of.Values("angle_layer2_feedback")) > 0 {
			back = of.Mean("angle_layer2_feedback").Format("%.0f°")
		}
		t.Rows = append(t.Rows, append(row, back, of.Mean("ratio_layer1").Format("%.2f"), fmt.Sprint(len(of))))
	}
	return experiment.Report{Verdict: s.verdict(results), Result: s.words(results), Tables: []rows.Table{t}, Charts: charts}, nil
}

func angleOf(layer int) string { return fmt.Sprintf("angle_layer%d", layer) }

// verdict holds where with every rule every hidden layer of every network ends within 90° of the gradient.
func (s *alignment) verdict(results experiment.Rows) experiment.Verdict {
	if len(results) == 0 {
		return experiment.None
	}
	for _, r := range results {
		for l := range s.Hidden {
			if a, ok := r.Values[angleOf(l+1)]; !ok || a >= 90 {
				return experiment.Fails
			}
		}
	}
	return experiment.Holds
}

// words says what was found.
func (s *alignment) words(results experiment.Rows) string {
	text := fmt.Sprintf("All networks were trained alike: stochastic gradient with momentum 0.9, learning rate %g falling along a cosine, weight decay 5e-4, the norm of the changes of the forward weights clipped at 1. ", s.LR)
	text += "Angles are taken at the end of every epoch on the first training batch, between the change that the rule gives the weights of a layer and their gradient."
	exact := results.Of("backprop")
	for _, c := range conditions[1:] {
		of := results.Of(c.name)
		if len(of) == 0 {
			continue
		}
		if diverged := len(of) - len(of.Values(angleOf(1))); diverged > 0 {
			text += fmt.Sprintf(" %s: %d of %d trainings diverged.", capital(c.name), diverged, len(of))
			continue
		}
		largest := 0.0
		for l := range s.Hidden {
			largest = max(largest, slices.Max(append(of.Values(angleOf(l+1)), 0)))
		}
		text += fmt.Sprintf(" %s: at most %.0f° at the end", capital(c.name), largest)
		if len(exact) > 0 {
			text += fmt.Sprintf(", %.1f points more error than backprop", 100*(of.Mean("error").Value-exact.Mean("error").Value))
		}
		text += "."
	}
	return text
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// angles draws the mean angle of a layer over the epochs.
func (s *alignment) angles(results experiment.Rows, layer int) experiment.Chart {
	lines := chart.Lines{Title: fmt.Sprintf("Updates of layer %d beside the gradient", layer), XLabel: "epoch", YLabel: "angle (degrees)", Levels: []chart.Level{{Y: 90, Text: "no relation"}}}
	for _, c := range conditions[1:] {
		series := chart.Series{Name: c.name, Dots: true}
		for epoch := range s.Epochs {
			sum, n := 0.0, 0
			for _, r := range results.Of(c.name) {
				if curve := r.Curves[angleOf(layer)]; epoch < len(curve) {
					sum, n = sum+curve[epoch], n+1
				}
			}
			if n > 0 {
				series.X, series.Y = append(series.X, float64(epoch+1)), append(series.Y, sum/float64(n))
			}
		}
		lines.Series = append(lines.Series, series)
	}
	return experiment.Chart{Name: fmt.Sprintf("layer%d", layer), Caption: "Mean over the seeds, at the end of each epoch.", Lines: lines}
}
