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

// Sums adds gradients of an Update. It implements kernels.GradientSums.
type Sums struct {
	u       *Update
	levels  []driver.Ptr // at least two
	flat    stager[float32]
	loss    stager[C.struct_loss_sums]
	combine *kernel
}

// NewSums implements kernels.UpdatePlan.
func (u *Update) NewSums(levels int) (kernels.GradientSums, error) {
	s, n := &Sums{u: u, levels: []driver.Ptr{u.flat}}, u.cfg.Learned
	if levels < 1 {
		return nil, fmt.Errorf("kernels: update: sums of %d levels, want at least 1: %w", levels, kernels.ErrShape)
	}
	err := u.d.build("update: sums", func(b *builder) {
		s.combine = b.kernel("update", "combine")
		for range max(levels, 2) - 1 {
			s.levels = append(s.levels, upload(b, make([]float32, n)))
		}
		s.loss = stager[C.struct_loss_sums]{d: u.d, to: b.bytes(C.sizeof_struct_loss_sums)}
	})
	s.flat = stager[float32]{d: u.d, to: u.flat}
	return s, err
}

// Put implements kernels.GradientSums.
//
// Errors: gradients of another length in all.
func (s *Sums) Put(level int, grads []gorgonia.Value, weight float64) error {
	at, n := s.levels[level], s.u.cfg.Learned
	if len(grads) == 0 {
		s.u.d.queue("no gradient", func(w *work) { w.zero(at, n) })
		return nil
	}
	pieces, err := s.u.pieces("gradients", grads, at, n)
	if err != nil {
		return err
	}
	s.u.d.queue("gather the gradient of a shard", func(w *work) {
		s.u.collect(w, pieces)
		s.launch(w, C.struct_combine_params{n: C.longlong(n), scale: C.double(weight), x: ptr(at)})
	})
	return nil
}

// Add implements kernels.GradientSums.
func (s *Sums) Add(level int) {
	p := C.struct_combine_params{n: C.longlong(s.u.cfg.Learned), x: ptr(s.levels[level]), y: ptr(s.levels[level+1])}
	s.u.d.queue("add gradients", func(w *work) { s.launch(w, p) })
}

func (s *Sums) launch(w *work, p C.struct_combine_params) {
	w.launch(s.combine, of(C.each_launch(p.n)), unsafe.Pointer(&p))
}

// Read implements kernels.GradientSums.
//
// Errors: a vector of another length; those of the device.
func (s *Sums) Read(dst []float32) error {
	if err := s.sized(dst); err != nil {
		return err
	}
	return s.u.d.download(unsafe.Pointer(unsafe.SliceData(dst)), s.u.flat, int64(len(dst))*C.sizeof_float)
}

// Write implements kernels.GradientSums.
//
// Errors: those of Read.
func (s *Sums) Write(src []float32) error {
	if err := s.sized(src); err != nil {
		return err
	}
	return s.flat.push(src)
}

func (s *Sums) sized(x []float32) error {
	if n := s.u.cfg.Learned; len(x) != n {
		return fmt.Errorf("kernels: update: gradient of %d elements, want %d: %w", len(x), n, kernels.ErrShape)
	}
	return nil
}

// On implements kernels.GradientSums.
func (s *Sums) On(f func(x, room []float32, add func(lo, hi int) error) error) error {
	n := s.u.cfg.Learned
	x, room := s.levels[0], s.levels[1]
	return s.u.d.attempt(func(q *driver.Queue) error {
		if err := q.Sync(); err != nil {
			return err
		}
		return f(addresses(x, n), addresses(room, n), func(lo, hi int) error {
			w := &work{q: q}
			if hi > lo {
				by := driver.Ptr(lo) * C.sizeof_float
				s.launch(w, C.struct_combine_params{n: C.longlong(hi - lo), x: ptr(x + by), y: ptr(room + by)})
				w.sync()
			}
			return w.err
		})
	})
}

// addresses returns n numbers in the memory of the device, which the host cannot read.
func addresses(p driver.Ptr, n int) []float32 {
	return unsafe.Slice(*(**float32)(unsafe.Pointer(&p)), n)
}

// Mean implements kernels.GradientSums.
func (s *Sums) Mean(sums kernels.LossSums) error {
	if sums.Weight != 0 {
		p := C.struct_combine_params{n: C.longlong(s.u.cfg.Learned), scale: C.double(1 / sums.Weight), x: ptr(s.u.flat)}
		s.u.d.queue("mean gradient", func(w *work) { s.launch(w, p) })
	}
	s.u.sums = s.loss.to
	return s.loss.push([]C.struct_loss_sums{{loss: C.double(sums.Loss), weight: C.double(sums.Weight),
		correct: C.int(sums.Correct), count: C.int(sums.Count)}})
}
