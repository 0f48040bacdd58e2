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

// alike is a map of one matrix to one of the same shape that another run of it takes back.
type alike struct {
	d    *Device
	n, h int
	y, g driver.Ptr // results of Forward and Backward
	run  func(v gorgonia.Value, to driver.Ptr) error
}

// Forward implements kernels.Composite.
func (a *alike) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	return a.d.array(a.y, a.n, a.h), a.run(in[0], a.y)
}

// Backward implements kernels.Composite.
func (a *alike) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	return []gorgonia.Value{a.d.array(a.g, a.n*a.h)}, a.run(grad, a.g)
}

// newDropout returns dropout, which draws the same numbers on the way back.
func newDropout(d *Device, cfg kernels.DropoutConfig) (kernels.Composite, error) {
	o, n := &alike{d: d, n: cfg.N, h: cfg.H}, cfg.N*cfg.H
	var draw kernels.NoiseDraw // of the last Forward
	var drop *kernel
	o.run = func(v gorgonia.Value, to driver.Ptr) error {
		x, err := d.taken("dropout", v, cfg.N, cfg.H)
		if err != nil {
			return err
		}
		if to == o.y {
			draw = cfg.Draw()
		}
		p := C.struct_dropout_params{N: C.int(cfg.N), H: C.int(cfg.H), B: C.int(cfg.N / cfg.Steps), most: C.float(cfg.P), keep: C.float(1 / (1 - cfg.P)),
			key: C.ulonglong(cfg.Key(draw)), first: C.ulonglong(draw.First), from: ptr(x.ptr), to: ptr(to)}
		d.queue("dropout", func(w *work) { w.launch(drop, each(n), unsafe.Pointer(&p)) })
		return nil
	}
	return built(d, "dropout", o, func(b *builder) { o.y, o.g, drop = b.floats(n), b.floats(n), b.kernel("layers", "dropout") })
}

// newReversal returns what turns sequences round. It is its own adjoint.
func newReversal(d *Device, cfg kernels.ReversalConfig) (kernels.Composite, error) {
	r, n, width := &alike{d: d, n: cfg.N, h: cfg.H}, cfg.N*cfg.H, cfg.N/cfg.Steps
	var end driver.Ptr // of each sequence, with a mask
	var ends, turn *kernel
	r.run = func(v gorgonia.Value, to driver.Ptr) error {
		x, err := d.taken("reversal", v, cfg.N, cfg.H)
		if err != nil {
			return err
		}
		p := C.struct_reverse_params{T: C.int(cfg.Steps), B: C.int(width), H: C.int(cfg.H), end: ptr(end), from: ptr(x.ptr), to: ptr(to)}
		if cfg.Mask != nil {
			mask, err := d.taken("mask of a reversal", cfg.Mask, cfg.Steps, width)
			if err != nil {
				return err
			}
			p.mask = ptr(mask.ptr)
		}
		d.queue("reversal", func(w *work) {
			if ends != nil {
				w.launch(ends, each(width), unsafe.Pointer(&p))
			}
			w.launch(turn, each(n), unsafe.Pointer(&p))
		})
		return nil
	}
	return built(d, "reversal", r, func(b *builder) {
		r.y, r.g, turn = b.floats(n), b.floats(n), b.kernel("layers", "reverse")
		if cfg.Mask != nil {
			end, ends = b.floats(width), b.kernel("layers", "sequence_ends")
		}
	})
}

// rows is a Composite whose gradient follows from that of its result alone.
type rows struct {
	forward  func(in []gorgonia.Value) (gorgonia.Value, error)
	backward func(grad gorgonia.Value) ([]gorgonia.Value, error)
}

// Forward implements kernels.Composite.
func (r rows) Forward(in []gorgonia.Value) (gorgonia.Value, error) { return r.forward(in) }

// Backward implements kernels.Composite.
func (r rows) Backward(_ []gorgonia.Value, grad gorgonia.Value) ([]gorgonia.Value, error) {
	return r.backward(grad)
}

