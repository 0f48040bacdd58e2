package neurons

import (
	"context"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Stimulus is what is put into a neuron.
type Stimulus struct {
	// Waves are the currents of inputs by their number; an input without one gets nothing. A step takes
	// the value in its middle.
	Waves map[int]Wave
	// Events are those of inputs by their number. With the delay of the input added, each acts in the step
	// that it is in.
	Events map[int][]Event
}

// Event is one that comes to an input.
type Event struct {
	Ms   float64
	At   int     // which of the compartments of the input, -1 for each of them
	Size float64 // 1 for the weight of the input
}

// Events are events of size 1 at every compartment of an input.
func Events(times ...float64) (events []Event) {
	for _, ms := range times {
		events = append(events, Event{ms, -1, 1})
	}
	return events
}

// Trace is what a neuron did.
type Trace struct {
	Dt     float64     // ms between samples
	Places []string    // what was recorded
	V      [][]float64 // [places][steps+1], mV, from the start on
	Input  [][]float64 // [inputs][steps], in the unit of each input; events of all its compartments together
	State  []float64   // all of the state at the end [S,U], of a neuron that ran by itself
}

// Steps returns how many steps the trace has.
func (t *Trace) Steps() int { return len(t.V[0]) - 1 }

// stretch is how many steps one plan runs at a time.
const stretch = 1000

// Run simulates a neuron for a number of steps on a device. Progress is told how many are done.
//
// Errors: those of the device; kernels.ErrNotFinite with the place and the time where V leaves ±10 V; the cause of ctx.
func (n *Neuron) Run(ctx context.Context, dev kernels.Device, dtype tensor.Dtype, o Options, steps int, in Stimulus, progress func(done int)) (*Trace, error) {
	return n.Resume(ctx, dev, dtype, o, nil, steps, in, progress)
}

// Resume is Run that goes on behind a trace of the same stimulus, nil for none, up to a number of steps in all. Where ctx is
// cancelled it returns what is done, besides the cause.
//
// Errors: those of Run.
func (n *Neuron) Resume(ctx context.Context, dev kernels.Device, dtype tensor.Dtype, o Options, from *Trace, steps int, in Stimulus, progress func(done int)) (*Trace, error) {
	c, err := n.compileRun(o)
	if err != nil {
		return nil, err
	}
	traces, err := n.run(ctx, dev, dtype, []*Compiled{c}, from, steps, in, progress)
	if len(traces) == 0 {
		return nil, err
	}
	return traces[0], err
}

// Sweep is Run for many neurons side by side, of which each has one of the values for a name of Learnable,
// at every place. It returns a trace for each.
//
// Errors: those of Run; a name that is none of Learnable.
func (n *Neuron) Sweep(ctx context.Context, dev kernels.Device, dtype tensor.Dtype, o Options, name string, values []float64, steps int, in Stimulus, progress func(done int)) ([]*Trace, error) {
	before := n.Numbers(name)
	defer n.put(name, before)
	o.Learn = []string{name}
	var all []*Compiled
	for _, v := range values {
		n.each(name, func(float64) float64 { return v })
		c, err := n.compileRun(o)
		if err != nil {
			return nil, err
		}
		c.Neuron.Each = true
		all = append(all, c)
	}
	return n.run(ctx, dev, dtype, all, nil, steps, in, progress)
}

// compileRun compiles for a run in which every step is recorded.
func (n *Neuron) compileRun(o Options) (*Compiled, error) {
	o.Substeps = 1
	return n.Compile(o)
}

// run simulates compiled neurons side by side, which differ in their numbers alone, or goes on with one from a trace.
func (n *Neuron) run(ctx context.Context, dev kernels.Device, dtype tensor.Dtype, all []*Compiled, from *Trace, steps int, in Stimulus, progress func(done int)) ([]*Trace, error) {
	c := all[0]
	feed := n.feed(in, steps, c.Neuron.Dt)
	traces, first := make([]*Trace, len(all)), 0
	for i := range traces {
		traces[i] = &Trace{Dt: c.Neuron.Dt, Input: feed.total}
		for _, r := range n.Records {
			traces[i].Places, traces[i].V = append(traces[i].Places, r.Name), append(traces[i].V, append(make([]float64, 0, steps+1), n.Start))
		}
	}
	r := runner{dev: dev, cfg: kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: c.Neuron.States(), Rest: c.Rest}, B: len(all),
		I: n.Columns(), H: len(n.Records), Dtype: dtype, ForwardOnly: true}}
	if err := r.begin(all); err != nil {
		return nil, err
	}
	if from != nil {
		first, traces[0].V, r.after = from.Steps(), from.V, from.State
		feed.next(first, func(int, int, float64) {})
		if err := r.state.fill(from.State); err != nil {
			return nil, err
		}
	}
	for done := first; done < steps; done += r.cfg.T {
		if len(all) == 1 {
			traces[0].State = r.after
		}
		if ctx.Err() != nil {
			return traces, context.Cause(ctx)
		}
		h, err := r.run(min(stretch, steps-done), feed)
		if err != nil {
			return nil, err
		}
		inside, err := take(traces, h)
		if err == nil && !inside {
			err = n.lost(&r, all, done)
		}
		if err != nil {
			return nil, err
		}
		progress(done + r.cfg.T)
	}
	if len(all) == 1 {
		traces[0].State = r.after
	}
	return traces, nil
}

