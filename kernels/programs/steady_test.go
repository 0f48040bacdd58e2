package programs

import (
	"slices"
	"testing"

	"galvani/kernels"
)

// TestSteady holds which weight reads the same in all steps: one of three, which reads the input or a copy of it, is
// read before it changes, and changes once and by the input alone.
func TestSteady(t *testing.T) {
	const x, in, y, e = 0, 1, 2, 3
	op := func(kind kernels.ProgramKind, to, w int, from ...int) kernels.ProgramOp {
		o := kernels.NewOp(kind, to)
		o.W, o.Part = w, 1
		copy(o.From[:], from)
		return o
	}
	follow, product, learn := op(kernels.Follow, in, kernels.None, x), op(kernels.Product, y, 0, in), op(kernels.Learn, kernels.None, 0, e, in)
	low := follow
	low.Part = 0.5
	for name, c := range map[string]struct {
		list   []kernels.ProgramOp
		traced bool
		want   int
	}{
		"a copy":                      {list: []kernels.ProgramOp{follow, product, learn}, want: in},
		"the input itself":            {list: []kernels.ProgramOp{op(kernels.Product, y, 0, x), op(kernels.Learn, kernels.None, 0, e, x)}, want: x},
		"no change":                   {list: []kernels.ProgramOp{follow, product}, want: in},
		"a change alone":              {list: []kernels.ProgramOp{follow, learn}, want: in},
		"traced":                      {list: []kernels.ProgramOp{follow, product, learn}, traced: true, want: kernels.None},
		"low-passed input":            {list: []kernels.ProgramOp{low, product, learn}, want: kernels.None},
		"copied behind the product":   {list: []kernels.ProgramOp{product, follow, learn}, want: kernels.None},
		"changed before it is read":   {list: []kernels.ProgramOp{follow, learn, product}, want: kernels.None},
		"changed twice":               {list: []kernels.ProgramOp{follow, product, learn, learn}, want: kernels.None},
		"read twice":                  {list: []kernels.ProgramOp{follow, product, op(kernels.Product, e, 0, in), learn}, want: kernels.None},
		"read on the way back":        {list: []kernels.ProgramOp{follow, product, op(kernels.Back, e, 0, y), learn}, want: kernels.None},
		"two inputs":                  {list: []kernels.ProgramOp{follow, product, op(kernels.Learn, kernels.None, 0, e, x)}, want: kernels.None},
		"a rate of the step before":   {list: []kernels.ProgramOp{op(kernels.Product, e, 0, y), op(kernels.Rate, y, kernels.None, e)}, want: kernels.None},
		"a copy that is written over": {list: []kernels.ProgramOp{follow, op(kernels.Rate, in, kernels.None, e), product, learn}, want: kernels.None},
	} {
		p := &kernels.Program{N: 2, Arrays: make([]kernels.ProgramArray, 4), Weights: []kernels.ProgramWeight{{M: 3, K: 3, Traced: c.traced}, {M: 3, K: 3}}}
		if got := Steady(p, c.list); !slices.Equal(got, []int{c.want, kernels.None}) {
			t.Errorf("%s: weights read %v in all steps, want %v and none", name, got, c.want)
		}
	}
}
