package charged

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/experiment/probe"
	"galvani/bench/rows"
	"galvani/engine/chart"
	"galvani/models"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "energy",
		Doc:    "energy along the course of random charged RNNs, and their largest Lyapunov exponent beside that of tanh networks",
		Claim:  "the nonlinearity of the cRNN is added to the state, not composed over time, which prevents chaos",
		Source: "notes on the charged RNN, section 3; chaos of tanh networks: Sompolinsky, Crisanti and Sommers (1988) Phys. Rev. Lett. 61:259",
		New: func() experiment.Settings {
			return &energy{Networks: 200, Units: 16, Gains: []float64{0.5, 1, 1.5, 2, 2.5, 3}, Dense: 20, Dt: 0.1, Steps: 1000, Transient: 500,
				RateNetworks: 10, RateUnits: 100, RateSteps: 4000, RateTransient: 6000, Checks: 100}
		},
	})
}

// energy asks two things of random networks. First, whether a charged RNN with constant synaptic
// conductances runs downhill, as symmetric coupling makes its differential equation do:
//
//	C dh/dt = −∂E/∂h
//	E(h) = Σ_i [g_L/2 (h−E_L)² + Σ_s x̄_s/2 (h−E_s)² + Σ_c ∫ γ_c σ₊σ₋ (u−E_c) du] + ½ Σ_edges g_ij (h_i−h_j)²
//
// Second, whether nearby courses part: the largest Lyapunov exponent, beside that of tanh networks
// h' = tanh(W h) with W_ij ~ N(0, g²/H) and of the simplified charged RNN with W = 1 + N(0, g²/H).
type energy struct {
	Networks      int       `toml:"networks" doc:"charged networks per condition and seed" min:"1" max:"100000"`
	Units         int       `toml:"units" doc:"compartments of a charged network, joined at random" min:"2" max:"1024"`
	Gains         []float64 `toml:"gains" doc:"gains g of W, and largest channel densities of the charged networks" min:"0" max:"1e3"`
	Dense         float64   `toml:"dense" doc:"a channel density far above the others" min:"0" max:"1e3"`
	Dt            float64   `toml:"dt" doc:"short step, with which the course is close to the differential equation" unit:"step" min:"1e-3" max:"0.999"`
	Steps         int       `toml:"steps" doc:"steps that an exponent is averaged over" min:"50" max:"1000000"`
	Transient     int       `toml:"transient" doc:"steps before that" min:"0" max:"1000000"`
	RateNetworks  int       `toml:"rate_networks" doc:"tanh and simplified charged networks per condition and seed" min:"1" max:"100000"`
	RateUnits     int       `toml:"rate_units" doc:"units of these" min:"2" max:"4096"`
	RateSteps     int       `toml:"rate_steps" doc:"steps that an exponent of these is averaged over; some drift off slowly" min:"50" max:"1000000"`
	RateTransient int       `toml:"rate_transient" doc:"steps before that" min:"0" max:"1000000"`
	Checks        int       `toml:"checks" doc:"comparisons of the energy along a course" min:"2" max:"10000"`
}

const (
	// chaosTolerance is the exponent per step above which a network counts as chaotic. Over 800
	// steps the exponent of a fixed point is off by about 1/800 of the logarithm by which the
	// first vector has turned.
	chaosTolerance = 1e-3
	// energyTolerance is the rounding of a sum of some tens of terms.
	energyTolerance = 1e-12
	energySegment   = 10
	energyInputs    = 4
	energyNodes     = 32 // of Gauss and Legendre over at most [-2, 2]: exact to about 1e-12
)

// Quick implements Settings.
func (s *energy) Quick() {
	s.Networks, s.Units, s.Gains, s.Steps, s.Transient, s.Checks = 3, 6, []float64{0.5, 3}, 100, 50, 10
	s.RateNetworks, s.RateUnits, s.RateSteps, s.RateTransient = 2, 32, 100, 50
}