// held is how many of the longest time constants of its fastest gate a step may last: V is held while gates move, which stays
// stable with longer steps, but no longer spikes.
const held = 5

// LongestStep returns the longest step with which spikes are followed, and the gate that sets it; infinity for a neuron
// without gates that take time.
func (n *Neuron) LongestStep() (ms float64, gate string) {
	ms = math.Inf(1)
	for _, c := range n.Channels {
		for _, g := range c.Gates {
			longest := 0.0
			for v := -120.0; v <= 60; v++ {
				longest = max(longest, g.Tau(v)/g.Speed(n.Temperature))
			}
			if longest > 0 && held*longest < ms {
				ms, gate = held*longest, c.Name+"."+g.Name
			}
		}
	}
	return ms, gate
}

// Batch lays compiled neurons side by side, which differ in their numbers alone: the table of parameters,
// their numbers, with Each those of all rows [B,n], and the first state [S,B,U].
func Batch(all []*Compiled) (params []kernels.Spec, values [][]float64, state []float64) {
	c := all[0]
	for i, spec := range c.Params {
		if c.Neuron.Each {
			spec.Shape, spec.Columns = []int{len(all), spec.Len()}, nil
		}
		var rows []float64
		for _, c := range all {
			rows = append(rows, c.Values[i]...)
		}
		params, values = append(params, spec), append(values, rows)
	}
	for plane := range c.Rest {
		for _, c := range all {
			for range c.Neuron.Units() {
				state = append(state, c.Rest[plane])
			}
		}
	}
	return params, values, state
}

// runner runs neurons in stretches.
type runner struct {
	dev      kernels.Device
	cfg      kernels.ScanConfig
	plan     kernels.ScanPlan // of cfg.T steps, nil before the first
	args     kernels.ScanArgs
	x, state *staged
	numbers  []float64 // of x
	// before and after are the states around what ran last, [S,B,U].
	before, after []float64
}

// begin puts parameters and the start state on the device.
func (r *runner) begin(all []*Compiled) error {
	var values [][]float64
	var start []float64
	r.cfg.Params, values, start = Batch(all)
	for i, spec := range r.cfg.Params {
		p, err := stage(r.dev, r.cfg.Dtype, spec.Shape...)
		if err != nil {
			return err
		}
		if err := p.fill(values[i]); err != nil {
			return err
		}
		r.args.Params = append(r.args.Params, p.value)
	}
	units := r.cfg.Cell.Neuron.Units()
	var err error
	if r.state, err = stage(r.dev, r.cfg.Dtype, r.cfg.Cell.States, len(all), units); err != nil {
		return err
	}
	r.args.State, r.after = r.state.value, start
	return r.state.fill(start)
}

