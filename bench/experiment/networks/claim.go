package networks

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"galvani/bench/analysis"
	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels"
	"galvani/models/circuits"
)

// A claim about rates, inputs and counts of networks is data: which networks are simulated, what is expected of them, and
// what is drawn. The values of a case are
//
//	rate P, cv P, fano P, covariance P       of each population P of neurons, counts in windows of countMs
//	input P from Q, input P                  mean inputs in mV at the measured rates, from each population, and their sum
//
// Inputs are those of the mean weights; a network with conductances has none.
type claim struct {
	experiment.Entry
	seconds  float64 // of a case, simulated after its start
	start    float64 // s before anything is counted
	cases    []networkCase
	expected []expected
	slopes   []slope
	timed    bool // the time of drawing and building, and that of a simulated second, are values
	// rising are values that have to grow from case to case.
	rising []string
	chart  claimChart
	note   string // for the report, what is judged and what is not
}

// networkCase is a network with settings.
type networkCase struct {
	name    string
	network string
	set     map[string]any
	x       float64 // in the chart and of slopes, 0 for neither
	apart   bool    // not in the chart
	times   float64 // the seconds of the claim, 0 for once
}

// expected is a value that is published or computed.
type expected struct {
	of, value    string
	want, within float64
}

// slope is the exponent of a value in x over some cases.
type slope struct {
	value        string
	cases        []string
	want, within float64
}

// claimChart draws values of the cases against their x.
type claimChart struct {
	title, x, y string
	logs        bool
	values      []string
}

// countMs is the window that spikes are counted in.
const countMs = 250

// claims are the settings of a claim.
type claims struct {
	of      *claim
	Seconds float64 `toml:"seconds" doc:"simulated time of a case" unit:"s" min:"0.1" max:"10000"`
	Size    float64 `toml:"size" doc:"neurons (the setting n or scale), in parts of what is claimed for; above 1 also synapses onto each (the setting degree)" min:"0.001" max:"10"`
}

func register(c claim) {
	c.New = func() experiment.Settings { return &claims{of: &c, Seconds: c.seconds, Size: 1} }
	experiment.Register(c.Entry)
}

// Quick implements Settings.
func (s *claims) Quick() { s.Seconds, s.Size = 0.1, 0.02 }

// Cases implements Settings.
func (s *claims) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, k := range s.of.cases {
		cost := 1.0
		if n, ok := k.set["n"].(int); ok {
			cost = float64(n)
		}
		all = append(all, experiment.Condition{Name: k.name, Cost: cost, Run: experiment.Of(k, s.measure)})
	}
	return experiment.ByCondition(all, seeds), nil
}

