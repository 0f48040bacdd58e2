package programs

import (
	"slices"

	"galvani/kernels"
)

// Group returns a list of operations in an order with the same results, in which those that go number by number come one
// after the other where they are of arrays of as many units, so that a device may take a part of the units through all of
// them at once.
func Group(p *kernels.Program, list []kernels.ProgramOp) []kernels.ProgramOp {
	left := slices.Clone(list)
	var all []kernels.ProgramOp
	for len(left) > 0 {
		first := left[0]
		all, left = append(all, first), left[1:]
		for i := 0; pointwise(first) && i < len(left) && left[i].Kind < kernels.Emit; i++ {
			o := left[i]
			if !pointwise(o) || p.Arrays[o.To].Units != p.Arrays[first.To].Units ||
				slices.ContainsFunc(left[:i], func(before kernels.ProgramOp) bool { return conflict(before, o) }) {
				continue
			}
			all, left = append(all, o), slices.Delete(left, i, i+1)
			i--
		}
	}
	return all
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
