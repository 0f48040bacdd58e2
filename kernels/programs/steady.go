package programs

import "galvani/kernels"

// Steady returns, for each weight of a program that runs a list of operations, the array that alone is multiplied by it
// and that changes it, where that array is the same in all steps of a run; kernels.None for other weights. What such a weight
// makes of the array need not be computed anew in each step, nor the weight be changed before the run ends: a change
// e x' of the weight changes the product with x by e (x'x).
func Steady(p *kernels.Program, list []kernels.ProgramOp) []int {
	same := sameInAllSteps(p, list)
	from := make([]int, len(p.Weights))
	for w := range from {
		from[w] = kernels.None
		products, lessons, ok := 0, 0, true
		for _, o := range list {
			if o.W != w {
				continue
			}
			read := o.From[0]
			if o.Kind == kernels.Learn {
				read = o.From[1]
				lessons++
			} else {
				products++
				ok = ok && o.Kind == kernels.Product && lessons == 0 // behind the change it would read that of the next step
			}
			ok = ok && same[read] && (from[w] == kernels.None || from[w] == read)
			from[w] = read
		}
		if !ok || products > 1 || lessons > 1 || lessons > 0 && p.Weights[w].Traced {
			from[w] = kernels.None
		}
	}
	return from
}

// sameInAllSteps reports which arrays nothing writes, or only a copy of such an array in front of all that reads them.
func sameInAllSteps(p *kernels.Program, list []kernels.ProgramOp) []bool {
	writes, read := make([]int, len(p.Arrays)), make([]bool, len(p.Arrays))
	for _, o := range list {
		for _, a := range written(o) {
			writes[a]++
		}
	}
	same := make([]bool, len(p.Arrays))
	for a := range same {
		same[a] = writes[a] == 0
	}
	for _, o := range list {
		if o.Kind == kernels.Follow && o.Part == 1 && writes[o.To] == 1 && !read[o.To] && writes[o.From[0]] == 0 {
			same[o.To] = true
		}
		for _, a := range o.From {
			if a != kernels.None {
				read[a] = true
			}
		}
	}
	return same
}

// written returns the arrays that an operation writes.
func written(o kernels.ProgramOp) (all []int) {
	list := []int{o.To, o.Also}
	if o.Kind == kernels.Emit {
		list = append(list, o.Spikes.History)
	}
	for _, a := range list {
		if a != kernels.None {
			all = append(all, a)
		}
	}
	return all
}
