//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

// The kernels number penalties as the contract does.
var (
	_ = [1]int{}[kernels.WeightL1]
	_ = [1]int{}[kernels.WeightL2-1]
	_ = [1]int{}[kernels.RateL1-2]
	_ = [1]int{}[kernels.RateL2-3]
	_ = [1]int{}[kernels.RateTarget-4]
	_ = [1]int{}[kernels.ChangeL2-5]
)

// NewRows implements kernels.Resident.
func (d *Device) NewRows(cfg kernels.RowsConfig) (kernels.Composite, error) {
	switch c := cfg.(type) {
	case kernels.NormConfig:
		return newNorm(d, c)
	case kernels.DropoutConfig:
		return newDropout(d, c)
	case kernels.ReversalConfig:
		return newReversal(d, c)
	case kernels.BesideConfig:
		return newBeside(d, c)
	case kernels.LastConfig:
		return newLast(d, c)
	case kernels.SumConfig:
		return newSum(d, c)
	case kernels.PenaltyConfig:
		return newPenalty(d, c)
	}
	return nil, fmt.Errorf("cuda: no kernel for a %T: %w", cfg, kernels.ErrShape)
}

// built returns what f has allocated, nil where that failed.
func built(d *Device, what string, c kernels.Composite, f func(*builder)) (kernels.Composite, error) {
	if err := d.build(what, f); err != nil {
		return nil, err
	}
	return c, nil
}

// each is a launch with a thread for each of n elements.
func each(n int) shape { return of(C.each_launch(C.longlong(n))) }

// norm is layer normalisation.
type norm struct {
	d                                *Device
	cfg                              kernels.NormConfig
	parts                            C.int
	z, y, dx, inverse, partial, grad driver.Ptr
	forward, back, columns, sum      *kernel
}

func newNorm(d *Device, cfg kernels.NormConfig) (kernels.Composite, error) {
	l, n := &norm{d: d, cfg: cfg, parts: C.row_parts(C.int(cfg.N))}, cfg.N*cfg.H
	return built(d, "layer normalisation", l, func(b *builder) {
		l.z, l.y, l.dx, l.grad = b.floats(n), b.floats(n), b.floats(n), b.floats(2*cfg.H)
		l.inverse, l.partial = b.bytes(int64(cfg.N)*C.sizeof_double), b.bytes(int64(l.parts)*2*int64(cfg.H)*C.sizeof_double)
		l.forward, l.back = b.kernel("layers", "layer_norm"), b.kernel("layers", "layer_norm_back")
		l.columns, l.sum = b.kernel("layers", "layer_norm_columns"), b.kernel("layers", "layer_norm_sum")
	})
}

func (l *norm) params(in []gorgonia.Value) (p C.struct_layer_norm_params, err error) {
	n, h := l.cfg.N, l.cfg.H
	x, err := l.d.taken("layer normalisation of x", in[0], n, h)
	if err != nil {
		return p, err
	}
	gain, err := l.d.taken("gain of layer normalisation", in[1], h)
	if err != nil {
		return p, err
	}
	bias, err := l.d.taken("bias of layer normalisation", in[2], h)
	if err != nil {
		return p, err
	}
	return C.struct_layer_norm_params{N: C.int(n), H: C.int(h), parts: l.parts, eps: C.double(l.cfg.Eps), x: ptr(x.ptr), gain: ptr(gain.ptr),
		bias: ptr(bias.ptr), z: ptr(l.z), y: ptr(l.y), inverse: ptr(l.inverse), dx: ptr(l.dx), partial: ptr(l.partial), grad: ptr(l.grad)}, nil
}

// Forward implements kernels.Composite.
func (l *norm) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	p, err := l.params(in)
	if err != nil {
		return nil, err
	}
	l.d.queue("layer normalisation", func(w *work) { w.launch(l.forward, of(C.rows_launch(p.N)), unsafe.Pointer(&p)) })
	return l.d.array(l.y, l.cfg.N, l.cfg.H), nil
}

