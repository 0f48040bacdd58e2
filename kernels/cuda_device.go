//go:build gpu

package kernels

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"galvani/kernels/cpu"
	"galvani/kernels/cuda"
	"galvani/kernels/driver"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// OpenCUDA returns a GPU as a Resident device. Before it does, it holds two small scans to the
// CPU.
//
// Errors: wraps ErrNoDevice where there is no such GPU, where it lacks the precision, and where
// its results differ from the CPU's.
func OpenCUDA(index int, opt CUDAOptions) (Device, error) {
	dev, err := openCUDA(index, cuda.Options{Precision: opt.Precision})
	if err != nil {
		return nil, err
	}
	if err := selfTest(dev); err != nil {
		dev.Close()
		return nil, err
	}
	return dev, nil
}

// openCUDA opens a GPU without the self test.
func openCUDA(index int, opt cuda.Options) (*cudaDevice, error) {
	dev, err := cuda.Open(index, opt)
	if errors.Is(err, cuda.ErrPrecision) || errors.Is(err, cuda.ErrTooOld) {
		return nil, fmt.Errorf("kernels: %w: %w", err, ErrNoDevice)
	} else if err != nil {
		return nil, cudaError(err)
	}
	return &cudaDevice{dev}, nil
}

// GPUs lists the NVIDIA GPUs of this machine.
//
// Errors: wraps ErrNoDevice and says why there is none.
func GPUs() ([]GPU, error) {
	infos, err := driver.Devices()
	if err != nil {
		return nil, fmt.Errorf("kernels: %w: %w", err, ErrNoDevice)
	}
	var gpus []GPU
	for _, i := range infos {
		gpus = append(gpus, GPU{Index: i.Index, Name: i.Name, Compute: fmt.Sprintf("%d.%d", i.Major, i.Minor),
			Memory: i.Memory, Driver: driver.Version()})
	}
	return gpus, nil
}

// cudaError adds the sentinels of this package to an error of a GPU.
func cudaError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrMemory):
		return fmt.Errorf("kernels: %w: %w", err, ErrMemory)
	case errors.Is(err, driver.ErrUnavailable):
		return fmt.Errorf("kernels: %w: %w", err, ErrNoDevice)
	case lostHardware(err):
		return fmt.Errorf("kernels: %w: %w", err, ErrLost)
	case errors.Is(err, driver.ErrLost):
		return fmt.Errorf("kernels: %w: %w", err, ErrFault)
	}
	return fmt.Errorf("kernels: %w", err)
}

// lostHardware tells failures of the hardware from faults of a kernel, after which the context
// is gone too.
func lostHardware(err error) bool {
	const eccUncorrectable, nvlinkUncorrectable, launchTimeout = 214, 220, 702
	var e *driver.Error
	return errors.As(err, &e) && slices.Contains([]int{eccUncorrectable, nvlinkUncorrectable, launchTimeout}, e.Code)
}

// cudaDevice is a GPU, or a fork of one.
type cudaDevice struct{ dev *cuda.Device }

func (d *cudaDevice) Name() string {
	i := d.dev.Info()
	return fmt.Sprintf("cuda:%d %s %s", i.Index, i.Name, d.dev.Precision())
}

func (d *cudaDevice) Close() error            { return cudaError(d.dev.Close()) }
func (d *cudaDevice) Wait() error             { return cudaError(d.dev.Wait()) }
func (d *cudaDevice) Fork() (Resident, error) { return &cudaDevice{d.dev.Fork()}, nil }

// Signals implements Prober.
func (d *cudaDevice) Signals() []string {
	var names []string
	for _, s := range d.dev.Signals() {
		names = append(names, s.Name)
	}
	return names
}

// Rounds implements Prober.
func (d *cudaDevice) Rounds(i int) (func(n int) error, error) {
	rounds, err := d.dev.Rounds(d.dev.Signals()[i])
	if err != nil {
		return nil, cudaError(err)
	}
	return func(n int) error { return cudaError(rounds(n)) }, nil
}

