//go:build cgo

package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"galvani/data"
	"galvani/engine/group"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// farray is an array in the memory of a farDevice.
type farray struct {
	shape tensor.Shape
	data  []float32
	sums  func() (kernels.LossSums, error)
}

func (a *farray) Shape() tensor.Shape        { return a.shape }
func (a *farray) Size() int                  { return len(a.data) }
func (a *farray) Dtype() tensor.Dtype        { return tensor.Float32 }
func (a *farray) Data() any                  { return slices.Clone(a.data) }
func (a *farray) Uintptr() uintptr           { return 0 }
func (a *farray) MemSize() uintptr           { return uintptr(4 * len(a.data)) }
func (a *farray) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "far %v", a.shape) }
func (a *farray) Clone() (any, error)        { return a, nil }
func (a *farray) CopyFrom(v any) error       { *a = *v.(*farray); return nil }

func (a *farray) Type() hm.Type {
	if a.shape.Dims() == 0 {
		return tensor.Float32
	}
	return gorgonia.TensorType{Dims: a.shape.Dims(), Of: tensor.Float32}
}

func (a *farray) View(offset int, shape ...int) gorgonia.Value {
	n := tensor.Shape(shape).TotalSize()
	return &farray{shape: shape, data: a.data[offset : offset+n]}
}

// farLoss is the value of a loss.
type farLoss struct{ *farray }

func (a farLoss) Clone() (any, error)             { return a, nil }
func (a farLoss) CopyFrom(v any) error            { *a.farray = *v.(farLoss).farray; return nil }
func (a farLoss) Sums() (kernels.LossSums, error) { return a.sums() }

// near returns the dense tensor behind a value, far an array with its elements.
func near(v gorgonia.Value) gorgonia.Value {
	if a, ok := v.(*farray); ok {
		return tensor.New(tensor.WithShape(a.shape...), tensor.WithBacking(a.data))
	}
	return v
}

func nearAll(vs []gorgonia.Value) []gorgonia.Value {
	out := make([]gorgonia.Value, len(vs))
	for i, v := range vs {
		out[i] = near(v)
	}
	return out
}

func far(v gorgonia.Value) gorgonia.Value {
	return &farray{shape: v.Shape().Clone(), data: v.Data().([]float32)}
}

// farDevice is the CPU with a memory of its own: nothing reaches it but through mirrors. It
// tells of updates late, as a queue would.
type farDevice struct {
	kernels.Device
	forks, closed int
	free          int64 // bytes of memory that it says it has
	kept          int   // sets that it was given to keep
}

func (d *farDevice) Fork() (kernels.Resident, error) {
	d.forks++
	return &farFork{d}, nil
}
func (d *farDevice) Wait() error          { return nil }
func (d *farDevice) Usage() kernels.Usage { return kernels.Usage{Free: d.free} }

type farSamples []kernels.SampleField

func (d *farDevice) NewSamples(n int, fields []kernels.SampleField) (kernels.Samples, error) {
	d.kept++
	return farSamples(fields), nil
}

func (s farSamples) Take(index []int32) error {
	for _, f := range s {
		to := f.To.(*farMirror).all.data
		for b, i := range index {
			for t := range f.T {
				dst := to[(t*f.B+b)*f.W : (t*f.B+b+1)*f.W]
				clear(dst)
				if i >= 0 {
					copy(dst, f.From[(int(i)*f.T+t)*f.W:])
				}
			}
		}
	}
	return nil
}

// farFork is a farDevice with an account of its own.
type farFork struct{ *farDevice }

func (d *farFork) Close() error { d.closed++; return nil }

func (d *farDevice) NewScan(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	p, err := d.Device.NewScan(cfg)
	return farScan{p}, err
}

type farScan struct{ kernels.ScanPlan }

func (p farScan) args(a kernels.ScanArgs) kernels.ScanArgs {
	b := kernels.ScanArgs{X: near(a.X), State: near(a.State), Params: nearAll(a.Params)}
	if a.Mask != nil {
		b.Mask = near(a.Mask)
	}
	return b
}

func (p farScan) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	h, err := p.ScanPlan.Forward(p.args(a))
	if err != nil {
		return nil, err
	}
	return far(h), nil
}

