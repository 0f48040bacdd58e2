package programs

import (
	"slices"

	"galvani/kernels"
)

// Group returns a list of operations in an order with the same results, and how many of them each time a device may do
// together: those that go number by number over as many units, one after the other; or up to `most` products, of which
// none reads what another writes, or changes of different weights, at once. What goes number by number comes as early as
// it may, so that more products are ready at a time; of products and of changes the most work comes first.
func Group(p *kernels.Program, list []kernels.ProgramOp, most int) (all []kernels.ProgramOp, sizes []int) {
	left := slices.Clone(list)
	for len(left) > 0 {
		at, begin := max(0, firstReady(left)), len(all)
		first := left[at]
		all, left = append(all, first), slices.Delete(left, at, at+1)
		for i := 0; i < len(left) && left[i].Kind < kernels.Emit && grouped(p, first); i++ {
			o := left[i]
			meets := func(other kernels.ProgramOp) bool { return conflict(other, o) }
			switch {
			case slices.ContainsFunc(left[:i], meets) || !grouped(p, o):
				continue
			case pointwise(first) && (!pointwise(o) || p.Arrays[o.To].Units != p.Arrays[first.To].Units):
				continue
			case !pointwise(first) && (o.Kind != first.Kind || len(all)-begin == most || slices.ContainsFunc(all[begin:], meets)):
				continue
			}
			all, left = append(all, o), slices.Delete(left, i, i+1)
			i--
		}
		if group := all[begin:]; !pointwise(first) && len(group) > 1 {
			work := func(o kernels.ProgramOp) int { return p.Weights[o.W].M * p.Weights[o.W].K }
			slices.SortStableFunc(group, func(a, b kernels.ProgramOp) int { return work(b) - work(a) })
		}
		sizes = append(sizes, len(all)-begin)
	}
	return all, sizes
}

// grouped reports whether an operation may be done together with others of its kind.
func grouped(p *kernels.Program, o kernels.ProgramOp) bool {
	return pointwise(o) || o.Kind == kernels.Product || o.Kind == kernels.Learn && !p.Weights[o.W].Traced
}

// Exchanged reports whether operation i of a list copies an array that is written anew before anything reads it again, and
// whose copy nothing reads in the same step: instead of being copied, both may change places.
func Exchanged(p *kernels.Program, list []kernels.ProgramOp, i int) bool {
	o := list[i]
	if o.Kind != kernels.Follow || o.Part != 1 || p.Arrays[o.From[0]].Kept {
		return false
	}
	reads := func(o kernels.ProgramOp, a int) bool {
		changes := o.Kind == kernels.Follow && o.Part != 1 || o.Kind == kernels.Soma || o.Kind == kernels.Jitter || o.Kind == kernels.Emit || o.Kind == kernels.Tick
		return slices.Contains(o.From[:], a) || changes && slices.Contains(written(o), a)
	}
	for _, later := range list[i+1:] {
		for _, a := range []int{o.To, o.From[0]} {
			if reads(later, a) || slices.Contains(written(later), a) {
				return false
			}
		}
	}
	for _, next := range list[:i] {
		if reads(next, o.From[0]) {
			return false
		}
		if slices.Contains(written(next), o.From[0]) {
			return true
		}
	}
	return false
}

// firstReady returns the first of the operations that goes number by number and need not wait for those before it, or -1.
func firstReady(left []kernels.ProgramOp) int {
	for i, o := range left {
		if i > 0 && o.Kind >= kernels.Emit {
			break
		}
		if pointwise(o) && !slices.ContainsFunc(left[:i], func(before kernels.ProgramOp) bool { return before.Kind >= kernels.Emit || conflict(before, o) }) {
			return i
		}
	}
	return -1
}

// pointwise reports whether each number that an operation writes is made of numbers in the same place.
func pointwise(o kernels.ProgramOp) bool {
	switch o.Kind {
	case kernels.Follow, kernels.Soma, kernels.Rate, kernels.Error, kernels.Times:
		return true
	}
	return false
}

// conflict reports whether two operations may not change places: one writes an array or a weight that the other reads or
// writes.
func conflict(a, b kernels.ProgramOp) bool {
	meets := func(x, y kernels.ProgramOp) bool {
		for _, i := range written(x) {
			if slices.Contains(y.From[:], i) || slices.Contains(written(y), i) {
				return true
			}
		}
		if x.Kind != kernels.Learn {
			return false
		}
		for _, w := range []int{x.W, x.Bias} {
			if w != kernels.None && (w == y.W || w == y.Bias) {
				return true
			}
		}
		return false
	}
	return meets(a, b) || meets(b, a)
}
