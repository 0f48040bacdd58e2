package group

import (
	"math/bits"
	"unsafe"
)

// Sums are made by recursive halving, in which a rank meets its neighbour first, then the neighbour of
// the pair, and so on: every element is added in the order of Group.Sum. Each rank sends and receives
// 2·n·(N−1)/N elements, as much as any all-reduce, in 2·log2 N messages.
//
// Source: Thakur, Rabenseifner and Gropp (2005), doi:10.1177/1094342005051521.

// short is the number of elements up to which whole vectors are exchanged, in half as many messages.
const short = 2048

// bytesOf returns the memory of a value without pointers.
func bytesOf[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// bytesOfAll returns the memory of numbers.
func bytesOfAll[F float32 | float64](x []F) []byte {
	var one F
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(one)))
}

// even reports whether the number of ranks is a power of two.
func (r *ranks) even() bool { return bits.OnesCount(uint(r.size())) == 1 }

// exchange adds the headers of all ranks.
func (r *ranks) exchange(h *header) error {
	var other header
	return r.reduce(bytesOf(h), bytesOf(&other), func() { h.add(&other) })
}

// sumAll adds y in whole vectors.
func (r *ranks) sumAll(y []float64) error {
	other := make([]float64, len(y))
	return r.reduce(bytesOfAll(y), bytesOfAll(other), func() { Add(y, other) })
}

// reduce combines what is in own over all ranks: with each call of add, own takes in other.
func (r *ranks) reduce(own, other []byte, add func()) error {
	me, n := r.rank(), r.size()
	if r.even() {
		for d := 1; d < n; d *= 2 {
			if err := r.swap(me^d, own, other); err != nil {
				return err
			}
			add()
		}
		return nil
	}
	for d := 1; d < n; d *= 2 {
		if me&d != 0 {
			if err := r.swap(me-d, own, nil); err != nil {
				return err
			}
			break
		}
		if me+d < n {
			if err := r.swap(me+d, nil, other); err != nil {
				return err
			}
			add()
		}
	}
	return r.tell(0, own)
}

// span is a part of a vector that two ranks divide at mid.
type span struct{ lo, mid, hi int }

// sum adds x over all ranks.
func (r *ranks) sum(x []float32) error {
	if len(x) <= short || !r.even() {
		if len(x) == 0 {
			return nil
		}
		other := make([]float32, len(x))
		return r.reduce(bytesOfAll(x), bytesOfAll(other), func() { Add(x, other) })
	}
	me, n := r.rank(), r.size()
	var cuts []span
	lo, hi := 0, len(x)
	for d := 1; d < n; d *= 2 {
		mid := lo + (hi-lo)/2
		cuts = append(cuts, span{lo, mid, hi})
		give, keep := x[mid:hi], x[lo:mid]
		if me&d == 0 {
			hi = mid
		} else {
			lo, give, keep = mid, keep, give
		}
		if err := r.swapAdd(me^d, give, keep); err != nil {
			return err
		}
	}
	for k := len(cuts) - 1; k >= 0; k-- {
		d, c := 1<<k, cuts[k]
		have, want := x[c.lo:c.mid], x[c.mid:c.hi]
		if me&d != 0 {
			have, want = want, have
		}
		if err := r.swap(me^d, bytesOfAll(have), bytesOfAll(want)); err != nil {
			return err
		}
	}
	return nil
}

// tell copies b of the root to all ranks.
func (r *ranks) tell(root int, b []byte) error {
	n := r.size()
	me := (r.rank() - root + n) % n
	top := 1 // the lowest bit of me, or for the root the first power of two that is not below n
	for ; top < n && me&top == 0; top *= 2 {
	}
	if me != 0 {
		if err := r.swap((me-top+root)%n, nil, b); err != nil {
			return err
		}
	}
	for d := top / 2; d > 0; d /= 2 {
		if me+d < n {
			if err := r.swap((me+d+root)%n, b, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather returns what each rank brings.
func (r *ranks) gather(b []byte) ([][]byte, error) {
	n := r.size()
	lengths := make([]int64, n)
	lengths[r.rank()] = int64(len(b))
	if r.rank() != 0 {
		if err := r.swap(0, bytesOf(&lengths[r.rank()]), nil); err != nil {
			return nil, err
		}
		if err := r.swap(0, b, nil); err != nil {
			return nil, err
		}
	}
	parts := [][]byte{b}
	for other := 1; other < n && r.rank() == 0; other++ {
		if err := r.swap(other, nil, bytesOf(&lengths[other])); err != nil {
			return nil, err
		}
		part := make([]byte, lengths[other])
		if err := r.swap(other, nil, part); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if err := r.tell(0, unsafe.Slice((*byte)(unsafe.Pointer(&lengths[0])), 8*n)); err != nil {
		return nil, err
	}
	total := int64(0)
	for _, k := range lengths {
		total += k
	}
	whole := make([]byte, 0, total)
	if r.rank() == 0 {
		for _, part := range parts {
			whole = append(whole, part...)
		}
	}
	whole = whole[:total]
	if err := r.tell(0, whole); err != nil {
		return nil, err
	}
	all := make([][]byte, n)
	for i, k := range lengths {
		all[i], whole = whole[:k:k], whole[k:]
	}
	return all, nil
}