func (d *cudaDevice) Usage() Usage {
	inUse, high, free, total := d.dev.Usage()
	return Usage{InUse: inUse, High: high, Free: free, Total: total}
}

// array returns an array of the wanted shape on the device.
func (d *cudaDevice) array(name string, v gorgonia.Value, want ...int) (*cuda.Array, error) {
	a, err := d.anyArray(name, v)
	if err != nil {
		return nil, err
	}
	if !a.Shape().Eq(tensor.Shape(want)) {
		return nil, fmt.Errorf("kernels: %s is %v, want %v: %w", name, a.Shape(), want, ErrShape)
	}
	return a, nil
}

func (d *cudaDevice) anyArray(name string, v gorgonia.Value) (*cuda.Array, error) {
	if l, ok := v.(*cudaLoss); ok {
		v = l.Array
	}
	a, ok := v.(*cuda.Array)
	if !ok || !a.On(d.dev) {
		return nil, fmt.Errorf("kernels: %s is a %T, want an array on %s", name, v, d.Name())
	}
	return a, nil
}

// Mirror copies a dense tensor of float32 to the device.
func (d *cudaDevice) Mirror(host *tensor.Dense) (Mirror, error) {
	x, err := elems[float32]("mirror", host, host.Shape()...)
	if err != nil {
		return nil, err
	}
	m, err := d.dev.Mirror(x)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaMirror{m, d}, nil
}

type cudaMirror struct {
	*cuda.Mirror
	dev *cudaDevice
}

func (m *cudaMirror) Push() error { return cudaError(m.Mirror.Push()) }
func (m *cudaMirror) Pull() error { return cudaError(m.Mirror.Pull()) }

func (m *cudaMirror) Copy(v gorgonia.Value) error {
	a, err := m.dev.anyArray("mirror: source", v)
	if err != nil {
		return err
	}
	return cudaError(m.Mirror.Copy(a))
}

func (d *cudaDevice) NewSamples(n int, fields []SampleField) (Samples, error) {
	var fs []cuda.Field
	for i, f := range fields {
		to, err := d.mirrored(fmt.Sprintf("samples: field %d", i), f.To, f.T*f.B*f.W)
		if err != nil {
			return nil, err
		}
		fs = append(fs, cuda.Field{To: to, T: f.T, B: f.B, W: f.W, From: f.From})
	}
	s, err := d.dev.NewSamples(n, fs)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaSamples{s}, nil
}

type cudaSamples struct{ samples *cuda.Samples }

func (s *cudaSamples) Take(index []int32) error { return cudaError(s.samples.Take(index)) }

func (d *cudaDevice) NewScan(cfg ScanConfig) (ScanPlan, error) {
	if err := float32Only("scan", cfg.Dtype); err != nil {
		return nil, err
	}
	if err := cfg.checkCell(); err != nil {
		return nil, err
	}
	c := cuda.ScanConfig{Cell: cfg.Cell.Header, T: cfg.T, B: cfg.B, I: cfg.I, H: cfg.H, Consts: cfg.Cell.Consts,
		Rest: cfg.Cell.Rest, Last: cfg.Last, KeepGradH: cfg.KeepGradH, Masked: cfg.Masked, Resets: cfg.Resets,
		Memory: cfg.Memory, ForwardOnly: cfg.ForwardOnly}
	if a := cfg.Cell.Axial; a != nil {
		c.EdgeI, c.EdgeJ = a.I, a.J
	}
	split := false
	for _, p := range cfg.Params {
		role := map[Role]cuda.Role{In: cuda.In, Rec: cuda.Rec, Vec: cuda.Vec, Edge: cuda.Edge}
		c.Params = append(c.Params, cuda.Param{Role: role[p.Role], Len: p.Len(), Learned: p.Learned})
		if p.Role == Rec {
			split = split || p.Supports != nil
			c.Support = append(c.Support, p.supports(cfg.H)...)
		}
	}
	if !split {
		c.Support = nil
	}
	s, err := d.dev.NewScan(c)
	var short *segments.MemoryError
	if errors.As(err, &short) {
		return nil, cfg.memoryError(short.All, short.Least, short.Memory)
	} else if err != nil {
		return nil, cudaError(err)
	}
	return &cudaScan{dev: d, cfg: cfg, scan: s}, nil
}

