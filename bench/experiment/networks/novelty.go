package networks

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels/random"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "novelty",
		Doc:    "a rate network with inhibitory plasticity, trained on stimuli, and its response to these, to new ones and to pairs in new combinations",
		Claim:  "inhibitory plasticity makes a network answer stimuli and combinations that it was not trained on more than those that it was",
		Source: "Zhu (2020), Recurrent Neuronal Models, tasks 1 to 3; the plasticity of rates after Vogels et al. (2011), doi:10.1126/science.1211095",
		New:    func() experiment.Settings { return &novelty{Units: 100, Trials: 2000, Eta: 0.005} },
	})
}

// novelty is the network and its training.
type novelty struct {
	Units  int     `toml:"units" doc:"units, four fifths of them excitatory" min:"10" max:"2000"`
	Trials int     `toml:"trials" doc:"trials of training" min:"1" max:"1000000"`
	Eta    float64 `toml:"eta" doc:"rate of learning of a trial" min:"0" max:"1"`
}

// Quick implements Settings.
func (s *novelty) Quick() { s.Units, s.Trials = 20, 50 }

// noveltyTask is which stimuli are trained and which are probed: each is a sum of patterns.
type noveltyTask struct {
	name, of          string
	trained, familiar [][]int
	novel             [][]int
}

var noveltyTasks = []noveltyTask{
	{"task 1", "X1 alone is trained, X2 is new", [][]int{{1}}, [][]int{{1}}, [][]int{{2}}},
	{"task 2", "X1 and X2 are trained, X3 is new", [][]int{{1}, {2}}, [][]int{{1}, {2}}, [][]int{{3}}},
	{"task 3", "X1+Y1 and X2+Y2 are trained, X1+Y2 and X2+Y1 are new", [][]int{{1, 3}, {2, 4}}, [][]int{{1, 3}, {2, 4}}, [][]int{{1, 4}, {2, 3}}},
}

// leastNovelty is how many times more a network has to answer what is new, after training; before it the answers may
// differ by mostBefore.
const (
	leastNovelty = 1.5
	mostBefore   = 1.25
)

// Cases implements Settings.
func (s *novelty) Cases(seeds []uint64) (all []experiment.Case, err error) {
	for _, task := range noveltyTasks {
		for _, seed := range seeds {
			all = append(all, experiment.Case{Condition: task.name, Seed: seed, Run: func(ctx context.Context, env *experiment.Env) (experiment.Result, error) {
				return s.measure(ctx, env, task, seed)
			}})
		}
	}
	return all, nil
}

// rateNet is rates with r' = -r + [W r + X]+ and targets of 1.
type rateNet struct {
	n, excitatory int
	w             [][]float64 // [to][from]
	r             []float64
}

// noveltySteps are the Euler steps of 0.1 of a trial, from the rates of the one before.
const noveltySteps = 100

// respond follows the rates under a stimulus, and returns the mean distance of the excitatory ones from their target.
func (n *rateNet) respond(x []float64) float64 {
	in := make([]float64, n.n)
	for range noveltySteps {
		for a, row := range n.w {
			in[a] = x[a]
			for b, w := range row {
				in[a] += w * n.r[b]
			}
		}
		for a := range n.r {
			n.r[a] += 0.1 * (max(0, in[a]) - n.r[a])
		}
	}
	off := 0.0
	for _, r := range n.r[:n.excitatory] {
		off += math.Abs(r-1) / float64(n.excitatory)
	}
	return off
}

// learn changes the weights of the inhibitory units, which stay at 0 or below: dW = -eta (r - 1) r_i.
func (n *rateNet) learn(eta float64) {
	for a, row := range n.w {
		for b := n.excitatory; b < n.n; b++ {
			row[b] = min(0, row[b]-eta*(n.r[a]-1)*n.r[b])
		}
	}
}

