package experiment

import (
	"context"
	"errors"
	"slices"

	"galvani/engine/group"
)

// ErrStopped is returned by the ranks of an experiment of which another was cancelled.
var ErrStopped = errors.New("experiment: another rank was asked to stop")

// told is what a rank tells the others between two rounds.
type told struct {
	Todo    []int `json:"todo,omitempty"` // from rank 0 before the first round: cases, by number
	Row     *Row  `json:"row,omitempty"`  // of the case that the rank has run
	Stopped bool  `json:"stopped,omitempty"`
}

// rounds runs the cases that have no row, one a rank at a time. Rank 0 keeps the rows of a round, in the
// order of the cases, before the next begins; keep is nil on other ranks.
func (r *runner) rounds(ctx context.Context, keep func(Row) error) error {
	var mine told
	for i, c := range r.list {
		if !r.done[c.key()] {
			mine.Todo = append(mine.Todo, i)
		}
	}
	all, err := group.Exchange(r.Group, mine)
	if err != nil {
		return err
	}
	for todo := range slices.Chunk(all[0].Todo, r.Group.Size()) {
		mine, cause := r.turn(ctx, todo)
		if cause != nil && !mine.Stopped {
			return cause
		}
		all, err := group.Exchange(r.Group, mine)
		if err != nil {
			if keep != nil && mine.Row != nil {
				err = errors.Join(err, keep(*mine.Row))
			}
			return err
		}
		for rank, other := range all {
			if other.Row == nil {
				if other.Stopped && cause == nil {
					cause = ErrStopped
				}
				continue
			}
			if keep != nil {
				if err := keep(*other.Row); err != nil {
					return err
				}
			}
			r.finished(r.list[todo[rank]], *other.Row)
		}
		if cause != nil {
			return cause
		}
	}
	return nil
}

// turn runs the case of this rank, if there is one for it.
func (r *runner) turn(ctx context.Context, todo []int) (told, error) {
	if err := context.Cause(ctx); err != nil {
		return told{Stopped: true}, err
	}
	if r.Group.Rank() >= len(todo) {
		return told{}, nil
	}
	row, err := r.measure(ctx, r.list[todo[r.Group.Rank()]])
	if err != nil {
		return told{Stopped: ctx.Err() != nil}, err
	}
	return told{Row: &row}, nil
}