// Backward implements kernels.Composite.
func (l *norm) Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	p, err := l.params(in)
	if err != nil {
		return nil, err
	}
	dy, err := l.d.taken("gradient of layer normalisation", grad, l.cfg.N, l.cfg.H)
	if err != nil {
		return nil, err
	}
	p.dy = ptr(dy.ptr)
	l.d.queue("gradient of layer normalisation", func(w *work) {
		w.launch(l.back, of(C.rows_launch(p.N)), unsafe.Pointer(&p))
		w.launch(l.columns, of(C.columns_launch(p.H, p.parts)), unsafe.Pointer(&p))
		w.launch(l.sum, each(2*l.cfg.H), unsafe.Pointer(&p))
	})
	h := l.cfg.H
	return []gorgonia.Value{l.d.array(l.dx, l.cfg.N*h), l.d.array(l.grad, h), l.d.array(offset(l.grad, h), h)}, nil
}

// dropout draws the same numbers on the way back.
type dropout struct {
	d    *Device
	cfg  kernels.DropoutConfig
	draw kernels.NoiseDraw // of the last Forward
	y, g driver.Ptr
	drop *kernel
}

func newDropout(d *Device, cfg kernels.DropoutConfig) (kernels.Composite, error) {
	o, n := &dropout{d: d, cfg: cfg}, cfg.N*cfg.H
	return built(d, "dropout", o, func(b *builder) {
		o.y, o.g, o.drop = b.floats(n), b.floats(n), b.kernel("layers", "dropout")
	})
}

func (o *dropout) run(v gorgonia.Value, to driver.Ptr) error {
	c := &o.cfg
	x, err := o.d.taken("dropout", v, c.N, c.H)
	if err != nil {
		return err
	}
	p := C.struct_dropout_params{N: C.int(c.N), H: C.int(c.H), B: C.int(c.N / c.Steps), most: C.float(c.P), keep: C.float(1 / (1 - c.P)),
		key: C.ulonglong(c.Key(o.draw)), first: C.ulonglong(o.draw.First), from: ptr(x.ptr), to: ptr(to)}
	o.d.queue("dropout", func(w *work) { w.launch(o.drop, each(c.N*c.H), unsafe.Pointer(&p)) })
	return nil
}

// Forward implements kernels.Composite.
func (o *dropout) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	o.draw = o.cfg.Draw()
	return o.d.array(o.y, o.cfg.N, o.cfg.H), o.run(in[0], o.y)
}

// Backward implements kernels.Composite.
func (o *dropout) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	return []gorgonia.Value{o.d.array(o.g, o.cfg.N*o.cfg.H)}, o.run(grad, o.g)
}

// reversal turns sequences round. It is its own adjoint.
type reversal struct {
	d          *Device
	cfg        kernels.ReversalConfig
	y, g, end  driver.Ptr
	ends, turn *kernel
}

func newReversal(d *Device, cfg kernels.ReversalConfig) (kernels.Composite, error) {
	r, n := &reversal{d: d, cfg: cfg}, cfg.N*cfg.H
	return built(d, "reversal", r, func(b *builder) {
		r.y, r.g = b.floats(n), b.floats(n)
		r.turn = b.kernel("layers", "reverse")
		if cfg.Mask != nil {
			r.end, r.ends = b.floats(cfg.N/cfg.Steps), b.kernel("layers", "sequence_ends")
		}
	})
}

func (r *reversal) run(v gorgonia.Value, to driver.Ptr) error {
	c := &r.cfg
	x, err := r.d.taken("reversal", v, c.N, c.H)
	if err != nil {
		return err
	}
	p := C.struct_reverse_params{T: C.int(c.Steps), B: C.int(c.N / c.Steps), H: C.int(c.H), end: ptr(r.end), from: ptr(x.ptr), to: ptr(to)}
	if c.Mask != nil {
		mask, err := r.d.taken("mask of a reversal", c.Mask, c.Steps, c.N/c.Steps)
		if err != nil {
			return err
		}
		p.mask = ptr(mask.ptr)
	}
	r.d.queue("reversal", func(w *work) {
		if r.ends != nil {
			w.launch(r.ends, each(int(p.B)), unsafe.Pointer(&p))
		}
		w.launch(r.turn, each(c.N*c.H), unsafe.Pointer(&p))
	})
	return nil
}

// Forward implements kernels.Composite.
func (r *reversal) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	return r.d.array(r.y, r.cfg.N, r.cfg.H), r.run(in[0], r.y)
}

// Backward implements kernels.Composite.
func (r *reversal) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	return []gorgonia.Value{r.d.array(r.g, r.cfg.N*r.cfg.H)}, r.run(grad, r.g)
}

// beside lays the rows of two arrays next to each other.
type beside struct {
	d      *Device
	cfg    kernels.BesideConfig
	y      driver.Ptr
	g      [2]driver.Ptr
	copies *kernel
}

