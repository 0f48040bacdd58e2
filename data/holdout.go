package data

import (
	"math"
	"slices"
)

// heldOut returns how many samples make a part of n: at least one where any is asked for, none where
// no sample would be left.
func heldOut(n int, part float64) int {
	if part <= 0 || n < 2 {
		return 0
	}
	return min(max(1, int(math.Round(part*float64(n)))), n-1)
}

// holdOut takes a part of the training samples of a task for its validation. Which ones depends on
// their number alone, so that all runs on the same files leave out the same.
func holdOut(t *Task, part float64) {
	n := t.Train.Len()
	k := heldOut(n, part)
	if k == 0 {
		return
	}
	order := inOrder(n)
	r := newStream(0, validation, 0, 0)
	r.shuffle(order)
	slices.Sort(order[:k]) // as in the whole, where the classes take turns
	slices.Sort(order[k:])
	t.Train, t.Validation = &subset{t.Train, order[k:]}, &subset{t.Train, order[:k]}
}

// holdOutLast takes the last part of them, so that what is left follows each other.
func holdOutLast(t *Task, part float64) {
	n := t.Train.Len()
	if k := heldOut(n, part); k > 0 {
		order := inOrder(n)
		t.Train, t.Validation = &subset{t.Train, order[:n-k]}, &subset{t.Train, order[n-k:]}
	}
}

// subset is some of the samples of a set.
type subset struct {
	whole Set
	index []int
}

var _ Fixed = (*subset)(nil)

// Len implements Set.
func (s *subset) Len() int { return len(s.index) }

// Fill implements Set.
func (s *subset) Fill(b *Batch, col, epoch, index int) error {
	if index < 0 || index >= len(s.index) {
		return s.whole.Fill(b, col, epoch, -1) // which refuses it
	}
	return s.whole.Fill(b, col, epoch, s.index[index])
}

// Fixed implements Fixed.
func (s *subset) Fixed() bool {
	f, ok := s.whole.(Fixed)
	return ok && f.Fixed()
}