// newBeside returns what lays the rows of two arrays next to each other.
func newBeside(d *Device, cfg kernels.BesideConfig) (kernels.Composite, error) {
	var y driver.Ptr
	var g [2]driver.Ptr
	var copies *kernel
	width := cfg.Widths[0] + cfg.Widths[1]
	// copy queues the copy of rows of h elements, which lie apart as given.
	copy := func(h int, from driver.Ptr, fromRow int, to driver.Ptr, toRow int) {
		p := C.struct_copy_rows_params{N: C.int(cfg.N), H: C.int(h), from_row: C.longlong(fromRow), to_row: C.longlong(toRow), from: ptr(from), to: ptr(to)}
		d.queue("rows beside each other", func(w *work) { w.launch(copies, each(cfg.N*h), unsafe.Pointer(&p)) })
	}
	return built(d, "rows beside each other", rows{
		func(in []gorgonia.Value) (gorgonia.Value, error) {
			at := 0
			for i, h := range cfg.Widths {
				x, err := d.taken("what stands beside", in[i], cfg.N, h)
				if err != nil {
					return nil, err
				}
				copy(h, x.ptr, h, offset(y, at), width)
				at += h
			}
			return d.array(y, cfg.N, width), nil
		},
		func(grad gorgonia.Value) (out []gorgonia.Value, err error) {
			dy, err := d.taken("gradient of what stands beside", grad, cfg.N, width)
			if err != nil {
				return nil, err
			}
			at := 0
			for i, h := range cfg.Widths {
				copy(h, offset(dy.ptr, at), width, g[i], h)
				at += h
				out = append(out, d.array(g[i], cfg.N*h))
			}
			return out, nil
		},
	}, func(b *builder) {
		y, copies = b.floats(cfg.N*width), b.kernel("layers", "copy_rows")
		for i, h := range cfg.Widths {
			g[i] = b.floats(cfg.N * h)
		}
	})
}

// newLast returns the last rows of an array, which are not copied.
func newLast(d *Device, cfg kernels.LastConfig) (kernels.Composite, error) {
	var g driver.Ptr
	var pad *kernel
	n, before := cfg.N*cfg.H, (cfg.N-cfg.Rows)*cfg.H
	return built(d, "last rows", rows{
		func(in []gorgonia.Value) (gorgonia.Value, error) {
			x, err := d.taken("last rows", in[0], cfg.N, cfg.H)
			if err != nil {
				return nil, err
			}
			return x.View(before, cfg.Rows, cfg.H), nil
		},
		func(grad gorgonia.Value) ([]gorgonia.Value, error) {
			dy, err := d.taken("gradient of the last rows", grad, cfg.Rows, cfg.H)
			if err != nil {
				return nil, err
			}
			p := C.struct_pad_params{at: C.longlong(before), n: C.longlong(n - before), all: C.longlong(n), from: ptr(dy.ptr), to: ptr(g)}
			d.queue("gradient of the last rows", func(w *work) { w.launch(pad, each(n), unsafe.Pointer(&p)) })
			return []gorgonia.Value{d.array(g, n)}, nil
		},
	}, func(b *builder) { g, pad = b.floats(n), b.kernel("layers", "pad") })
}

// newSum returns the sum of two arrays.
func newSum(d *Device, cfg kernels.SumConfig) (kernels.Composite, error) {
	var y driver.Ptr
	var add *kernel
	n := cfg.N * cfg.H
	return built(d, "sum", rows{
		func(in []gorgonia.Value) (gorgonia.Value, error) {
			p := C.struct_add_params{n: C.longlong(n), to: ptr(y)}
			for i, to := range []*C.ulonglong{&p.a, &p.b} {
				x, err := d.taken("sum", in[i], cfg.N, cfg.H)
				if err != nil {
					return nil, err
				}
				*to = ptr(x.ptr)
			}
			d.queue("sum", func(w *work) { w.launch(add, each(n), unsafe.Pointer(&p)) })
			return d.array(y, cfg.N, cfg.H), nil
		},
		func(grad gorgonia.Value) ([]gorgonia.Value, error) {
			dy, err := d.taken("gradient of a sum", grad, cfg.N, cfg.H)
			if err != nil {
				return nil, err
			}
			g := dy.View(0, n)
			return []gorgonia.Value{g, g}, nil
		},
	}, func(b *builder) { y, add = b.floats(n), b.kernel("layers", "add") })
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
