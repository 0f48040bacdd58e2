//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/compartments"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

var _ = compartments.Headers // a header that changes has this package compiled again

// Structs of Go and C are the same.
var (
	_ [C.sizeof_struct_neuron_dims]byte     = [unsafe.Sizeof(compartments.Dims{})]byte{}
	_ [C.sizeof_struct_neuron_channel]byte  = [unsafe.Sizeof(compartments.ChannelLayout{})]byte{}
	_ [C.sizeof_struct_neuron_gate]byte     = [unsafe.Sizeof(compartments.GateLayout{})]byte{}
	_ [C.sizeof_struct_neuron_receptor]byte = [unsafe.Sizeof(compartments.ReceptorLayout{})]byte{}
	_ [C.sizeof_struct_neuron_input]byte    = [unsafe.Sizeof(compartments.InputLayout{})]byte{}
)

// neuron runs a neuron of compartments, a thread for each sequence, in one launch forward and one back.
// It implements kernels.ScanPlan.
type neuron struct {
	d                 *Device
	cfg               kernels.ScanConfig
	layout            *compartments.Layout
	forward, backward *kernel
	params            C.struct_neuron_run
	grad, all         driver.Ptr
	rows, packed      []float32   // in host memory: the rows of a run, its packed gradient
	sums              []float64   // the gradients of the rows
	of                [][]float64 // the parameters of the run
	ran               bool
}

