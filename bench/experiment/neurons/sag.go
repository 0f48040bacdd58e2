package neurons

import (
	"context"
	"fmt"
	"math"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/models/neurons"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "lgmd-sag",
		Doc:    "the sag of the dendrite of an LGMD of compartments at hyperpolarising currents, with HCN channels and without",
		Claim:  "a current that hyperpolarises the dendrite of an LGMD is answered by a sag back towards rest, which is gone without HCN channels",
		Source: "Dewell and Gabbiani (2018) eLife 7:e34238; ModelDB 195666, readme",
		New: func() experiment.Settings {
			return &sag{Currents: []float64{-0.25, -0.5, -1, -2}, Before: 2000, During: 3000, Dt: 0.1}
		},
	})
}

// sag puts a step of current into the dendrite of lgmd. The sag is how far V comes back from its least, in
// parts of how far it had gone.
type sag struct {
	Currents []float64 `toml:"currents" doc:"steps of current" unit:"nA" min:"-100" max:"-0.0001"`
	Before   float64   `toml:"before" doc:"time before the step" unit:"ms" min:"10" max:"100000"`
	During   float64   `toml:"during" doc:"length of the step" unit:"ms" min:"10" max:"100000"`
	Dt       float64   `toml:"dt" doc:"step of time" unit:"ms" min:"0.001" max:"0.2"`
}

// Quick implements Settings.
func (s *sag) Quick() { s.Currents, s.Before, s.During = []float64{-0.5}, 500, 1000 }

const (
	leastSag  = 0.1  // with HCN
	mostSag   = 0.01 // without
	sagPoints = 200
)

var sagForms = []string{"with HCN", "without HCN"}

func sagCondition(current float64, form string) string {
	return fmt.Sprintf("%g nA, %s", current, form)
}

// Cases implements Settings. Nothing is left to chance, so there is one seed.
func (s *sag) Cases([]uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, form := range sagForms {
		for _, current := range s.Currents {
			all = append(all, experiment.Condition{Name: sagCondition(current, form),
				Run: func(ctx context.Context, env *experiment.Env, _ uint64) (experiment.Result, error) {
					return s.measure(ctx, env, current, form == "with HCN")
				}})
		}
	}
	return experiment.ByCondition(all, []uint64{1}), nil // nothing is drawn
}

func (s *sag) measure(ctx context.Context, env *experiment.Env, current float64, hcn bool) (experiment.Result, error) {
	n, err := neurons.Load("lgmd")
	if err != nil {
		return experiment.Result{}, err
	}
	if !hcn {
		if err := n.Set("g_hcn", make([]float64, len(n.Numbers("g_hcn")))); err != nil {
			return experiment.Result{}, err
		}
	}
	wave := func(ms float64) float64 {
		if ms < s.Before {
			return 0
		}
		return current
	}
	trace, err := simulate(ctx, env, n, s.Dt, s.Before+s.During, neurons.Stimulus{Waves: map[int]neurons.Wave{n.Input("current"): wave}})
	if err != nil {
		return experiment.Result{}, err
	}
	v := trace.V[slices.Index(trace.Places, "dendrite")]
	v = v[int(s.Before/s.Dt):]
	rest, least, end := v[0], slices.Min(v), v[len(v)-1]
	r := experiment.Result{Values: rows.Values{"rest": rest, "least": least, "end": end, "sag": (end - least) / (rest - least)}, Curves: map[string]rows.Curve{}}
	for k := range sagPoints + 1 {
		r.Curves["course"] = append(r.Curves["course"], (v[k*(len(v)-1)/sagPoints]-rest)/(rest-least))
	}
	return r, nil
}

// Report implements Settings.
func (s *sag) Report(results experiment.Rows) (experiment.Report, error) {
	r := experiment.Report{Verdict: experiment.None}
	table := rows.Table{Title: "The dendrite of lgmd during a step of current", Head: []string{"", "current (nA)", "before (mV)", "least (mV)", "at the end (mV)", "sag"}}
	lines := chart.Lines{Title: "V of the dendrite during a step of current", XLabel: "time from the step (ms)", YLabel: "V from rest, in parts of its greatest change"}
	holds, judged := true, 0
	least, most := math.Inf(1), 0.0
	for i, form := range sagForms {
		for _, current := range s.Currents {
			of := results.Of(sagCondition(current, form))
			if len(of) == 0 {
				continue
			}
			at, part := of[0].Values, of[0].Values["sag"]
			table.Rows = append(table.Rows, []string{form, fmt.Sprintf("%g", current), fmt.Sprintf("%.1f", at["rest"]), fmt.Sprintf("%.1f", at["least"]),
				fmt.Sprintf("%.1f", at["end"]), fmt.Sprintf("%.1f %%", 100*part)})
			if judged++; i == 0 {
				least = min(least, part)
				holds = holds && part >= leastSag
			} else {
				most = max(most, part)
				holds = holds && part <= mostSag
			}
			series := chart.Series{Name: sagCondition(current, form), Y: rows.ValuesOf(of.Curve("course")), Hue: i + 1}
			for k := range series.Y {
				series.X = append(series.X, s.During*float64(k)/sagPoints)
			}
			if current == s.Currents[0] {
				lines.Series = append(lines.Series, series)
			}
		}
	}
	if judged == len(sagForms)*len(s.Currents) {
		if r.Verdict = experiment.Fails; holds {
			r.Verdict = experiment.Holds
		}
	}
	r.Result = fmt.Sprintf("With HCN channels V of the dendrite comes back by at least %.0f %% of its change, where %.0f %% was required; without them by at most %.2g %%, where %.0f %% was allowed. "+
		"The currents are smaller than the 2.5 to 10 nA of the source, as this neuron of 9 compartments has less membrane: they move it as far. "+
		"Without HCN channels hardly anything but the leak of 1e-5 S/cm² is open in the dendrite, and V goes where no membrane does.",
		100*least, 100*leastSag, 100*most, 100*mostSag)
	r.Tables = []rows.Table{table}
	r.Charts = []experiment.Chart{{Name: "course", Caption: fmt.Sprintf("A step of %g nA into the dendrite at 0 ms, with HCN channels and without.", s.Currents[0]), Lines: lines}}
	return r, nil
}
