package networks

import (
	"context"
	"fmt"
	"math"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/models/circuits"
	"galvani/models/rates"
)

func init() {
	const source = "Zhu (2020), Recurrent Neuronal Models, tasks 1 to 3; the plasticity after Vogels et al. (2011), doi:10.1126/science.1211095"
	experiment.Register(experiment.Entry{
		Name:   "novelty",
		Doc:    "a rate network with inhibitory plasticity, trained on stimuli, and its response to these, to new ones and to pairs in new combinations",
		Claim:  "inhibitory plasticity makes a network of rates answer stimuli and combinations that it was not trained on more than those that it was",
		Source: source,
		New: func() experiment.Settings {
			return &novelty{of: noveltyNet{network: "rates-isp", etas: map[string]float64{"eta": 25000}, trial: 200, settle: 800, look: 200, checks: 20, rate: 8}, Units: 100, Trials: 2000, Eta: 0.5, Contrast: 0.5}
		},
	})
	experiment.Register(experiment.Entry{
		Name:   "novelty-spiking",
		Doc:    "a spiking network with inhibitory plasticity, trained on stimuli, and its response to these, to new ones and to pairs in new combinations",
		Claim:  "inhibitory plasticity makes a spiking network answer stimuli and combinations that it was not trained on more than those that it was",
		Source: source,
		New: func() experiment.Settings {
			return &novelty{of: noveltyNet{network: "isp", etas: map[string]float64{"eta_e": 3, "eta_i": 2}, still: "eta_i", trial: 500, settle: 500, look: 4000, checks: 4, rate: 8}, Units: 2000, Trials: 240, Eta: 1, Contrast: 0.2}
		},
	})
}

// noveltyNet is a network, and how long it is trained and looked at. Its excitatory units are population 0, its inhibitory
// ones population 1.
type noveltyNet struct {
	network             string
	etas                map[string]float64 // settings that are rates of learning, at the Eta 1
	still               string             // the one without which all tasks are measured, too; empty for none
	trial, settle, look float64            // ms: of a trial, and of a probe before its rates count and while they do
	checks              int                // how often it is probed on the way
	rate                float64            // Hz that the excitatory units are brought to
}

// novelty is a network and its training.
type novelty struct {
	of       noveltyNet
	Units    int     `toml:"units" doc:"units, four fifths of them excitatory" min:"10" max:"100000"`
	Trials   int     `toml:"trials" doc:"trials of training" min:"1" max:"1000000"`
	Eta      float64 `toml:"eta" doc:"rate of learning, in parts of that of the network" min:"0" max:"100"`
	Contrast float64 `toml:"contrast" doc:"standard deviation over the units of the input of a stimulus, in parts of the mean input" min:"0" max:"10"`
}

// Quick implements Settings.
func (s *novelty) Quick() {
	s.Units, s.Trials, s.of.look, s.of.checks = 20, 20, min(s.of.look, 200), 2
}

// noveltyTask is which stimuli are trained and which are probed: each is a sum of patterns.
type noveltyTask struct {
	name, of          string
	trained, familiar [][]int
	novel             [][]int
	still             bool // without noveltyNet.still
}

var noveltyTasks = []noveltyTask{
	{"task 1", "X1 alone is trained, X2 is new", [][]int{{1}}, [][]int{{1}}, [][]int{{2}}, false},
	{"task 2", "X1 and X2 are trained, X3 is new", [][]int{{1}, {2}}, [][]int{{1}, {2}}, [][]int{{3}}, false},
	{"task 3", "X1+Y1 and X2+Y2 are trained, X1+Y2 and X2+Y1 are new", [][]int{{1, 3}, {2, 4}}, [][]int{{1, 3}, {2, 4}}, [][]int{{1, 4}, {2, 3}}, false},
}

// leastNovelty is how many times more a network has to answer what is new, after training; before it the answers may
// differ by mostBefore.
const (
	leastNovelty = 1.5
	mostBefore   = 1.25
)

// Cases implements Settings.
func (s *novelty) Cases(seeds []uint64) ([]experiment.Case, error) {
	return experiment.ByCondition(experiment.Each(s.tasks(), func(t noveltyTask) string { return t.name }, s.measure), seeds), nil
}

// tasks are those that are judged and, where the network has a rate of learning that is not needed for them, those without
// it.
func (s *novelty) tasks() []noveltyTask {
	all := slices.Clone(noveltyTasks)
	if s.of.still != "" {
		for _, t := range noveltyTasks {
			t.name, t.still = t.name+", "+s.of.still+" 0", true
			all = append(all, t)
		}
	}
	return all
}