// checkCell compares the parameters with what the cell's header says.
func (c ScanConfig) checkCell() error {
	shape, ok := cpu.Cells()[c.Cell.Header]
	if !ok {
		return fmt.Errorf("kernels: scan: no kernel kernels/cells/%s.h in this binary: %w", c.Cell.Header, ErrShape)
	}
	var have [Edge + 1]int // elements per role
	for _, p := range c.Params {
		have[p.Role] += p.Len()
	}
	for _, w := range []struct {
		name       string
		have, want int
	}{
		{"input matrices", have[In], shape.In * c.H * c.I},
		{"recurrent matrices", have[Rec], shape.Rec * c.H * c.H},
		{"vectors", have[Vec], shape.Vecs * c.H},
		{"edges", have[Edge], c.Cell.Axial.Edges()},
		{"state planes", c.Cell.States, shape.States},
		{"rest values", len(c.Cell.Rest), shape.States},
	} {
		if w.have != w.want {
			return fmt.Errorf("kernels: scan: %s: %s have %d elements, want %d: %w", c.Cell.Header, w.name, w.have, w.want, ErrShape)
		}
	}
	return nil
}

// float32Only refuses other types.
func float32Only(name string, t tensor.Dtype) error {
	if t != tensor.Float32 {
		return fmt.Errorf("kernels: %s: CUDA computes in float32, not in %v: %w", name, t, ErrShape)
	}
	return nil
}

type cudaScan struct {
	dev  *cudaDevice
	cfg  ScanConfig
	scan *cuda.Scan
	args cuda.ScanArgs // of the last Forward
	ran  bool
}

// bind checks the values of a run.
func (s *cudaScan) bind(a ScanArgs) (b cuda.ScanArgs, err error) {
	c := s.cfg
	if b.X, err = s.dev.array("scan: x", a.X, c.T, c.B, c.I); err != nil {
		return b, err
	}
	if b.State, err = s.dev.array("scan: state", a.State, c.Cell.States, c.B, c.H); err != nil {
		return b, err
	}
	if c.Masked {
		if b.Mask, err = s.dev.array("scan: mask", a.Mask, c.T, c.B); err != nil {
			return b, err
		}
	}
	if c.Resets {
		if b.Reset, err = s.dev.array("scan: reset", a.Reset, c.T, c.B); err != nil {
			return b, err
		}
	}
	for i, p := range c.Params {
		v, err := s.dev.array("scan: "+p.Name, a.Params[i], p.Shape...)
		if err != nil {
			return b, err
		}
		b.Params = append(b.Params, v)
	}
	return b, nil
}

func (s *cudaScan) Forward(a ScanArgs) (gorgonia.Value, error) {
	args, err := s.bind(a)
	if err != nil {
		return nil, err
	}
	s.args, s.ran = args, true
	return s.scan.Forward(args), nil
}