func (p farScan) Backward(a kernels.ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	g, err := p.ScanPlan.Backward(p.args(a), near(dh))
	if err != nil {
		return nil, err
	}
	return far(g), nil
}

func (p farScan) H() gorgonia.Value     { return far(p.ScanPlan.H()) }
func (p farScan) Final() gorgonia.Value { return far(p.ScanPlan.Final()) }

func (d *farDevice) NewLinear(cfg kernels.LinearConfig) (kernels.LinearPlan, error) {
	p, err := d.Device.NewLinear(cfg)
	return farLinear{p}, err
}

type farLinear struct{ kernels.LinearPlan }

func (p farLinear) Forward(x, w, b gorgonia.Value) (gorgonia.Value, error) {
	y, err := p.LinearPlan.Forward(near(x), near(w), near(b))
	if err != nil {
		return nil, err
	}
	return far(y), nil
}

func (p farLinear) Backward(x, w, dy gorgonia.Value) (gorgonia.Value, gorgonia.Value, error) {
	dx, dp, err := p.LinearPlan.Backward(near(x), near(w), near(dy))
	if err != nil {
		return nil, nil, err
	}
	return far(dx), far(dp), nil
}

func (d *farDevice) NewWeights(cfg kernels.WeightsConfig) (kernels.WeightsPlan, error) {
	p, err := d.Device.NewWeights(cfg)
	return farWeights{p}, err
}

type farWeights struct{ kernels.WeightsPlan }

func (p farWeights) Forward(w, a gorgonia.Value) (gorgonia.Value, error) {
	out, err := p.WeightsPlan.Forward(near(w), near(a))
	if err != nil {
		return nil, err
	}
	return far(out), nil
}

func (p farWeights) Backward(w, a, dW gorgonia.Value) (gorgonia.Value, error) {
	out, err := p.WeightsPlan.Backward(near(w), near(a), near(dW))
	if err != nil {
		return nil, err
	}
	return far(out), nil
}

// farLossPlan runs the losses of the host through a graph of one node each.
type farLossPlan struct{ cfg kernels.LossConfig }

func (d *farDevice) NewRows(kernels.RowsConfig) (kernels.Composite, error) {
	return nil, kernels.ErrNoDevice
}

func (d *farDevice) NewLoss(cfg kernels.LossConfig) (kernels.LossPlan, error) {
	return farLossPlan{cfg}, nil
}

