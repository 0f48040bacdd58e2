package engine

import (
	"errors"
	"fmt"

	"galvani/data"
)

// ErrNotFinite is wrapped by NotFiniteError.
var ErrNotFinite = errors.New("not finite")

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

// firstBad returns the index of the first element that is not finite, −1 if there is none.
func firstBad[F Float](x []F) int {
	// Two passes: x·0 is not 0 where x is not finite, and a sum is cheaper than a search.
	var s0, s1, s2, s3 F
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * 0
		s1 += x[i+1] * 0
		s2 += x[i+2] * 0
		s3 += x[i+3] * 0
	}
	for ; i < len(x); i++ {
		s0 += x[i] * 0
	}
	if s0+s1+s2+s3 == 0 {
		return -1
	}
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
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

// diagnose finds the first tensor that is not finite after a run of the training graph, in
// the order in which a run computes them.
func (s *Session) diagnose(b *data.Batch) error {
	g, p := s.train, s.params
	suspects := []suspect{{"input x", b.X}, {"mask", b.Mask}, {"loss weight", b.Weight}, {"label", b.Label},
		{"target", b.Value}, {"carried state", g.state}}
	for i, spec := range p.specs {
		suspects = append(suspects, suspect{"parameter " + spec.Name, p.slice(i)})
	}
	h := make([]float32, g.cfg.T*g.cfg.B*g.cfg.Net.Hidden())
	if err := g.H(h); err != nil {
		return err
	}
	plane := len(h) / g.cfg.T
	for t := range g.cfg.T {
		suspects = append(suspects, suspect{fmt.Sprintf("h at step %d", t), h[t*plane : (t+1)*plane]})
	}
	logits := make([]float32, g.rows()*g.cfg.Net.Outputs())
	if err := g.Logits(logits); err != nil {
		return err
	}
	suspects = append(suspects, suspect{"logits", logits}, suspect{"loss", []float32{float32(g.Loss())}})
	for _, i := range p.learnedIndex {
		suspects = append(suspects, suspect{"gradient of " + p.specs[i].Name, p.part(g.grad, i)})
	}
	if err := accuse(s.progress.Step, suspects); err != nil {
		return err
	}
	// Every element is finite, so the sum of squares has left the range of float64, which
	// float32 elements cannot bring about.
	return &NotFiniteError{Step: s.progress.Step, Tensor: "norm of the gradient", Value: norm(g.grad)}
}

// commit updates the parameters. Where the update makes a parameter or an optimiser slot not
// finite, the parameters go back to what they were and the error names the culprit.
func (s *Session) commit(grad []float32, lr float64) error {
	p := s.params.Learned()
	copy(s.backup, p)
	s.opt.Update(p, grad, lr, s.progress.Step+1)
	var suspects []suspect
	for _, slot := range s.opt.Slots() {
		for _, i := range s.params.learnedIndex {
			suspects = append(suspects, suspect{"optimiser slot " + slot.Name + " of " + s.params.specs[i].Name, s.params.part(slot.Data, i)})
		}
	}
	for _, i := range s.params.learnedIndex {
		suspects = append(suspects, suspect{"updated parameter " + s.params.specs[i].Name, s.params.slice(i)})
	}
	if err := accuse(s.progress.Step, suspects); err != nil {
		copy(p, s.backup)
		return err
	}
	s.params.Project()
	return nil
}
