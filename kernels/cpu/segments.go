//go:build cgo

package cpu

/*
#include "src/scan.h"

static long bounds_of(const struct kernels *k, int cell, struct scan_dims d, long T)
{
	d.T = T;
	return k->sizes(cell, &d, 1).bounds;
}

// kept_of returns how many elements are kept of a step of a row.
static long kept_of(const struct kernels *k, int cell, struct scan_dims d)
{
	d.keep = 1, d.T = 2;
	long two = k->sizes(cell, &d, 1).work;
	d.T = 1;
	return two - k->sizes(cell, &d, 1).work;
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/pages"
	"galvani/kernels/segments"

	"gorgonia.org/gorgonia"
)

// Backward reads h of every step, and drives and other state planes where they are kept
// (keepDrives), or else those planes at the borders of chunks. Where that does not fit
// ScanConfig.Memory, the sequence is divided into segments of whole chunks. The state before each
// segment is kept, all other buffers hold one segment, and Backward runs a segment forward again
// before it walks it back. Chunks, and with them all sums, stay the same, so results are the same
// bit for bit. (With one segment there is nothing to run again.)

// segment is a run of steps from t0 on.
type segment struct {
	t0   int
	dims C.struct_scan_dims // with T the steps of this segment
}

// kept counts elements that are kept from Forward for Backward.
type kept struct {
	h       int // [T,B,H]; of one segment with Config.Last
	bounds  int // state planes 1.. at the chunk borders of one segment
	borders int // [segments,S,B,H]
}

// leastProducts is from how many multiply-adds on it takes longer to make a drive and a state
// again than to write them to memory and to read them back: measured on an AMD EPYC with 32 to 256
// units, where both took as long between 16 and 25.
const leastProducts = 20

// mostKept is how many bytes of drives and states are kept at most: beyond, a long sequence would
// need several times the memory of its hidden states to save a part of the time.
const mostKept = 1 << 30

// keepDrives decides whether the drives and states of all steps are kept, which saves making them
// again. Cells with axial coupling make the whole step again, exponentials too, so that it has the bits of the
// first time: on a Zen 4, keeping took 0.77 to 0.98 of the time of a gradient of crnn in 13 of 14 cases (one or two
// threads, 64 to 512 units, 2 to 144 inputs), and 1.05 in one, within the scatter. Cells that keep less than drives and
// states (NAME_SEEN in src/scan.inc.h) always gain: 0.89 to 0.98 of the time for crnn-simple, 4 to 64 inputs.
func (s *Scan[F]) keepDrives() bool {
	c, planes := &s.cfg, s.shape.Kept()+s.shape.States-1
	products := s.shape.In * c.I
	for g := 0; s.shape.UsesRec && g < s.shape.Rec; g++ {
		products += int(s.dims.hi[g] - s.dims.lo[g])
	}
	lanes := int(s.k.tile_cols)
	units := (c.H + lanes - 1) / lanes * lanes
	step := int(C.kept_of(s.k, s.cell, s.dims)) // of a row
	less := step < planes*units
	if c.ForwardOnly || s.shape.Kept() == 0 || products < leastProducts*planes && s.shape.Axial < 0 && !less {
		return false
	}
	bytes := int64(c.T*c.B*step) * int64(unsafe.Sizeof(*new(F)))
	return bytes <= mostKept && (c.Memory == 0 || s.bytes(kept{h: c.T * c.B * c.H})+bytes <= c.Memory)
}

// divide fills s.segments with as few as fit the memory.
func (s *Scan[F]) divide() (kept, error) {
	s.dims.keep = flag(s.keepDrives())
	n, list, err := segments.Divide(segments.Plan{Steps: s.cfg.T, Chunk: int(s.dims.chunk), Memory: s.cfg.Memory,
		ForwardOnly: s.cfg.ForwardOnly, Bytes: func(n int) int64 { return s.bytes(s.keep(n)) }})
	if err != nil {
		return kept{}, fmt.Errorf("cpu: %w", err)
	}
	for _, e := range list {
		g := segment{t0: e.Lo, dims: s.dims}
		g.dims.T = C.long(e.Hi - e.Lo)
		g.dims.resume = flag(e.Hi < s.cfg.T)
		g.dims.t0 = C.long(e.Lo)
		s.segments = append(s.segments, g)
	}
	return s.keep(n), nil
}

// Segments returns the number of segments; Backward runs all but the last forward again.
func (s *Scan[F]) Segments() int { return len(s.segments) }

// Keeps reports whether drives and states of all steps are kept.
func (s *Scan[F]) Keeps() bool { return s.dims.keep != 0 }

// keep counts what is kept with n chunks per segment.
func (s *Scan[F]) keep(n int) kept {
	c, chunk := &s.cfg, int(s.dims.chunk)
	steps := min(c.T, n*chunk)
	k := kept{h: c.T * c.B * c.H, bounds: int(C.bounds_of(s.k, s.cell, s.dims, C.long(steps)))}
	if c.Last {
		k.h = steps * c.B * c.H
	}
	if steps < c.T {
		chunks := (c.T + chunk - 1) / chunk
		k.borders = (chunks + n - 1) / n * s.shape.States * c.B * c.H
	}
	return k
}

// bytes returns what of it counts against the memory. With outputs at every step h is the
// output, and would be there without a Backward.
func (s *Scan[F]) bytes(k kept) int64 {
	n := k.bounds + k.borders
	if s.cfg.Last {
		n += k.h
	}
	return int64(n) * int64(unsafe.Sizeof(*new(F)))
}

// before returns the state [S,B,H] before segment k.
func (s *Scan[F]) before(k int) []F {
	if len(s.segments) == 1 {
		return s.run.State
	}
	return s.borders[k*len(s.final):]
}

// after returns where the state [S,B,H] after segment k goes.
func (s *Scan[F]) after(k int) []F {
	if k == len(s.segments)-1 {
		return s.final
	}
	return s.borders[(k+1)*len(s.final):]
}

// hidden returns the place of h of segment k.
func (s *Scan[F]) hidden(k int) []F {
	if s.cfg.Last {
		return s.h
	}
	return s.h[s.segments[k].t0*s.cfg.B*s.cfg.H:]
}

// H implements kernels.ScanPlan. With several segments and Last it runs them again into a buffer
// that it allocates.
func (s *Scan[F]) H() gorgonia.Value {
	c := &s.cfg
	if s.run.X == nil {
		return nil // no Forward so far
	}
	if len(s.segments) == 1 || !c.Last {
		return kernels.Wrap(s.h, c.T, c.B, c.H)
	}
	plane := c.B * c.H
	all := pages.Make[F](c.T * plane)
	s.crew.each(func(w *worker[F]) {
		for k, g := range s.segments {
			s.forward(w, k, all[g.t0*plane:])
		}
	})
	return kernels.Wrap(all, c.T, c.B, c.H)
}

// Final implements kernels.ScanPlan.
func (s *Scan[F]) Final() gorgonia.Value {
	return kernels.Wrap(s.final, s.cfg.Cell.States, s.cfg.B, s.cfg.H)
}

// GradH implements kernels.ScanPlan.
func (s *Scan[F]) GradH() gorgonia.Value {
	if !s.cfg.KeepGradH {
		return nil
	}
	return kernels.Wrap(s.gradH, s.cfg.T, s.cfg.B, s.cfg.H)
}

// from returns x without its first n elements; nil has none.
func from[T any](x []T, n int) []T {
	if x == nil {
		return nil
	}
	return x[n:]
}