// hold is the time constant of the synapse that a stimulus is the current of, ms: it stays over a trial.
const hold = 1e6

// stimuli gives each population of neurons a synapse, behind the others, whose current is a stimulus.
func stimuli(b *circuits.Blueprint) {
	for _, i := range b.Firing() {
		p := &b.Populations[i]
		p.Synapses, p.SynapseNames = append(p.Synapses, hold), append(p.SynapseNames, "stimulus")
		if p.Reversals != nil {
			p.Reversals = append(p.Reversals, math.NaN())
		}
	}
}

// stimulate sets the stimulus of some patterns. A pattern is a normal number for each unit; the input of a unit with it
// is not below 0.
func (s *novelty) stimulate(c *course, plan kernels.CircuitPlan, patterns []int, key random.Stream) error {
	state, err := plan.State()
	if err != nil {
		return err
	}
	for _, i := range c.net.Firing() {
		mean := 0.0
		for _, q := range c.circuit.Currents {
			if q.Population == i {
				mean += q.Amplitude
			}
		}
		currents := state.Populations[i].Currents
		for u := range currents[len(currents)-1] {
			x := 0.0
			for _, k := range patterns {
				x += key.Named("patterns of " + c.circuit.Populations[i].Name).Stream(uint64(k)).Normal(uint64(u))
			}
			currents[len(currents)-1][u] = float32(mean * max(-1, s.Contrast*x/math.Sqrt(float64(len(patterns)))))
		}
	}
	return plan.SetState(state)
}

// answer returns the mean distance of the excitatory rates from their target while the network looks at patterns, and the
// inhibitory rates.
func (s *novelty) answer(c *course, plan kernels.CircuitPlan, patterns []int, key random.Stream) (off float64, inhibitory []float64, err error) {
	if err := s.stimulate(c, plan, patterns, key); err != nil {
		return 0, nil, err
	}
	if _, err := plan.Run(s.steps(c, s.of.settle)); err != nil {
		return 0, nil, err
	}
	record, err := plan.Run(s.steps(c, s.of.look))
	if err != nil {
		return 0, nil, err
	}
	var hz [2][]float64
	for k := range hz {
		hz[k] = make([]float64, c.circuit.Populations[k].N)
	}
	for _, q := range record.Spikes {
		hz[q.Population][q.Unit] += 1000 / s.of.look
	}
	if rates.Of(c.circuit) {
		state, err := plan.State()
		if err != nil {
			return 0, nil, err
		}
		for k := range hz {
			hz[k] = kernels.Wide(state.Populations[k].Planes[0])
		}
	}
	for _, r := range hz[0] {
		off += math.Abs(r-s.of.rate) / float64(len(hz[0]))
	}
	return off, hz[1], nil
}

func (s *novelty) steps(c *course, ms float64) int { return int(math.Round(ms / c.circuit.Step)) }

// probed is what a network does with the weights as they are, in Hz.
type probed struct {
	familiar, novel float64 // mean answers to what is trained and to what is new
	apart           float64 // mean distance of the inhibitory rates under the first and the last of what is trained
}

func (s *novelty) probe(c *course, task noveltyTask, key random.Stream) (p probed, err error) {
	plan, err := c.fixed()
	if err != nil {
		return p, err
	}
	var seen [][]float64 // inhibitory rates under what is trained
	for mean, set := range map[*float64][][]int{&p.familiar: task.familiar, &p.novel: task.novel} {
		begin, err := plan.State()
		if err != nil {
			return p, err
		}
		for _, patterns := range set {
			if err := plan.SetState(begin); err != nil {
				return p, err
			}
			x, inhibitory, err := s.answer(c, plan, patterns, key)
			if err != nil {
				return p, err
			}
			if *mean += x / float64(len(set)); mean == &p.familiar {
				seen = append(seen, inhibitory)
			}
		}
		if err := plan.SetState(begin); err != nil {
			return p, err
		}
	}
	first, last := seen[0], seen[len(seen)-1]
	for i := range first {
		p.apart += math.Abs(first[i]-last[i]) / float64(len(first))
	}
	return p, nil
}