// newRateNet draws a network whose rates are about 1 at an input of 2 and 1 for excitatory and inhibitory units: the sums
// of the mean weights are 0.5 and -1.5 onto the excitatory, 1 and -1 onto the inhibitory units.
func newRateNet(units int, key random.Stream) *rateNet {
	n := &rateNet{n: units, excitatory: units * 4 / 5, r: make([]float64, units)}
	sums := [2][2]float64{{0.5, -1.5}, {1, -1}}
	for a := range units {
		row, draw := make([]float64, units), key.Named("weights").Stream(uint64(a))
		for b := range row {
			to, from, of := 0, 0, n.excitatory
			if a >= n.excitatory {
				to = 1
			}
			if b >= n.excitatory {
				from, of = 1, units-n.excitatory
			}
			row[b] = sums[to][from] / float64(of) * 2 * draw.Uniform(uint64(b))
		}
		n.w = append(n.w, row)
	}
	return n
}

// stimulus returns the mean input with patterns, each half as large and a part of the units by chance.
func (n *rateNet) stimulus(patterns []int, key random.Stream) []float64 {
	x := make([]float64, n.n)
	for a := range x {
		if x[a] = 2; a >= n.excitatory {
			x[a] = 1
		}
		for _, p := range patterns {
			x[a] *= 1 + 0.5/math.Sqrt(float64(len(patterns)))*key.Named("patterns").Stream(uint64(p)).Normal(uint64(a))
		}
		x[a] = max(0, x[a])
	}
	return x
}

func (s *novelty) measure(ctx context.Context, env *experiment.Env, task noveltyTask, seed uint64) (experiment.Result, error) {
	key := random.New(seed)
	net := newRateNet(s.Units, key)
	r := experiment.Result{Values: rows.Values{}, Curves: map[string]rows.Curve{}}
	probe := func(set [][]int) (off float64) {
		for _, patterns := range set {
			off += net.respond(net.stimulus(patterns, key)) / float64(len(set))
		}
		return off
	}
	answers := func(when string) {
		r.Values["familiar "+when], r.Values["novel "+when] = probe(task.familiar), probe(task.novel)
	}
	answers("before")
	for t := range s.Trials {
		if t%50 == 0 {
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			env.Tick(float64(t) / float64(s.Trials))
			r.Curves["familiar"], r.Curves["novel"] = append(r.Curves["familiar"], probe(task.familiar)), append(r.Curves["novel"], probe(task.novel))
		}
		net.respond(net.stimulus(task.trained[t%len(task.trained)], key))
		net.learn(s.Eta)
	}
	answers("after")
	return r, nil
}

// Report implements Settings.
func (s *novelty) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: "Mean distance of the excitatory rates from their target, 1",
		Head: []string{"task", "stimuli", "familiar, before", "new, before", "familiar, after", "new, after", "new over familiar, before", "after"}}
	lines := chart.Lines{Title: "Answers while inhibition learns", XLabel: "trial", YLabel: "mean |r - target|", LogY: true}
	holds, judged := true, 0
	for k, task := range noveltyTasks {
		of := results.Of(task.name)
		if len(of) == 0 {
			continue
		}
		judged++
		mean := func(name string) float64 { return of.Mean(name).Value }
		before, after := mean("novel before")/mean("familiar before"), mean("novel after")/mean("familiar after")
		holds = holds && after >= leastNovelty && before <= mostBefore && before >= 1/mostBefore
		row := []string{task.name, task.of}
		for _, x := range []float64{mean("familiar before"), mean("novel before"), mean("familiar after"), mean("novel after"), before, after} {
			row = append(row, fmt.Sprintf("%.3g", x))
		}
		table.Rows = append(table.Rows, row)
		for _, which := range []string{"familiar", "novel"} {
			series := chart.Series{Name: task.name + ", " + which, Hue: k + 1, Dashed: which == "novel"}
			for t, y := range rows.ValuesOf(of.Curve(which)) {
				series.X, series.Y = append(series.X, float64(50*t)), append(series.Y, y)
			}
			lines.Series = append(lines.Series, series)
		}
	}
	if judged == len(noveltyTasks) {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("After %d trials the answers to what is new have to be %g times those to what was trained in each task, and before training within %g times of each other. "+
		"The network is one of rates; all inhibitory weights learn.", s.Trials, leastNovelty, mostBefore)
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "course", Caption: "Answers to stimuli that are trained and to new ones, trial by trial.", Lines: lines}}
	return r, nil
}
