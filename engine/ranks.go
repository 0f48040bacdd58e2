package engine

import (
	"context"
	"errors"
	"sync"

	"galvani/data"
)

// Ranks trains the sessions of all ranks of a dry run, each on a goroutine, and returns when all of
// them have ended. Observer and saver, which may be nil, are those of rank 0, as is the result. A rank
// that fails makes the others end. The sessions share no task and no network, for sets and networks are
// for one goroutine at a time.
//
// Errors: those of Session.Train of the rank that failed first.
func Ranks(ctx context.Context, sessions []*Session, obs Observer, save Saver) (Result, error) {
	var wg sync.WaitGroup
	for _, s := range sessions[1:] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.trainRank(ctx, nil, nil)
		}()
	}
	defer wg.Wait()
	return sessions[0].trainRank(ctx, obs, save)
}

// trainRank trains, and makes the other ranks end where this one fails.
func (s *Session) trainRank(ctx context.Context, obs Observer, save Saver) (Result, error) {
	r, err := s.Train(ctx, obs, save)
	if cause := errors.Join(r.Cause, err); cause != nil {
		s.cfg.group().Abort(cause)
		return r, err
	}
	return r, s.cfg.group().Sum(nil, nil) // one that fails at its end must be heard, too
}

// stops reports whether any rank is asked to stop, so that all stop at the same update.
func (t *trainer) stops(ctx context.Context) (bool, error) {
	votes := []float64{0}
	if ctx.Err() != nil {
		votes[0] = 1
	}
	err := t.cfg.group().Sum(nil, votes)
	return votes[0] > 0, err
}

// errCutOff says that an evaluation was cancelled.
var errCutOff = errors.New("engine: evaluation cut off")

// shared measures a set on rank 0 and tells all ranks.
//
// Errors: errCutOff on all ranks where rank 0 was cancelled; those of Evaluate and of the group.
func (t *trainer) shared(ctx context.Context, set data.Set) (Metrics, error) {
	told := make([]float64, len(metricSums{})+1)
	if t.cfg.group().Rank() == 0 {
		m, err := t.Evaluate(ctx, set)
		if err != nil && !(ctx.Err() != nil && errors.Is(err, ctx.Err())) {
			return Metrics{}, err
		}
		sums := sumsOf(m)
		copy(told, sums[:])
		if err != nil {
			told[len(sums)] = 1
		}
	}
	if err := t.cfg.group().Bcast(told); err != nil {
		return Metrics{}, err
	}
	if told[len(told)-1] != 0 {
		return Metrics{}, errCutOff
	}
	return metricSums(told[:len(told)-1]).metrics(), nil
}