// charged is a condition of charged networks.
type charged struct {
	gamma, dt float64
	noise     bool // input that changes at each step
}

func (c charged) String() string {
	text := fmt.Sprintf("γ_max %g, dt %g", c.gamma, c.dt)
	if c.noise {
		text += ", noise"
	}
	return text
}

// flows are the conditions under which the energy is followed.
func (s *energy) flows() []charged {
	return []charged{{1, s.Dt, false}, {1, 1, false}, {s.Dense, s.Dt, false}, {s.Dense, 1, false}}
}

// chargedNetworks are the conditions of the exponents of charged networks.
func (s *energy) chargedNetworks() []charged {
	var all []charged
	for _, g := range s.Gains {
		all = append(all, charged{g, 1, false})
	}
	return append(all, charged{1, 1, true}, charged{s.Dense, 1, false}, charged{s.Dense, s.Dt, false})
}

// Cases implements Settings.
func (s *energy) Cases(seeds []uint64) ([]experiment.Case, error) {
	if len(s.Gains) == 0 {
		return nil, fmt.Errorf("gains is empty, want at least one number")
	}
	var all []experiment.Condition
	add := func(condition string, cost float64, run experiment.Measurement) {
		if !slices.ContainsFunc(all, func(c experiment.Condition) bool { return c.Name == condition }) { // a gain may be named twice
			all = append(all, experiment.Condition{Name: condition, Cost: cost, Run: run})
		}
	}
	for _, c := range s.flows() {
		add("flow, "+c.String(), 1/c.dt, experiment.Of(c, s.flow))
	}
	for _, c := range s.chargedNetworks() {
		add("crnn, "+c.String(), 3/c.dt, experiment.Of(c, s.chargedExponents))
	}
	for _, model := range []string{"rnn", "crnn-simple"} {
		for _, g := range s.Gains {
			add(rateCondition(model, g), 6, func(ctx context.Context, env *experiment.Env, seed uint64) (experiment.Result, error) {
				return s.rateExponents(ctx, env, model, g, seed)
			})
		}
	}
	return experiment.ByCondition(all, seeds), nil
}

func rateCondition(model string, g float64) string { return fmt.Sprintf("%s, g %g", model, g) }

// charged draws networks of a condition, as one probe whose synapses are single averages, and a
// state at which constant input x has brought their conductances to rest.
func (s *energy) charged(env *experiment.Env, c charged, seed uint64) (p *probe.Probe, x, state []float64, r *rand.Rand, err error) {
	cell := models.NewCRNN()
	cell.Dt, cell.SynKernel = c.dt, "ema"
	units := s.Networks * s.Units
	r = rand.New(rand.NewPCG(seed, 4))
	nets := probe.Ensemble{Networks: s.Networks, Units: s.Units, Inputs: energyInputs, Density: 0.3, Axial: 0.3, Gamma: c.gamma}
	if p, err = nets.Draw(env.Threads, cell, seed, r); err != nil {
		return nil, nil, nil, nil, err
	}
	for n := range s.Networks { // from hardly any input to inputs of order 1
		gain := math.Pow(10, -2*r.Float64())
		for _, u := range nets.InputWeights(p, n) {
			probe.Scale(u, gain)
		}
	}
	x = make([]float64, energyInputs)
	for i := range x {
		x[i] = r.Float64()
	}
	state = p.Rest(1)
	for u := range units {
		state[u] = 2*r.Float64() - 1
		state[units+u], state[3*units+u] = probe.Weighted(p.Of("U_exc"), u, x), probe.Weighted(p.Of("U_inh"), u, x)
	}
	return p, x, state, r, nil
}