func (s *cudaScan) Backward(a ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	if !s.ran {
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	if s.cfg.ForwardOnly {
		return nil, fmt.Errorf("kernels: scan: backward of a scan that is forward only")
	}
	args, err := s.bind(a)
	if err != nil {
		return nil, err
	}
	d, err := s.dev.array("scan: dh", dh, s.cfg.rows(), s.cfg.H)
	if err != nil {
		return nil, err
	}
	return s.scan.Backward(args, d), nil
}

// H returns a tensor in host memory where the plan does not keep all hidden states, and nil
// before any Forward and where the device failed.
func (s *cudaScan) H() gorgonia.Value {
	if !s.ran {
		return nil
	}
	a, host, err := s.scan.H(s.args)
	switch {
	case err != nil:
		return nil
	case host != nil:
		return wrap(host, s.cfg.T, s.cfg.B, s.cfg.H)
	}
	return a
}

func (s *cudaScan) Final() gorgonia.Value { return s.scan.Final() }

func (s *cudaScan) GradH() gorgonia.Value {
	if g := s.scan.GradH(); g != nil {
		return g
	}
	return nil
}

func (d *cudaDevice) NewLinear(cfg LinearConfig) (LinearPlan, error) {
	if err := float32Only("linear", cfg.Dtype); err != nil {
		return nil, err
	}
	if cfg.N < 1 || cfg.K < 1 || cfg.M < 1 {
		return nil, fmt.Errorf("kernels: linear: N=%d K=%d M=%d, want all at least 1: %w", cfg.N, cfg.K, cfg.M, ErrShape)
	}
	l, err := d.dev.NewLinear(cfg.N, cfg.K, cfg.M)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaLinear{d, cfg, l}, nil
}

type cudaLinear struct {
	dev    *cudaDevice
	cfg    LinearConfig
	linear *cuda.Linear
}

func (l *cudaLinear) Forward(xv, wv, bv gorgonia.Value) (gorgonia.Value, error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, err
	}
	b, err := l.dev.array("linear: b", bv, l.cfg.M)
	if err != nil {
		return nil, err
	}
	return l.linear.Forward(x, w, b), nil
}

func (l *cudaLinear) bind(xv, wv gorgonia.Value) (x, w *cuda.Array, err error) {
	if x, err = l.dev.array("linear: x", xv, l.cfg.N, l.cfg.K); err != nil {
		return nil, nil, err
	}
	w, err = l.dev.array("linear: w", wv, l.cfg.M, l.cfg.K)
	return x, w, err
}

func (l *cudaLinear) Backward(xv, wv, dyv gorgonia.Value) (gorgonia.Value, gorgonia.Value, error) {
	x, w, err := l.bind(xv, wv)
	if err != nil {
		return nil, nil, err
	}
	dy, err := l.dev.array("linear: dy", dyv, l.cfg.N, l.cfg.M)
	if err != nil {
		return nil, nil, err
	}
	dx, dp := l.linear.Backward(x, w, dy)
	return dx, dp, nil
}

func (d *cudaDevice) NewWeights(cfg WeightsConfig) (WeightsPlan, error) {
	if err := float32Only("weights", cfg.Dtype); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	rectifier := map[Rectifier]cuda.Rectifier{AsIs: cuda.AsIs, Absolute: cuda.Absolute, Positive: cuda.Positive}
	along := map[Along]cuda.Along{Unscaled: cuda.Unscaled, Whole: cuda.Whole, Columns: cuda.Columns, Rows: cuda.Rows}
	c := cuda.WeightsConfig{R: cfg.R, C: cfg.C, Scale: along[cfg.Scale]}
	for _, side := range cfg.Side {
		c.Side = append(c.Side, float32(side))
	}
	for _, r := range cfg.Readings {
		reading := cuda.Reading{Rectifier: rectifier[r.Rectifier], Scaled: r.Scaled}
		for _, f := range r.Factor {
			reading.Factor = append(reading.Factor, float32(f))
		}
		c.Readings = append(c.Readings, reading)
	}
	m, err := d.dev.NewWeights(c)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaWeights{d, cfg, m}, nil
}

type cudaWeights struct {
	dev     *cudaDevice
	cfg     WeightsConfig
	weights *cuda.Weights
}

// bind checks the inputs; a is nil where there is no scale.
func (m *cudaWeights) bind(wv, av gorgonia.Value) (w, a *cuda.Array, err error) {
	if w, err = m.dev.array("weights", wv, m.cfg.stored()...); err != nil || m.cfg.Scale == Unscaled {
		return w, nil, err
	}
	a, err = m.dev.array("weights: scale", av, m.cfg.scales())
	return w, a, err
}

