package programs

import (
	"slices"

	"galvani/kernels"
)

// Pair is two products of a list of operations, y = V b + (W a), of which only the sum is read, and whose weights do not
// change. Where V = −W they are one product, W (a − b).
type Pair struct{ W, V int }

// Merge returns a list of operations in which all such pairs are one product, the pairs, and the arrays a − b that it needs
// behind those of the program; the list as it is where there are none.
func Merge(p *kernels.Program, list []kernels.ProgramOp) (merged []kernels.ProgramOp, pairs []Pair, arrays []kernels.ProgramArray) {
	first := map[int]kernels.ProgramOp{} // by what they write
	for i, o := range list {
		if a, ok := opposite(p, list, i); ok {
			first[a.To] = a
			pairs = append(pairs, Pair{a.W, o.W})
		}
	}
	for _, o := range list {
		if a, ok := first[o.To]; ok && o.Kind == kernels.Product && o.W == a.W {
			continue
		}
		if a, ok := first[o.From[1]]; ok && o.Kind == kernels.Product {
			less := kernels.NewOp(kernels.Error, len(p.Arrays)+len(arrays))
			less.From[0], less.From[1], less.By = a.From[0], o.From[0], [3]float64{1, -1, 1}
			arrays = append(arrays, kernels.ProgramArray{Name: "difference", Units: p.Weights[a.W].K})
			o.W, o.From = a.W, [3]int{less.To, kernels.None, kernels.None}
			merged = append(merged, less)
		}
		merged = append(merged, o)
	}
	return merged, pairs, arrays
}

// opposite returns the product that operation i of a list adds its own to, if both may be one.
func opposite(p *kernels.Program, list []kernels.ProgramOp, i int) (a kernels.ProgramOp, ok bool) {
	o := list[i]
	if o.Kind != kernels.Product || o.Bias != kernels.None || o.From[1] == kernels.None || p.Arrays[o.From[1]].Kept {
		return a, false
	}
	at := slices.IndexFunc(list, func(b kernels.ProgramOp) bool { return slices.Contains(written(b), o.From[1]) })
	if at < 0 || at > i {
		return a, false
	}
	a = list[at]
	if a.Kind != kernels.Product || a.Bias != kernels.None || a.From[1] != kernels.None || a.W == o.W || p.Weights[a.W] != p.Weights[o.W] {
		return a, false
	}
	for k, b := range list {
		switch {
		case b.Kind == kernels.Learn && (b.W == o.W || b.W == a.W), k != i && slices.Contains(b.From[:], a.To), k != at && slices.Contains(written(b), a.To),
			k > at && k < i && slices.Contains(written(b), a.From[0]):
			return a, false
		}
	}
	return a, true
}