// flow follows the energy of networks with constant input.
func (s *energy) flow(ctx context.Context, env *experiment.Env, c charged, seed uint64) (experiment.Result, error) {
	p, x, state, _, err := s.charged(env, c, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	// From one check to the next at least one step, and in all the time of the transient.
	each := max(1, int(float64(s.Transient)/c.dt)/s.Checks)
	line, err := p.Course(each, 1, false)
	if err != nil {
		return experiment.Result{}, err
	}
	line.Hold(x)
	e := newEnergies(p, state, s.Units)
	v := rows.Values{"networks": float64(s.Networks), "checks": float64(s.Checks * s.Networks), "increases": 0, "uphill": 0, "most": 0, "speed": 0}
	before, uphill := e.of(state), make([]bool, s.Networks)
	first, last := slices.Clone(before), slices.Clone(state)
	for k := range s.Checks {
		if err := context.Cause(ctx); err != nil {
			return experiment.Result{}, err
		}
		env.Tick(float64(k) / float64(s.Checks))
		copy(last, state)
		if _, state, err = line.Forward(state); err != nil {
			return experiment.Result{}, err
		}
		state = slices.Clone(state)
		now := e.of(state)
		for n := range now {
			rise := now[n] - before[n]
			if rise > energyTolerance*max(1, math.Abs(now[n])) {
				v["increases"]++
				uphill[n] = true
				v["most"] = max(v["most"], rise/(first[n]-now[n]))
			}
		}
		before = now
	}
	for _, up := range uphill {
		v.Count("uphill", up)
	}
	v["speed"] = probe.Farthest(state[:p.Dims.H], last[:p.Dims.H]) / (float64(each) * c.dt)
	return experiment.Result{Values: v}, nil
}

// chargedExponents measures the exponents of charged networks.
func (s *energy) chargedExponents(ctx context.Context, env *experiment.Env, c charged, seed uint64) (experiment.Result, error) {
	p, x, state, r, err := s.charged(env, c, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	input := func(int) []float64 { return x }
	if c.noise {
		input = func(t int) []float64 {
			draw := rand.New(rand.NewPCG(seed, uint64(t)))
			now := make([]float64, energyInputs)
			for i := range now {
				now[i] = 2 * draw.Float64() * x[i]
			}
			return now
		}
	}
	o := probe.Orbit{Transient: int(float64(s.Transient) / c.dt), Steps: int(float64(s.Steps) / c.dt), Segment: energySegment}
	all, err := p.Exponents(ctx, o, s.Units, state, input, r)
	if err != nil {
		return experiment.Result{}, err
	}
	return exponentResult(all), nil
}

// rateExponents measures the exponents of networks with a dense random W.
func (s *energy) rateExponents(ctx context.Context, env *experiment.Env, model string, g float64, seed uint64) (experiment.Result, error) {
	entry, err := models.Lookup(model)
	if err != nil {
		return experiment.Result{}, err
	}
	var all []float64
	for n := range s.RateNetworks {
		env.Tick(float64(n) / float64(s.RateNetworks))
		r := rand.New(rand.NewPCG(seed, uint64(n)<<8+5))
		p, err := probe.New(env.Threads, model, entry.New(), models.Dims{I: 1, H: s.RateUnits, O: 1}, seed<<32+uint64(n))
		if err != nil {
			return experiment.Result{}, err
		}
		name, diagonal := "weight_hh_l0", 0.0
		if model == "crnn-simple" {
			name, diagonal = "W", 1
		} else {
			clear(p.Of("bias_ih_l0"))
			clear(p.Of("bias_hh_l0"))
		}
		w := p.Of(name)
		for i := range w {
			w[i] = g * r.NormFloat64() / math.Sqrt(float64(s.RateUnits))
			if i%(s.RateUnits+1) == 0 {
				w[i] += diagonal
			}
		}
		state := p.Rest(1)
		for i := range s.RateUnits {
			state[i] = r.NormFloat64()
		}
		o := probe.Orbit{Transient: s.RateTransient, Steps: s.RateSteps, Segment: energySegment}
		one, err := p.Exponents(ctx, o, s.RateUnits, state, nil, r)
		if err != nil {
			return experiment.Result{}, err
		}
		all = append(all, one...)
	}
	return exponentResult(all), nil
}

// exponentResult sums up the exponents of some networks. Those that diverged have none.
func exponentResult(all []float64) experiment.Result {
	v := rows.Values{"networks": float64(len(all)), "diverged": 0, "chaotic": 0}
	sum, n, most := 0.0, 0.0, math.Inf(-1)
	for _, e := range all {
		if math.IsNaN(e) {
			v["diverged"]++
			continue
		}
		v.Count("chaotic", e > chaosTolerance)
		sum, n, most = sum+e, n+1, max(most, e)
	}
	if n > 0 {
		v["mean"], v["largest"] = sum/n, most
	}
	return experiment.Result{Values: v, Curves: map[string]rows.Curve{"exponents": all}}
}

// Report implements Settings.
func (s *energy) Report(results experiment.Rows) (experiment.Report, error) {
	flows := rows.Table{Title: "Energy along the course, constant input",
		Head: []string{"charged networks", "networks", "checks", "energy rises", "networks in which it does", "largest rise, of the whole fall", "speed at the end"}}
	downhill, shortUphill := true, 0.0
	for _, c := range s.flows() {
		of := results.Of("flow, " + c.String())
		if len(of) == 0 {
			continue
		}
		flows.Rows = append(flows.Rows, []string{c.String(), fmt.Sprint(of.Sum("networks")), fmt.Sprint(of.Sum("checks")), fmt.Sprint(of.Sum("increases")),
			rows.Share(int(of.Sum("uphill")), int(of.Sum("networks"))).Percent(), fmt.Sprintf("%.2g", slices.Max(of.Values("most"))), fmt.Sprintf("%.2g", slices.Max(of.Values("speed")))})
		downhill = downhill && of.Sum("increases") == 0
		if c.dt != 1 {
			shortUphill += of.Sum("increases")
		}
	}
	table := rows.Table{Title: "Largest Lyapunov exponent per step",
		Head: []string{"network", "networks", "mean over networks", "largest of all", fmt.Sprintf("above %g", chaosTolerance), "diverged"}}
	add := func(condition string) experiment.Rows {
		of := results.Of(condition)
		if len(of) == 0 {
			return nil
		}
		n, gone := int(of.Sum("networks")), int(of.Sum("diverged"))
		mean, most := "-", "-"
		if largest := of.Values("largest"); len(largest) > 0 {
			mean, most = of.Mean("mean").Format("%.4f"), fmt.Sprintf("%.5f", slices.Max(largest))
		}
		share := "-"
		if n > gone {
			share = rows.Share(int(of.Sum("chaotic")), n-gone).Percent()
		}
		table.Rows = append(table.Rows, []string{condition, fmt.Sprint(n), mean, most, share, fmt.Sprint(gone)})
		return of
	}
	var chaotic, chaoticShort float64
	for _, c := range s.chargedNetworks() {
		of := add("crnn, " + c.String())
		chaotic += of.Sum("chaotic")
		if c.dt != 1 {
			chaoticShort += of.Sum("chaotic")
		}
	}
	lines := chart.Lines{Title: "Largest Lyapunov exponent", XLabel: "gain g of W; largest channel density γ_max of the crnn", YLabel: "exponent per step"}
	gains := slices.Clone(s.Gains)
	slices.Sort(gains)
	gains = slices.Compact(gains)
	for _, model := range []string{"crnn", "rnn", "crnn-simple"} {
		var x []float64
		var y []rows.Estimate
		for _, g := range gains {
			condition := rateCondition(model, g)
			if model == "crnn" {
				condition = "crnn, " + charged{g, 1, false}.String()
			} else {
				add(condition)
			}
			if of := results.Of(condition); len(of.Values("mean")) > 0 && of.Sum("diverged") == 0 {
				x, y = append(x, g), append(y, of.Mean("mean"))
			}
		}
		if len(x) > 0 {
			band := rows.Band(model, x, y)
			band.Dots = true
			lines.Series = append(lines.Series, band)
		}
	}
	r := experiment.Report{Verdict: experiment.Fails, Tables: []rows.Table{flows, table}, Charts: []experiment.Chart{{Name: "exponents",
		Caption: "Mean over networks, with its interval over seeds; conditions in which networks diverge are left out. Above 0 nearby courses part.", Lines: lines}}}
	switch {
	case chaotic == 0 && downhill:
		r.Verdict = experiment.Holds
	case chaoticShort == 0 && shortUphill == 0:
		r.Verdict = experiment.HoldsWhen
	}
	r.Result = s.words(results, r.Verdict)
	return r, nil
}

// words says what was found.
func (s *energy) words(results experiment.Rows, v experiment.Verdict) string {
	sum := func(prefix, name string, keep func(c charged) bool, all []charged) (total float64) {
		for _, c := range all {
			if keep(c) {
				total += results.Of(prefix + c.String()).Sum(name)
			}
		}
		return total
	}
	short := func(c charged) bool { return c.dt != 1 }
	usual := func(c charged) bool { return c.dt == 1 && c.gamma != s.Dense }
	dense := func(c charged) bool { return c.dt == 1 && c.gamma == s.Dense }
	every := s.chargedNetworks()
	text := fmt.Sprintf("With constant conductances and steps of %g the energy rose in %.0f of %.0f comparisons, with steps of 1 in %.0f of %.0f at densities up to 1 and in %.0f of %.0f at densities up to %g. ",
		s.Dt, sum("flow, ", "increases", short, s.flows()), sum("flow, ", "checks", short, s.flows()),
		sum("flow, ", "increases", usual, s.flows()), sum("flow, ", "checks", usual, s.flows()),
		sum("flow, ", "increases", dense, s.flows()), sum("flow, ", "checks", dense, s.flows()), s.Dense)
	text += fmt.Sprintf("The largest Lyapunov exponent was above %g in %.0f of %.0f random charged networks with steps of 1 and densities of the same size as the gains, in %.0f of %.0f with densities up to %g, "+
		"and in %.0f of %.0f of the latter with steps of %g. ", chaosTolerance, sum("crnn, ", "chaotic", usual, every), sum("crnn, ", "networks", usual, every),
		sum("crnn, ", "chaotic", dense, every), sum("crnn, ", "networks", dense, every), s.Dense, sum("crnn, ", "chaotic", short, every), sum("crnn, ", "networks", short, every), s.Dt)
	tanh := results.Where(func(r experiment.Row) bool {
		return slices.ContainsFunc(s.Gains, func(g float64) bool { return g >= 1.5 && r.Condition == rateCondition("rnn", g) })
	})
	if n := int(tanh.Sum("networks")); n > 0 {
		text += fmt.Sprintf("Of %d tanh networks with a gain of 1.5 or more %.0f were chaotic. ", n, tanh.Sum("chaotic"))
	}
	switch v {
	case experiment.Holds:
		text += "The claim holds for the crnn."
	case experiment.HoldsWhen:
		text += "The claim holds for the crnn, whose coupling is symmetric, as long as steps are short against C/G; a step that overshoots makes networks cycle that would come to rest, which is not yet chaos."
	default:
		text += "The claim fails as measured here."
	}
	simple := results.Where(func(r experiment.Row) bool {
		return slices.ContainsFunc(s.Gains, func(g float64) bool { return r.Condition == rateCondition("crnn-simple", g) })
	})
	if n := int(simple.Sum("networks")); n > 0 {
		text += fmt.Sprintf(" It is the symmetric coupling that does it, more than the sum: crnn-simple adds its nonlinearity too, but its W is free, and of %d networks with W = 1 + N(0, g²/H) %.0f diverged and %.0f of the others were chaotic. "+
			"The printed equations have instantaneous gates; gates with dynamics of their own, as in Hodgkin and Huxley's equations, break the gradient structure, so nothing here speaks of them.",
			n, simple.Sum("diverged"), simple.Sum("chaotic"))
	}
	return text
}
