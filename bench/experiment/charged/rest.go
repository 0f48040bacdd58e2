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
		Name:   "rest",
		Doc:    "distance of random charged RNNs from rest while their input stays constant",
		Claim:  "the cRNN is event-driven: when its input is constant in time it converges to its resting state",
		Source: "notes on the charged RNN, section 3",
		New: func() experiment.Settings {
			return &rest{Networks: 200, Units: 8, Input: 10, Starts: 8, Gamma: 1, GammaMax: []float64{0, 1, 2, 5, 10, 20}, Dt: 0.1, TauS: 5, TauL: 20, Multiple: 20}
		},
	})
}

// rest holds the input of random networks constant and measures how far from rest they end. Rest
// is the fixed point without input that a network reaches from its leak potential.
//
// With a synapse that is a difference of averages the input decays to 0, so that the network ends
// in a fixed point without input, if not always in the one that it left. The kernels that are no
// difference are the negative control: they must not come back.
type rest struct {
	Networks int       `toml:"networks" doc:"networks per condition and seed" min:"1" max:"100000"`
	Units    int       `toml:"units" doc:"compartments of a network, joined to a ring" min:"2" max:"1024"`
	Input    float64   `toml:"input" doc:"largest input weight relative to the initial ones; drawn evenly in its logarithm from 1 on" min:"1" max:"1e6"`
	Starts   int       `toml:"starts" doc:"states from which a network is let go to see whether it has one point of rest: all at the top, all at the bottom, then random ones" min:"2" max:"1024"`
	Gamma    float64   `toml:"gamma" doc:"largest channel density of the networks whose synapses are compared; densities are drawn evenly up to it" min:"0" max:"1e3"`
	GammaMax []float64 `toml:"gamma_max" doc:"largest channel densities that are compared" min:"0" max:"1e3"`
	Dt       float64   `toml:"dt" doc:"short step with which the densest channels are run again" unit:"step" min:"1e-3" max:"0.999"`
	TauS     float64   `toml:"tau_s" doc:"time constant of the fast synaptic trace" unit:"dt = 1" min:"0.1" max:"1e4"`
	TauL     float64   `toml:"tau_l" doc:"time constant of the slow synaptic trace" unit:"dt = 1" min:"0.1" max:"1e4"`
	Multiple float64   `toml:"multiple" doc:"duration of the input, in the longest time constant of synapse and membrane" min:"1" max:"1000"`
}

const (
	// restTolerance tells back at rest from elsewhere: 20 time constants leave 2e-9 of what was
	// there, and channels can slow that down.
	restTolerance = 1e-6
	// slowestLeak is the smallest leak conductance of a drawn network, at C = 1.
	slowestLeak = 0.02
	restInputs  = 4
	restPoints  = 50 // of the curve of distances
)

// restKernels are the synapses: first those that do not respond to constant input, then those
// that do, the negative control.
var restKernels = []string{"ema_diff_relu", "ema_diff", "ema", "alpha", "dualexp"}

const restControl = 2 // first of the negative control

// Quick implements Settings.
func (s *rest) Quick() {
	s.Networks, s.GammaMax, s.Dt = 5, []float64{0, 1}, 0.5
}

// Cases implements Settings.
func (s *rest) Cases(seeds []uint64) ([]experiment.Case, error) {
	if s.TauS == s.TauL {
		return nil, fmt.Errorf("tau_s and tau_l are both %v, want them to differ", s.TauS)
	}
	if len(s.GammaMax) == 0 {
		return nil, fmt.Errorf("gamma_max is empty, want at least one number")
	}
	var all []experiment.Condition
	add := func(net restNet) {
		all = append(all, experiment.Condition{Name: net.String(), Cost: 1 / net.dt, Run: experiment.Of(net, s.measure)})
	}
	for _, kernel := range restKernels {
		add(restNet{kernel, s.Gamma, 1})
	}
	for _, gamma := range s.GammaMax {
		if gamma != s.Gamma {
			add(restNet{restKernels[0], gamma, 1})
		}
	}
	add(s.short())
	return experiment.ByCondition(all, seeds), nil
}

// restNet is a condition: synapse, largest channel density, length of a step.
type restNet struct {
	kernel    string
	gamma, dt float64
}

func (n restNet) String() string {
	text := fmt.Sprintf("%s, γ_max %g", n.kernel, n.gamma)
	if n.dt != 1 {
		text += fmt.Sprintf(", dt %g", n.dt)
	}
	return text
}

// short is the condition with the densest channels and the short step.
func (s *rest) short() restNet { return restNet{restKernels[0], slices.Max(s.GammaMax), s.Dt} }

// steps returns how long the input lasts.
func (s *rest) steps(dt float64) int {
	return int(math.Ceil(s.Multiple * max(s.TauS, s.TauL, 1/slowestLeak) / dt))
}

