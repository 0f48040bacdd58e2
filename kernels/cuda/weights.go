//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels/driver"
)

// Rectifier is how a stored weight becomes a weight, by the number that its kernel has for it.
type Rectifier int

const (
	AsIs     Rectifier = C.RECTIFY_NOT
	Absolute Rectifier = C.RECTIFY_ABSOLUTE
	Positive Rectifier = C.RECTIFY_POSITIVE
)

// Along is the axis along which a scale differs, by the number that its kernel has for it.
type Along int

const (
	Unscaled Along = C.SCALE_NOT
	Whole    Along = C.SCALE_WHOLE
	Columns  Along = C.SCALE_COLUMNS
	Rows     Along = C.SCALE_ROWS
)

// WeightsConfig says how weights [R,C] are made of stored ones; see weights_params.
type WeightsConfig struct {
	R, C     int
	Readings []Reading
	Scale    Along
	Side     []float32 // [C], or nil for 1: which derivative a rectifier has at 0
}

// Reading is one way to make weights of stored ones.
type Reading struct {
	Rectifier Rectifier
	Factor    []float32 // [R·C], nil for ones
	Scaled    bool
}

// sums returns the number of elements of the scale, and of the parts of which the gradient of
// each is made: the tiles along the other axis, or all.
func (c WeightsConfig) sums() (n, parts int) {
	l := C.weights_launch(C.int(c.R), C.int(c.C))
	switch c.Scale {
	case Columns:
		return c.C, int(l.y)
	case Rows:
		return c.R, int(l.x)
	case Whole:
		return 1, int(l.x) * int(l.y)
	}
	return 0, 0
}

// Weights makes weights of stored ones.
type Weights struct {
	d                      *Device
	cfg                    WeightsConfig
	n, parts               int
	factor                 []driver.Ptr // of each reading
	out, partial, grad     driver.Ptr
	side                   driver.Ptr
	forward, backward, sum *kernel
}

// NewWeights allocates weights and uploads their constants.
func (d *Device) NewWeights(cfg WeightsConfig) (*Weights, error) {
	m := &Weights{d: d, cfg: cfg}
	m.n, m.parts = cfg.sums()
	err := d.build("weights", func(b *builder) {
		for _, r := range cfg.Readings {
			m.factor = append(m.factor, upload(b, r.Factor))
		}
		m.side = upload(b, cfg.Side)
		m.out, m.grad = b.floats(len(cfg.Readings)*cfg.R*cfg.C), b.floats(cfg.R*cfg.C+m.n)
		m.partial = b.bytes(int64(m.parts) * int64(m.n) * C.sizeof_double)
		m.forward, m.backward, m.sum = b.kernel("weights", "weights"), b.kernel("weights", "weights_grad"), b.kernel("weights", "weights_sum")
	})
	return m, err
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
func (m *Weights) Forward(w, a *Array) *Array {
	p := m.params(w, a)
	m.d.queue("weights forward", func(q *work) {
		q.launch(m.forward, of(C.each_launch(C.longlong(p.Q)*C.longlong(p.R)*C.longlong(p.C))), unsafe.Pointer(&p))
	})
	return m.d.array(m.out, len(m.cfg.Readings)*m.cfg.R, m.cfg.C)
}

// Backward queues the packed gradient of w [R·C] and a, given that of the weights, [Q·R,C].
func (m *Weights) Backward(w, a, dout *Array) *Array {
	p := m.params(w, a)
	p.dout = ptr(dout.ptr)
	m.d.queue("weights backward", func(q *work) {
		q.launch(m.backward, of(C.weights_launch(p.R, p.C)), unsafe.Pointer(&p))
		if m.n > 0 {
			q.launch(m.sum, of(C.each_launch(C.longlong(p.n))), unsafe.Pointer(&p))
		}
	})
	return m.d.array(m.grad, m.cfg.R*m.cfg.C+m.n)
}