func newBeside(d *Device, cfg kernels.BesideConfig) (kernels.Composite, error) {
	j := &beside{d: d, cfg: cfg}
	return built(d, "rows beside each other", j, func(b *builder) {
		j.y = b.floats(cfg.N * j.width())
		for i, h := range cfg.Widths {
			j.g[i] = b.floats(cfg.N * h)
		}
		j.copies = b.kernel("layers", "copy_rows")
	})
}

func (j *beside) width() int { return j.cfg.Widths[0] + j.cfg.Widths[1] }

// Forward implements kernels.Composite.
func (j *beside) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	at := 0
	for i, h := range j.cfg.Widths {
		x, err := j.d.taken("what stands beside", in[i], j.cfg.N, h)
		if err != nil {
			return nil, err
		}
		j.copy(h, x.ptr, h, offset(j.y, at), j.width())
		at += h
	}
	return j.d.array(j.y, j.cfg.N, j.width()), nil
}

// Backward implements kernels.Composite.
func (j *beside) Backward(_ []gorgonia.Value, grad gorgonia.Value) (out []gorgonia.Value, err error) {
	dy, err := j.d.taken("gradient of what stands beside", grad, j.cfg.N, j.width())
	if err != nil {
		return nil, err
	}
	at := 0
	for i, h := range j.cfg.Widths {
		j.copy(h, offset(dy.ptr, at), j.width(), j.g[i], h)
		at += h
		out = append(out, j.d.array(j.g[i], j.cfg.N*h))
	}
	return out, nil
}

// copy queues the copy of rows of h elements, which lie apart as given.
func (j *beside) copy(h int, from driver.Ptr, fromRow int, to driver.Ptr, toRow int) {
	p := C.struct_copy_rows_params{N: C.int(j.cfg.N), H: C.int(h), from_row: C.longlong(fromRow), to_row: C.longlong(toRow), from: ptr(from), to: ptr(to)}
	j.d.queue("rows beside each other", func(w *work) { w.launch(j.copies, each(j.cfg.N*h), unsafe.Pointer(&p)) })
}

// last is the last rows of an array, which are not copied.
type last struct {
	d   *Device
	cfg kernels.LastConfig
	g   driver.Ptr
	pad *kernel
}

func newLast(d *Device, cfg kernels.LastConfig) (kernels.Composite, error) {
	l := &last{d: d, cfg: cfg}
	return built(d, "last rows", l, func(b *builder) { l.g, l.pad = b.floats(cfg.N*cfg.H), b.kernel("layers", "pad") })
}

// Forward implements kernels.Composite.
func (l *last) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	c := &l.cfg
	x, err := l.d.taken("last rows", in[0], c.N, c.H)
	if err != nil {
		return nil, err
	}
	return x.View((c.N-c.Rows)*c.H, c.Rows, c.H), nil
}

// Backward implements kernels.Composite.
func (l *last) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	c := &l.cfg
	dy, err := l.d.taken("gradient of the last rows", grad, c.Rows, c.H)
	if err != nil {
		return nil, err
	}
	p := C.struct_pad_params{at: C.longlong((c.N - c.Rows) * c.H), n: C.longlong(c.Rows * c.H), all: C.longlong(c.N * c.H), from: ptr(dy.ptr), to: ptr(l.g)}
	l.d.queue("gradient of the last rows", func(w *work) { w.launch(l.pad, each(c.N*c.H), unsafe.Pointer(&p)) })
	return []gorgonia.Value{l.d.array(l.g, c.N*c.H)}, nil
}

// sum adds two arrays.
type sum struct {
	d   *Device
	cfg kernels.SumConfig
	y   driver.Ptr
	add *kernel
}

func newSum(d *Device, cfg kernels.SumConfig) (kernels.Composite, error) {
	s := &sum{d: d, cfg: cfg}
	return built(d, "sum", s, func(b *builder) { s.y, s.add = b.floats(cfg.N*cfg.H), b.kernel("layers", "add") })
}

// Forward implements kernels.Composite.
func (s *sum) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	c := &s.cfg
	a, err := s.d.taken("sum", in[0], c.N, c.H)
	if err != nil {
		return nil, err
	}
	b, err := s.d.taken("sum", in[1], c.N, c.H)
	if err != nil {
		return nil, err
	}
	p := C.struct_add_params{n: C.longlong(c.N * c.H), a: ptr(a.ptr), b: ptr(b.ptr), to: ptr(s.y)}
	s.d.queue("sum", func(w *work) { w.launch(s.add, each(c.N*c.H), unsafe.Pointer(&p)) })
	return s.d.array(s.y, c.N, c.H), nil
}

