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
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "a-relaxation",
		Doc:    "conductance per current, A, as one number, of each presynaptic or postsynaptic unit or of each type, with and without Dale's law",
		Claim:  "with a number A_j for each presynaptic cell, learning finds the two values that biophysics asks for, one of excitatory and one of inhibitory cells",
		Source: "notes on conductance-based recurrent networks, section 4, where it is the hope for later; the measure is this project's",
		New: func() experiment.Settings {
			return &relaxation{Task: digitTask, Hidden: 128, Epochs: 3, LR: 5e-3, Batch: 128, Bins: 24}
		},
	})
}

// relaxation trains cond-varying with every shape that A can have. All A start at the same value,
// so that types differ in it only through learning.
type relaxation struct {
	Task   string  `toml:"task" doc:"task to train on"`
	Hidden int     `toml:"hidden" doc:"number H of hidden units" min:"2" max:"65536"`
	Epochs int     `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	LR     float64 `toml:"lr" doc:"learning rate at its peak" min:"1e-6" max:"1"`
	Batch  int     `toml:"batch" doc:"sequences per update" min:"1" max:"65536"`
	Bins   int     `toml:"bins" doc:"bins of the histograms" min:"2" max:"1024"`

	quick bool
}

// Quick implements Settings. It needs no data-set files.
func (s *relaxation) Quick() {
	s.Task, s.Hidden, s.Epochs, s.Batch, s.Bins, s.quick = "looming", 5, 1, 4, 4, true
}

// relaxed is a condition: the shape of A, Dale's law.
type relaxed struct {
	shape string
	dale  bool
}

func (c relaxed) String() string {
	if c.dale {
		return c.shape + ", Dale"
	}
	return c.shape
}

// relaxations returns the conditions.
func relaxations() []relaxed {
	return []relaxed{{"scalar", false}, {"pre", false}, {"post", false}, {"scalar", true}, {"pre", true}, {"post", true}, {"type", true}}
}

// Cases implements Settings. Seeds come before conditions, so that a run that is cut off has whole
// seeds.
func (s *relaxation) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, c := range relaxations() {
		all = append(all, experiment.Condition{Name: c.String(), Run: experiment.Of(c, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// measure trains one network and takes its A by the type of the units.
func (s *relaxation) measure(ctx context.Context, env *experiment.Env, c relaxed, seed uint64) (experiment.Result, error) {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.Epochs, "batch": s.Batch, "lr": s.LR, "schedule": "onecycle", "warmup": 0.3,
		"a_shape": c.shape, "dale": c.dale, "seed": seed}
	if s.quick {
		keys["train_size"], keys["test_size"], keys["max_steps"] = 8, 8, 2
	}
	t, err := env.Configure("cond-varying", s.Task, keys)
	if err != nil {
		return experiment.Result{}, err
	}
	return env.Measure(ctx, t, func(n *experiment.Trained, r *experiment.Result) error {
		names := []string{"A"}
		if c.shape == "type" {
			names = []string{"A_E", "A_I"}
		}
		var a []float64
		for _, name := range names {
			v, err := n.Parameter("cell." + name)
			if err != nil {
				return err
			}
			a = append(a, v...)
		}
		excitatory := n.Net.Excitatory()
		if c.shape == "type" {
			excitatory = 1
		}
		r.Curves["A"], r.Values["excitatory"] = a, float64(excitatory)
		byType(r.Values, a, excitatory)
		return nil
	})
}

// byType tells how A differs between the first units, which excite, and the others: the mean of
// each, I − E, and the chance that A of an I unit is above that of an E unit. One number for all
// has no types, and neither have networks without Dale's law.
func byType(v rows.Values, a []float64, excitatory int) {
	mean, sd := stat.MeanStdDev(a, nil)
	if v["A"] = mean; len(a) > 1 {
		v["A_sd"] = sd
	}
	if excitatory == 0 || excitatory >= len(a) {
		return
	}
	e, i := a[:excitatory], a[excitatory:]
	v["A_E"], v["A_I"] = stat.Mean(e, nil), stat.Mean(i, nil)
	v["A_I-E"], v["auc"] = v["A_I"]-v["A_E"], above(i, e)
}

// above returns the chance that a number of a is above one of b, where equal ones count half: the
// area under the curve of telling them apart by a threshold.
//
// Source: Mann and Whitney (1947), Annals of Mathematical Statistics 18:50.
func above(a, b []float64) float64 {
	sum := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				sum++
			case x == y:
				sum += 0.5
			}
		}
	}
	return sum / float64(len(a)*len(b))
}

// apart is how well a threshold on A has to tell the types apart, in either direction, for its
// values to be two.
const apart = 0.95

// Report implements Settings.
func (s *relaxation) Report(results experiment.Rows) (experiment.Report, error) {
	t := rows.Table{Title: fmt.Sprintf("cond-varying with H = %d on %s, %d epochs", s.Hidden, s.Task, s.Epochs),
		Head: []string{"A", "weights", "learned parameters", "test accuracy", "mean A", "sd over units", "mean of E units", "mean of I units", "I − E", "P(A of I > A of E)", "seeds"}}
	r := experiment.Report{}
	for _, c := range relaxations() {
		of := results.Of(c.String())
		if len(of) == 0 {
			continue
		}
		weights := "free"
		if c.dale {
			weights = "Dale"
		}
		row := []string{c.shape, weights, fmt.Sprint(of.Mean("parameters").Value), of.Mean("last_accuracy").PercentTenths()}
		for _, name := range []string{"A", "A_sd", "A_E", "A_I", "A_I-E", "auc"} {
			word := "-"
			if len(of.Values(name)) > 0 && (name != "auc" || c.shape != "type") {
				word = of.Mean(name).Format("%.3f")
			}
			row = append(row, word)
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprint(len(of))))
		if c.shape == "pre" || c.shape == "post" {
			r.Charts = append(r.Charts, s.histogram(c, of))
		}
	}
	r.Tables = []rows.Table{t}
	pre := results.Of(relaxed{"pre", true}.String())
	r.Verdict = relaxationVerdict(pre)
	r.Result = s.words(results, pre)
	return r, nil
}

// relaxationVerdict holds where a threshold on A tells the types apart in every network, and in
// the same direction. Means that differ are less than that.
func relaxationVerdict(pre experiment.Rows) experiment.Verdict {
	auc := pre.Values("auc")
	switch {
	case len(auc) == 0:
		return experiment.None
	case slices.Min(auc) >= apart || slices.Max(auc) <= 1-apart:
		return experiment.Holds
	}
	return experiment.Fails
}

// histogram draws the A of the units of all seeds, by type where there are types.
func (s *relaxation) histogram(c relaxed, of experiment.Rows) experiment.Chart {
	types := map[bool][]float64{}
	most := 0.0
	for _, r := range of {
		for i, a := range r.Curves["A"] {
			inhibits := c.dale && i >= int(r.Values["excitatory"])
			types[inhibits], most = append(types[inhibits], a), math.Max(most, a)
		}
	}
	lines := chart.Lines{Title: "Learned A, " + c.String(), XLabel: "A", YLabel: "share of the units in a bin"}
	bins := rows.Bins{From: 0, To: math.Max(most, math.SmallestNonzeroFloat32), N: s.Bins}
	for _, inhibits := range []bool{false, true} {
		if len(types[inhibits]) == 0 {
			continue
		}
		name := "all units"
		if c.dale {
			name = map[bool]string{false: "E units", true: "I units"}[inhibits]
		}
		lines.Series = append(lines.Series, rows.Histogram(name, types[inhibits], bins))
	}
	name := c.shape
	if c.dale {
		name += "-dale"
	}
	return experiment.Chart{Name: name, Caption: "Units of all seeds; A starts at 1.", Lines: lines}
}

// words says what was found.
func (s *relaxation) words(results, pre experiment.Rows) string {
	text := fmt.Sprintf("All networks were trained alike: %d epochs, batches of %d, one cycle of the learning rate with its peak at %g. Every A starts at 1.", s.Epochs, s.Batch, s.LR)
	for _, dale := range []bool{false, true} {
		var list []string
		for _, c := range relaxations() {
			if of := results.Of(c.String()); c.dale == dale && len(of) > 0 {
				list = append(list, fmt.Sprintf("%s %s", c.shape, of.Mean("last_accuracy").PercentTenths()))
			}
		}
		if len(list) > 0 {
			text += fmt.Sprintf(" Accuracy %s: %s.", map[bool]string{false: "with free weights", true: "with Dale's law"}[dale], strings.Join(list, ", "))
		}
	}
	if len(pre) == 0 {
		return text
	}
	text += fmt.Sprintf(" With Dale's law A of presynaptic units is %s of E units and %s of I units in the mean; that of an I unit is above that of an E unit with a probability of %s.",
		pre.Mean("A_E").Format("%.2f"), pre.Mean("A_I").Format("%.2f"), pre.Mean("auc").Format("%.2f"))
	difference := pre.Mean("A_I-E").Interval
	switch {
	case relaxationVerdict(pre) == experiment.Holds:
		text += fmt.Sprintf(" A threshold tells the types apart in every network, with at least %g: learned A has two values.", apart)
	case difference[0] > 0 || difference[1] < 0:
		text += fmt.Sprintf(" The means differ beyond chance, but the types overlap: two values would be told apart with at least %g, or at most %.2g.", apart, 1-apart)
	default:
		text += fmt.Sprintf(" The means do not differ beyond chance, and two values would be told apart with at least %g, or at most %.2g.", apart, 1-apart)
	}
	if post := results.Of(relaxed{"post", true}.String()); len(post) > 0 {
		text += fmt.Sprintf(" For comparison, A of postsynaptic units, which biophysics does not bind to the type: %s.", post.Mean("auc").Format("%.2f"))
	}
	if of := results.Of(relaxed{"type", true}.String()); len(of) > 0 {
		text += fmt.Sprintf(" Where A is one number of each type, it ends at %s of E and %s of I units.", of.Mean("A_E").Format("%.2f"), of.Mean("A_I").Format("%.2f"))
	}
	return text
}