func (m *cudaWeights) Forward(wv, av gorgonia.Value) (gorgonia.Value, error) {
	w, a, err := m.bind(wv, av)
	if err != nil {
		return nil, err
	}
	return m.weights.Forward(w, a), nil
}

func (m *cudaWeights) Backward(wv, av, dWv gorgonia.Value) (gorgonia.Value, error) {
	w, a, err := m.bind(wv, av)
	if err != nil {
		return nil, err
	}
	dW, err := m.dev.array("weights: gradient", dWv, len(m.cfg.Readings)*m.cfg.R, m.cfg.C)
	if err != nil {
		return nil, err
	}
	return m.weights.Backward(w, a, dW), nil
}

func (d *cudaDevice) NewLoss(cfg LossConfig) (LossPlan, error) {
	l, err := d.dev.NewLoss(cfg.Kind == MeanSquaredError, cfg.N, cfg.O)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaLossPlan{d, cfg, l}, nil
}

type cudaLossPlan struct {
	dev  *cudaDevice
	cfg  LossConfig
	loss *cuda.Loss
}

func (l *cudaLossPlan) bind(xv, tv, wv gorgonia.Value) (x, target, weight *cuda.Array, err error) {
	name := l.cfg.Kind.String()
	if x, err = l.dev.array(name, xv, l.cfg.N, l.cfg.O); err != nil {
		return nil, nil, nil, err
	}
	if target, err = l.dev.array(name+": targets", tv, l.cfg.target()...); err != nil {
		return nil, nil, nil, err
	}
	weight, err = l.dev.array(name+": weights", wv, l.cfg.N)
	return x, target, weight, err
}

func (l *cudaLossPlan) Forward(xv, tv, wv gorgonia.Value) (gorgonia.Value, error) {
	x, target, weight, err := l.bind(xv, tv, wv)
	if err != nil {
		return nil, err
	}
	return &cudaLoss{l.loss.Forward(x, target, weight), l, target}, nil
}

func (l *cudaLossPlan) Backward(xv, tv, wv gorgonia.Value, grad float64) (gorgonia.Value, error) {
	x, target, weight, err := l.bind(xv, tv, wv)
	if err != nil {
		return nil, err
	}
	return l.loss.Backward(x, target, weight, grad), nil
}

// cudaLoss is a mean loss on a GPU. It implements Measured.
type cudaLoss struct {
	*cuda.Array
	plan   *cudaLossPlan
	target *cuda.Array
}

// Clone returns the loss itself, like an array.
func (l *cudaLoss) Clone() (interface{}, error) { return l, nil }

// CopyFrom makes l another loss, like an array.
func (l *cudaLoss) CopyFrom(src interface{}) error {
	from, ok := src.(*cudaLoss)
	if !ok {
		return fmt.Errorf("kernels: read a %T, want a loss on %s", src, l.plan.dev.Name())
	}
	*l = *from
	return nil
}

func (l *cudaLoss) Sums() (LossSums, error) {
	s, err := l.plan.loss.Sums(l.target)
	if err != nil && s.Bad > 0 {
		return LossSums{}, fmt.Errorf("kernels: %s: %w", l.plan.cfg.Kind, err)
	}
	return lossSums(s), cudaError(err)
}

func lossSums(s cuda.Sums) LossSums {
	return LossSums{Loss: s.Loss, Weight: s.Weight, Correct: s.Correct, Count: s.Count}
}

