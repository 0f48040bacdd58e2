package fit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"galvani/engine/hostmem"
	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// ErrSettings marks settings of a fit that cannot be.
var ErrSettings = errors.New("bad settings of a fit")

// Settings say what is fitted and how.
type Settings struct {
	Learn  []string // names of Neuron.Learnable
	Starts int      // the first is the neuron as it is, others are drawn within the bounds
	Stride float64  // longest step, in the logistic coordinate of each number
	Within float64  // bounds: a factor to both sides, and for potentials a tenth of it times 100 mV
	Bounds map[string][2]float64
	Seed   uint64
	Dt     float64 // longest step of integration in ms, 0 for that of the neuron
	Memory int64   // bytes that the scan may keep for the way back, 0 for no limit
}

// number is one that is fitted.
type number struct {
	param, element int
	packed         int // where the packed gradient of the scan has the parameter
	lo, hi, first  float64
}

// Fit is a fit under way. Row s·R + r of its batch is recording r with the numbers of start s. Every
// number p is lo + (hi − lo)/(1 + exp(−z)), and z goes down the mean squared error of V by the method of
// Broyden, Fletcher, Goldfarb and Shanno, each start with a step length of its own (Nocedal and Wright
// 2006, Numerical Optimization, chapters 3 and 6).
type Fit struct {
	State
	neuron     *neurons.Neuron
	recordings []*Recording
	settings   Settings
	numbers    []number
	labels     []string
	plan       kernels.ScanPlan
	cfg        kernels.ScanConfig
	args       kernels.ScanArgs
	params     [][]float64 // [rows · elements] of each parameter
	dh         []float64
	samples    int // of V that a start is compared with
}

// State is where a fit is. It is all that a fit needs to go on with the same bits.
type State struct {
	Step    int         `json:"step"`
	Starts  []Descent   `json:"starts"`
	History [][]float64 `json:"history"` // [steps][starts] the least errors so far, mV²
}

// Descent is where one start is.
type Descent struct {
	Z        []float64   `json:"z"` // the best so far
	Loss     float64     `json:"loss"`
	Gradient []float64   `json:"gradient"`
	Inverse  [][]float64 `json:"inverse"` // about that of the second derivatives
	Way      []float64   `json:"way"`     // what is tried next is Z + Length · Way
	Length   float64     `json:"length"`
}

// New prepares a fit on a device. All recordings have equal steps and lengths.
//
// Errors: ErrSettings; those of Neuron.Compile and of the device.
func New(dev kernels.Device, n *neurons.Neuron, recordings []*Recording, s Settings) (*Fit, error) {
	f := &Fit{neuron: n, recordings: recordings, settings: s}
	if len(recordings) == 0 {
		return nil, fmt.Errorf("no recording, want at least one: %w", ErrSettings)
	}
	first := recordings[0]
	for _, r := range recordings {
		if r.Steps() != first.Steps() || math.Abs(r.Step-first.Step) > 1e-9 {
			return nil, fmt.Errorf("%s has %d steps of %g ms and %s %d of %g ms, want the same: %w", r.Name, r.Steps(), r.Step, first.Name, first.Steps(), first.Step, ErrRecording)
		}
	}
	if len(s.Learn) == 0 || s.Starts < 1 || s.Starts > 4096 || !(s.Stride > 0) || !(s.Within > 1) {
		return nil, fmt.Errorf("%d names to learn, %d starts, stride %g, within %g; want at least 1, 1 to 4096, above 0 and above 1: %w", len(s.Learn), s.Starts, s.Stride, s.Within, ErrSettings)
	}
	dt := s.Dt
	if dt == 0 {
		dt = n.Dt
	}
	substeps := max(1, int(math.Ceil(first.Step/dt-1e-9)))
	c, err := n.Compile(neurons.Options{Dt: first.Step / float64(substeps), Substeps: substeps, Learn: s.Learn})
	if err != nil {
		return nil, err
	}
	c.Neuron.Each = true
	if err := f.bound(c); err != nil {
		return nil, err
	}
	rows := s.Starts * len(recordings)
	f.cfg = kernels.ScanConfig{Cell: kernels.Cell{Neuron: &c.Neuron, States: c.Neuron.States(), Rest: c.Rest}, T: first.Steps(), B: rows,
		I: n.Columns(), H: len(n.Records), Dtype: tensor.Float64, Memory: s.Memory}
	f.table(c)
	room, known := hostmem.There()
	if err := f.fits(dev, room, known); err != nil {
		return nil, err
	}
	f.arrange()
	if f.plan, err = dev.NewScan(f.cfg); err != nil {
		return nil, err
	}
	f.start()
	return f, nil
}

