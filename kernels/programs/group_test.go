package programs

import (
	"slices"
	"testing"

	"galvani/kernels"
)

// TestGroup holds what is done together, and in what order: what goes number by number first, then products that are ready,
// the largest first, then changes of weights; and that nothing passes what it depends on.
func TestGroup(t *testing.T) {
	const x, y, z, u, v = 0, 1, 2, 3, 4
	op := func(kind kernels.ProgramKind, to, w int, from ...int) kernels.ProgramOp {
		o := kernels.NewOp(kind, to)
		o.W, o.Part = w, 1
		copy(o.From[:], from)
		return o
	}
	small, large, behind := op(kernels.Product, y, 0, x), op(kernels.Product, u, 1, v), op(kernels.Product, z, 2, y)
	rate, learn, more := op(kernels.Rate, x, kernels.None, v), op(kernels.Learn, kernels.None, 0, y, x), op(kernels.Learn, kernels.None, 1, u, v)
	draw := op(kernels.Emit, z, kernels.None, y)
	draw.Spikes = &kernels.Spikes{History: v}
	for name, c := range map[string]struct {
		list, want []kernels.ProgramOp
		sizes      []int
		traced     bool
		most       int
	}{
		"the largest product first":   {list: []kernels.ProgramOp{small, large}, want: []kernels.ProgramOp{large, small}, sizes: []int{2}},
		"no more than are done":       {list: []kernels.ProgramOp{small, large}, want: []kernels.ProgramOp{small, large}, sizes: []int{1, 1}, most: 1},
		"a product of a product":      {list: []kernels.ProgramOp{small, behind, large}, want: []kernels.ProgramOp{large, small, behind}, sizes: []int{2, 1}},
		"a rate in front of both":     {list: []kernels.ProgramOp{large, rate, small}, want: []kernels.ProgramOp{rate, large, small}, sizes: []int{1, 2}},
		"a rate that a product reads": {list: []kernels.ProgramOp{small, rate, large}, want: []kernels.ProgramOp{large, small, rate}, sizes: []int{2, 1}},
		"changes behind products":     {list: []kernels.ProgramOp{small, learn, large, more}, want: []kernels.ProgramOp{large, small, more, learn}, sizes: []int{2, 2}},
		"a product of what changes":   {list: []kernels.ProgramOp{learn, small}, want: []kernels.ProgramOp{learn, small}, sizes: []int{1, 1}},
		"changes that are traced":     {list: []kernels.ProgramOp{learn, more}, traced: true, want: []kernels.ProgramOp{learn, more}, sizes: []int{1, 1}},
		"nothing passes what is drawn": {list: []kernels.ProgramOp{small, draw, large, rate}, want: []kernels.ProgramOp{small, draw, rate, large},
			sizes: []int{1, 1, 1, 1}},
	} {
		p := &kernels.Program{N: 2, Arrays: []kernels.ProgramArray{{Units: 3}, {Units: 3}, {Units: 3}, {Units: 5}, {Units: 5}},
			Weights: []kernels.ProgramWeight{{M: 3, K: 3, Traced: c.traced}, {M: 5, K: 5, Traced: c.traced}, {M: 3, K: 3}}}
		if c.most == 0 {
			c.most = 16
		}
		got, sizes := Group(p, c.list, c.most)
		if !slices.EqualFunc(got, c.want, func(a, b kernels.ProgramOp) bool { return a.Kind == b.Kind && a.W == b.W && a.To == b.To }) || !slices.Equal(sizes, c.sizes) {
			t.Errorf("%s: %v of %+v, want %v of %+v", name, sizes, got, c.sizes, c.want)
		}
	}
}

// TestExchanged holds which copies need not be made: those of an array that a step writes anew before it reads it, and
// that nothing reads behind the copy.
func TestExchanged(t *testing.T) {
	const x, next, rate, y = 0, 1, 2, 3
	op := func(kind kernels.ProgramKind, to int, from ...int) kernels.ProgramOp {
		o := kernels.NewOp(kind, to)
		o.Part = 1
		copy(o.From[:], from)
		return o
	}
	read, write, copied := op(kernels.Rate, y, rate), op(kernels.Rate, next, y), op(kernels.Follow, rate, next)
	part := copied
	part.Part = 0.5
	for name, c := range map[string]struct {
		list []kernels.ProgramOp
		want bool
	}{
		"written, then copied":          {[]kernels.ProgramOp{read, write, copied}, true},
		"followed in part":              {[]kernels.ProgramOp{read, write, part}, false},
		"never written":                 {[]kernels.ProgramOp{read, copied}, false},
		"read before it is written":     {[]kernels.ProgramOp{op(kernels.Rate, y, next), write, copied}, false},
		"moved, not written":            {[]kernels.ProgramOp{read, op(kernels.Soma, next, y), copied}, false},
		"read behind the copy":          {[]kernels.ProgramOp{write, copied, op(kernels.Rate, y, next)}, false},
		"the copy read behind it":       {[]kernels.ProgramOp{write, copied, read}, false},
		"the copy written behind it":    {[]kernels.ProgramOp{write, copied, op(kernels.Rate, rate, y)}, false},
		"an array that the caller sees": {[]kernels.ProgramOp{read, op(kernels.Rate, x, y), op(kernels.Follow, rate, x)}, false},
	} {
		p := &kernels.Program{N: 2, Arrays: []kernels.ProgramArray{{Units: 3, Kept: true}, {Units: 3}, {Units: 3, Kept: true}, {Units: 3}}}
		at := slices.IndexFunc(c.list, func(o kernels.ProgramOp) bool { return o.Kind == kernels.Follow })
		if got := Exchanged(p, c.list, at); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
