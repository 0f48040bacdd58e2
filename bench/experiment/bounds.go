package experiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"galvani/engine/chart"
	"galvani/models"
)

func init() {
	Register(Entry{
		Name:   "bounds",
		Doc:    "random charged RNNs that leave the range of their reversal potentials",
		Claim:  "the state of a cRNN is a compromise between its reversal potentials and stays within their range",
		Source: "notes on the charged RNN, section 3",
		New: func() Settings {
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
	// runaway is a voltage that will not come back.
	runaway     = 1e6
	boundInputs = 4
	boundChunk  = 500 // networks in one scan
)

// Quick implements Settings.
func (s *bounds) Quick() { s.Networks, s.Steps, s.Dt = 20, 100, []float64{0.01, 1} }

// boundRules are the integration rules, the last with the signs as printed.
var boundRules = []string{"exp", "implicit", "euler", "literal"}

// Cases implements Settings.
func (s *bounds) Cases(seeds []uint64) ([]Case, error) {
	var cases []Case
	for _, rule := range boundRules {
		for _, dt := range s.Dt {
			for _, seed := range seeds {
				cases = append(cases, Case{Condition: boundCondition(rule, dt), Seed: seed,
					Run: func(ctx context.Context, env *Env) (Result, error) { return s.measure(ctx, env, rule, dt, seed) }})
			}
		}
	}
	return cases, nil
}

func boundCondition(rule string, dt float64) string { return fmt.Sprintf("%s, dt %g", rule, dt) }

// measure runs all networks of one condition and seed.
func (s *bounds) measure(ctx context.Context, env *Env, rule string, dt float64, seed uint64) (Result, error) {
	v := Values{"networks": float64(s.Networks), "left": 0, "runaway": 0, "within": 0, "within_left": 0, "farthest": 0}
	for from := 0; from < s.Networks; from += boundChunk {
		if err := context.Cause(ctx); err != nil {
			return Result{}, err
		}
		env.Tick(float64(from) / float64(s.Networks))
		if err := s.chunk(env, v, rule, dt, seed, from, min(from+boundChunk, s.Networks)); err != nil {
			return Result{}, err
		}
	}
	return Result{Values: v}, nil
}

// chunk runs some networks as one scan and counts in v.
func (s *bounds) chunk(env *Env, v Values, rule string, dt float64, seed uint64, from, to int) error {
	cell := models.NewCRNN()
	cell.Dt, cell.Graph, cell.Stepping = dt, "none", rule
	if rule == "literal" {
		cell.Stepping, cell.Signs = "euler", "literal"
	}
	units, r := (to-from)*s.Units, rand.New(rand.NewPCG(seed, uint64(from)))
	p, err := newProbe(env.Threads, "crnn", cell, models.Dims{I: boundInputs, H: units, O: 1}, seed<<32+uint64(from))
	if err != nil {
		return err
	}
	p.rings(s.Units, 0.3, r)
	for i := range p.of("gamma") {
		p.of("gamma")[i] = r.Float64()
	}
	for n := range to - from {
		gain := math.Pow(s.Input, r.Float64())
		for _, name := range []string{"U_exc", "U_inh"} {
			row := s.Units * boundInputs
			for i := n * row; i < (n+1)*row; i++ {
				p.of(name)[i] = gain * r.Float64()
			}
		}
	}
	c, err := p.course(s.Steps, 1, false)
	if err != nil {
		return err
	}
	for i := range c.x {
		c.x[i] = r.Float64()
	}
	state := p.rest(1)
	for i := range units {
		state[i] = 2*r.Float64() - 1
	}
	h, _, err := c.forward(state)
	if err != nil {
		return err
	}
	most := make([]float64, units)
	if rule == "euler" {
		most = conductances(p, cell, c.x, append(state[:units:units], h...))
	}
	for n := range to - from {
		far, steepest := 0.0, 0.0
		for u := n * s.Units; u < (n+1)*s.Units; u++ {
			steepest = max(steepest, dt*most[u])
			for t := range s.Steps {
				far = math.Max(far, math.Abs(h[t*units+u])) // NaN stays
			}
		}
		v.count("within", rule == "euler" && steepest <= 1)
		if far <= 1+boundTolerance {
			continue
		}
		v.count("left", true)
		v.count("runaway", !(far <= runaway))
		v.count("within_left", rule == "euler" && steepest <= 1)
		v["farthest"] = math.Max(v["farthest"], far)
	}
	return nil
}

// count adds 1 to a value where yes.
func (v Values) count(name string, yes bool) {
	if yes {
		v[name]++
	}
}

// conductances returns the largest G/C of each unit over a course with voltages h [T+1,H], the
// first before the first step, and inputs x [T,I].
//
//	G = g_L + Σ_j g_ij + x̄_E + x̄_I + Σ_c γ_c σ(w_m h + b_m) σ(−w_n h − b_n)
func conductances(p *probe, cell *models.CRNN, x, h []float64) []float64 {
	units, inputs := p.dims.H, p.dims.I
	axial := make([]float64, units)
	for e, g := range p.of("g_axial") {
		axial[p.cell.Axial.I[e]] += g
		axial[p.cell.Axial.J[e]] += g
	}
	steps := len(x) / inputs
	synapse := newTraces(cell.SynKernel, cell.TauS, cell.TauL)
	most := make([]float64, units)
	uExc, uInh, leak, capacity := p.of("U_exc"), p.of("U_inh"), p.of("g_L"), p.of("C_m")
	for u := range units {
		exc, inh, channels := synapse, synapse, p.channels(u)
		for t := range steps {
			now := x[t*inputs : (t+1)*inputs]
			g := leak[u] + axial[u] + exc.step(weighted(uExc, u, now)) + inh.step(weighted(uInh, u, now))
			for _, c := range channels {
				g += c.conductance(h[t*units+u])
			}
			most[u] = math.Max(most[u], g/capacity[u])
		}
	}
	return most
}

// weighted returns Σ_j w[u,j] x_j.
func weighted(w []float64, u int, x []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += w[u*len(x)+j] * v
	}
	return sum
}

// channel is one channel of one unit of a crnn.
type channel struct{ gamma, wm, bm, wn, bn, reversal float64 }

// channels returns the channels of unit u.
func (p *probe) channels(u int) (all [2]channel) {
	for c := range all {
		i := c*p.dims.H + u
		all[c] = channel{p.of("gamma")[i], p.of("w_m")[i], p.of("b_m")[i], p.of("w_n")[i], p.of("b_n")[i], p.of("E_c")[i]}
	}
	return all
}

// conductance returns γ σ(w_m h + b_m) σ(−w_n h − b_n).
func (c channel) conductance(h float64) float64 {
	return c.gamma / ((1 + math.Exp(-c.wm*h-c.bm)) * (1 + math.Exp(c.wn*h+c.bn)))
}

// traces is a synapse and its state.
type traces struct {
	models.Synapse
	p, q float64
}

func newTraces(kernel string, tauS, tauL float64) traces {
	s, err := models.NewSynapse(kernel, tauS, tauL)
	if err != nil {
		panic(err) // the cell has checked it
	}
	return traces{Synapse: s}
}

// step takes in u and returns the conductance.
func (s *traces) step(u float64) float64 {
	s.p, s.q = s.PP*s.p+s.PQ*s.q+s.PU*u, s.QQ*s.q+s.QU*u
	x := s.XP*s.p + s.XQ*s.q
	if s.Rectify {
		x = math.Max(0, x)
	}
	return x
}

// Report implements Settings.
func (s *bounds) Report(rows Rows) (Report, error) {
	table := Table{Title: "Networks that leave [E_min, E_max]",
		Head: []string{"step", "networks", "leave", "|h| beyond 10⁶", "Δt·G/C ≤ 1 throughout", "of those leave", "farthest |h|"}}
	lines := chart.Lines{Title: "Networks that leave the range of their reversal potentials", XLabel: "length of a step", YLabel: "share of networks", LogX: true}
	left := map[string]int{}
	networks, within, withinLeft := map[string]int{}, 0, 0
	for k, rule := range boundRules {
		var x []float64
		var y []Estimate
		for _, dt := range s.Dt {
			of := rows.Of(boundCondition(rule, dt))
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
				words = Share(smallLeft, small).Percent()
			}
			farWords := "≤ 1"
			if gone > 0 {
				farWords = fmt.Sprintf("%.2g", far)
			}
			if !(far <= math.MaxFloat64) {
				farWords = "beyond float64"
			}
			table.Rows = append(table.Rows, []string{boundCondition(rule, dt), fmt.Sprint(n), Share(gone, n).Percent(), fmt.Sprint(of.Sum("runaway")),
				short, words, farWords})
			left[rule] += gone
			networks[rule] += n
			if rule == "euler" {
				within, withinLeft = within+small, withinLeft+smallLeft
			}
			x, y = append(x, dt), append(y, Share(gone, n))
		}
		if len(x) > 0 {
			band := Band(rule, x, y)
			band.Dots, band.Dashed, band.Hue = true, rule == "implicit", k+1
			lines.Series = append(lines.Series, band)
		}
	}
	r := Report{Verdict: Fails, Tables: []Table{table},
		Charts: []Chart{{"leave", "Share of networks that leave, with its interval; exp and implicit lie on each other, at 0.", lines}}}
	exact := left["exp"]+left["implicit"] == 0
	if exact && left["literal"] > 0 {
		r.Verdict = HoldsWhen
	} else if exact {
		r.Verdict = Holds
	}
	r.Result = fmt.Sprintf("Random networks of %d compartments ran for %d steps on inputs of up to %g times the usual size. With restoring signs %d of %d left the range "+
		"of their reversal potentials with the exp step and %d of %d with the implicit one, at any length of a step. With the explicit step %d of %d left; "+
		"of the %d networks of which Δt·G/C stayed at or below 1 %d did, and of the others %s: the bound on the step is enough, but not needed by every network. "+
		"With the signs as printed %s left. The claim holds for restoring signs and steps that are exact or implicit.",
		s.Units, s.Steps, s.Input, left["exp"], networks["exp"], left["implicit"], networks["implicit"], left["euler"], networks["euler"],
		within, withinLeft, Share(left["euler"]-withinLeft, max(1, networks["euler"]-within)).Percent(), Share(left["literal"], max(1, networks["literal"])).Percent())
	return r, nil
}
