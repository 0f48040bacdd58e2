package group

import (
	"errors"
	"fmt"
	"math/bits"
)

// Group is the ranks of a run as one of them sees it. All ranks make the same calls in the same order,
// each with vectors of the same lengths; a call returns when all have made it. A Group is for one
// goroutine at a time.
//
// Errors: *Left in every call after a rank has left, on all ranks; ErrLost where a rank does not answer.
type Group interface {
	// Rank is the number of this rank, from 0 on.
	Rank() int
	// Size is the number of ranks.
	Size() int
	// Local returns the number of this rank among those of the same machine, and how many these are.
	Local() (rank, size int)
	// Sum replaces x and y on every rank by their sums over all ranks, element by element, added in
	// pairs of neighbours, then in pairs of those sums, and so on: ((0+1)+(2+3))+((4+5)+(6+7)). So a
	// rank that brings a sum made by Pairwise of its share gives the bits of one rank that has it all.
	// A sum of ones and zeros is a vote; a sum of nothing waits for all ranks. After an error x has no meaning.
	Sum(x []float32, y []float64) error
	// Direct reports whether SumOn may be called: the library takes addresses of a device's memory.
	Direct() bool
	// SumOn is Sum for x in the memory of a device, with room for as many numbers there, which the library sends from and
	// receives in. Add adds the elements [lo,hi) of room to those of x. No element is read here.
	//
	// Errors: a number of ranks that is no power of two; those of add.
	SumOn(x, room []float32, y []float64, add func(lo, hi int) error) error
	// Bcast replaces x on every rank by that of rank 0.
	Bcast(x []float64) error
	// Gather returns what each rank brings, by rank, on every rank. Lengths may differ.
	Gather(b []byte) ([][]byte, error)
	// Abort makes all calls of the other ranks fail, those that wait already and those to come. It
	// waits until they have heard of it.
	Abort(cause error)
}

// Left is the error of a call after a rank has left.
type Left struct {
	Rank  int
	Text  string // what the rank left for
	Code  int    // its exit code
	cause error  // of a rank of this process
}

func (l *Left) Error() string { return fmt.Sprintf("rank %d: %s", l.Rank, l.Text) }

// Unwrap returns what the rank left for where it is of this process.
func (l *Left) Unwrap() error { return l.cause }

// ErrLost is wrapped where a rank does not answer any more.
var ErrLost = errors.New("rank lost")

// ErrShares is wrapped where ranks cannot share a number of parts.
var ErrShares = errors.New("impossible division over ranks")

// Share returns the parts [lo,hi) of n that belong to a rank of size ranks.
//
// Errors: ErrShares where n or size is not a power of two, or there are more ranks than parts.
func Share(n, rank, size int) (lo, hi int, err error) {
	if bits.OnesCount(uint(n)) != 1 || bits.OnesCount(uint(size)) != 1 || n < 1 || size < 1 || size > n {
		return 0, 0, fmt.Errorf("%d parts for %d ranks, want powers of two and a part for each rank: %w", n, size, ErrShares)
	}
	per := n / size
	return rank * per, (rank + 1) * per, nil
}

// Add adds y to x.
func Add[F float32 | float64](x, y []F) {
	for i, v := range y {
		x[i] += v
	}
}

// Pairwise makes the sum of the parts [lo,hi), a power of two of them, in the order of Group.Sum. Each
// makes one part, or a sum of some, at a level; add adds what is at the level behind to it. There are as
// many levels as hi−lo has doublings, and one more.
func Pairwise(lo, hi, level int, each func(part, level int) error, add func(level int)) error {
	if hi-lo == 1 {
		return each(lo, level)
	}
	mid := lo + (hi-lo)/2
	if err := Pairwise(lo, mid, level, each, add); err != nil {
		return err
	}
	if err := Pairwise(mid, hi, level+1, each, add); err != nil {
		return err
	}
	add(level)
	return nil
}

// Levels returns the number of levels that Pairwise uses for n parts.
func Levels(n int) int { return bits.Len(uint(n)) }

// Alone is the group of a run of one rank.
type Alone struct{}

// Rank returns 0.
func (Alone) Rank() int { return 0 }

// Size returns 1.
func (Alone) Size() int { return 1 }

// Local returns 0 and 1.
func (Alone) Local() (rank, size int) { return 0, 1 }

// Sum leaves x and y as they are.
func (Alone) Sum([]float32, []float64) error { return nil }

// Direct returns true: nothing is sent.
func (Alone) Direct() bool { return true }

// SumOn leaves x and y as they are.
func (Alone) SumOn([]float32, []float32, []float64, func(lo, hi int) error) error { return nil }

// Bcast leaves x as it is.
func (Alone) Bcast([]float64) error { return nil }

// Gather returns b.
func (Alone) Gather(b []byte) ([][]byte, error) { return [][]byte{b}, nil }

// Abort does nothing: there is nobody else.
func (Alone) Abort(error) {}