// newNeuron allocates a scan of a neuron.
//
// Errors: kernels.ErrMemory, with nothing left allocated.
func (d *Device) newNeuron(cfg kernels.ScanConfig) (kernels.ScanPlan, error) {
	s := &neuron{d: d, cfg: cfg, layout: cfg.Layout()}
	n, l := cfg.Cell.Neuron, s.layout
	size, width := cfg.Cell.States*cfg.Units()*cfg.B, 1
	if n.Each {
		width = cfg.B
	}
	parts := func(stretch int) (stretches, kept, factors int) {
		return (cfg.T + stretch - 1) / stretch, stretch*n.Substeps + 1, stretch * n.Substeps * cfg.Units() * cfg.B
	}
	stretch, err := cfg.NeuronStretch(func(stretch int) int64 {
		stretches, kept, factors := parts(stretch)
		return (int64(stretches+kept)*int64(size) + int64(factors)) * 4
	})
	if err != nil {
		return nil, err
	}
	stretches, kept, factors := parts(stretch)
	if cfg.ForwardOnly {
		stretches, kept = 0, 1
	}
	err = d.build("scan neuron", func(b *builder) {
		s.forward, s.backward = b.kernel("neuron", "neuron_forward"), b.kernel("neuron", "neuron_backward")
		p := &s.params.p
		p.d = *(*C.struct_neuron_dims)(unsafe.Pointer(&l.Dims))
		p.channel, p.gate = ptr(upload(b, l.Channels)), ptr(upload(b, l.Gates))
		p.receptor, p.input = ptr(upload(b, l.Receptors)), ptr(upload(b, l.Inputs))
		p.index, p.unit = ptr(upload(b, l.Index)), ptr(upload(b, n.Tree.Unit))
		p.width, p.T, p.stretch, p.last = C.longlong(width), C.longlong(cfg.T), C.longlong(stretch), flag(cfg.Last)
		p.q, p.final, p.h = ptr(b.floats(l.Rows()*width)), ptr(b.floats(size)), ptr(b.floats(cfg.Rows()*cfg.H))
		p.borders, p.kept = ptr(b.floats(stretches*size)), ptr(b.floats(kept*size))
		p.work = ptr(b.floats((2*cfg.I + 8*cfg.Units() + l.Rows()) * cfg.B))
		s.rows = pinned[float32](b, l.Rows()*width)
		if cfg.ForwardOnly {
			return
		}
		s.params.factors = ptr(b.floats(factors))
		s.grad = b.floats(cfg.Packed())
		p.g, p.sums = ptr(b.floats(size)), ptr(b.bytes(int64(l.Rows()*cfg.B)*8))
		x, state := cfg.Inputs()
		if x >= 0 {
			p.gx = ptr(offset(s.grad, x))
		}
		if state >= 0 {
			p.gstate = ptr(offset(s.grad, state))
		}
		if cfg.KeepGradH {
			p.gh = ptr(b.floats(cfg.T * cfg.B * cfg.H))
		}
		s.sums, s.packed = pinned[float64](b, l.Rows()*cfg.B), pinned[float32](b, cfg.Learned())
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Forward implements kernels.ScanPlan. It waits for the parameters, of which the host makes the rows.
func (s *neuron) Forward(a kernels.ScanArgs) (gorgonia.Value, error) {
	run, err := kernels.Bind(s.cfg, a, s.d.taken)
	if err != nil {
		return nil, err
	}
	s.of = s.of[:0]
	for _, p := range run.Params {
		v, err := p.Floats()
		if err != nil {
			return nil, err
		}
		s.of = append(s.of, kernels.Wide(v))
	}
	width := int(s.params.p.width)
	rows := make([]float64, s.layout.Rows())
	for b := range width {
		s.layout.Values(s.cfg.OfRow(s.of, b), rows)
		for r, v := range rows {
			s.rows[r*width+b] = float32(v)
		}
	}
	p := &s.params.p
	p.x, p.state = ptr(run.X.ptr), ptr(run.State.ptr)
	if run.Mask != nil {
		s.params.mask = ptr(run.Mask.ptr)
	}
	err = s.d.wait("scan neuron forward", func(w *work) {
		w.copyIn(driver.Ptr(p.q), head(s.rows), int64(len(s.rows))*4)
		s.launch(w, s.forward, s.params)
		w.sync()
	})
	s.ran = err == nil
	return s.d.array(driver.Ptr(p.h), s.cfg.Rows(), s.cfg.H), err
}

// launch starts a kernel with a thread for each sequence.
func (s *neuron) launch(w *work, k *kernel, p C.struct_neuron_run) {
	w.launch(k, of(C.each_launch(C.longlong(s.cfg.B))), unsafe.Pointer(&p))
}

// Backward implements kernels.ScanPlan.
func (s *neuron) Backward(_ kernels.ScanArgs, dh gorgonia.Value) (gorgonia.Value, error) {
	c := &s.cfg
	switch {
	case c.ForwardOnly:
		return nil, fmt.Errorf("kernels: scan: backward of a plan that only goes forward")
	case !s.ran:
		return nil, fmt.Errorf("kernels: scan: backward before any forward")
	}
	d, err := s.d.taken("scan: dh", dh, c.Rows(), c.H)
	if err != nil {
		return nil, err
	}
	s.params.p.dh = ptr(d.ptr)
	err = s.d.wait("scan neuron backward", func(w *work) {
		s.launch(w, s.backward, s.params)
		w.copyOut(head(s.sums), driver.Ptr(s.params.p.sums), int64(len(s.sums))*8)
		w.sync()
	})
	if err != nil {
		return nil, err
	}
	kernels.CollectNeuron(*c, s.layout, s.of, func(b int, rows []float64) {
		for r := range rows {
			rows[r] = s.sums[r*c.B+b]
		}
	}, s.packed)
	err = s.d.wait("scan neuron gradient", func(w *work) {
		w.copyIn(s.grad, head(s.packed), int64(len(s.packed))*4)
		w.sync()
	})
	return s.d.array(s.grad, c.Packed()), err
}

// H implements kernels.ScanPlan. With Last it runs the sequences again into memory that it allocates.
func (s *neuron) H() gorgonia.Value {
	c := &s.cfg
	if !s.ran {
		return nil
	}
	if !c.Last {
		return s.d.array(driver.Ptr(s.params.p.h), c.T, c.B, c.H)
	}
	if s.all == 0 {
		if err := s.d.build("scan neuron", func(b *builder) { s.all = b.floats(c.T * c.B * c.H) }); err != nil {
			return nil
		}
	}
	p := s.params
	p.p.h, p.p.last = ptr(s.all), 0
	s.d.queue("scan neuron again", func(w *work) { s.launch(w, s.forward, p) })
	return s.d.array(s.all, c.T, c.B, c.H)
}

// Final implements kernels.ScanPlan.
func (s *neuron) Final() gorgonia.Value {
	return s.d.array(driver.Ptr(s.params.p.final), s.cfg.Cell.States, s.cfg.B, s.cfg.Units())
}

// GradH implements kernels.ScanPlan.
func (s *neuron) GradH() gorgonia.Value {
	if !s.cfg.KeepGradH {
		return nil
	}
	return s.d.array(driver.Ptr(s.params.p.gh), s.cfg.T, s.cfg.B, s.cfg.H)
}
