package networks

import (
	"context"
	"fmt"
	"math"
	"time"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "network-cost",
		Doc:    "time and memory of the balanced network against its size, its rate and its density",
		Claim:  "the time of a simulation grows at most in proportion to the synaptic events of the network, with its size, its rate and its density",
		Source: "measured; the network is that of Baker, Ebsch, Lampl and Rosenbaum (2019) Phys. Rev. E 99:052414",
		New:    func() experiment.Settings { return &cost{Seconds: 1, Repeats: 3, Size: 1} },
	})
}

// cost times the balanced network.
type cost struct {
	Seconds float64 `toml:"seconds" doc:"simulated time of a run" unit:"s" min:"0.01" max:"1000"`
	Repeats int     `toml:"repeats" doc:"runs, of which the fastest counts" min:"1" max:"1000"`
	Size    float64 `toml:"size" doc:"neurons, in parts of those that are claimed for" min:"0.01" max:"10"`
}

// Quick implements Settings.
func (s *cost) Quick() { s.Seconds, s.Repeats, s.Size = 0.02, 1, 0.02 }

// costAxis is a setting that grows while the others stay.
type costAxis struct {
	name, unit string
	of         string // the setting
	values     []float64
}

// costs are the axes: around 5000 neurons, 10 Hz of the sources and a density of 0.1.
var costs = []costAxis{
	{"neurons", "", "n", []float64{1250, 2500, 5000, 10000, 20000}},
	{"rate of the sources", "Hz", "r_x", []float64{2.5, 5, 10, 20, 40}},
	{"density", "", "p", []float64{0.025, 0.05, 0.1, 0.2, 0.4}},
}

func (a costAxis) condition(x float64) string { return fmt.Sprintf("%s %g", a.of, x) }

// costBound is the largest exponent of the time in the number of synaptic events.
const costBound = 1.05

// Cases implements Settings.
func (s *cost) Cases(seeds []uint64) (all []experiment.Case, err error) {
	for _, axis := range costs {
		for _, x := range axis.values {
			set := map[string]any{"n": 5000.0}
			set[axis.of] = x
			n := int(math.Round(set["n"].(float64) * s.Size))
			set["n"] = n
			for _, seed := range seeds {
				all = append(all, experiment.Case{Condition: axis.condition(x), Seed: seed, Cost: float64(n), Run: func(ctx context.Context, env *experiment.Env) (experiment.Result, error) {
					return s.measure(ctx, env, set, seed)
				}})
			}
		}
	}
	return all, nil
}

// measure draws a network and runs it from its state after 0.2 s.
func (s *cost) measure(ctx context.Context, env *experiment.Env, set map[string]any, seed uint64) (r experiment.Result, err error) {
	now := time.Now()
	c, err := begin(env, "balanced", set, seed)
	if err != nil {
		return r, err
	}
	defer c.close()
	built := time.Since(now).Seconds()
	steps := int(math.Round(s.Seconds * 1000 / c.circuit.Step))
	if _, err := c.plan.Run(int(200 / c.circuit.Step)); err != nil {
		return r, err
	}
	from, err := c.plan.State()
	if err != nil {
		return r, err
	}
	fastest, spikes, events := math.Inf(1), 0.0, 0.0
	for k := range s.Repeats {
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		if err := c.plan.SetState(from); err != nil {
			return r, err
		}
		now := time.Now()
		record, err := c.plan.Run(steps)
		if err != nil {
			return r, err
		}
		fastest = min(fastest, time.Since(now).Seconds())
		spikes, events = count(c.circuit, record.Spikes)
		env.Tick(float64(k+1) / float64(s.Repeats))
	}
	size := c.circuit.Size()
	r.Values = rows.Values{"seconds": fastest / s.Seconds, "built": built, "synapses": size.Entries, "events": events / s.Seconds, "spikes": spikes / s.Seconds}
	if d, ok := c.dev.(kernels.Simulator); ok {
		host, _ := d.CircuitBytes(size)
		r.Values["bytes"] = (size.Bytes() + host) / size.Entries
	}
	return r, nil
}

// count returns how many spikes there are, and how many synapses they reach.
func count(c *kernels.Circuit, all []kernels.Spike) (spikes, events float64) {
	out := make([][]int, len(c.Populations))
	for i, p := range c.Populations {
		out[i] = make([]int, p.N)
	}
	for _, p := range c.Projections {
		for _, j := range p.Matrix.Col {
			out[p.From][j]++
		}
	}
	for _, q := range all {
		events += float64(out[q.Population][q.Unit])
	}
	return float64(len(all)), events
}

// Report implements Settings.
func (s *cost) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: "Time and memory of a simulated second", Head: []string{"varied", "value", "synapses", "spikes per s", "synaptic events per s", "time (s)", "ns per event", "drawing and building (s)", "bytes per synapse, at most"}}
	slopes := rows.Table{Title: "Exponents of the time in the synaptic events", Head: []string{"varied", "exponent", "at most"}}
	lines := chart.Lines{Title: "Time of a simulated second", XLabel: "synaptic events per second", YLabel: "time (s)", LogX: true, LogY: true}
	holds, complete := true, true
	for k, axis := range costs {
		line := chart.Series{Name: "varied " + axis.name, Hue: k + 1, Dots: true}
		for _, x := range axis.values {
			of := results.Of(axis.condition(x))
			if len(of) == 0 {
				complete = false
				continue
			}
			mean := func(name string) float64 { return of.Mean(name).Value }
			table.Rows = append(table.Rows, []string{axis.name, fmt.Sprintf("%g %s", x, axis.unit), fmt.Sprintf("%.3g", mean("synapses")), fmt.Sprintf("%.3g", mean("spikes")),
				fmt.Sprintf("%.3g", mean("events")), fmt.Sprintf("%.3g", mean("seconds")), fmt.Sprintf("%.3g", 1e9*mean("seconds")/mean("events")), fmt.Sprintf("%.3g", mean("built")), fmt.Sprintf("%.2f", mean("bytes"))})
			if mean("events") > 0 {
				line.X, line.Y = append(line.X, mean("events")), append(line.Y, mean("seconds"))
			}
		}
		if len(line.X) < 2 {
			complete = false
			continue
		}
		lines.Series = append(lines.Series, line)
		exponent := exponent(line.X, line.Y)
		holds = holds && exponent <= costBound
		slopes.Rows = append(slopes.Rows, []string{axis.name, fmt.Sprintf("%.2f", exponent), fmt.Sprint(costBound)})
	}
	if complete {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("The exponent of the time in the synaptic events, spikes times the synapses that each reaches, has to be at most %g along each of the three. "+
		"A time is the fastest of %d runs of %g s behind the first 0.2 s. Bytes are those of the matrices and of the plan, as the check of memory before a simulation takes them.", costBound, s.Repeats, s.Seconds)
	r.Tables = []rows.Table{table, slopes}
	if len(lines.Series) > 0 {
		r.Charts = []experiment.Chart{{Name: "chart", Caption: "Time of a simulated second against the synaptic events in it.", Lines: lines}}
	}
	return r, nil
}
