package networks

import (
	"context"
	"fmt"
	"math"

	"galvani/bench/analysis"
	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "isp-rates",
		Doc:    "rates of networks whose inhibition is plastic, by the multiplicative, the additive and Vogels' form",
		Claim:  "inhibitory plasticity brings the populations of a network to the rates that it is told",
		Source: "Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011) Science 334:1569; Zhu (2020), Recurrent Neuronal Models",
		New:    func() experiment.Settings { return &isp{Seconds: 20, Size: 1} },
	})
}

// isp runs the three networks.
type isp struct {
	Seconds int     `toml:"seconds" doc:"simulated time, of which the network of Vogels et al. takes twice as much" unit:"s" min:"4" max:"10000"`
	Size    float64 `toml:"size" doc:"neurons, in parts of the networks as they are" min:"0.01" max:"10"`
}

// Quick implements Settings.
func (s *isp) Quick() { s.Seconds, s.Size = 4, 0.02 }

// ispForm is a network with the rates that its populations are brought to.
type ispForm struct {
	name    string
	n       int
	p       float64 // of a connection, which a smaller network has more of, up to 1
	times   int     // of Seconds
	targets map[string]float64
	// rates are the largest and the least rate in the last quarter that holds, by population. Those of isp are
	// within 8 % of the target; the weights of the additive form are on their way after 20 s, within 15 %, and the
	// network of Vogels et al. is below 6 Hz after 40 s.
	rates map[string][2]float64
	cv    float64 // of e in the last quarter, at least
	falls bool    // the rate of e falls from tenth to tenth of the time, and is below 10 Hz in the third one
}

var ispForms = []ispForm{
	{"isp", 5000, 0.05, 1, map[string]float64{"e": 8, "i": 10}, map[string][2]float64{"e": {8 * 0.92, 8 * 1.08}, "i": {10 * 0.92, 10 * 1.08}}, 0, false},
	{"isp-additive", 5000, 0.1, 1, map[string]float64{"e": 4, "i": 8}, map[string][2]float64{"e": {4 * 0.85, 4 * 1.15}}, 0, false},
	{"vogels", 10000, 0.02, 2, map[string]float64{"e": 3}, map[string][2]float64{"e": {3 * 0.92, 6}}, 0.9, true},
}

// ispNames are the populations of the networks.
var ispNames = []string{"e", "i"}

// Cases implements Settings.
func (s *isp) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, form := range ispForms {
		all = append(all, experiment.Condition{Name: form.name, Cost: float64(form.n * form.times), Run: experiment.Of(form, s.measure)})
	}
	return experiment.ByCondition(all, seeds), nil
}

func (s *isp) measure(ctx context.Context, env *experiment.Env, form ispForm, seed uint64) (experiment.Result, error) {
	set := map[string]any{"n": int(math.Round(s.Size * float64(form.n))), "p": min(1, form.p/min(s.Size, 1))}
	c, err := begin(env, form.name, set, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	defer c.close()
	r := experiment.Result{Values: rows.Values{}, Curves: map[string]rows.Curve{}}
	seconds := s.Seconds * form.times
	var last []kernels.Spike // of the last quarter
	err = c.run(ctx, env, seconds, func(all []analysis.Spiking, spikes []kernels.Spike) {
		for i, name := range ispNames {
			r.Curves[name] = append(r.Curves[name], all[i].RateHz)
		}
		if len(r.Curves["e"]) > seconds-seconds/4 {
			last = append(last, spikes...)
		}
	})
	if err != nil {
		return r, err
	}
	cv := math.NaN()
	if of := analysis.SpikesOf(c.circuit, last, 1000)[0].CV; of != nil {
		cv = *of
	}
	for _, name := range ispNames {
		hz := []float64(r.Curves[name])
		r.Values["first "+name], r.Values["last "+name] = hz[0], rows.Mean(hz[len(hz)-len(hz)/4:]).Value
	}
	if r.Values["falls"] = 0; falls(r.Curves["e"]) {
		r.Values["falls"] = 1
	}
	start, end, _, err := c.weights()
	r.Values["weight at the start"], r.Values["weight"], r.Values["cv"] = start.Mean, end.Mean, cv
	return r, err
}

// falls reports whether rates fall from tenth to tenth of the time, and are below 10 Hz in the third one.
func falls(hz []float64) bool {
	last := math.Inf(1)
	for k := range 10 {
		mean := rows.Mean(hz[len(hz)*k/10 : max(len(hz)*(k+1)/10, len(hz)*k/10+1)]).Value
		if mean > last || k == 2 && mean >= 10 {
			return false
		}
		last = mean
	}
	return true
}

// Report implements Settings.
func (s *isp) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: "Rates in the first second and in the last quarter",
		Head: []string{"network", "time (s)", "population", "to be (Hz)", "at first (Hz)", "at the end (Hz)", "mean weight onto e, from", "to", "CV of e"}}
	lines := chart.Lines{Title: "Rate by its target while inhibition learns", XLabel: "time (s)", YLabel: "rate / target", LogY: true,
		Levels: []chart.Level{{Y: 1, Text: "target"}}}
	holds, judged := true, 0
	for k, form := range ispForms {
		of := results.Of(form.name)
		if len(of) == 0 {
			continue
		}
		judged++
		mean := func(name string) float64 { return of.Mean(name).Value }
		holds = holds && mean("cv") >= form.cv && (!form.falls || mean("falls") == 1)
		for _, name := range ispNames {
			target, ok := form.targets[name]
			if !ok {
				continue
			}
			last := mean("last " + name)
			if within, ok := form.rates[name]; ok {
				holds = holds && within[0] <= last && last <= within[1]
			}
			table.Rows = append(table.Rows, []string{form.name, fmt.Sprint(s.Seconds * form.times), name, fmt.Sprintf("%g", target),
				fmt.Sprintf("%.1f", mean("first "+name)), fmt.Sprintf("%.2f", last), fmt.Sprintf("%.3g", mean("weight at the start")),
				fmt.Sprintf("%.3g", mean("weight")), fmt.Sprintf("%.2f", mean("cv"))})
			series := chart.Series{Name: form.name + ", " + name, Hue: k + 1, Dashed: name == "i"}
			for t, hz := range rows.ValuesOf(of.Curve(name)) {
				series.X, series.Y = append(series.X, float64(t)+0.5), append(series.Y, hz/target)
			}
			lines.Series = append(lines.Series, series)
		}
	}
	if judged == len(ispForms) {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = "The multiplicative form has to be within 8 % of both rates in the last quarter, the additive one within 15 % of that of " +
		"the excitatory neurons, as its weights are still on their way then, and the network of Vogels et al., which begins without inhibition, has to fall below 10 Hz from 8 to 12 s and below 6 Hz at the end, without a rise from tenth to tenth of the time, and there with a CV above 0.9."
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "course", Caption: "Rate of each population in parts of the one it is brought to, second by second.", Lines: lines}}
	return r, nil
}
