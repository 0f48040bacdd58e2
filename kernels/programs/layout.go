package programs

import (
	"unsafe"

	"galvani/kernels"
)

// Layout is a program in arrays.
type Layout struct {
	Answer, Learn []Op
	Arrays        []Array
	Weights       []Weight
	// Sizes in numbers: of the state, in which kept arrays come first; of the rows of kept arrays; of all weights; and of
	// all traces.
	State, Rows, Numbers, Traces int
}

// Op, Array and Weight are the structs of programs.h.
type (
	Op struct {
		Kind, W, Bias, To, Also                        int32
		From                                           [3]int32
		Phi, Ahead, Learning                           int32
		Size, Refractory, Delay, Slots, History, Clock int32
		_                                              int32
		Key                                            uint64
		By                                             [3]float64
		Total, Part, Scale, Mean                       float64
	}
	Array  struct{ Units, At, Rows int64 }
	Weight struct{ M, K, At, Trace int64 }
)

// The sizes that programs.h reckons with.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Op{})-136]
	_ = [1]struct{}{}[unsafe.Sizeof(Array{})-24]
	_ = [1]struct{}{}[unsafe.Sizeof(Weight{})-32]
)

// New lays a program out. Arrays begin at multiples of pad numbers in the state; with a pad of 1 kept arrays lie there as
// in the rows.
//
// Errors: kernels.ErrShape.
func New(p *kernels.Program, pad int) (*Layout, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	l := &Layout{Answer: Ops(p.Answer), Learn: Ops(p.Learn), Arrays: make([]Array, len(p.Arrays))}
	for _, kept := range []bool{true, false} {
		for i, a := range p.Arrays {
			if a.Kept != kept {
				continue
			}
			l.Arrays[i] = Array{Units: int64(a.Units), At: int64(l.State), Rows: -1}
			l.State += (p.N*a.Units + pad - 1) / pad * pad
			if kept {
				l.Arrays[i].Rows = int64(l.Rows)
				l.Rows += p.N * a.Units
			}
		}
	}
	for _, w := range p.Weights {
		c := Weight{M: int64(w.M), K: int64(w.K), At: int64(l.Numbers), Trace: -1}
		l.Numbers += w.M * w.K
		if w.Traced {
			c.Trace = int64(l.Traces)
			l.Traces += w.M * w.K
		}
		l.Weights = append(l.Weights, c)
	}
	return l, nil
}

// Ops lays operations out.
func Ops(list []kernels.ProgramOp) (all []Op) {
	for _, o := range list {
		c := Op{Kind: int32(o.Kind), W: int32(o.W), Bias: int32(o.Bias), To: int32(o.To), Also: int32(o.Also), Phi: int32(o.Phi),
			Ahead: flag(o.Ahead), Learning: flag(o.Learning), By: o.By, Total: o.Total, Part: o.Part, Scale: o.Scale}
		for i, f := range o.From {
			c.From[i] = int32(f)
		}
		if s := o.Spikes; s != nil {
			c.Size, c.Refractory, c.Delay, c.Slots = int32(s.Size), int32(s.Refractory), int32(s.Delay), int32(s.Slots())
			c.History, c.Clock, c.Key, c.Mean = int32(s.History), int32(s.Clock), s.Key, s.Mean
		}
		all = append(all, c)
	}
	return all
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// Floats returns the numbers of weight i.
func (w Weight) Floats() int { return int(w.M * w.K) }
