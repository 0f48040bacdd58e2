package engine

import (
	"fmt"
	"slices"
	"sync/atomic"

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
	Cause  string // what is known to make it so, empty for nothing
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
	kernels.InChunks(len(x), func(lo, hi int) {
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

// Suspect is a tensor to be looked at.
type Suspect struct {
	Name string
	Data []float32
}

// Accuse returns a *NotFiniteError that names the first suspect with an element that is not finite,
// nil if there is none. Made is the number of updates made before.
func Accuse(made int, suspects ...Suspect) error {
	for _, s := range suspects {
		if allFinite(s.Data) {
			continue
		}
		if i := firstBad(s.Data); i >= 0 {
			return &NotFiniteError{Step: made, Tensor: s.Name, Index: i, Value: float64(s.Data[i])}
		}
	}
	return nil
}

// updated begins the names of parameters behind an update.
const updated = "updated parameter"

// perParam divides a buffer laid out like the learned parameters.
func perParam(p *Params[float32], what string, flat []float32) (list []Suspect) {
	for _, i := range p.learnedIndex {
		list = append(list, Suspect{what + " " + p.specs[i].Name, p.part(flat, i)})
	}
	return list
}

// slotSuspects lists the slots of an optimiser.
func slotSuspects(p *Params[float32], o *Optimizer) (list []Suspect) {
	for _, slot := range o.Slots() {
		list = append(list, perParam(p, "optimiser slot "+slot.Name+" of", slot.Data)...)
	}
	return list
}
