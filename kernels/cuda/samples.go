//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
)

// Samples are the samples of a data set, kept on a device. They implement kernels.Samples.
type Samples struct {
	d     *Device
	takes []C.struct_take_params
	take  *kernel
	index stager[int32]
}

// NewSamples implements kernels.Resident.
//
// Errors: a field whose arrays do not have its shape.
func (d *Device) NewSamples(n int, fields []kernels.SampleField) (kernels.Samples, error) {
	to := make([]*Array, len(fields))
	for i, f := range fields {
		var err error
		if to[i], err = d.mirrored(fmt.Sprintf("samples: field %d", i), f.To, f.T*f.B*f.W); err != nil {
			return nil, err
		}
		if len(f.From) != n*f.T*f.W || to[i].Size() != f.T*f.B*f.W || f.B != fields[0].B {
			return nil, fmt.Errorf("kernels: cuda: samples: field %d has %d elements for %d in a batch, want N=%d T=%d W=%d for B=%d",
				i, len(f.From), to[i].Size(), n, f.T, f.W, fields[0].B)
		}
	}
	s := &Samples{d: d}
	err := d.build("samples", func(b *builder) {
		s.take = b.kernel("samples", "take")
		if len(fields) > 0 {
			s.index = stager[int32]{d: d, to: b.bytes(int64(fields[0].B) * 4)}
		}
		for i, f := range fields {
			s.takes = append(s.takes, C.struct_take_params{T: C.int(f.T), B: C.int(f.B), W: C.int(f.W),
				from: ptr(upload(b, f.From)), index: ptr(s.index.to), to: ptr(to[i].ptr)})
		}
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Take queues the copy of sample index[b] to column b of every field, zeros where index[b] is
// negative. Index has B elements and may be changed as soon as Take returns.
func (s *Samples) Take(index []int32) error {
	if len(s.takes) == 0 {
		return nil
	}
	if len(index) != int(s.takes[0].B) {
		return fmt.Errorf("kernels: cuda: samples: %d indices, want %d", len(index), s.takes[0].B)
	}
	if err := s.index.push(index); err != nil {
		return err
	}
	s.d.queue("samples", func(w *work) {
		for _, p := range s.takes {
			n := C.longlong(p.T) * C.longlong(p.B) * C.longlong(p.W)
			w.launch(s.take, of(C.each_launch(n)), unsafe.Pointer(&p))
		}
	})
	return nil
}
