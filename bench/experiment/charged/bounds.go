package charged

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"galvani/bench/experiment"
	"galvani/bench/experiment/probe"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/models"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "bounds",
		Doc:    "random charged RNNs that leave the range of their reversal potentials",
		Claim:  "the state of a cRNN is a compromise between its reversal potentials and stays within their range",
		Source: "notes on the charged RNN, section 3",
		New: func() experiment.Settings {
			return &bounds{Networks: 2000, Units: 8, Steps: 1000, Input: 100, Dt: []float64{0.01, 0.03, 0.1, 0.3, 1}}
		},
	})
}

// bounds runs random networks on random inputs and counts those of which a voltage leaves the range
// of the reversal potentials, [−1, 1], where all voltages start.
//
// With the exp and the implicit step every new voltage is a weighted mean of the old one and of the
// reversal potentials, whatever the input. With the explicit step the weight of the old voltage is
// 1 − Δt·G/C, which is a mean as long as Δt·G/C ≤ 1. With the signs of the notes as printed the
// reversal potentials of synapses and channels repel.
type bounds struct {
	Networks int       `toml:"networks" doc:"networks per condition and seed" min:"1" max:"100000"`
	Units    int       `toml:"units" doc:"compartments of a network, joined to a ring" min:"2" max:"1024"`
	Steps    int       `toml:"steps" doc:"steps of each network" min:"1" max:"100000"`
	Input    float64   `toml:"input" doc:"largest input relative to inputs of order 1; drawn evenly in its logarithm from 1 on" min:"1" max:"1e6"`
	Dt       []float64 `toml:"dt" doc:"lengths of a step" unit:"step" min:"1e-6" max:"1e3"`
}

const (
	// boundTolerance is the rounding of one step in float64: the mean is computed with weights
	// whose sum is 1 to within some units of the last place.
	boundTolerance = 1e-12
	boundInputs    = 4
	boundChunk     = 500 // networks in one scan
)

// Quick implements Settings.
func (s *bounds) Quick() { s.Networks, s.Steps, s.Dt = 20, 100, []float64{0.01, 1} }

// boundRules are the integration rules, the last with the signs as printed.
var boundRules = []string{"exp", "implicit", "euler", "literal"}

// Cases implements Settings.
func (s *bounds) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, rule := range boundRules {
		for _, dt := range s.Dt {
			all = append(all, experiment.Condition{Name: boundCondition(rule, dt),
				Run: func(ctx context.Context, env *experiment.Env, seed uint64) (experiment.Result, error) {
					return s.measure(ctx, env, rule, dt, seed)
				}})
		}
	}
	return experiment.ByCondition(all, seeds), nil
}

func boundCondition(rule string, dt float64) string { return fmt.Sprintf("%s, dt %g", rule, dt) }

// measure runs all networks of one condition and seed.
func (s *bounds) measure(ctx context.Context, env *experiment.Env, rule string, dt float64, seed uint64) (experiment.Result, error) {
	v := rows.Values{"networks": float64(s.Networks), "left": 0, "runaway": 0, "within": 0, "within_left": 0, "farthest": 0}
	for from := 0; from < s.Networks; from += boundChunk {
		if err := context.Cause(ctx); err != nil {
			return experiment.Result{}, err
		}
		env.Tick(float64(from) / float64(s.Networks))
		if err := s.chunk(env, v, rule, dt, seed, from, min(from+boundChunk, s.Networks)); err != nil {
			return experiment.Result{}, err
		}
	}
	return experiment.Result{Values: v}, nil
}