// measure runs all networks of one condition and seed as one scan.
func (s *rest) measure(ctx context.Context, env *experiment.Env, net restNet, seed uint64) (experiment.Result, error) {
	cell := models.NewCRNN()
	cell.SynKernel, cell.Dt, cell.TauS, cell.TauL = net.kernel, net.dt, s.TauS/net.dt, s.TauL/net.dt
	units := s.Networks * s.Units
	r := rand.New(rand.NewPCG(seed, 1))
	nets := probe.Ensemble{Networks: s.Networks, Units: s.Units, Inputs: restInputs, Axial: 0.3, Gamma: net.gamma}
	p, err := nets.Draw(env.Threads, cell, seed, r)
	if err != nil {
		return experiment.Result{}, err
	}
	for n := range s.Networks {
		gain := math.Pow(s.Input, r.Float64())
		for _, u := range nets.InputWeights(p, n) {
			probe.Scale(u, gain)
		}
	}
	one, err := p.Course(s.steps(net.dt), 1, false)
	if err != nil {
		return experiment.Result{}, err
	}
	_, atRest, err := one.Forward(p.Rest(1))
	if err != nil {
		return experiment.Result{}, err
	}
	atRest = slices.Clone(atRest)
	env.Tick(0.2)
	input := make([]float64, restInputs)
	for i := range input {
		input[i] = r.Float64()
	}
	one.Hold(input)
	h, end, err := one.Forward(atRest)
	if err != nil {
		return experiment.Result{}, err
	}
	end = slices.Clone(end)
	curve, at := s.curve(h, atRest[:units], net.dt)
	env.Tick(0.4)
	_, later, err := one.Forward(end)
	if err != nil {
		return experiment.Result{}, err
	}
	single, err := s.single(ctx, env, p, net.dt, r)
	if err != nil {
		return experiment.Result{}, err
	}
	v := rows.Values{"networks": float64(s.Networks), "back": 0, "elsewhere": 0, "moving": 0, "single": 0, "single_back": 0}
	for n := range s.Networks {
		from, to := n*s.Units, (n+1)*s.Units
		far, moves := probe.Farthest(end[from:to], atRest[from:to]), probe.Farthest(later[from:to], end[from:to])
		switch {
		case far < restTolerance:
			v["back"]++
		case moves < restTolerance:
			v["elsewhere"]++
		default:
			v["moving"]++
		}
		if single[n] {
			v["single"]++
			if far < restTolerance {
				v["single_back"]++
			}
		}
	}
	return experiment.Result{Values: v, Curves: map[string]rows.Curve{"step": at, "distance": curve}}, nil
}

// curve returns the median distance of the networks from rest at some steps.
func (s *rest) curve(h, atRest []float64, dt float64) (distance, at rows.Curve) {
	units, steps := len(atRest), s.steps(dt)
	for k := range restPoints {
		t := (steps - 1) * (k + 1) / restPoints
		all := make([]float64, s.Networks)
		for n := range all {
			from, to := n*s.Units, (n+1)*s.Units
			all[n] = probe.Farthest(h[t*units+from:t*units+to], atRest[from:to])
		}
		slices.Sort(all)
		distance, at = append(distance, all[len(all)/2]), append(at, float64(t+1)*dt)
	}
	return distance, at
}

// single tells of each network whether it has one point of rest alone, as far as can be seen:
// whether it comes to the same without input from every voltage at its highest, from every voltage
// at its lowest, and from random voltages. Axial coupling pulls voltages together, so that with a
// short step order is kept and whatever lies between the first two starts ends between their ends.
//
// Source: Hirsch (1985), SIAM J. Math. Anal. 16:423, on cooperative systems.
func (s *rest) single(ctx context.Context, env *experiment.Env, p *probe.Probe, dt float64, r *rand.Rand) ([]bool, error) {
	c, err := p.Course(s.steps(dt), s.Starts, false)
	if err != nil {
		return nil, err
	}
	state, units := p.Rest(s.Starts), s.Networks*s.Units
	for i := range s.Starts * units {
		switch i / units {
		case 0:
			state[i] = 1
		case 1:
			state[i] = -1
		default:
			state[i] = 2*r.Float64() - 1
		}
	}
	_, end, err := c.Forward(state)
	if err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	env.Tick(0.9)
	single := make([]bool, s.Networks)
	for n := range single {
		single[n] = true
		for b := 1; b < s.Starts; b++ {
			from, to := n*s.Units, (n+1)*s.Units
			single[n] = single[n] && probe.Farthest(end[b*units+from:b*units+to], end[from:to]) < restTolerance
		}
	}
	return single, nil
}

