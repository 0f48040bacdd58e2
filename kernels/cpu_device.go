//go:build cgo

package kernels

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"galvani/kernels/cpu"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// OpenCPU returns the CPU device with the best instruction set of this machine. The batch is
// split over the given number of threads; 0 means all that the process may use. Results are the
// same bits for any number.
// Errors: wraps ErrNoDevice in a binary built without cgo.
func OpenCPU(threads int) (Device, error) { return OpenCPUWith(cpu.Best(), threads) }

// OpenCPUWith is OpenCPU for a named instruction set: avx512, avx2 or portable.
// Errors: wraps ErrNoDevice where the machine lacks it.
func OpenCPUWith(isa string, threads int) (Device, error) {
	if !cpu.Supported(isa) {
		return nil, fmt.Errorf("kernels: cpu: this machine has no %s: %w", isa, ErrNoDevice)
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &cpuDevice{isa: isa, threads: threads}, nil
}

type cpuDevice struct {
	isa     string
	threads int
}

func (d *cpuDevice) Name() string { return fmt.Sprintf("cpu %s x%d", d.isa, d.threads) }
func (d *cpuDevice) Close() error { return nil }

func (d *cpuDevice) NewScan(cfg ScanConfig) (ScanPlan, error) {
	if cfg.Dtype == tensor.Float64 {
		return newCPUScan[float64]("float64", d.threads, cfg)
	}
	return newCPUScan[float32](d.isa, d.threads, cfg)
}

// cpuScan gathers parameters into the arrays that the C scan reads and scatters gradients
// back; the rest is cpu.Scan.
type cpuScan[F float] struct {
	cfg    ScanConfig
	scan   *cpu.Scan[F]
	args   cpu.Args[F]
	groups [Edge + 1]int // elements per role, indexed by Role
	last   []F           // [B,H]
	packed []F
}

// ScanBytes implements Planner.
func (d *cpuDevice) ScanBytes(cfg ScanConfig) (int64, error) {
	if cfg.Dtype == tensor.Float64 {
		return cpuScanBytes[float64]("float64", d.threads, cfg)
	}
	return cpuScanBytes[float32](d.isa, d.threads, cfg)
}

func cpuScanBytes[F float](isa string, threads int, cfg ScanConfig) (int64, error) {
	c, groups, err := cpuConfig(isa, threads, cfg)
	if err != nil {
		return 0, err
	}
	n, err := cpu.Bytes[F](c)
	if err != nil {
		return 0, cfg.scanError(err)
	}
	const double = 8
	own := groups[In] + groups[Rec] + groups[Edge] + cfg.B*cfg.H + cfg.learned()
	return n + int64(own)*int64(unsafe.Sizeof(*new(F))) + int64(groups[Vec])*double, nil
}

// cpuConfig returns the configuration of the C scan, and the elements per role of what it reads.
func cpuConfig(isa string, threads int, cfg ScanConfig) (c cpu.Config, groups [Edge + 1]int, err error) {
	shape, ok := cpu.Cells()[cfg.Cell.Header]
	if !ok {
		return c, groups, fmt.Errorf("kernels: scan: no kernel kernels/cells/%s.h in this binary: %w", cfg.Cell.Header, ErrShape)
	}
	c = cpu.Config{Cell: cfg.Cell.Header, ISA: isa, Threads: threads, T: cfg.T, B: cfg.B, I: cfg.I, H: cfg.H,
		Consts: cfg.Cell.Consts, Rest: cfg.Cell.Rest, Last: cfg.Last, KeepGradH: cfg.KeepGradH,
		Memory: cfg.Memory, ForwardOnly: cfg.ForwardOnly}
	if cfg.Cell.Axial != nil {
		c.EdgeI, c.EdgeJ = cfg.Cell.Axial.I, cfg.Cell.Axial.J
	}
	vectors := 0
	for _, p := range cfg.Params {
		groups[p.Role] += p.Len()
		switch p.Role {
		case In:
			c.LearnIn = c.LearnIn || p.Learned
		case Rec:
			c.LearnRec = c.LearnRec || p.Learned
			c.Support = append(c.Support, p.supports(cfg.H)...)
		case Vec:
			if vectors++; p.Learned {
				c.Learn = max(c.Learn, min(2, vectors))
			}
		case Edge:
			if p.Learned {
				c.LearnEdge, c.Learn = true, 2
			}
		}
	}
	for _, w := range []struct {
		name      string
		have, one int
		want      int
	}{
		{"input matrices", groups[In], cfg.H * cfg.I, shape.In},
		{"recurrent matrices", groups[Rec], cfg.H * cfg.H, shape.Rec},
		{"vectors", groups[Vec], cfg.H, shape.Vecs},
		{"edges", groups[Edge], 1, cfg.Cell.Axial.Edges()},
		{"state planes", cfg.Cell.States, 1, shape.States},
	} {
		if w.have != w.one*w.want {
			return c, groups, fmt.Errorf("kernels: scan: %s: %s have %d elements, want %d: %w",
				cfg.Cell.Header, w.name, w.have, w.one*w.want, ErrShape)
		}
	}
	return c, groups, nil
}

// scanError says in this package's words why there is no scan.
func (c ScanConfig) scanError(err error) error {
	var short *segments.MemoryError
	if errors.As(err, &short) {
		return c.memoryError(short.All, short.Least, short.Memory)
	}
	return fmt.Errorf("kernels: scan: %w", err)
}

func newCPUScan[F float](isa string, threads int, cfg ScanConfig) (ScanPlan, error) {
	s := &cpuScan[F]{cfg: cfg}
	c, groups, err := cpuConfig(isa, threads, cfg)
	if err != nil {
		return nil, err
	}
	s.groups = groups
	if s.scan, err = cpu.NewScan[F](c); err != nil {
		return nil, cfg.scanError(err)
	}
	s.args = cpu.Args[F]{In: make([]F, s.groups[In]), Rec: make([]F, s.groups[Rec]),
		Vec: make([]float64, s.groups[Vec]), Edge: make([]F, s.groups[Edge])}
	s.last = make([]F, cfg.B*cfg.H)
	s.packed = make([]F, cfg.learned())
	return s, nil
}

// gather fills s.args from the values of a run.
func (s *cpuScan[F]) gather(a ScanArgs) (err error) {
	c := s.cfg
	if s.args.X, err = elems[F]("scan: x", a.X, c.T, c.B, c.I); err != nil {
		return err
	}
	if s.args.State, err = elems[F]("scan: state", a.State, c.Cell.States, c.B, c.H); err != nil {
		return err
	}
	if c.Masked {
		if s.args.Mask, err = elems[F]("scan: mask", a.Mask, c.T, c.B); err != nil {
			return err
		}
	}
	if c.Resets {
		if s.args.Reset, err = elems[F]("scan: reset", a.Reset, c.T, c.B); err != nil {
			return err
		}
	}
	var at [Edge + 1]int
	for i, p := range c.Params {
		v, err := elems[F]("scan: "+p.Name, a.Params[i], p.Shape...)
		if err != nil {
			return err
		}
		k := at[p.Role]
		at[p.Role] += len(v)
		switch p.Role {
		case In:
			copy(s.args.In[k:], v)
		case Rec:
			copy(s.args.Rec[k:], v)
		case Edge:
			copy(s.args.Edge[k:], v)
		case Vec:
			for j, x := range v {
				s.args.Vec[k+j] = float64(x)
			}
		}
	}
	return nil
}

func (s *cpuScan[F]) Forward(a ScanArgs) (gorgonia.Value, error) {
	if err := s.gather(a); err != nil {
		return nil, err
	}
	s.scan.Forward(s.args)
	c := s.cfg
	if !c.Last {
		return wrap(s.scan.H(s.args), c.rows(), c.H), nil
	}
	copy(s.last, s.scan.Final) // plane 0 of the state is h
	return wrap(s.last, c.B, c.H), nil
}

func (s *cpuScan[F]) Backward(a ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	c := s.cfg
	if s.args.X == nil {
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	d, err := elems[F]("scan: dh", dh, c.rows(), c.H)
	if err != nil {
		return nil, err
	}
	g := s.scan.Backward(s.args, d)
	var at [Edge + 1]int
	out := s.packed
	for _, p := range c.Params {
		k, n := at[p.Role], p.Len()
		at[p.Role] += n
		if !p.Learned {
			continue
		}
		switch p.Role {
		case In:
			copy(out, g.In[k:k+n])
		case Rec:
			copy(out, g.Rec[k:k+n])
		case Vec:
			for j, x := range g.Vec[k : k+n] {
				out[j] = F(x)
			}
		case Edge:
			for j, x := range g.Edge[k : k+n] {
				out[j] = F(x)
			}
		}
		out = out[n:]
	}
	return wrap(s.packed, len(s.packed)), nil
}

func (s *cpuScan[F]) H() gorgonia.Value {
	if s.args.X == nil {
		return nil // no Forward so far
	}
	return wrap(s.scan.H(s.args), s.cfg.T, s.cfg.B, s.cfg.H)
}

func (s *cpuScan[F]) GradH() gorgonia.Value {
	if !s.cfg.KeepGradH {
		return nil
	}
	return wrap(s.scan.GradH, s.cfg.T, s.cfg.B, s.cfg.H)
}

func (s *cpuScan[F]) Final() gorgonia.Value {
	return wrap(s.scan.Final, s.cfg.Cell.States, s.cfg.B, s.cfg.H)
}

func (d *cpuDevice) NewWeights(cfg WeightsConfig) (WeightsPlan, error) { return newWeights(cfg) }