// measure simulates a case.
func (s *claims) measure(ctx context.Context, env *experiment.Env, k networkCase, seed uint64) (r experiment.Result, err error) {
	set := maps.Clone(k.set)
	if n, ok := set["n"].(int); ok {
		set["n"] = max(min(n, 100), int(float64(n)*s.Size))
	}
	if part, ok := set["scale"].(float64); ok {
		set["scale"] = max(min(part, 0.01), part*s.Size)
	}
	if part, ok := set["degree"].(float64); ok && s.Size > 1 { // with all neurons there are all synapses
		set["degree"] = part * s.Size
	}
	began := time.Now()
	c, err := begin(env, k.network, set, seed)
	if err != nil {
		return r, err
	}
	defer c.close()
	built := time.Since(began).Seconds()
	steps := func(seconds float64) int { return int(math.Round(seconds * 1000 / c.circuit.Step)) }
	var spikes []kernels.Spike
	times := k.times
	if times == 0 {
		times = 1
	}
	first, total := steps(s.of.start), steps(s.of.start+s.Seconds*times)
	for done := 0; done < total; {
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		n := min(1000, total-done)
		if done < first {
			n = min(n, first-done)
		}
		record, err := c.plan.Run(n)
		if err != nil {
			return r, err
		}
		if done >= first {
			for _, q := range record.Spikes {
				q.Step -= int64(first)
				spikes = append(spikes, q)
			}
		}
		done += n
		env.Tick(float64(done) / float64(total))
	}
	r.Values = rows.Values{}
	if s.of.timed {
		r.Values["seconds of drawing and building"] = built
		r.Values["seconds of a simulated second"] = (time.Since(began).Seconds() - built) / float64(total) * 1000 / c.circuit.Step
	}
	ms := float64(total-first) * c.circuit.Step
	counts := analysis.WindowsOf(c.circuit, spikes, int64(total-first), int64(math.Round(countMs/c.circuit.Step))).Counts
	hz := map[int]float64{}
	for i, did := range analysis.SpikesOf(c.circuit, spikes, ms) {
		p := c.circuit.Populations[i]
		if hz[i] = did.RateHz; p.Source() {
			continue
		}
		r.Values["rate "+p.Name] = did.RateHz
		for name, x := range map[string]*float64{"cv ": did.CV, "fano ": counts[i].Fano, "covariance ": counts[i].Covariance} {
			if x != nil {
				r.Values[name+p.Name] = *x
			}
		}
	}
	inputs(c.net, hz, r.Values)
	return r, nil
}

// inputs fills in the mean inputs at some rates by population.
func inputs(b *circuits.Blueprint, hz map[int]float64, v rows.Values) {
	l, err := b.MeanField()
	if err != nil {
		return
	}
	firing := b.Firing()
	for a, p := range firing {
		to, sum := b.Populations[p].Name, l.X[a]
		v["input "+to+" from outside"] = l.X[a]
		for k, q := range firing {
			if l.W[a][k] == 0 {
				continue
			}
			x := l.W[a][k] * hz[q]
			v["input "+to+" from "+b.Populations[q].Name] = x
			sum += x
		}
		v["input "+to] = sum
		if sum != l.X[a] {
			v["input "+to+" from the network"] = sum - l.X[a]
		}
	}
}

// Report implements Settings.
func (s *claims) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	mean := func(of, value string) (float64, bool) {
		list := results.Of(of)
		if len(list) == 0 {
			return 0, false
		}
		x := list.Mean(value).Value
		return x, x-x == 0
	}
	holds, judged, missed := true, 0, 0
	judge := func(ok bool) string {
		judged++
		if holds = holds && ok; ok {
			return "yes"
		}
		missed++
		return "no"
	}
	table := rows.Table{Title: "What is expected", Head: []string{"case", "value", "expected", "within", "measured", "held"}}
	complete := true
	for _, e := range s.of.expected {
		got, ok := mean(e.of, e.value)
		if !ok {
			complete = false
			continue
		}
		table.Rows = append(table.Rows, []string{e.of, e.value, fmt.Sprintf("%.4g", e.want), fmt.Sprintf("%.3g", e.within), fmt.Sprintf("%.4g", got), judge(math.Abs(got-e.want) <= e.within)})
	}
	for _, e := range s.of.slopes {
		got, ok := s.slope(e, mean)
		if !ok {
			complete = false
			continue
		}
		table.Rows = append(table.Rows, []string{fmt.Sprintf("%s to %s", e.cases[0], e.cases[len(e.cases)-1]), "exponent of " + e.value, fmt.Sprintf("%.4g", e.want),
			fmt.Sprintf("%.3g", e.within), fmt.Sprintf("%.3f", got), judge(math.Abs(got-e.want) <= e.within)})
	}
	for _, value := range s.of.rising {
		last, grows, from := math.Inf(-1), true, 0
		for _, k := range s.of.cases {
			if x, ok := mean(k.name, value); ok && k.x != 0 {
				grows, last, from = grows && x > last, x, from+1
			}
		}
		if from < 2 {
			complete = false
			continue
		}
		table.Rows = append(table.Rows, []string{"all", value, "rises", "-", fmt.Sprintf("up to %.4g", last), judge(grows)})
	}
	if complete {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("%d of %d expectations are met. %s", judged-missed, judged, s.of.note)
	r.Tables = []rows.Table{table, s.values(results)}
	if len(table.Rows) == 0 {
		r.Tables = r.Tables[1:]
	}
	if lines := s.lines(mean); len(lines.Series) > 0 {
		r.Charts = []experiment.Chart{{Name: "chart", Caption: s.of.chart.title + ".", Lines: lines}}
	}
	return r, nil
}

