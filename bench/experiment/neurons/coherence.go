package neurons

import (
	"context"
	"fmt"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine/chart"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "lgmd-coherence",
		Doc:    "spikes of LGMDs of compartments at a loom of which a part of the facets have changed places",
		Claim:  "the fewer facets of a loom keep their place, the fewer spikes an LGMD fires",
		Source: "Dewell and Gabbiani (2018) eLife 7:e34238, of the locust and of a model with 2518 compartments and HCN and KD in its dendrites",
		New: func() experiment.Settings {
			return &coherence{Neurons: []string{rake, "lgmd"}, Coherence: []float64{0, 25, 50, 75, 100}, LOverV: 40, Spacing: 1.6, Collision: 1200, After: 200}
		},
	})
}

// coherence counts the spikes at an approach that loses its coherence: facets change places, and their
// events keep their times and strengths.
type coherence struct {
	Neurons   []string  `toml:"neurons" doc:"what is shown the disc"`
	Coherence []float64 `toml:"coherence" doc:"facets that keep their place" unit:"%" min:"0" max:"100"`
	LOverV    float64   `toml:"l_over_v" doc:"half-size over speed" unit:"ms" min:"1" max:"1000"`
	Spacing   float64   `toml:"spacing" doc:"between facets" unit:"deg" min:"0.5" max:"20"`
	Collision float64   `toml:"collision" doc:"time before the collision" unit:"ms" min:"1" max:"100000"`
	After     float64   `toml:"after" doc:"time behind the collision" unit:"ms" min:"0" max:"100000"`
}

// Quick implements Settings.
func (s *coherence) Quick() {
	s.Neurons, s.Coherence, s.LOverV, s.Spacing, s.Collision, s.After = []string{"lgmd"}, []float64{0, 50, 100}, 10, 4, 100, 100
}

// Choices implements experiment.Choices.
func (s *coherence) Choices() map[string][]string { return map[string][]string{"neurons": sighted()} }

func coherenceCondition(neuron string, percent float64) string {
	return fmt.Sprintf("%s, coherence %g %%", neuron, percent)
}

// Cases implements Settings.
func (s *coherence) Cases(seeds []uint64) ([]experiment.Case, error) {
	if !slices.IsSorted(s.Coherence) {
		return nil, fmt.Errorf("coherence is %v, want rising ones: %w", s.Coherence, experiment.ErrSettings)
	}
	var all []experiment.Condition
	for _, name := range s.Neurons {
		n, err := seeing(name)
		if err != nil {
			return nil, err
		}
		for _, percent := range s.Coherence {
			all = append(all, experiment.Condition{Name: coherenceCondition(name, percent), Cost: float64(n.Compartments()),
				Run: func(ctx context.Context, env *experiment.Env, seed uint64) (experiment.Result, error) {
					n, err := seeing(name)
					if err != nil {
						return experiment.Result{}, err
					}
					spikes, err := watch(ctx, env, n, s.Spacing, data.Show{Kind: "loom", L: s.LOverV, Contact: s.Collision,
						Duration: s.Collision + s.After, Coherence: percent / 100}, seed)
					return experiment.Result{Values: rows.Values{"spikes": float64(len(spikes))}}, err
				}})
		}
	}
	return experiment.ByCondition(all, seeds), nil
}

// Report implements Settings.
func (s *coherence) Report(results experiment.Rows) (experiment.Report, error) {
	table := rows.Table{Title: fmt.Sprintf("Spikes at a loom with l/|v| = %g ms", s.LOverV), Head: []string{"neuron"}}
	for _, percent := range s.Coherence {
		table.Head = append(table.Head, fmt.Sprintf("%g %%", percent))
	}
	lines := chart.Lines{Title: "Spikes at a loom against its coherence", XLabel: "facets that keep their place (%)", YLabel: "spikes"}
	r := experiment.Report{Verdict: experiment.None}
	rising, judged := 0, 0
	for _, name := range s.Neurons {
		row, counts := []string{name}, []rows.Estimate{}
		for _, percent := range s.Coherence {
			of := results.Of(coherenceCondition(name, percent))
			if len(of) == 0 {
				row = append(row, "-")
				continue
			}
			counts = append(counts, of.Mean("spikes"))
			row = append(row, of.Mean("spikes").Format("%.1f"))
		}
		table.Rows = append(table.Rows, row)
		if len(counts) < len(s.Coherence) || len(counts) < 2 {
			continue
		}
		lines.Series = append(lines.Series, rows.Band(name, s.Coherence, counts))
		judged++
		first, last := counts[0], counts[len(counts)-1]
		backwards := slices.Clone(counts)
		slices.Reverse(backwards)
		if monotone(backwards) {
			r.Result += fmt.Sprintf("%s fires less with each step of coherence, the reverse of the claim: %s spikes with the least and %s with the most. ", name, first.Format("%.1f"), last.Format("%.1f"))
		} else if monotone(counts) {
			rising++
			r.Result += fmt.Sprintf("%s fires more with each step of coherence, from %s to %s spikes. ", name, first.Format("%.1f"), last.Format("%.1f"))
		} else {
			r.Result += fmt.Sprintf("%s fires neither more nor less with each step of coherence: %s spikes with the least and %s with the most. ", name, first.Format("%.1f"), last.Format("%.1f"))
		}
	}
	switch {
	case judged > 0 && rising == judged:
		r.Verdict = experiment.Holds
	case rising > 0:
		r.Verdict = experiment.HoldsWhen
	case judged > 0:
		r.Verdict = experiment.Fails
	}
	r.Result += "A facet that has changed places keeps the time and the strength of its event, so only the place on the dendrite tells a scattered loom from a whole one. " +
		"By the source the locust tells them apart by HCN and KD channels of its dendrites. In its model (2518 compartments; ModelDB 195666) calcium that enters by the synapses shifts the inactivation of KD (LGMD_KD_ca3.mod), which no channel here can have; lgmd has HCN and KD without that, in five compartments, lgmd-rake has none."
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "spikes", Caption: "Mean over seeds, with intervals of 95 %.", Lines: lines}}
	return r, nil
}

// monotone tells whether every mean is above that before it.
func monotone(counts []rows.Estimate) bool {
	for i := 1; i < len(counts); i++ {
		if !(counts[i].Value > counts[i-1].Value) {
			return false
		}
	}
	return true
}
