//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels/random" // importing the headers makes a changed header rebuild this package
)

var _, _ = random.Header, random.NormalHeader

// allocateNoise fills s with what noise needs.
func (s *Scan) allocateNoise(b *builder) {
	c := &s.cfg
	if !c.Noise.On() {
		return
	}
	s.noise = b.kernel("noise", "noise")
	if c.Noise.Input > 0 {
		s.noisy = b.floats(c.T * c.B * c.I)
	}
}

// inputNoise starts the copy of x with noise of a run.
func (s *Scan) inputNoise(w *work, r *run) {
	c := &s.cfg
	if s.noisy == 0 {
		return
	}
	row := C.longlong(c.I)
	p := C.struct_noise_params{n: C.int(c.T), B: C.int(c.B), planes: 1, N: C.int(c.I), sd: C.float(c.Noise.Input),
		key: C.ulonglong(c.Noise.InputKey(r.draw)), first: C.ulonglong(r.draw.First),
		to_row: row, from_row: row, from: ptr(r.given), to: ptr(s.noisy)}
	s.addNoise(w, p)
}

// driveNoise starts the noise on the input drives of n steps from t0 on.
func (s *Scan) driveNoise(w *work, r *run, t0, n int) {
	c := &s.cfg
	if c.Noise.Drive == 0 {
		return
	}
	row := C.longlong(s.planes() * c.H)
	p := C.struct_noise_params{n: C.int(n), B: C.int(c.B), planes: C.int(s.cell.In), N: C.int(c.H), t0: C.int(t0), sd: C.float(c.Noise.Drive),
		key: C.ulonglong(c.Noise.DriveKey(r.draw)), first: C.ulonglong(r.draw.First),
		to_row: row, from_row: row, from: ptr(s.drives.ptr), to: ptr(s.drives.ptr)}
	s.addNoise(w, p)
}

func (s *Scan) addNoise(w *work, p C.struct_noise_params) {
	words := C.longlong(p.N+3) / 4
	w.launch(s.noise, of(C.each_launch(C.longlong(p.n)*C.longlong(p.B)*C.longlong(p.planes)*words)), unsafe.Pointer(&p))
}