func (p farLossPlan) run(x, target, weight gorgonia.Value, grad bool) (cost, dx gorgonia.Value, err error) {
	g := gorgonia.NewGraph()
	xn := input(g, near(x), "x", 0)
	make := kernels.CrossEntropy
	if p.cfg.Kind == kernels.MeanSquaredError {
		make = kernels.MeanSquare
	}
	c, err := make(nil, xn, input(g, near(target), "target", 0), input(g, near(weight), "weight", 0))
	if err != nil {
		return nil, nil, err
	}
	gorgonia.Read(c, &cost)
	if grad {
		d, err := gorgonia.Grad(c, xn)
		if err != nil {
			return nil, nil, err
		}
		gorgonia.Read(d[0], &dx)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	return cost, dx, vm.RunAll()
}

func (p farLossPlan) Forward(x, target, weight gorgonia.Value) (gorgonia.Value, error) {
	cost, _, err := p.run(x, target, weight, false)
	if err != nil {
		return nil, err
	}
	l := float32(number(cost))
	return farLoss{&farray{shape: tensor.ScalarShape(), data: []float32{l}, sums: func() (kernels.LossSums, error) {
		s := kernels.LossSums{}
		w, t, logits := weight.(*farray).data, target.(*farray).data, x.(*farray).data
		for n, w := range w {
			s.Weight += float64(w)
			if w == 0 || p.cfg.Kind != kernels.SoftmaxCrossEntropy {
				continue
			}
			s.Count++
			if largest(logits[n*p.cfg.O:(n+1)*p.cfg.O]) == int(t[n]) {
				s.Correct++
			}
		}
		s.Loss = float64(l) * s.Weight
		return s, nil
	}}}, nil
}

func (p farLossPlan) Backward(x, target, weight gorgonia.Value, grad float64) (gorgonia.Value, error) {
	if grad != 1 {
		return nil, fmt.Errorf("gradient of the loss is %v", grad)
	}
	_, dx, err := p.run(x, target, weight, true)
	if err != nil {
		return nil, err
	}
	return far(dx), nil
}

type farMirror struct {
	host []float32
	all  *farray
}

func (d *farDevice) Mirror(t *tensor.Dense) (kernels.Mirror, error) {
	host := t.Data().([]float32)
	return &farMirror{host, &farray{shape: t.Shape(), data: slices.Clone(host)}}, nil
}

func (m *farMirror) View(offset int, shape ...int) gorgonia.Value {
	return m.all.View(offset, shape...)
}
func (m *farMirror) Push() error { copy(m.all.data, m.host); return nil }
func (m *farMirror) Pull() error { copy(m.host, m.all.data); return nil }
func (m *farMirror) Copy(offset int, v gorgonia.Value) error {
	copy(m.all.data[offset:], v.(*farray).data)
	return nil
}

// farUpdate makes updates with the host's optimiser on the far side.
type farUpdate struct {
	cfg     kernels.UpdateConfig
	reports []kernels.Report
	state   kernels.UpdateState
	grad    []float32
	sums    kernels.LossSums
}

func (d *farDevice) NewUpdate(cfg kernels.UpdateConfig) (kernels.UpdatePlan, error) {
	return &farUpdate{cfg: cfg}, nil
}

func (u *farUpdate) Capacity() int { return 5 }

func (u *farUpdate) Reports(wait bool) ([]kernels.Report, error) {
	if !wait {
		return nil, nil
	}
	r := u.reports
	u.reports = nil
	return r, nil
}

func (u *farUpdate) Gather(grads []gorgonia.Value, loss gorgonia.Value, _ ...gorgonia.Value) (err error) {
	u.grad = nil
	for _, v := range grads {
		u.grad = append(u.grad, v.(*farray).data...)
	}
	u.sums, err = loss.(kernels.Measured).Sums()
	return err
}

// farSums adds gradients on the far side.
type farSums struct {
	u    *farUpdate
	sums hostSums
}

func (u *farUpdate) NewSums(levels int) (kernels.GradientSums, error) {
	return &farSums{u, newHostSums(max(levels, 2), u.cfg.Learned)}, nil
}

func (s *farSums) Put(level int, grads []gorgonia.Value, weight float64) error {
	at := s.sums[level]
	clear(at)
	for _, v := range grads {
		at = at[copy(at, v.(*farray).data):]
	}
	scale(s.sums[level], weight)
	return nil
}

func (s *farSums) Add(level int)             { s.sums.add(level) }
func (s *farSums) Read(dst []float32) error  { copy(dst, s.sums[0]); return nil }
func (s *farSums) Write(src []float32) error { copy(s.sums[0], src); return nil }

func (s *farSums) On(f func(x, room []float32, add func(lo, hi int) error) error) error {
	return f(s.sums[0], s.sums[1], func(lo, hi int) error {
		group.Add(s.sums[0][lo:hi], s.sums[1][lo:hi])
		return nil
	})
}

func (s *farSums) Mean(sums kernels.LossSums) error {
	grad, err := s.sums.mean(Metrics{Weight: sums.Weight})
	s.u.grad, s.u.sums = grad, sums
	return err
}

func (u *farUpdate) Apply(lr float64, step int) error {
	g, sums := slices.Clone(u.grad), u.sums
	o := Optimizer{rule: u.cfg.Rule, parts: u.cfg.Parts}
	counted, err := kernels.CountedLen(u.cfg.Parts)
	if err != nil {
		return err
	}
	o.counted = counted
	r := kernels.Report{Step: step, LossSums: sums, GradNorm: o.clip(g, u.cfg.Clip)}
	if u.state == kernels.Updated && (!finite(sums.Loss) || !finite(r.GradNorm)) {
		u.state = kernels.BadGradient
	}
	p := u.cfg.Params.(*farMirror).all.data[:u.cfg.Learned]
	if u.state == kernels.Updated {
		for i, name := range u.cfg.Rule.Slots {
			o.slots = append(o.slots, Slot{name, u.cfg.Slots[i].(*farMirror).all.data})
		}
		was := slices.Clone(p)
		o.Update(p, g, lr, step)
		bad := !allFinite(p)
		for _, s := range o.slots {
			bad = bad || !allFinite(s.Data)
		}
		if bad {
			u.state = kernels.BadParameter
			copy(p, was)
		}
		for _, b := range u.cfg.Bounds {
			e := p[b.Offset : b.Offset+b.Len]
			for i := range e {
				e[i] = min(max(e[i], b.Lo), b.Hi)
			}
		}
	}
	r.State = u.state
	u.reports = append(u.reports, r)
	return nil
}

// scanNet is an Elman network on the fused scan.
type scanNet struct{ *toyNet }

func (n scanNet) Specs() []kernels.Spec {
	i, h, o := n.inputs, n.hidden, n.outputs
	spec := func(name string, role kernels.Role, shape ...int) kernels.Spec {
		return kernels.Spec{Name: name, Shape: shape, Role: role, Learned: true, Bound: kernels.Bound{Lo: -0.5, Hi: math.Inf(1)},
			Init: kernels.Init{Kind: kernels.Normal, B: 0.3}}
	}
	fixed := spec("cell.b_ih", kernels.Vec, h)
	fixed.Learned = false
	return []kernels.Spec{spec("cell.W", kernels.In, h, i), spec("cell.R", kernels.Rec, h, h), fixed,
		spec("cell.b_hh", kernels.Vec, h), spec("readout.weight", kernels.Readout, o, h), spec("readout.bias", kernels.Readout, o)}
}

func (n scanNet) Build(g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (out kernels.Output, err error) {
	cfg := kernels.ScanConfig{T: in.T, B: in.B, I: in.I, H: n.hidden, Dtype: tensor.Float32, Last: !in.Every, Params: n.Specs()[:4],
		Cell: kernels.Cell{Header: "rnn", States: 1, Rest: n.Rest(), Consts: []float64{0}}}
	h, plan, err := kernels.Scan(g, dev, cfg, in, params[:4])
	if err != nil {
		return nil, err
	}
	logits, err := kernels.Linear(dev, h, params[4], params[5])
	return kernels.NewOutput(logits, scanLayer{plan}), err
}

// scanLayer is the layer of a scan.
type scanLayer struct{ plan kernels.ScanPlan }

func (scanLayer) Planes() []kernels.Plane          { return []kernels.Plane{{Name: "h"}} }
func (l scanLayer) H() (gorgonia.Value, error)     { return l.plan.H(), nil }
func (l scanLayer) Shown() int                     { return 0 }
func (l scanLayer) Final() (gorgonia.Value, error) { return l.plan.Final(), nil }

// residentSessions gives the same session on the CPU and on a far device with so many bytes free.
func residentSessions(t *testing.T, free int64, change func(*Config)) (host, device *Session, dev *farDevice) {
	t.Helper()
	cpu := devicetest.CPU(t, 1)
	dev = &farDevice{Device: cpu, free: free}
	at := func(d kernels.Device) *Session {
		return newToySession(t, func(c *Config) {
			c.Net, c.Device = scanNet{newToy()}, d
			c.Options.LR, c.Options.Clip = 0.1, 0.1
			if change != nil {
				change(c)
			}
		})
	}
	return at(cpu), at(dev), dev
}

// told collects what observers are told.
type told struct{ steps, evals []any }

func (r *told) Stepped(e StepEvent) error   { r.steps = append(r.steps, e); return nil }
func (r *told) Evaluated(e EvalEvent) error { r.evals = append(r.evals, e); return nil }

// TestResidentTrainsLikeHost holds that a run on a device with memory of its own is the run
// on the host: the same reports in the same order, the same state, to the bit.
func TestResidentTrainsLikeHost(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"adam":             nil,
		"sgd":              func(c *Config) { c.Options.Optimizer = "sgd" },
		"stateful":         func(c *Config) { c.Options.Stateful = true },
		"kept":             func(c *Config) { c.Task.Train = fixedSet{c.Task.Train} },
		"layers":           func(c *Config) { c.Net = twoLayers(t, "lstm") },
		"stateful, layers": func(c *Config) { c.Net, c.Options.Stateful = twoLayers(t, "lstm"), true },
		"every": func(c *Config) {
			task := *c.Task
			task.Every, task.Goal = true, data.Regress
			c.Task = &task
		},
	} {
		t.Run(name, func(t *testing.T) {
			free := map[string]int64{"kept": 1 << 20}[name]
			host, device, dev := residentSessions(t, free, change)
			var a, b told
			train(t, host, &a, nil)
			train(t, device, &b, nil)
			if len(a.steps) == 0 || len(a.evals) == 0 {
				t.Fatal("nothing was told")
			}
			for i := range a.steps {
				if i >= len(b.steps) || fmt.Sprint(a.steps[i]) != fmt.Sprint(b.steps[i]) {
					t.Fatalf("update %d: device tells %v, host %v", i, b.steps[i:min(i+1, len(b.steps))], a.steps[i])
				}
			}
			if x, y := fmt.Sprintf("%+v", a.evals[len(a.evals)-1]), fmt.Sprintf("%+v", b.evals[len(b.evals)-1]); x != y {
				t.Errorf("last evaluation: device %s, host %s", y, x)
			}
			sameState(t, host, device)
			if want := map[string]int{"kept": 2}[name]; dev.kept != want {
				t.Errorf("%d sets are kept, want %d", dev.kept, want)
			}
			if err := device.Close(); err != nil || dev.closed != dev.forks {
				t.Errorf("%d of %d accounts are closed, %v", dev.closed, dev.forks, err)
			}
		})
	}
}

// TestResidentResumes holds that a checkpoint of one device goes on on the other.
func TestResidentResumes(t *testing.T) {
	whole, half, _ := residentSessions(t, 0, nil)
	for k := range 6 {
		if _, err := whole.Step(batchOf(t, whole, k)); err != nil {
			t.Fatal(err)
		}
	}
	for k := range 3 {
		if _, err := half.Step(batchOf(t, half, k)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := half.State()
	if err != nil {
		t.Fatal(err)
	}
	host, device, _ := residentSessions(t, 0, nil)
	for _, s := range []*Session{host, device} {
		if err := s.Restore(st); err != nil {
			t.Fatal(err)
		}
		for k := range 3 {
			if _, err := s.Step(batchOf(t, s, 3+k)); err != nil {
				t.Fatal(err)
			}
		}
		sameState(t, whole, s)
	}
}

// TestResidentRefusesNotFinite holds that a bad batch is named as on the host, although it
// is noticed some updates later, and that nothing after it counts.
func TestResidentRefusesNotFinite(t *testing.T) {
	for name, spoil := range map[string]func(*Session){
		"input":     func(s *Session) { s.cfg.Task = spoilt(s.cfg.Task, 9) },
		"parameter": func(s *Session) { s.cfg.Task = spoilt(s.cfg.Task, -1); s.params.flat[3] = float32(math.Inf(1)) },
		"slot":      func(s *Session) { descentOf(s).opt.Slots()[1].Data[2] = float32(math.Inf(1)) },
	} {
		host, device, _ := residentSessions(t, 0, nil)
		var want, got *NotFiniteError
		for s, e := range map[*Session]**NotFiniteError{host: &want, device: &got} {
			spoil(s)
			if err := s.steps.push(); err != nil {
				t.Fatal(err)
			}
			m := &memory{}
			r := train(t, s, nil, m)
			if r.Outcome != NotFinite || !errors.As(r.Cause, e) {
				t.Fatalf("%s: %v, %v", name, r.Outcome, r.Cause)
			}
			if sound := name == "input"; r.Saved != sound || len(m.saved) != b2i(sound) {
				t.Errorf("%s: saved is %v, %d checkpoints", name, r.Saved, len(m.saved))
			}
		}
		sameState(t, host, device)
		if want.Error() != got.Error() {
			t.Errorf("%s: device says %q, host %q", name, got, want)
		}
	}
}

// fixedSet has the samples of epoch 0 in every epoch.
type fixedSet struct{ data.Set }

func (fixedSet) Fixed() bool { return true }
func (s fixedSet) Fill(b *data.Batch, col, _, index int) error {
	return s.Set.Fill(b, col, 0, index)
}

// TestResidentCountsTrials holds that a device with memory of its own counts the trials of an
// evaluation as the host does, also where the set lies on the device, and of training tells the steps.
func TestResidentCountsTrials(t *testing.T) {
	for _, free := range []int64{0, 1 << 20} {
		host, device, dev := residentSessions(t, free, func(c *Config) { c.Task = trialTask() })
		var a, b told
		train(t, host, &a, nil)
		train(t, device, &b, nil)
		if len(a.evals) == 0 || len(a.evals) != len(b.evals) || (free > 0) != (dev.kept > 0) {
			t.Fatalf("%d evaluations on the host, %d on the device, %d sets kept", len(a.evals), len(b.evals), dev.kept)
		}
		for i := range a.evals {
			x, y := a.evals[i].(EvalEvent), b.evals[i].(EvalEvent)
			if x.Held != y.Held || x.Held.Count != host.cfg.Task.Test.Len() || x.Held.Steps == 0 {
				t.Errorf("evaluation %d: device %+v, host %+v", i, y.Held, x.Held)
			}
			if x.Train.Steps != y.Train.Steps || x.Train.StepsRight != y.Train.StepsRight || y.Train.Count != 0 || x.Train.Count == 0 {
				t.Errorf("training before evaluation %d: device %+v, host %+v", i, y.Train, x.Train)
			}
		}
		if err := device.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRanksSameBitsOnDevices is TestRanksSameBits with the fused scan, in host memory and on a device with
// memory of its own, whose run is that of the host, also where ranks exchange gradients from device to device: if all of
// them can.
func TestRanksSameBitsOnDevices(t *testing.T) {
	cpu := devicetest.CPU(t, 2)
	on := func(d func() kernels.Device) func(*Config) {
		return func(c *Config) { c.Net, c.Device, c.Options.Clip = scanNet{newToy()}, d(), 0.1 }
	}
	host := on(func() kernels.Device { return cpu })
	far := on(func() kernels.Device { return &farDevice{Device: cpu} })
	sameRanks(t, host)
	sameRanks(t, far)
	one := ranksOf(t, 1, host)
	trainRanks(t, one, nil, nil)
	for name, direct := range map[string]func(rank int) bool{
		"none": func(int) bool { return false },
		"all":  func(int) bool { return true },
		"one":  func(rank int) bool { return rank == 1 },
	} {
		calls := new(atomic.Int32)
		list := ranksOf(t, 2, func(c *Config) {
			far(c)
			c.Group = directGroup{c.Group, direct(c.Group.Rank()), calls}
		})
		trainRanks(t, list, nil, nil)
		for _, s := range list {
			sameState(t, one[0], s)
		}
		if n := int(calls.Load()); (n == 2*list[0].Progress().Step) != (name == "all") || n > 0 && name != "all" {
			t.Errorf("device pointers of %s: %d sums on devices in %d updates of 2 ranks", name, n, list[0].Progress().Step)
		}
	}
}

// TestRanksRefuseMixedDevices: ranks on a device with memory of its own and in host memory do not train together.
func TestRanksRefuseMixedDevices(t *testing.T) {
	cpu := devicetest.CPU(t, 1)
	list := ranksOf(t, 2, func(c *Config) {
		c.Net, c.Device = scanNet{newToy()}, cpu
		if c.Group.Rank() == 1 {
			c.Device = &farDevice{Device: cpu}
		}
	})
	if r, err := Ranks(t.Context(), list, nil, nil); !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), "1 of 2 ranks compute on a GPU") {
		t.Errorf("%v, %v, want ErrOption", r, err)
	}
}

// directGroup is a group whose library takes addresses of far devices or does not.
type directGroup struct {
	group.Group
	yes   bool
	calls *atomic.Int32
}

func (g directGroup) Direct() bool { return g.yes }

func (g directGroup) SumOn(x, room []float32, y []float64, add func(lo, hi int) error) error {
	g.calls.Add(1)
	return g.Group.SumOn(x, room, y, add)
}
