//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

// The kernels number rectifiers and axes as the contract does.
var (
	_ = [1]int{}[kernels.AsIs-C.RECTIFY_NOT]
	_ = [1]int{}[kernels.Absolute-C.RECTIFY_ABSOLUTE]
	_ = [1]int{}[kernels.Positive-C.RECTIFY_POSITIVE]
	_ = [1]int{}[kernels.Sign-C.RECTIFY_SIGN]
	_ = [1]int{}[kernels.Unscaled-C.SCALE_NOT]
	_ = [1]int{}[kernels.Whole-C.SCALE_WHOLE]
	_ = [1]int{}[kernels.Columns-C.SCALE_COLUMNS]
	_ = [1]int{}[kernels.Rows-C.SCALE_ROWS]
	_ = [1]int{}[kernels.MaxReadings-C.MAX_READINGS]
)

// weightSums returns the number of elements of the scale, and of the parts of which the gradient of
// each is made: the tiles along the other axis, or all.
func weightSums(c kernels.WeightsConfig) (n, parts int) {
	l := C.weights_launch(C.int(c.R), C.int(c.C))
	switch c.Scale {
	case kernels.Columns:
		return c.C, int(l.y)
	case kernels.Rows:
		return c.R, int(l.x)
	case kernels.Whole:
		return 1, int(l.x) * int(l.y)
	}
	return 0, 0
}

// Weights makes weights of stored ones. It implements kernels.WeightsPlan.
type Weights struct {
	d                      *Device
	cfg                    kernels.WeightsConfig
	n, parts               int
	factor                 []driver.Ptr // of each reading
	out, partial, grad     driver.Ptr
	side                   driver.Ptr
	forward, backward, sum *kernel
}

// NewWeights implements kernels.Device.
func (d *Device) NewWeights(cfg kernels.WeightsConfig) (kernels.WeightsPlan, error) {
	if err := float32Only("weights", cfg.Dtype); err != nil {
		return nil, err
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	m := &Weights{d: d, cfg: cfg}
	m.n, m.parts = weightSums(cfg)
	err := d.build("weights", func(b *builder) {
		for _, r := range cfg.Readings {
			factor := make([]float32, len(r.Factor))
			for i, c := range r.Factor {
				factor[i] = float32(c)
			}
			m.factor = append(m.factor, upload(b, factor))
		}
		side := make([]float32, len(cfg.Side))
		for j, s := range cfg.Side {
			side[j] = float32(s)
		}
		m.side = upload(b, side)
		m.out, m.grad = b.floats(len(cfg.Readings)*cfg.R*cfg.C), b.floats(cfg.R*cfg.C+m.n)
		m.partial = b.bytes(int64(m.parts) * int64(m.n) * C.sizeof_double)
		m.forward, m.backward, m.sum = b.kernel("weights", "weights"), b.kernel("weights", "weights_grad"), b.kernel("weights", "weights_sum")
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// bind returns the inputs; a is nil where there is no scale.
func (m *Weights) bind(wv, av gorgonia.Value) (w, a *Array, err error) {
	if w, err = m.d.taken("weights", wv, m.cfg.Stored()...); err != nil || m.cfg.Scale == kernels.Unscaled {
		return w, nil, err
	}
	a, err = m.d.taken("weights: scale", av, m.cfg.Scales())
	return w, a, err
}

func (m *Weights) params(w, a *Array) C.struct_weights_params {
	p := C.struct_weights_params{Q: C.int(len(m.cfg.Readings)), R: C.int(m.cfg.R), C: C.int(m.cfg.C), n: C.int(m.n), parts: C.int(m.parts),
		scale: C.int(m.cfg.Scale), side: ptr(m.side), w: ptr(w.ptr), out: ptr(m.out), partial: ptr(m.partial), grad: ptr(m.grad)}
	for q, r := range m.cfg.Readings {
		p.rectifier[q], p.scaled[q], p.factor[q] = C.int(r.Rectifier), flag(r.Scaled), ptr(m.factor[q])
	}
	if a != nil {
		p.a = ptr(a.ptr)
	}
	return p
}

// Forward queues the weights, [Q·R,C]; a is nil where they are Unscaled.
func (m *Weights) Forward(wv, av gorgonia.Value) (gorgonia.Value, error) {
	w, a, err := m.bind(wv, av)
	if err != nil {
		return nil, err
	}
	p := m.params(w, a)
	m.d.queue("weights forward", func(q *work) {
		q.launch(m.forward, of(C.each_launch(C.longlong(p.Q)*C.longlong(p.R)*C.longlong(p.C))), unsafe.Pointer(&p))
	})
	return m.d.array(m.out, len(m.cfg.Readings)*m.cfg.R, m.cfg.C), nil
}

// Backward queues the packed gradient of w [R·C] and a, given that of the weights, [Q·R,C].
func (m *Weights) Backward(wv, av, dW gorgonia.Value) (gorgonia.Value, error) {
	w, a, err := m.bind(wv, av)
	if err != nil {
		return nil, err
	}
	dout, err := m.d.taken("weights: gradient", dW, len(m.cfg.Readings)*m.cfg.R, m.cfg.C)
	if err != nil {
		return nil, err
	}
	p := m.params(w, a)
	p.dout = ptr(dout.ptr)
	m.d.queue("weights backward", func(q *work) {
		q.launch(m.backward, of(C.weights_launch(p.R, p.C)), unsafe.Pointer(&p))
		if m.n > 0 {
			q.launch(m.sum, of(C.each_launch(C.longlong(p.n))), unsafe.Pointer(&p))
		}
	})
	return m.d.array(m.grad, m.cfg.R*m.cfg.C+m.n), nil
}
