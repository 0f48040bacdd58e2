package group

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

// Sums are made by recursive halving, in which a rank meets its neighbour first, then the neighbour of
// the pair, and so on: every element is added in the order of Group.Sum. Each rank sends and receives
// 2·n·(N−1)/N elements, as much as any all-reduce, in 2·log2 N messages or one less.
//
// Source: Thakur, Rabenseifner and Gropp (2005), doi:10.1177/1094342005051521.

// short is the number of elements up to which ranks exchange whole vectors, in half as many messages.
const short = 16 * 1024

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

// exchange adds the headers of all ranks. Where their number is a power of two, two things travel with them. Those of
// Gather have notes of each rank: notes has a part for each, of which only its own is there before. Those of Sum are
// followed by the numbers that a rank gives away, so that a sum needs no message for the header alone. A rank that
// makes another call takes all this in just the same.
func (r *ranks) exchange(h *header, notes []byte, x []float32) error {
	var other header
	if !r.even() {
		return r.reduce(bytesOf(h), bytesOf(&other), func() { h.add(&other) })
	}
	head, me, n, part := len(bytesOf(h)), r.rank(), r.size(), r.noteSize()
	if r.in == nil {
		r.in = make([]byte, head+n/2*part)
	}
	for d := 1; d < n; d *= 2 {
		peer := me ^ d
		r.out = append(r.out[:0], bytesOf(h)...)
		if notes != nil {
			own := me &^ (d - 1)
			r.out = append(r.out, notes[own*part:(own+d)*part]...)
		}
		var give, keep []float32
		if h.sums() {
			gives, keeps := halves(len(x), me, d, r.whole(d))
			give, keep = x[gives.lo:gives.hi], x[keeps.lo:keeps.hi]
		}
		if err := r.begin(peer, r.out, r.in[:head+d*part], give); err != nil {
			return err
		}
		copy(bytesOf(&other), r.in)
		if notes != nil {
			copy(notes[(peer&^(d-1))*part:], r.in[head:head+d*part])
		}
		var came span
		var sum []float32
		if other.sums() {
			came, _ = halves(int(other.nx), peer, d, r.whole(d))
			if other.nx == h.nx {
				sum = keep
			}
		}
		if err := r.end(peer, give, sum, came.hi-came.lo); err != nil {
			return err
		}
		h.add(&other)
	}
	return nil
}

// noteSize is the size of what a rank has with the header of Gather: all messages of a few ranks are then of
// those that libraries send at once, which is up to 4 KiB.
func (r *ranks) noteSize() int { return 8 * max(8, 768/r.size()) }

// note returns the notes of Gather: for each rank how many bytes it brings, and the bytes if they are few.
func (r *ranks) note(b []byte) []byte {
	if !r.even() {
		return nil
	}
	part := r.noteSize()
	notes := make([]byte, r.size()*part)
	own := notes[r.rank()*part:][:part]
	binary.LittleEndian.PutUint64(own, uint64(len(b)))
	copy(own[8:], b)
	return notes
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

// span is a part of a vector.
type span struct{ lo, hi int }

// whole reports whether in step d of a sum two ranks exchange all that they have left, which is the last step where they
// reach each other through memory. As much is sent as if each added one half and told the other of it, in one message less;
// over a network, which brings a half to where it belongs, twice the additions take longer.
func (r *ranks) whole(d int) bool { return 2*d == r.size() && r.near(r.rank()^d) }

// halves returns which of n numbers a rank gives away in step d of a sum, and which it keeps: all that it has left where
// the step is one of whole.
func halves(n, rank, d int, whole bool) (give, keep span) {
	keep = span{0, n}
	if n <= short {
		return keep, keep
	}
	for e := 1; e <= d; e *= 2 {
		if whole && e == d {
			return keep, keep
		}
		mid := keep.lo + (keep.hi-keep.lo)/2
		give, keep = span{mid, keep.hi}, span{keep.lo, mid}
		if rank&e != 0 {
			give, keep = keep, give
		}
	}
	return give, keep
}

// sumRest adds x over all ranks as far as exchange has not: each rank has its part of the sum, of which the others
// hear.
func (r *ranks) sumRest(x []float32) error {
	switch {
	case len(x) == 0:
		return nil
	case !r.even():
		other := make([]float32, len(x))
		return r.reduce(bytesOfAll(x), bytesOfAll(other), func() { Add(x, other) })
	}
	return r.share(x, r.whole, r.swap)
}

// sumOn adds x in the memory of devices over all ranks, in the steps of exchange and sumRest.
func (r *ranks) sumOn(x, room []float32, add func(lo, hi int) error) error {
	me, n := r.rank(), r.size()
	if !r.even() {
		return fmt.Errorf("group: sum on devices of %d ranks, want a power of two: %w", n, ErrShares)
	}
	if len(x) == 0 {
		return nil
	}
	for d := 1; d < n; d *= 2 {
		give, keep := halves(len(x), me, d, false)
		if err := r.swapOn(me^d, bytesOfAll(x[give.lo:give.hi]), bytesOfAll(room[keep.lo:keep.hi])); err != nil {
			return err
		}
		if err := r.aside(func() error { return add(keep.lo, keep.hi) }); err != nil {
			return err
		}
	}
	return r.share(x, never, r.swapOn)
}

func never(int) bool { return false }

// share tells each rank the parts of a sum that others have, but for steps after which a pair has the same.
func (r *ranks) share(x []float32, whole func(d int) bool, swap func(peer int, send, receive []byte) error) error {
	if len(x) <= short {
		return nil
	}
	for d := r.size() / 2; d > 0; d /= 2 {
		if whole(d) {
			continue
		}
		want, have := halves(len(x), r.rank(), d, false)
		if err := swap(r.rank()^d, bytesOfAll(x[have.lo:have.hi]), bytesOfAll(x[want.lo:want.hi])); err != nil {
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
func (r *ranks) gather(b, notes []byte) ([][]byte, error) {
	n, me := r.size(), r.rank()
	lengths, most := make([]int, n), 0
	if notes == nil {
		own := make([]float64, n)
		own[me] = float64(len(b))
		if err := r.sumAll(own); err != nil {
			return nil, err
		}
		for k, v := range own {
			lengths[k] = int(v)
		}
		most = math.MaxInt
	} else {
		for k := range lengths {
			lengths[k] = int(binary.LittleEndian.Uint64(notes[k*r.noteSize():]))
			most = max(most, lengths[k])
		}
	}
	all := make([][]byte, n)
	if part := r.noteSize(); most <= part-8 {
		for k, length := range lengths {
			all[k] = notes[k*part+8:][:length:length]
		}
		return all, nil
	}
	at := make([]int, n+1) // where what a rank brings begins in whole
	for k, length := range lengths {
		at[k+1] = at[k] + length
	}
	whole := make([]byte, at[n])
	copy(whole[at[me]:], b)
	for k, length := range lengths {
		all[k] = whole[at[k]:][:length:length]
	}
	if notes == nil {
		for k, own := range all {
			if err := r.tell(k, own); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	for d := 1; d < n; d *= 2 {
		own, other := me&^(d-1), (me^d)&^(d-1)
		if err := r.swap(me^d, whole[at[own]:at[own+d]], whole[at[other]:at[other+d]]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