// Backward implements kernels.Composite.
func (s *sum) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	dy, err := s.d.taken("gradient of a sum", grad, s.cfg.N, s.cfg.H)
	if err != nil {
		return nil, err
	}
	g := dy.View(0, s.cfg.N*s.cfg.H)
	return []gorgonia.Value{g, g}, nil
}

// penalty measures an array, which it gives on as it is. It implements kernels.Penalising.
type penalty struct {
	d                               *Device
	cfg                             kernels.PenaltyConfig
	fixed                           C.struct_penalty_params // without the arrays of a run
	terms, out                      driver.Ptr
	columnsKernel, sumKernel, adder *kernel
}

// penaltyColumns is how many columns weights are seen as.
const penaltyColumns = 256

func newPenalty(d *Device, cfg kernels.PenaltyConfig) (kernels.Composite, error) {
	n := cfg.Shape.TotalSize()
	u := min(n, penaltyColumns)
	o := &penalty{d: d, cfg: cfg}
	p := C.struct_penalty_params{all: C.longlong(n), l1: C.double(cfg.L1), l2: C.double(cfg.L2)}
	if r := cfg.Rates; r != nil {
		u = cfg.Shape[1]
		p.rates, p.B = 1, C.int(cfg.Shape[0]/cfg.Steps)
		p.l1, p.l2, p.target_l2, p.target, p.change = C.double(r.L1), C.double(r.L2), C.double(r.TargetL2), C.double(r.Target), C.double(r.Change)
	}
	p.N, p.U = C.int((n+u-1)/u), C.int(u)
	p.parts = C.row_parts(p.N)
	return built(d, "penalty", o, func(b *builder) {
		o.terms, o.out = b.floats(int(kernels.Penalties)), b.floats(n)
		p.partial, p.mean, p.count = ptr(b.bytes(int64(p.parts)*4*int64(u)*C.sizeof_double)), ptr(b.bytes(int64(u)*C.sizeof_double)), ptr(b.bytes(2*C.sizeof_double))
		p.terms, p.out = ptr(o.terms), ptr(o.out)
		o.columnsKernel, o.sumKernel, o.adder = b.kernel("layers", "penalty_columns"), b.kernel("layers", "penalty_sum"), b.kernel("layers", "penalty_grad")
		o.fixed = p
	})
}

// params returns those of a run, and the array that is measured.
func (o *penalty) params(in []gorgonia.Value) (p C.struct_penalty_params, x *Array, err error) {
	p = o.fixed
	if x, err = o.d.taken("penalty", in[0], o.cfg.Shape...); err != nil {
		return p, nil, err
	}
	p.x = ptr(x.ptr)
	if o.cfg.Mask != nil {
		mask, err := o.d.taken("penalty: mask", o.cfg.Mask, o.cfg.Steps, o.cfg.Shape[0]/o.cfg.Steps)
		if err != nil {
			return p, nil, err
		}
		p.mask = ptr(mask.ptr)
	}
	return p, x, nil
}

// Terms implements kernels.Penalising.
func (o *penalty) Terms() gorgonia.Value { return o.d.array(o.terms, int(kernels.Penalties)) }

// Forward implements kernels.Composite.
func (o *penalty) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	p, x, err := o.params(in)
	if err != nil {
		return nil, err
	}
	o.d.queue("penalty", func(w *work) {
		w.launch(o.columnsKernel, of(C.columns_launch(p.U, p.parts)), unsafe.Pointer(&p))
		w.launch(o.sumKernel, of(C.sum_launch()), unsafe.Pointer(&p))
	})
	return x.View(0, o.cfg.Shape...), nil
}

// Backward implements kernels.Composite.
func (o *penalty) Backward(in []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	p, _, err := o.params(in)
	if err != nil {
		return nil, err
	}
	g, err := o.d.taken("gradient of a penalty", grad, o.cfg.Shape...)
	if err != nil {
		return nil, err
	}
	p.grad = ptr(g.ptr)
	o.d.queue("gradient of a penalty", func(w *work) { w.launch(o.adder, each(int(p.all)), unsafe.Pointer(&p)) })
	return []gorgonia.Value{o.d.array(o.out, int(p.all))}, nil
}