func (d *cudaDevice) NewUpdate(cfg UpdateConfig) (UpdatePlan, error) {
	rule := map[RuleKind]cuda.Rule{Adam: cuda.Adam, RMSProp: cuda.RMSProp, SGD: cuda.SGD}
	c := cuda.UpdateConfig{Rule: rule[cfg.Rule.Kind], Clip: cfg.Clip, Learned: cfg.Learned}
	all, err := d.mirrored("update: parameters", cfg.Params, cfg.Learned)
	if err != nil {
		return nil, err
	}
	c.Params = all
	if len(cfg.Slots) != len(cfg.Rule.Slots()) {
		return nil, fmt.Errorf("kernels: update: %d slots, want %v: %w", len(cfg.Slots), cfg.Rule.Slots(), ErrShape)
	}
	for i, m := range cfg.Slots {
		s, err := d.mirrored("update: "+cfg.Rule.Slots()[i], m, cfg.Learned)
		if err != nil {
			return nil, err
		}
		c.Slots = append(c.Slots, s)
	}
	if c.Lo, c.Hi, err = bounds(cfg.Bounds, cfg.Learned); err != nil {
		return nil, err
	}
	if c.Parts, err = decays(cfg.Parts, cfg.Learned); err != nil {
		return nil, err
	}
	u, err := d.dev.NewUpdate(c)
	if err != nil {
		return nil, cudaError(err)
	}
	return &cudaUpdate{d, cfg.Rule, u}, nil
}

// mirrored returns the elements of a mirror on the device, at least n.
func (d *cudaDevice) mirrored(name string, m Mirror, n int) (*cuda.Array, error) {
	c, ok := m.(*cudaMirror)
	if !ok || !c.Array().On(d.dev) || c.Array().Size() < n {
		return nil, fmt.Errorf("kernels: %s: want a mirror of at least %d elements on %s: %w", name, n, d.Name(), ErrShape)
	}
	return c.Array(), nil
}

// bounds spreads spans over n elements; it returns nils where there are none.
func bounds(spans []Span, n int) (lo, hi []float32, err error) {
	if len(spans) == 0 {
		return nil, nil, nil
	}
	lo, hi = make([]float32, n), make([]float32, n)
	for i := range lo {
		lo[i], hi[i] = float32(math.Inf(-1)), float32(math.Inf(1))
	}
	for _, s := range spans {
		if s.Offset < 0 || s.Len < 0 || s.Len > n-s.Offset {
			return nil, nil, fmt.Errorf("kernels: update: bounds of elements [%d,%d), there are %d: %w", s.Offset, s.Offset+s.Len, n, ErrShape)
		}
		for i := s.Offset; i < s.Offset+s.Len; i++ {
			lo[i], hi[i] = s.Lo, s.Hi
		}
	}
	return lo, hi, nil
}

// decays returns the parts of an update; nil is one that decays.
func decays(parts []Part, learned int) ([]cuda.Part, error) {
	if parts == nil {
		return []cuda.Part{{Len: learned, Decays: true}}, nil
	}
	var list []cuda.Part
	n := 0
	for _, p := range parts {
		list = append(list, cuda.Part{Len: p.Len, Decays: p.Decays})
		n += p.Len
	}
	if n != learned {
		return nil, fmt.Errorf("kernels: update: parts have %d elements, want %d: %w", n, learned, ErrShape)
	}
	return list, nil
}

type cudaUpdate struct {
	dev    *cudaDevice
	rule   Rule
	update *cuda.Update
}

func (u *cudaUpdate) Apply(grads []gorgonia.Value, loss gorgonia.Value, lr float64, step int) error {
	l, ok := loss.(*cudaLoss)
	if !ok {
		return fmt.Errorf("kernels: update: the loss is a %T, want one of %s", loss, u.dev.Name())
	}
	arrays := make([]*cuda.Array, len(grads))
	for i, g := range grads {
		var err error
		if arrays[i], err = u.dev.anyArray("update: gradient", g); err != nil {
			return err
		}
	}
	return cudaError(u.update.Apply(arrays, l.plan.loss, cuda.Coefs(u.rule.At(lr, step)), step))
}

func (u *cudaUpdate) Capacity() int { return cuda.Capacity }

func (u *cudaUpdate) Reports(wait bool) ([]Report, error) {
	rs, err := u.update.Reports(wait)
	if err != nil {
		return nil, cudaError(err)
	}
	out := make([]Report, len(rs))
	for i, r := range rs {
		out[i] = Report{Step: r.Step, LossSums: lossSums(r.Sums), GradNorm: r.GradNorm, State: UpdateState(r.State)}
	}
	return out, nil
}
