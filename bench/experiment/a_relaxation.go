package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/engine/chart"

	"gonum.org/v1/gonum/stat"
)

func init() {
	Register(Entry{
		Name:   "a-relaxation",
		Doc:    "conductance per current, A, as one number, of each presynaptic or postsynaptic unit or of each type, with and without Dale's law",
		Claim:  "with a number A_j for each presynaptic cell, learning finds the two values that biophysics asks for, one of excitatory and one of inhibitory cells",
		Source: "notes on conductance-based recurrent networks, section 4, where it is the hope for later; the measure is this project's",
		New: func() Settings {
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
func (s *relaxation) Cases(seeds []uint64) ([]Case, error) {
	var cases []Case
	for _, seed := range seeds {
		for _, c := range relaxations() {
			cases = append(cases, Case{Condition: c.String(), Seed: seed,
				Run: func(ctx context.Context, env *Env) (Result, error) { return s.measure(ctx, env, c, seed) }})
		}
	}
	return cases, nil
}

// measure trains one network and takes its A by the type of the units.
func (s *relaxation) measure(ctx context.Context, env *Env, c relaxed, seed uint64) (Result, error) {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.Epochs, "batch": s.Batch, "lr": s.LR, "schedule": "onecycle", "warmup": 0.3,
		"a_shape": c.shape, "dale": c.dale, "seed": seed}
	if s.quick {
		keys["train_size"], keys["test_size"], keys["max_steps"] = 8, 8, 2
	}
	t, err := env.Configure("cond-varying", s.Task, keys)
	if err != nil {
		return Result{}, err
	}
	n, err := env.Train(ctx, t)
	if err != nil {
		return Result{}, err
	}
	defer n.Session.Close()
	r := n.Result()
	names := []string{"A"}
	if c.shape == "type" {
		names = []string{"A_E", "A_I"}
	}
	var a []float64
	for _, name := range names {
		v, err := n.parameter("cell." + name)
		if err != nil {
			return Result{}, err
		}
		a = append(a, v...)
	}
	excitatory := n.Net.Excitatory()
	if c.shape == "type" {
		excitatory = 1
	}
	r.Curves["A"], r.Values["excitatory"] = a, float64(excitatory)
	byType(r.Values, a, excitatory)
	return r, nil
}

// byType tells how A differs between the first units, which excite, and the others: the mean of
// each, I − E, and the chance that A of an I unit is above that of an E unit. One number for all
// has no types, and neither have networks without Dale's law.
func byType(v Values, a []float64, excitatory int) {
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
func (s *relaxation) Report(rows Rows) (Report, error) {
	t := Table{Title: fmt.Sprintf("cond-varying with H = %d on %s, %d epochs", s.Hidden, s.Task, s.Epochs),
		Head: []string{"A", "weights", "learned parameters", "test accuracy", "mean A", "sd over units", "mean of E units", "mean of I units", "I − E", "P(A of I > A of E)", "seeds"}}
	r := Report{}
	for _, c := range relaxations() {
		of := rows.Of(c.String())
		if len(of) == 0 {
			continue
		}
		weights := "free"
		if c.dale {
			weights = "Dale"
		}
		row := []string{c.shape, weights, fmt.Sprint(of.Mean("parameters").Value), percent(of.Mean("last_accuracy"))}
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
	r.Tables = []Table{t}
	pre := rows.Of(relaxed{"pre", true}.String())
	r.Verdict = relaxationVerdict(pre)
	r.Result = s.words(rows, pre)
	return r, nil
}

// relaxationVerdict holds where a threshold on A tells the types apart in every network, and in
// the same direction. Means that differ are less than that.
func relaxationVerdict(pre Rows) Verdict {
	auc := pre.Values("auc")
	switch {
	case len(auc) == 0:
		return None
	case slices.Min(auc) >= apart || slices.Max(auc) <= 1-apart:
		return Holds
	}
	return Fails
}

// histogram draws the A of the units of all seeds, by type where there are types.
func (s *relaxation) histogram(c relaxed, of Rows) Chart {
	types := map[bool][]float64{}
	most := 0.0
	for _, r := range of {
		for i, a := range r.Curves["A"] {
			inhibits := c.dale && i >= int(r.Values["excitatory"])
			types[inhibits], most = append(types[inhibits], a), math.Max(most, a)
		}
	}
	lines := chart.Lines{Title: "Learned A, " + c.String(), XLabel: "A", YLabel: "share of the units in a bin"}
	width := math.Max(most, math.SmallestNonzeroFloat32) / float64(s.Bins)
	for _, inhibits := range []bool{false, true} {
		if len(types[inhibits]) == 0 {
			continue
		}
		name := "all units"
		if c.dale {
			name = map[bool]string{false: "E units", true: "I units"}[inhibits]
		}
		series := chart.Series{Name: name}
		count := make([]float64, s.Bins)
		for _, a := range types[inhibits] {
			count[min(s.Bins-1, int(a/width))] += 1 / float64(len(types[inhibits]))
		}
		for k, share := range count {
			series.X = append(series.X, width*float64(k), width*float64(k+1))
			series.Y = append(series.Y, share, share)
		}
		lines.Series = append(lines.Series, series)
	}
	name := c.shape
	if c.dale {
		name += "-dale"
	}
	return Chart{name, "Units of all seeds; A starts at 1.", lines}
}

// words says what was found.
func (s *relaxation) words(rows, pre Rows) string {
	text := fmt.Sprintf("All networks were trained alike: %d epochs, batches of %d, one cycle of the learning rate with its peak at %g. Every A starts at 1.", s.Epochs, s.Batch, s.LR)
	for _, dale := range []bool{false, true} {
		var list []string
		for _, c := range relaxations() {
			if of := rows.Of(c.String()); c.dale == dale && len(of) > 0 {
				list = append(list, fmt.Sprintf("%s %s", c.shape, percent(of.Mean("last_accuracy"))))
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
	case relaxationVerdict(pre) == Holds:
		text += fmt.Sprintf(" A threshold tells the types apart in every network, with at least %g: learned A has two values.", apart)
	case difference[0] > 0 || difference[1] < 0:
		text += fmt.Sprintf(" The means differ beyond chance, but the types overlap: two values would be told apart with at least %g, or at most %.2g.", apart, 1-apart)
	default:
		text += fmt.Sprintf(" The means do not differ beyond chance, and two values would be told apart with at least %g, or at most %.2g.", apart, 1-apart)
	}
	if post := rows.Of(relaxed{"post", true}.String()); len(post) > 0 {
		text += fmt.Sprintf(" For comparison, A of postsynaptic units, which biophysics does not bind to the type: %s.", post.Mean("auc").Format("%.2f"))
	}
	if of := rows.Of(relaxed{"type", true}.String()); len(of) > 0 {
		text += fmt.Sprintf(" Where A is one number of each type, it ends at %s of E and %s of I units.", of.Mean("A_E").Format("%.2f"), of.Mean("A_I").Format("%.2f"))
	}
	return text
}
