package engine

import (
	"fmt"
	"slices"
	"sync/atomic"

	"galvani/data"
	"galvani/kernels"
)

// ErrNotFinite is wrapped by NotFiniteError.
var ErrNotFinite = kernels.ErrNotFinite

// NotFiniteError says that an update was refused because a NaN or an infinity came up.
type NotFiniteError struct {
	Step   int    // updates made before
	Tensor string // the first tensor that went bad, e.g. "h at step 3" or "gradient of cell.W"
	Index  int    // its first bad element, row-major
	Value  float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("engine: update %d: %s holds %v at element %d: %v", e.Step, e.Tensor, e.Value, e.Index, ErrNotFinite)
}

// Unwrap returns ErrNotFinite.
func (e *NotFiniteError) Unwrap() error { return ErrNotFinite }

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return x-x == 0 }

// allFinite reports whether every element is finite. x·0 is 0 just then, so a few sums side
// by side tell, without a branch per element.
func allFinite(x []float32) bool {
	var bad atomic.Bool
	inChunks(len(x), func(lo, hi int) {
		var s0, s1, s2, s3 float32
		c := x[lo:hi]
		for ; len(c) >= 4; c = c[4:] {
			s0 += c[0] * 0
			s1 += c[1] * 0
			s2 += c[2] * 0
			s3 += c[3] * 0
		}
		for _, v := range c {
			s0 += v * 0
		}
		if s0+s1+s2+s3 != 0 {
			bad.Store(true)
		}
	})
	return !bad.Load()
}

// firstBad returns the index of the first element that is not finite, −1 if there is none.
func firstBad(x []float32) int {
	return slices.IndexFunc(x, func(v float32) bool { return !finite(float64(v)) })
}

// suspect is a tensor to be looked at.
type suspect struct {
	name string
	data []float32
}

// accuse returns an error that names the first suspect with an element that is not finite,
// nil if there is none.
func accuse(step int, suspects []suspect) error {
	for _, s := range suspects {
		if i := firstBad(s.data); i >= 0 {
			return &NotFiniteError{Step: step, Tensor: s.name, Index: i, Value: float64(s.data[i])}
		}
	}
	return nil
}

// diagnose finds the first tensor that is not finite after a run of g on batch b, in the
// order in which a run computes them.
func (s *Session) diagnose(g *Graph[float32], b *data.Batch) error {
	if err := s.steps.pull(); err != nil {
		return err
	}
	p := s.params
	suspects := []suspect{{"input x", b.X}, {"mask", b.Mask}, {"loss weight", b.Weight}, {"label", b.Label},
		{"target", b.Value}, {"carried state", g.state}}
	for i, spec := range p.specs {
		suspects = append(suspects, suspect{"parameter " + spec.Name, p.slice(i)})
	}
	for layer := range g.Layers() {
		h := make([]float32, g.cfg.T*g.cfg.B*g.cfg.Net.Hidden())
		if err := g.LayerH(layer, h); err != nil {
			return err
		}
		plane := len(h) / g.cfg.T
		for t := range g.cfg.T {
			name := fmt.Sprintf("%s at step %d", g.nameH(layer), t)
			suspects = append(suspects, suspect{name, h[t*plane : (t+1)*plane]})
		}
	}
	if err := g.Logits(g.logits); err != nil {
		return err
	}
	suspects = append(suspects, suspect{"logits", g.logits}, suspect{"loss", []float32{float32(g.Loss())}})
	if g.cfg.Grad {
		grad, err := g.Grad()
		if err != nil {
			return err
		}
		suspects = append(suspects, s.perParam("gradient of", grad)...)
	}
	if err := accuse(s.progress.Step, suspects); err != nil {
		return err
	}
	// Every float32 is finite, and their squares cannot leave the range of float64.
	return fmt.Errorf("engine: update %d: loss %v or gradient norm %v: %w, but every tensor is finite", s.progress.Step, g.Loss(), norm(g.grad), ErrNotFinite)
}

// perParam divides a buffer laid out like the learned parameters.
func (s *Session) perParam(what string, flat []float32) []suspect {
	var list []suspect
	for _, i := range s.params.learnedIndex {
		list = append(list, suspect{what + " " + s.params.specs[i].Name, s.params.part(flat, i)})
	}
	return list
}

// commit updates the parameters. Where the update makes a parameter or an optimiser slot not
// finite, the parameters go back to what they were and the error names the culprit.
func (s *Session) commit(grad []float32, lr float64) error {
	p := s.params.Learned()
	copy(s.backup, p)
	s.opt.Update(p, grad, lr, s.progress.Step+1)
	good := allFinite(p)
	for _, slot := range s.opt.Slots() {
		good = good && allFinite(slot.Data)
	}
	if good {
		s.params.Project()
		return nil
	}
	var suspects []suspect
	for _, slot := range s.opt.Slots() {
		suspects = append(suspects, s.perParam("optimiser slot "+slot.Name+" of", slot.Data)...)
	}
	suspects = append(suspects, s.perParam("updated parameter", p)...)
	err := accuse(s.progress.Step, suspects)
	copy(p, s.backup)
	return err
}