// bound lists the numbers that are fitted, with their bounds.
func (f *Fit) bound(c *neurons.Compiled) error {
	packed, used := 0, map[string]bool{}
	for i, p := range c.Params {
		if !p.Learned {
			continue
		}
		for k, v := range c.Values[i] {
			b := p.Bound
			if p.Columns != nil {
				b = p.Columns[k]
			}
			if b.Lo == b.Hi {
				continue // of a region that is not learned
			}
			lo, hi := math.Min(v/f.settings.Within, v*f.settings.Within), math.Max(v/f.settings.Within, v*f.settings.Within)
			if p.Unit == "mV" {
				lo, hi = v-10*f.settings.Within, v+10*f.settings.Within
			}
			own := p.Name
			if parts := c.Parts[i]; parts != nil {
				own = parts[k] + "." + p.Name
			}
			for _, name := range []string{p.Name, own} {
				if given, ok := f.settings.Bounds[name]; ok {
					lo, hi = given[0], given[1]
					used[name] = true
				}
			}
			lo, hi = math.Max(lo, b.Lo), math.Min(hi, b.Hi)
			if !(lo < hi) || !(v > lo && v < hi) {
				w := f.neuron.Written(own)
				return fmt.Errorf("%s is %g %s and its bounds are %g and %g, want it between; give others with --bounds %s=LO:HI: %w", own, w.Of(v), w.Unit, w.Of(lo), w.Of(hi), own, ErrSettings)
			}
			label := p.Name
			if len(c.Values[i]) > 1 {
				if label = own; own == p.Name {
					label = fmt.Sprintf("%s[%d]", p.Name, k)
				}
			}
			f.numbers, f.labels = append(f.numbers, number{i, k, packed, lo, hi, v}), append(f.labels, label)
		}
		packed += f.settings.Starts * len(f.recordings) * len(c.Values[i])
	}
	for name := range f.settings.Bounds {
		if !used[name] {
			return fmt.Errorf("bounds of %s, which is not learned; add it to --learn: %w", name, ErrSettings)
		}
	}
	return nil
}

// table lays the rows of the batch side by side.
func (f *Fit) table(c *neurons.Compiled) {
	g := &f.cfg
	rows := make([]*neurons.Compiled, g.B)
	for i := range rows {
		rows[i] = c
	}
	var state []float64
	g.Params, f.params, state = neurons.Batch(rows)
	f.args.State = kernels.Wrap(state, g.Cell.States, g.B, c.Neuron.Units())
	for i, p := range f.params {
		f.args.Params = append(f.args.Params, kernels.Wrap(p, g.Params[i].Shape...))
	}
}

// arrange makes the arrays that are as long as the recordings.
func (f *Fit) arrange() {
	g := &f.cfg
	x := make([]float64, g.T*g.B*g.I)
	for t := range g.T {
		for b := range g.B {
			copy(x[(t*g.B+b)*g.I:], f.recordings[b%len(f.recordings)].Input[t+1])
		}
	}
	f.args.X = kernels.Wrap(x, g.T, g.B, g.I)
	for _, r := range f.recordings {
		for _, v := range r.V {
			if v != nil {
				f.samples += g.T
			}
		}
	}
	f.dh = make([]float64, g.T*g.B*g.H)
}

