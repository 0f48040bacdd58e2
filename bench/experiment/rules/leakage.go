package rules

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
		Name:   "leakage",
		Doc:    "what it costs to make a dendrite steadier by smaller weights and a smaller leak",
		Claim:  "scaling the weights and the leak of a dendrite by the same factor leaves its mean potential, and trades fluctuations, as the root of the factor, for the time to settle, as its inverse",
		Source: "the trade-off that notes on dendritic microcircuits in NEST report without a number; shot noise: Campbell (1909)",
		New: func() experiment.Settings {
			return &leakage{Factors: []float64{0.1, 0.2, 0.5, 1, 2, 5}, Sources: 100, Rate: 20, Leak: 0.1, Repeats: 400}
		},
	})
}

// leakage drives dendrites C V' = −f g V + f w Σ spikes for factors f.
type leakage struct {
	Factors []float64 `toml:"factors" doc:"factors of weights and leak" min:"1e-3" max:"100" nonempty:"true"`
	Sources int       `toml:"sources" doc:"sources of Poisson spikes" min:"1" max:"100000"`
	Rate    float64   `toml:"rate" doc:"rate of each source" unit:"Hz" min:"0.1" max:"1000"`
	Leak    float64   `toml:"leak" doc:"leak for a factor of 1, for a capacity of 1" unit:"1/ms" min:"1e-4" max:"10"`
	Repeats int       `toml:"repeats" doc:"dendrites from rest over which potentials are averaged" min:"2" max:"1000000"`
}

// Quick implements Settings.
func (s *leakage) Quick() { s.Factors, s.Sources, s.Repeats = []float64{0.5, 1}, 10, 20 }

func factorCondition(f float64) string { return fmt.Sprintf("factor %g", f) }

// Cases implements Settings.
func (s *leakage) Cases(seeds []uint64) ([]experiment.Case, error) {
	var all []experiment.Condition
	for _, f := range s.Factors {
		all = append(all, experiment.Condition{Name: factorCondition(f), Cost: 1 / f, Run: experiment.Of(f, s.measure)})
	}
	return experiment.BySeed(all, seeds), nil
}

// leakageConstants is how many time constants a dendrite is watched.
const leakageConstants = 8

// measure averages dendrites whose mean potential is to be 1 in the end.
func (s *leakage) measure(ctx context.Context, env *experiment.Env, f float64, seed uint64) (experiment.Result, error) {
	tau := 1 / (f * s.Leak)
	dt := min(0.1, tau/50)
	steps := int(math.Round(leakageConstants * tau / dt))
	arrivals := float64(s.Sources) * s.Rate / 1000 // 1/ms
	weight := f * s.Leak / arrivals
	decay, chance := math.Exp(-dt/tau), arrivals*dt
	mean := make([]float64, steps)
	var sum, squares, n float64
	for r := range s.Repeats {
		if err := ctx.Err(); err != nil {
			return experiment.Result{}, err
		}
		draw, v := random.New(seed).Named("spikes").Stream(uint64(r)), 0.0
		for i := range steps {
			// A step of all sources together: Poisson, by inversion.
			spikes, p, u := 0.0, math.Exp(-chance), draw.Uniform(uint64(i))
			for q := p; u > q && spikes < 1000; q += p {
				spikes++
				p *= chance / spikes
			}
			v = v*decay + spikes*weight*(1-decay)/(dt/tau) // what arrives within the step decays by half of it on average
			mean[i] += v / float64(s.Repeats)
			if i >= steps*3/4 {
				sum, squares, n = sum+v, squares+v*v, n+1
			}
		}
		env.Tick(float64(r+1) / float64(s.Repeats))
	}
	m := sum / n
	settle := math.NaN()
	for i, v := range mean {
		if v >= m*(1-math.Exp(-1)) {
			settle = float64(i+1) * dt
			break
		}
	}
	return experiment.Result{Values: rows.Values{"mean": m, "deviation": math.Sqrt(max(0, squares/n-m*m)), "settle": settle}}, nil
}

// expected returns the deviation by Campbell's theorem, and the time constant.
func (s *leakage) expected(f float64) (deviation, settle float64) {
	return math.Sqrt(f * s.Leak / (2 * float64(s.Sources) * s.Rate / 1000)), 1 / (f * s.Leak)
}

// leakageTolerance is what mean, deviation and time may be off, relative to theory.
const leakageTolerance = 0.1

// Report implements Settings.
func (s *leakage) Report(results experiment.Rows) (experiment.Report, error) {
	t := rows.Table{Title: "Potential of a dendrite, in its mean", Head: []string{"factor", "mean", "deviation", "by theory", "time to 1 - 1/e (ms)", "by theory (ms)", "deviation² × time (ms)"}}
	verdict := experiment.Holds
	measured, theory := chart.Series{Name: "measured", Dots: true}, chart.Series{Name: "theory"}
	worst := 0.0
	for _, f := range s.Factors {
		of := results.Of(factorCondition(f))
		if len(of.Values("mean")) == 0 || len(of.Values("settle")) == 0 {
			verdict = experiment.None
			continue
		}
		mean, deviation, settle := of.Mean("mean").Value, of.Mean("deviation").Value, of.Mean("settle").Value
		d, tau := s.expected(f)
		for _, off := range []float64{mean - 1, deviation/d - 1, settle/tau - 1} {
			worst = max(worst, math.Abs(off))
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(f), fmt.Sprintf("%.3f", mean), fmt.Sprintf("%.4f", deviation), fmt.Sprintf("%.4f", d), fmt.Sprintf("%.1f", settle),
			fmt.Sprintf("%.1f", tau), fmt.Sprintf("%.4f", deviation*deviation*settle)})
		measured.X, measured.Y = append(measured.X, settle), append(measured.Y, deviation)
		theory.X, theory.Y = append(theory.X, tau), append(theory.Y, d)
	}
	if verdict == experiment.Holds && worst > leakageTolerance {
		verdict = experiment.Fails
	}
	return experiment.Report{Verdict: verdict, Tables: []rows.Table{t},
		Charts: []experiment.Chart{{Name: "trade", Caption: "Deviation against the time to settle, for factors of weights and leak.",
			Lines: chart.Lines{Title: "Steadiness against time", XLabel: "time to settle (ms)", YLabel: "deviation / mean", LogX: true, Series: []chart.Series{measured, theory}}}},
		Result: fmt.Sprintf("%d sources at %g Hz drive a dendrite with a leak of %g/ms times the factor, and weights times the factor. Deviation and time follow f^(1/2) and 1/f: their "+
			"product deviation² × time does not depend on the factor, so a dendrite that is twice as steady needs four times as long for each pattern. Theory is met to %.1f %%.",
			s.Sources, s.Rate, s.Leak, 100*worst)}, nil
}