func (s *novelty) measure(ctx context.Context, env *experiment.Env, task noveltyTask, seed uint64) (experiment.Result, error) {
	r := experiment.Result{Values: rows.Values{}, Curves: map[string]rows.Curve{}}
	set := map[string]any{"n": s.Units}
	for name, eta := range s.of.etas {
		if set[name] = s.Eta * eta; task.still && name == s.of.still {
			set[name] = 0.0
		}
	}
	c, err := beginWith(env, s.of.network, set, seed, stimuli)
	if err != nil {
		return r, err
	}
	defer c.close()
	key := random.New(seed)
	for t := 0; ; t++ {
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		if done := float64(t) / float64(s.Trials) * float64(s.of.checks); t == s.Trials || int(done) > len(r.Curves["trial"])-1 {
			p, err := s.probe(c, task, key)
			if err != nil {
				return r, err
			}
			for name, x := range map[string]float64{"trial": float64(t), "familiar": p.familiar, "novel": p.novel, "inhibitory apart": p.apart} {
				r.Curves[name] = append(r.Curves[name], x)
			}
		}
		if t == s.Trials {
			break
		}
		env.Tick(float64(t) / float64(s.Trials))
		if err := s.stimulate(c, c.plan, task.trained[t%len(task.trained)], key); err != nil {
			return r, err
		}
		if _, err := c.plan.Run(s.steps(c, s.of.trial)); err != nil {
			return r, err
		}
	}
	for _, name := range []string{"familiar", "novel", "inhibitory apart"} {
		of := r.Curves[name]
		r.Values[name+" before"], r.Values[name+" after"] = of[0], of[len(of)-1]
	}
	return r, nil
}

// Report implements Settings.
func (s *novelty) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: fmt.Sprintf("Mean distance of the excitatory rates from their target of %g Hz, in Hz", s.of.rate),
		Head: []string{"task", "stimuli", "familiar, before", "new, before", "familiar, after", "new, after", "new over familiar, before", "after",
			"inhibitory rates apart, before", "after"}}
	lines := chart.Lines{Title: "Answers while inhibition learns", XLabel: "trial", YLabel: "mean |rate - target| (Hz)", LogY: true}
	holds, judged := true, 0
	for k, task := range s.tasks() {
		of := results.Of(task.name)
		if len(of) == 0 {
			continue
		}
		mean := func(name string) float64 { return of.Mean(name).Value }
		before, after := mean("novel before")/mean("familiar before"), mean("novel after")/mean("familiar after")
		if !task.still {
			judged++
			holds = holds && after >= leastNovelty && before <= mostBefore && before >= 1/mostBefore
		}
		row := []string{task.name, task.of}
		for _, x := range []float64{mean("familiar before"), mean("novel before"), mean("familiar after"), mean("novel after"), before, after, mean("inhibitory apart before"), mean("inhibitory apart after")} {
			row = append(row, fmt.Sprintf("%.3g", x))
		}
		table.Rows = append(table.Rows, row)
		if task.still {
			continue // the chart is of what is judged
		}
		for _, which := range []string{"familiar", "novel"} {
			lines.Series = append(lines.Series, chart.Series{Name: task.name + ", " + which, Hue: k + 1, Dashed: which == "novel",
				X: rows.ValuesOf(of.Curve("trial")), Y: rows.ValuesOf(of.Curve(which))})
		}
	}
	if judged == len(noveltyTasks) {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("After %d trials of %g ms the answers to what is new have to be %g times those to what was trained in each task, and before training within %g times of each other. "+
		"The network is %s of %d units, all of whose inhibitory weights learn; weights stay while it is probed. A stimulus adds a normal number of %g of the mean input to the input of each unit.",
		s.Trials, s.of.trial, leastNovelty, mostBefore, s.of.network, s.Units, s.Contrast)
	r.Result += " Inhibitory rates are apart between the first and the last of what is trained."
	if s.of.network == "isp" {
		r.Result += " With eta_i 0, which is not judged, the weights onto inhibitory neurons stay: where they learn, inhibitory neurons come to fire alike under " +
			"all that is trained, and what inhibits alike cannot cancel what differs between two stimuli."
		r.Result += fmt.Sprintf(" Rates are those of %g ms: a unit that fires at its target by a Poisson process is off by %.2g Hz in the mean.", s.of.look, math.Sqrt(2*s.of.rate/math.Pi/s.of.look*1000))
	}
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "course", Caption: "Answers to stimuli that are trained and to new ones, trial by trial.", Lines: lines}}
	return r, nil
}