// start draws the starts.
func (f *Fit) start() {
	key := random.New(f.settings.Seed).Named("fit")
	for s := range f.settings.Starts {
		z := make([]float64, len(f.numbers))
		for i, n := range f.numbers {
			u := (n.first - n.lo) / (n.hi - n.lo)
			if s > 0 {
				u = 0.02 + 0.96*key.Stream(uint64(s)).Uniform(uint64(i))
			}
			z[i] = math.Log(u / (1 - u))
		}
		f.Starts = append(f.Starts, Descent{Z: z, Loss: math.MaxFloat64, Gradient: make([]float64, len(z)), Inverse: identity(len(z)), Way: make([]float64, len(z))})
	}
}

// Labels returns the names of the numbers that are fitted, with the place in a list of several.
func (f *Fit) Labels() []string { return f.labels }

// Before returns the numbers as the neuron has them.
func (f *Fit) Before() []float64 {
	list := make([]float64, len(f.numbers))
	for i, n := range f.numbers {
		list[i] = n.first
	}
	return list
}

// Bounds returns those of number i.
func (f *Fit) Bounds(i int) (lo, hi float64) { return f.numbers[i].lo, f.numbers[i].hi }

// at returns number i at z.
func (n number) at(z float64) (p, slope float64) {
	s := 1 / (1 + math.Exp(-z))
	return n.lo + (n.hi-n.lo)*s, (n.hi - n.lo) * s * (1 - s)
}

// Numbers returns those of a start, at its best.
func (f *Fit) Numbers(start int) []float64 {
	list := make([]float64, len(f.numbers))
	for i, n := range f.numbers {
		list[i], _ = n.at(f.Starts[start].Z[i])
	}
	return list
}

// Winner returns the start with the least error.
func (f *Fit) Winner() int {
	best := 0
	for s := range f.Starts {
		if f.Starts[s].Loss < f.Starts[best].Loss {
			best = s
		}
	}
	return best
}

// Neuron returns what Neuron.Set takes for the numbers of a start, by the names that are learned.
func (f *Fit) Neuron(start int) map[string][]float64 {
	sets := map[string][]float64{}
	for _, name := range f.settings.Learn {
		sets[name] = f.neuron.Numbers(name)
	}
	values := f.Numbers(start)
	seen := map[string]int{}
	for i, n := range f.numbers {
		p := f.cfg.Params[n.param].Name
		if _, whole := sets[p]; whole {
			sets[p][n.element] = values[i]
			continue
		}
		for _, name := range f.settings.Learn { // REGION.NAME, in the order of the regions
			if len(name) > len(p) && name[len(name)-len(p)-1:] == "."+p && seen[name] == 0 {
				sets[name][0] = values[i]
				seen[name]++
				break
			}
		}
	}
	return sets
}

// put sets the parameters of all rows from z.
func (f *Fit) put(z [][]float64) {
	many := len(f.recordings)
	for i, n := range f.numbers {
		wide := len(f.params[n.param]) / f.cfg.B
		for s := range z {
			p, _ := n.at(z[s][i])
			for r := range many {
				f.params[n.param][(s*many+r)*wide+n.element] = p
			}
		}
	}
}

// forward runs all rows at z and returns V [T,B,H].
func (f *Fit) forward(z [][]float64) ([]float64, error) {
	f.put(z)
	h, err := f.plan.Forward(f.args)
	if err != nil {
		return nil, err
	}
	return h.Data().([]float64), nil
}

// losses returns the mean squared error of each start in mV², and leaves its gradient in f.dh.
func (f *Fit) losses(h []float64) []float64 {
	g, many := &f.cfg, len(f.recordings)
	list := make([]float64, f.settings.Starts)
	for s := range list {
		sum := 0.0
		for r, rec := range f.recordings {
			for i, v := range rec.V {
				for t := 0; v != nil && t < g.T; t++ {
					k := (t*g.B+s*many+r)*g.H + i
					d := h[k] - v[t+1]
					sum += d * d
					f.dh[k] = 2 * d
				}
			}
		}
		list[s] = sum / float64(f.samples)
	}
	return list
}