// run runs some steps from the state that the last ones left, and returns the voltages [steps·B,places].
func (r *runner) run(steps int, in *feed) (gorgonia.Value, error) {
	if len(r.numbers) != steps*r.cfg.B*r.cfg.I {
		r.numbers = make([]float64, steps*r.cfg.B*r.cfg.I)
	}
	clear(r.numbers)
	in.next(steps, func(step, column int, x float64) {
		for b := range r.cfg.B {
			r.numbers[(step*r.cfg.B+b)*r.cfg.I+column] += x
		}
	})
	return r.step(r.numbers)
}

// step is run with given numbers of x [steps,B,I].
func (r *runner) step(x []float64) (gorgonia.Value, error) {
	var err error
	if steps := len(x) / (r.cfg.B * r.cfg.I); r.plan == nil || steps != r.cfg.T {
		r.cfg.T = steps
		if r.plan, err = r.dev.NewScan(r.cfg); err != nil {
			return nil, err
		}
		if r.x, err = stage(r.dev, r.cfg.Dtype, steps, r.cfg.B, r.cfg.I); err != nil {
			return nil, err
		}
		r.args.X = r.x.value
	}
	if err := r.x.fill(x); err != nil {
		return nil, err
	}
	h, err := r.plan.Forward(r.args)
	if err != nil {
		return nil, err
	}
	r.before = r.after
	if r.after, err = numbers(r.plan.Final()); err != nil {
		return nil, err
	}
	return h, r.state.fill(r.after)
}

// take appends the voltages [T·B,places] of a stretch to the traces; false where one is beyond ±Farthest.
func take(traces []*Trace, h gorgonia.Value) (inside bool, err error) {
	v, err := numbers(h)
	if err != nil {
		return false, err
	}
	places := len(traces[0].V)
	for i, x := range v {
		place, row := i%places, i/places
		t := traces[row%len(traces)]
		if !(math.Abs(x) <= Farthest) {
			return false, nil
		}
		t.V[place] = append(t.V[place], x)
	}
	return true, nil
}

// staged is an array on a device that is filled from the host.
type staged struct {
	host   *tensor.Dense
	mirror kernels.Mirror // nil on a device that computes in the memory of the process
	value  gorgonia.Value
}

func stage(dev kernels.Device, dtype tensor.Dtype, shape ...int) (*staged, error) {
	s := &staged{host: tensor.New(tensor.WithShape(shape...), tensor.Of(dtype))}
	s.value = s.host
	if r, ok := dev.(kernels.Resident); ok {
		var err error
		if s.mirror, err = r.Mirror(s.host); err != nil {
			return nil, err
		}
		s.value = s.mirror.View(0, shape...)
	}
	return s, nil
}

func (s *staged) fill(x []float64) error {
	switch host := s.host.Data().(type) {
	case []float64:
		copy(host, x)
	case []float32:
		for i, v := range x {
			host[i] = float32(v)
		}
	}
	if s.mirror == nil {
		return nil
	}
	return s.mirror.Push()
}

// numbers returns a copy of the elements of a value on any device.
func numbers(v gorgonia.Value) ([]float64, error) {
	if wide, ok := v.Data().([]float64); ok {
		return append([]float64(nil), wide...), nil
	}
	narrow, err := kernels.Download(v)
	if err != nil {
		return nil, err
	}
	return kernels.Wide(narrow), nil
}

// Crossings returns when V of a recorded place crosses a level upwards, in ms, between steps by a straight
// line.
func (t *Trace) Crossings(place int, level float64) []float64 {
	times := []float64{}
	v := t.V[place]
	for i := 1; i < len(v); i++ {
		if v[i-1] < level && v[i] >= level {
			times = append(times, t.Dt*(float64(i-1)+(level-v[i-1])/(v[i]-v[i-1])))
		}
	}
	return times
}

// End returns V of each place at the end.
func (t *Trace) End() []float64 {
	end := make([]float64, len(t.V))
	for i, v := range t.V {
		end[i] = v[len(v)-1]
	}
	return end
}
