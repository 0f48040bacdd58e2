package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"galvani/bench/analysis"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/models/circuits"
)

// caseNetwork is a network of spiking neurons against other simulators.
const caseNetwork = "network"

// What is timed of networks: so many simulated milliseconds, for weights that change the same with weights
// that stay, and what comes before the first step.
const (
	simulated  = "simulated"
	plastic    = "plastic"
	procedural = "procedural"
	threads    = "threads"
	building   = "building"
)

// NetworkCase is a built-in network of a size for a time.
type NetworkCase struct {
	Name string
	N    int
	Ms   float64
	// Part is the scale and the degree of a network that has these settings in the place of n.
	Part float64
	// Procedural has the connections drawn again in each step, and holds the network to itself with stored ones.
	Procedural bool
	// Threads has the network on all threads, also where the program would take fewer, and holds it to itself on one.
	Threads bool
	// Build times drawing the network and laying it out in the place of steps.
	Build bool
	// Plastic holds the network to itself with the weights that it has in the end, which stay, in the place of
	// simulators.
	Plastic bool
}

// NetworkCases are those that are measured. The first of a name are those of aims.
var NetworkCases = []NetworkCase{
	{Name: "balanced", N: 5000, Ms: 1000}, {Name: "balanced", N: 20004, Ms: 1000}, {Name: "coba", N: 4000, Ms: 1000},
	{Name: "vogels", N: 10000, Ms: 10000}, {Name: "vogels", N: 10000, Ms: 1000, Plastic: true},
	{Name: "balanced", N: 500, Ms: 1000}, {Name: "balanced", N: 1000, Ms: 1000}, {Name: "balanced", N: 2000, Ms: 1000}, {Name: "balanced", N: 10000, Ms: 1000},
	{Name: "microcircuit", N: 7717, Ms: 1000, Part: 0.1},
	{Name: "balanced", N: 5000, Ms: 1000, Procedural: true},
	{Name: "coba", N: 4000, Ms: 1000, Threads: true}, {Name: "balanced", N: 5000, Ms: 1000, Threads: true},
	{Name: "balanced", N: 5000, Build: true},
}

// String names the case as --only matches it.
func (c NetworkCase) String() string {
	text := fmt.Sprintf("%s N=%d %g ms", c.Name, c.N, c.Ms)
	if c.Build {
		text = fmt.Sprintf("%s N=%d %s", c.Name, c.N, building)
	}
	if c.Plastic {
		text += " " + plastic
	}
	if c.Procedural {
		text += " " + procedural
	}
	if c.Threads {
		text += " " + threads
	}
	return text
}

// NetworkSimulators are the peers that simulate networks.
var NetworkSimulators = []string{"brian2", "nest"}

// networkAims are the least speed-ups, by network and simulator, and plasticAim the largest cost of weights that
// change.
var networkAims = map[string]map[string]float64{"balanced": {"brian2": 3, "nest": 40, oneThread: 1.5}, "coba": {oneThread: 1}}

const plasticAim = 1.6

// networkSeconds are the longest times that are aimed at, by what is timed, network and neurons: of a simulated second or
// of building.
var networkSeconds = map[string]float64{"simulated balanced 20004": 0.5, "simulated coba 4000": 0.06, "building balanced 5000": 0.1}

// rateBound is by how much the mean rate of a simulator may differ: networks are drawn by other random numbers
// and start elsewhere.
const rateBound = 0.15

// rateOff returns by how much a rate is off one here, in parts of that; of 0, as of a tiny network, 1 or nothing.
func rateOff(rate, here float64) float64 {
	switch {
	case rate == here:
		return 0
	case here == 0:
		return 1
	}
	return math.Abs(rate/here - 1)
}

// networkEffort is the effort of a run, a repeat of a simulator takes up to half a minute.
var networkEffort = effort{quads: 2}