// slope fits the exponent of a value in x by least squares of logarithms.
func (s *claims) slope(e slope, mean func(of, value string) (float64, bool)) (float64, bool) {
	var x, y []float64
	for _, name := range e.cases {
		at := slices.IndexFunc(s.of.cases, func(k networkCase) bool { return k.name == name })
		v, ok := mean(name, e.value)
		if !ok || v == 0 {
			return 0, false
		}
		x, y = append(x, math.Log(s.of.cases[at].x)), append(y, math.Log(math.Abs(v)))
	}
	return slopeOf(x, y), true
}

// slopeOf is that of the line through points, by least squares.
func slopeOf(x, y []float64) float64 {
	mx, my, xy, xx := rows.Mean(x).Value, rows.Mean(y).Value, 0.0, 0.0
	for i := range x {
		xy, xx = xy+(x[i]-mx)*(y[i]-my), xx+(x[i]-mx)*(x[i]-mx)
	}
	return xy / xx
}

// exponent is that of y in x.
func exponent(x, y []float64) float64 {
	var a, b []float64
	for i := range x {
		a, b = append(a, math.Log(x[i])), append(b, math.Log(y[i]))
	}
	return slopeOf(a, b)
}

// mostValues is how many values a table of all has; of more the inputs by population are left to the rows.
const mostValues = 60

// values is the table of all values, a column for each case.
func (s *claims) values(results experiment.Rows) rows.Table {
	t := rows.Table{Title: "All values, in Hz and mV", Head: []string{"value"}}
	names := map[string]bool{}
	var columns []experiment.Rows
	for _, k := range s.of.cases {
		of := results.Of(k.name)
		if len(of) == 0 {
			continue
		}
		t.Head, columns = append(t.Head, k.name), append(columns, of)
		for _, r := range of {
			for name := range r.Values {
				names[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if len(names) > mostValues && strings.HasPrefix(name, "input ") && strings.Contains(name, " from ") {
			continue
		}
		row := []string{name}
		for _, of := range columns {
			text := "-"
			if x := of.Mean(name).Value; x-x == 0 {
				text = fmt.Sprintf("%.4g", x)
			}
			row = append(row, text)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// lines draws the values of the chart, points beside them for what is expected.
func (s *claims) lines(mean func(of, value string) (float64, bool)) chart.Lines {
	c := chart.Lines{Title: s.of.chart.title, XLabel: s.of.chart.x, YLabel: s.of.chart.y, LogX: s.of.chart.logs, LogY: s.of.chart.logs}
	for i, value := range s.of.chart.values {
		line := chart.Series{Name: value, Hue: i + 1, Dots: true}
		want := chart.Series{Name: value + ", expected", Hue: i + 1, Dashed: true}
		for _, k := range s.of.cases {
			if x, ok := mean(k.name, value); ok && k.x != 0 && !k.apart {
				line.X, line.Y = append(line.X, k.x), append(line.Y, math.Abs(x))
			}
			for _, e := range s.of.expected {
				if e.of == k.name && e.value == value && k.x != 0 && !k.apart {
					want.X, want.Y = append(want.X, k.x), append(want.Y, math.Abs(e.want))
				}
			}
		}
		for _, series := range []chart.Series{line, want} {
			if len(series.X) > 1 {
				c.Series = append(c.Series, series)
			}
		}
	}
	return c
}