// chunk runs some networks as one scan and counts in v.
func (s *bounds) chunk(env *experiment.Env, v rows.Values, rule string, dt float64, seed uint64, from, to int) error {
	cell := models.NewCRNN()
	cell.Dt, cell.Stepping = dt, rule
	if rule == "literal" {
		cell.Stepping, cell.Signs = "euler", "literal"
	}
	units, r := (to-from)*s.Units, rand.New(rand.NewPCG(seed, uint64(from)))
	nets := probe.Ensemble{Networks: to - from, Units: s.Units, Inputs: boundInputs, Axial: 0.3, Gamma: 1}
	p, err := nets.Draw(env.Threads, cell, seed<<32+uint64(from), r)
	if err != nil {
		return err
	}
	for n := range nets.Networks {
		gain := math.Pow(s.Input, r.Float64())
		for _, u := range nets.InputWeights(p, n) {
			for i := range u {
				u[i] = gain * r.Float64()
			}
		}
	}
	c, err := p.Course(s.Steps, 1, false)
	if err != nil {
		return err
	}
	for i := range c.X {
		c.X[i] = r.Float64()
	}
	state := p.Rest(1)
	for i := range units {
		state[i] = 2*r.Float64() - 1
	}
	h, _, err := c.Forward(state)
	if err != nil {
		return err
	}
	most := make([]float64, units)
	if rule == "euler" {
		most = probe.Conductances(p, cell, c.X, append(state[:units:units], h...))
	}
	for n := range to - from {
		far, steepest := 0.0, 0.0
		for u := n * s.Units; u < (n+1)*s.Units; u++ {
			steepest = max(steepest, dt*most[u])
			for t := range s.Steps {
				far = math.Max(far, math.Abs(h[t*units+u])) // NaN stays
			}
		}
		v.Count("within", rule == "euler" && steepest <= 1)
		if far <= 1+boundTolerance {
			continue
		}
		v.Count("left", true)
		v.Count("runaway", !(far <= probe.Runaway))
		v.Count("within_left", rule == "euler" && steepest <= 1)
		v["farthest"] = math.Max(v["farthest"], far)
	}
	return nil
}

// Report implements Settings.
func (s *bounds) Report(results experiment.Rows) (experiment.Report, error) {
	table := rows.Table{Title: "Networks that leave [E_min, E_max]",
		Head: []string{"step", "networks", "leave", "|h| beyond 10⁶", "Δt·G/C ≤ 1 throughout", "of those leave", "farthest |h|"}}
	lines := chart.Lines{Title: "Networks that leave the range of their reversal potentials", XLabel: "length of a step", YLabel: "share of networks", LogX: true}
	left := map[string]int{}
	networks, within, withinLeft := map[string]int{}, 0, 0
	for k, rule := range boundRules {
		var x []float64
		var y []rows.Estimate
		for _, dt := range s.Dt {
			of := results.Of(boundCondition(rule, dt))
			n, gone := int(of.Sum("networks")), int(of.Sum("left"))
			if n == 0 {
				continue
			}
			small, smallLeft := int(of.Sum("within")), int(of.Sum("within_left"))
			far := 0.0
			for _, v := range of.Values("farthest") {
				far = math.Max(far, v)
			}
			short, words := "-", "-"
			if rule == "euler" {
				short = fmt.Sprint(small)
			}
			if small > 0 {
				words = rows.Share(smallLeft, small).Percent()
			}
			farWords := "≤ 1"
			if gone > 0 {
				farWords = fmt.Sprintf("%.2g", far)
			}
			if !(far <= math.MaxFloat64) {
				farWords = "beyond float64"
			}
			table.Rows = append(table.Rows, []string{boundCondition(rule, dt), fmt.Sprint(n), rows.Share(gone, n).Percent(), fmt.Sprint(of.Sum("runaway")),
				short, words, farWords})
			left[rule] += gone
			networks[rule] += n
			if rule == "euler" {
				within, withinLeft = within+small, withinLeft+smallLeft
			}
			x, y = append(x, dt), append(y, rows.Share(gone, n))
		}
		if len(x) > 0 {
			band := rows.Band(rule, x, y)
			band.Dots, band.Dashed, band.Hue = true, rule == "implicit", k+1
			lines.Series = append(lines.Series, band)
		}
	}
	r := experiment.Report{Verdict: experiment.Fails, Tables: []rows.Table{table},
		Charts: []experiment.Chart{{Name: "leave", Caption: "Share of networks that leave, with its interval; exp and implicit lie on each other, at 0.", Lines: lines}}}
	exact := left["exp"]+left["implicit"] == 0
	if exact && left["literal"] > 0 {
		r.Verdict = experiment.HoldsWhen
	} else if exact {
		r.Verdict = experiment.Holds
	}
	r.Result = fmt.Sprintf("Random networks of %d compartments ran for %d steps on inputs of up to %g times the usual size. With restoring signs %d of %d left the range "+
		"of their reversal potentials with the exp step and %d of %d with the implicit one, at any length of a step. With the explicit step %d of %d left; "+
		"of the %d networks of which Δt·G/C stayed at or below 1 %d did, and of the others %s: the bound on the step is enough, but not needed by every network. "+
		"With the signs as printed %s left. The claim holds for restoring signs and steps that are exact or implicit.",
		s.Units, s.Steps, s.Input, left["exp"], networks["exp"], left["implicit"], networks["implicit"], left["euler"], networks["euler"],
		within, withinLeft, rows.Share(left["euler"]-withinLeft, max(1, networks["euler"]-within)).Percent(), rows.Share(left["literal"], max(1, networks["literal"])).Percent())
	return r, nil
}