// Update tries one step from every start.
//
// Errors: those of the device.
func (f *Fit) Update() error {
	tried := make([][]float64, len(f.Starts))
	for s := range tried {
		tried[s] = f.Starts[s].try()
	}
	h, err := f.forward(tried)
	if err != nil {
		return err
	}
	losses := f.losses(h)
	grad, err := f.plan.Backward(f.args, kernels.Wrap(f.dh, f.cfg.T*f.cfg.B, f.cfg.H))
	if err != nil {
		return err
	}
	f.Step++
	least := make([]float64, len(tried))
	for s := range f.Starts {
		f.Starts[s].take(tried[s], losses[s], f.gradient(s, tried[s], grad.Data().([]float64)), f.settings.Stride)
		least[s] = f.Starts[s].Loss
	}
	f.History = append(f.History, least)
	return nil
}

// gradient returns that of the error of a start by z, from the packed gradient of the scan.
func (f *Fit) gradient(s int, z, packed []float64) []float64 {
	many := len(f.recordings)
	g := make([]float64, len(f.numbers))
	for i, n := range f.numbers {
		wide := len(f.params[n.param]) / f.cfg.B
		_, slope := n.at(z[i])
		for r := range many {
			g[i] += packed[n.packed+(s*many+r)*wide+n.element] * slope / float64(f.samples)
		}
	}
	return g
}

// Traces returns V [recordings][records][T+1] of a start at its best, from the start of the neuron on.
//
// Errors: those of the device.
func (f *Fit) Traces(start int) ([][][]float64, error) {
	h, err := f.forward(f.best())
	if err != nil {
		return nil, err
	}
	g, many := &f.cfg, len(f.recordings)
	traces := make([][][]float64, many)
	for r := range many {
		for i := range g.H {
			v := []float64{f.neuron.Start}
			for t := range g.T {
				v = append(v, h[(t*g.B+start*many+r)*g.H+i])
			}
			traces[r] = append(traces[r], v)
		}
	}
	return traces, nil
}

// Lost returns why V of the neuron as it is leaves every membrane, where that of all starts does; nil where one does not.
//
// Errors: those of Neuron.Run.
func (f *Fit) Lost(ctx context.Context, dev kernels.Device) error {
	if math.Sqrt(f.Starts[f.Winner()].Loss) < neurons.Farthest {
		return nil
	}
	n, rec := f.neuron, f.recordings[0]
	in := neurons.Stimulus{Waves: map[int]neurons.Wave{}}
	for i := range n.Inputs {
		in.Waves[i] = func(ms float64) float64 { return rec.Input[min(rec.Steps(), 1+int(ms/rec.Step))][n.Column(i)] }
	}
	one := f.cfg.Cell.Neuron
	_, err := n.Run(ctx, dev, tensor.Float64, neurons.Options{Dt: one.Dt}, f.cfg.T*one.Substeps, in, func(int) {})
	return cmp.Or(err, fmt.Errorf("fit: V of every start is beyond %g mV: %w", neurons.Farthest, kernels.ErrNotFinite))
}

// best returns z of each start.
func (f *Fit) best() [][]float64 {
	z := make([][]float64, len(f.Starts))
	for s := range z {
		z[s] = f.Starts[s].Z
	}
	return z
}

// Resume takes up the state of a fit with the same settings.
//
// Errors: ErrSettings where its sizes are others.
func (f *Fit) Resume(s State) error {
	n := len(f.numbers)
	ok := len(s.Starts) == f.settings.Starts
	for _, d := range s.Starts {
		ok = ok && len(d.Z) == n && len(d.Gradient) == n && len(d.Way) == n && len(d.Inverse) == n
		for _, row := range d.Inverse {
			ok = ok && len(row) == n
		}
	}
	if !ok {
		return fmt.Errorf("the state is not one of %d starts with %d numbers: %w", f.settings.Starts, n, ErrSettings)
	}
	f.State = s
	return nil
}