// Report implements Settings.
func (s *rest) Report(results experiment.Rows) (experiment.Report, error) {
	table := rows.Table{Title: "Where networks are after constant input",
		Head: []string{"synapse, channels", "networks", "back at rest", "at another point of rest", "still moving", "one point of rest alone", "of those back"}}
	distance := chart.Lines{Title: "Distance from rest under constant input", XLabel: "step since onset", YLabel: "largest |h − h_rest|", LogY: true}
	back := chart.Lines{Title: "Networks that come back", XLabel: "γ_max", YLabel: "share of networks"}
	f := restFound{all: true, alone: true, control: true, short: true}
	shares := map[string]rows.Estimate{}
	for _, c := range results.Conditions() {
		of := results.Of(c)
		n, home, single, singleHome := int(of.Sum("networks")), int(of.Sum("back")), int(of.Sum("single")), int(of.Sum("single_back"))
		shares[c] = rows.Share(home, n)
		ofSingle := "-"
		if single > 0 {
			ofSingle = rows.Share(singleHome, single).Percent()
		}
		table.Rows = append(table.Rows, []string{c, fmt.Sprint(n), shares[c].Percent(), fmt.Sprint(of.Sum("elsewhere")), fmt.Sprint(of.Sum("moving")),
			fmt.Sprint(single), ofSingle})
		kernel := slices.IndexFunc(restKernels, func(k string) bool { return restNet{k, s.Gamma, 1}.String() == c })
		switch {
		case kernel >= restControl:
			f.control = f.control && home == 0
		case c == s.short().String():
			f.short = singleHome == single
		default:
			f.all, f.alone = f.all && home == n, f.alone && singleHome == single
		}
		if kernel >= 0 {
			band := rows.Band(restKernels[kernel], of[0].Curves["step"], of.Curve("distance"))
			band.Dashed = kernel == 1 || kernel > restControl // those that lie on others
			distance.Series = append(distance.Series, band)
		}
	}
	r := experiment.Report{Verdict: experiment.Fails, Tables: []rows.Table{table}, Charts: []experiment.Chart{{Name: "distance",
		Caption: "Median over networks; mean over seeds with its interval. The averages alone (ema) and the bumps (alpha, dualexp) stay where the input has moved them.", Lines: distance}}}
	switch {
	case f.all && f.control:
		r.Verdict = experiment.Holds
	case (f.alone || f.short) && f.control:
		r.Verdict = experiment.HoldsWhen
	}
	var gammas []float64
	var line []rows.Estimate
	for _, gamma := range slices.Sorted(slices.Values(append([]float64{s.Gamma}, s.GammaMax...))) {
		if e, ok := shares[restNet{restKernels[0], gamma, 1}.String()]; ok && !slices.Contains(gammas, gamma) {
			gammas, line = append(gammas, gamma), append(line, e)
		}
	}
	if len(gammas) > 1 {
		series := rows.Band(restKernels[0], gammas, line)
		series.Dots = true
		back.Series = []chart.Series{series}
		r.Charts = append(r.Charts, experiment.Chart{Name: "channels", Caption: "Share of networks back at rest with ema_diff_relu, against the largest channel density.", Lines: back})
	}
	r.Result = s.words(results, f)
	return r, nil
}

// restFound is what became of the parts of the claim.
type restFound struct {
	all     bool // every network came back
	alone   bool // every one with one point of rest
	short   bool // every one with one point of rest, densest channels and short step
	control bool // none of the negative control
}

// words says what was found.
func (s *rest) words(results experiment.Rows, f restFound) string {
	text := fmt.Sprintf("Networks of %d compartments were let go to rest, then given constant input for %g times the longest of their time constants; "+
		"back means within %g of every voltage at rest.", s.Units, s.Multiple, restTolerance)
	relu := results.Of(restNet{restKernels[0], s.Gamma, 1}.String())
	if n := int(relu.Sum("networks")); n > 0 {
		text += fmt.Sprintf(" With the synapse ema_diff_relu and densities up to %g, as in the model's defaults, %s of %d networks came back.", s.Gamma,
			rows.Share(int(relu.Sum("back")), n).Percent(), n)
	}
	const two = " Most of those that did not come back ended at another point of rest: dense channels hold more than one, and the onset of the input moves a network from one to another."
	switch {
	case f.all:
		text += " With a difference of averages every network came back."
	case f.alone:
		text += two + " Of the networks with one point of rest alone every one came back: that is the condition."
	case f.short:
		text += two + fmt.Sprintf(" Of the networks with one point of rest alone nearly all came back; the others have channels so dense that a step of 1 overshoots and the "+
			"discrete network cycles. With steps of %g every one of those came back: the condition is one point of rest and a step that is short against C/G.", s.Dt)
	default:
		text += two + " Networks with one point of rest alone were among those that did not come back."
	}
	if moving := int(results.Sum("moving")); moving > 0 && results.Of(s.short().String()).Sum("moving") == 0 {
		text += fmt.Sprintf(" The few that did not come to rest at all cycle, because a step of 1 is too long for their channels; with steps of %g there are none.", s.Dt)
	}
	if f.control {
		return text + " The negative control holds: no network came back with a synapse that responds to constant input (ema, alpha, dualexp)."
	}
	return text + " The negative control failed: networks came back with synapses that respond to constant input."
}