// RunNetworks measures built-in networks of spiking neurons, and with cfg.Python the same in other simulators, in
// turns. Not timed is what comes before the first step: the network is drawn and code compiled. A simulator is
// timed after its mean rate was held to the one here.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; ErrWrong; the cause of ctx when cancelled between two
// repeats; those of cfg.Each.
func RunNetworks(ctx context.Context, cfg Config, against []string) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	if !cfg.Quick {
		r.effort = networkEffort
	}
	done := map[NetworkCase]bool{}
	for _, c := range NetworkCases {
		if cfg.Only != nil && !cfg.Only.MatchString(c.String()) {
			continue
		}
		if cfg.Quick {
			c.N, c.Ms, c.Part = 100, 50, min(c.Part, 0.01)
		}
		if done[c] {
			continue
		}
		done[c] = true
		if err := r.spikes(ctx, c, against); err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

// spiking is a network that is timed from one state again and again.
type spiking struct {
	plan  kernels.CircuitPlan
	begin *kernels.CircuitState
	steps int
	rate  float64 // mean over the neurons, Hz
}

// blueprint returns the network of a case.
func (c NetworkCase) blueprint() (*circuits.Blueprint, error) {
	net, err := circuits.Load(c.Name)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	set := map[string]any{"n": c.N}
	if c.Part > 0 {
		set = map[string]any{"scale": c.Part, "degree": c.Part}
	}
	for _, k := range net.Keys {
		if v, ok := set[k.Name]; ok {
			if err := k.Parse(fmt.Sprint(v)); err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
		}
	}
	b, err := net.Blueprint(net.Step)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return b, nil
}

// newSpiking draws a network.
func (r *runner) newSpiking(c NetworkCase, b *circuits.Blueprint) (*spiking, *kernels.Circuit, error) {
	circuit, err := b.Draw(1)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	s, err := newSpikingOf(r.dev, circuit, nil, int(math.Round(c.Ms/b.Step)))
	return s, circuit, err
}

// newSpikingOf makes a plan that begins at a state, nil for its own.
func newSpikingOf(dev kernels.Device, c *kernels.Circuit, begin *kernels.CircuitState, steps int) (s *spiking, err error) {
	s = &spiking{begin: begin, steps: steps}
	if s.plan, err = kernels.NewCircuit(dev, c); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if s.begin == nil {
		s.begin, err = s.plan.State()
	}
	return s, err
}

// run makes n repeats from the state it begins at.
func (s *spiking) run(n int) ([]float64, error) {
	seconds := make([]float64, n)
	for i := range seconds {
		if err := s.plan.SetState(s.begin); err != nil {
			return nil, err
		}
		start := time.Now()
		if _, err := s.plan.Run(s.steps); err != nil {
			return nil, err
		}
		seconds[i] = time.Since(start).Seconds()
	}
	return seconds, nil
}

// look runs the network once, and takes the mean rate of its neurons.
func (s *spiking) look(c *kernels.Circuit, ms float64) error {
	if err := s.plan.SetState(s.begin); err != nil {
		return err
	}
	record, err := s.plan.Run(s.steps)
	if err != nil {
		return err
	}
	spikes, units := 0, 0
	for i, p := range analysis.SpikesOf(c, record.Spikes, ms) {
		if !c.Populations[i].Source() {
			spikes, units = spikes+p.Spikes, units+p.N
		}
	}
	s.rate = float64(spikes) / float64(units) / ms * 1000
	return nil
}

// spikes times one network.
func (r *runner) spikes(ctx context.Context, c NetworkCase, against []string) error {
	b, err := c.blueprint()
	if err != nil {
		return err
	}
	if c.Build {
		return r.building(ctx, c, b)
	}
	if c.Threads {
		return r.onThreads(ctx, c, b)
	}
	s, circuit, err := r.newSpiking(c, b)
	if err != nil {
		return err
	}
	if err := s.look(circuit, c.Ms); err != nil {
		return err
	}
	what := simulated
	all := []simulation{{contestant{name: r.dev.Name(), run: s.run}, what, "", 0, ""}}
	if c.Plastic {
		what = plastic
		fixed, err := s.fixed(r.dev, circuit)
		if err != nil {
			return err
		}
		all[0].what = what
		all = append(all, simulation{contestant{name: r.dev.Name() + ", the same weights fixed", run: fixed.run}, what, "fixed", 0, ""})
	}
	if c.Procedural {
		what = procedural
		b.Regenerate()
		drawn, _, err := r.newSpiking(c, b)
		if err != nil {
			return err
		}
		all = []simulation{{contestant{name: r.dev.Name(), run: drawn.run}, what, "", 0, ""}, {contestant{name: r.dev.Name() + ", stored", run: s.run}, what, "stored", 0, ""}}
	}
	for _, name := range against {
		if r.Python == "" || c.Plastic || c.Procedural {
			break
		}
		p, err := openPeer(r.Python, name, r.Threads, onCPU)
		if err != nil {
			r.Log("without %s: %v", name, err)
			continue
		}
		defer p.close()
		if !slices.Contains(p.forms, c.Name) {
			continue
		}
		a, err := p.ask(request{Do: "network", What: c.Name, Size: c.N, Ms: c.Ms, Network: networkOf(c, b)})
		if err != nil {
			return stopped(ctx, err)
		}
		off := rateOff(a.Rate, s.rate)
		if !r.Quick && !(off <= rateBound) {
			return fmt.Errorf("bench: %s of %s spikes at %.3g Hz in the mean, and here at %.3g Hz: %w", c, p.name, a.Rate, s.rate, ErrWrong)
		}
		all = append(all, simulation{contestant{name: p.name, run: p.time}, what, name, off,
			fmt.Sprintf("mean rates %.3g and %.3g Hz; %s took %.3g s to build and compile", s.rate, a.Rate, p.name, a.Build)})
	}
	samples, err := r.inTurns(ctx, r.effort, all)
	if err != nil {
		return err
	}
	return r.tellNetwork(c, all, samples)
}

// onThreads times a network on all threads and on one.
func (r *runner) onThreads(ctx context.Context, c NetworkCase, b *circuits.Blueprint) error {
	if r.Threads < 2 {
		r.Log("without %s: there is one", c)
		return nil
	}
	circuit, err := b.Draw(1)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	var all []simulation
	for _, n := range []int{r.Threads, 1} {
		dev, err := devices.OpenCPU(n)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		defer dev.Close()
		s, err := newSpikingOf(dev, circuit, nil, int(math.Round(c.Ms/b.Step)))
		if err == nil {
			_, err = s.run(1)
		}
		if err != nil {
			return err
		}
		all = append(all, simulation{contestant{name: dev.Name(), run: s.run}, threads, "", 0, ""})
	}
	all[1].name, all[1].simulator = oneThread+" thread, "+all[1].name, oneThread
	samples, err := r.inTurns(ctx, r.effort, all)
	if err != nil {
		return err
	}
	all[1].note = fmt.Sprintf("%s on %d threads and on one: %.3g and %.3g s", c.Name, r.Threads, all[0].timing(samples[0]).Median, all[1].timing(samples[1]).Median)
	return r.tellNetwork(c, all, samples)
}

// building times drawing a network and laying it out, and tells the memory that it takes.
func (r *runner) building(ctx context.Context, c NetworkCase, b *circuits.Blueprint) error {
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	s, circuit, err := r.newSpiking(c, b)
	if err != nil {
		return err
	}
	synapses := circuit.Size().Entries
	row := r.head
	row.Note = fmt.Sprintf("%.3g synapses of %.3g bytes", synapses, (heap()-before)/synapses)
	runtime.KeepAlive(s)
	all := []simulation{{contestant{name: r.dev.Name(), run: func(n int) ([]float64, error) {
		seconds := make([]float64, n)
		for i := range seconds {
			runtime.GC() // of what the repeat before left
			start := time.Now()
			if _, _, err := r.newSpiking(c, b); err != nil {
				return nil, err
			}
			seconds[i] = time.Since(start).Seconds()
		}
		return seconds, nil
	}}, building, "", 0, ""}}
	samples, err := r.inTurns(ctx, r.effort, all)
	if err != nil {
		return err
	}
	row.Case, row.Model, row.What, row.Shape = caseNetwork, c.Name, building, Shape{B: 1, H: c.N}
	row.Subject = all[0].timing(samples[0])
	return r.Each(row)
}

// fixed returns the network with the weights that it has now, which stay, from now on; s goes on from now, too.
func (s *spiking) fixed(dev kernels.Device, c *kernels.Circuit) (*spiking, error) {
	now, err := s.plan.State()
	if err != nil {
		return nil, err
	}
	s.begin = now
	stay, begin := *c, *now
	stay.Projections, begin.Plastic = slices.Clone(c.Projections), nil
	for _, i := range c.Plastic() {
		stay.Projections[i].Weight, stay.Projections[i].Plasticity = c.WeightsNow(now, i), nil
	}
	return newSpikingOf(dev, &stay, &begin, s.steps)
}

// tellNetwork makes a row of the network with each simulator, or one without a reference.
func (r *runner) tellNetwork(c NetworkCase, all []simulation, samples []sample) error {
	row := r.head
	row.Case, row.Model, row.What = caseNetwork, c.Name, all[0].what
	row.Shape = Shape{T: int(c.Ms / 0.1), B: 1, H: c.N}
	row.Subject = all[0].timing(samples[0])
	if len(all) == 1 {
		return r.Each(row)
	}
	for i, a := range all[1:] {
		ref := a.timing(samples[i+1])
		kind, bound := SpeedUp, networkAims[c.Name][a.simulator]
		switch {
		case c.Plastic:
			kind, bound = Cost, plasticAim
		case c.Procedural:
			kind = Cost
		}
		if r.Quick {
			bound = 0
		}
		row.Reference, row.Gate, row.Note = &ref, &a.gate, a.note
		row.Ratio = compare(kind, bound, all[0].contestant, a.contestant, samples[0], samples[i+1])
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}

// networkRows tell the newest row of each network and simulator.
var networkRows = versus{
	of: caseNetwork, head: []string{"network", "neurons", "what", "simulated"},
	about: func(r Row) []string {
		last := simulatedTime(r)
		if r.What == building {
			last = r.Note
		}
		return []string{"`" + r.Model + "`", fmt.Sprint(r.Shape.H), r.What, last}
	},
	time: func(_ Row, t Timing) string { return fmt.Sprintf("%.3g s", t.Median) },
	aim: func(r Row) string {
		bound, is := networkSeconds[fmt.Sprint(r.What, " ", r.Model, " ", r.Shape.H)]
		if r.Ratio != nil || !is {
			return aimOf(r)
		}
		seconds := r.Subject.Median
		if r.What == simulated {
			seconds *= 1e4 / float64(r.Shape.T)
		}
		return atMost(seconds, bound, "s")
	},
	brief: func(r Row) string { return fmt.Sprintf("%s of `%s`, %d neurons", simulatedTime(r), r.Model, r.Shape.H) },
}

func simulatedTime(r Row) string { return fmt.Sprintf("%g s", float64(r.Shape.T)*1e-4) }
