package networks

import (
	"context"
	"fmt"

	"galvani/bench/analysis"
	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/kernels"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "stdp-weights",
		Doc:    "the weights from 1000 Poisson sources onto a neuron after spike-timing-dependent plasticity, at several rates of the sources",
		Claim:  "spike-timing-dependent plasticity drives weights from independent sources to either of their bounds",
		Source: "Song, Miller and Abbott (2000) Nature Neuroscience 3:919",
		New: func() experiment.Settings {
			return &stdp{Rates: []float64{15, 20}, Seconds: 2000, Inputs: 1000} // at 10 Hz the neuron does not fire
		},
	})
}

// stdp runs the network of that name.
type stdp struct {
	Rates   []float64 `toml:"rates" doc:"rates of the sources" unit:"Hz" min:"0.1" max:"1000"`
	Seconds int       `toml:"seconds" doc:"simulated time" unit:"s" min:"1" max:"100000"`
	Inputs  int       `toml:"inputs" doc:"sources" min:"10" max:"100000"`
}

// Quick implements Settings.
func (s *stdp) Quick() { s.Rates, s.Seconds, s.Inputs = []float64{15}, 1, 100 }

const (
	mostMiddle = 0.25 // of the weights between 0.2 and 0.8 of the largest
	stdpBins   = 40
)

func stdpCondition(rate float64) string { return fmt.Sprintf("%g Hz", rate) }

// Cases implements Settings.
func (s *stdp) Cases(seeds []uint64) ([]experiment.Case, error) {
	return experiment.ByCondition(experiment.Each(s.Rates, stdpCondition, s.measure), seeds), nil
}

func (s *stdp) measure(ctx context.Context, env *experiment.Env, rate float64, seed uint64) (experiment.Result, error) {
	c, err := begin(env, "stdp", map[string]any{"r_x": rate, "inputs": s.Inputs}, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	defer c.close()
	var hz []float64
	if err := c.run(ctx, env, s.Seconds, func(all []analysis.Spiking, _ []kernels.Spike) { hz = append(hz, all[1].RateHz) }); err != nil {
		return experiment.Result{}, err
	}
	start, end, now, err := c.weights()
	if err != nil {
		return experiment.Result{}, err
	}
	rule := c.circuit.Projections[0].Plasticity
	r := experiment.Result{Values: rows.Values{"middle at the start": *start.Middle, "middle": *end.Middle, "mean": end.Mean / rule.Most,
		"first rate": hz[0], "last rate": rows.Mean(hz[len(hz)-(len(hz)+9)/10:]).Value}, Curves: map[string]rows.Curve{}}
	for _, n := range analysis.Histogram(rule, now, rule.Most, stdpBins) {
		r.Curves["weights"] = append(r.Curves["weights"], n/float64(len(now)))
	}
	return r, nil
}

// Report implements Settings.
func (s *stdp) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: fmt.Sprintf("Weights and rates after %d s", s.Seconds),
		Head: []string{"sources", "between 0.2 and 0.8 of the largest, at the start", "at the end", "mean, of the largest", "rate in the first second (Hz)", "in the last tenth (Hz)"}}
	lines := chart.Lines{Title: "Weights at the end", XLabel: "weight (part of the largest)", YLabel: "part of the synapses"}
	holds, judged, most := true, 0, 0.0
	for _, rate := range s.Rates {
		of := results.Of(stdpCondition(rate))
		if len(of) == 0 {
			continue
		}
		judged++
		mean := func(name string) float64 { return of.Mean(name).Value }
		middle := mean("middle")
		holds, most = holds && middle <= mostMiddle, max(most, middle)
		table.Rows = append(table.Rows, []string{stdpCondition(rate), fmt.Sprintf("%.0f %%", 100*mean("middle at the start")), fmt.Sprintf("%.1f %%", 100*middle),
			fmt.Sprintf("%.2f", mean("mean")), fmt.Sprintf("%.1f", mean("first rate")), fmt.Sprintf("%.1f", mean("last rate"))})
		series := chart.Series{Name: stdpCondition(rate)}
		for k, y := range rows.ValuesOf(of.Curve("weights")) {
			series.X = append(series.X, float64(k)/stdpBins, float64(k+1)/stdpBins)
			series.Y = append(series.Y, y, y)
		}
		lines.Series = append(lines.Series, series)
	}
	if judged == len(s.Rates) {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("After %d s at most %.1f %% of the weights are between 0.2 and 0.8 of the largest, where %.0f %% were allowed; "+
		"at the start, equally spread, they are 60 %%.", s.Seconds, 100*most, 100*mostMiddle)
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "histogram", Caption: "Weights onto the neuron at the end, by the rate of the sources.", Lines: lines}}
	return r, nil
}
