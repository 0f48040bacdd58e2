package engine

import (
	"errors"

	"galvani/data"
)

// ErrClosed is what a Session returns that was closed.
var ErrClosed = errors.New("engine: the session is closed; make another by NewSession")

// closed stands in a session that was closed for what learned, and for what made its updates.
type closed struct{}

func (closed) Learn(*data.Batch, Update) (Metrics, float64, error) { return Metrics{}, 0, ErrClosed }
func (closed) Measure(*data.Batch) (Metrics, error)                { return Metrics{}, ErrClosed }
func (closed) Rest(Phase) error                                    { return ErrClosed }
func (closed) State() []Tensor                                     { return nil }
func (closed) Close() error                                        { return nil }

func (closed) queue(*data.Batch, place, Update) error { return ErrClosed }
func (closed) finished(bool) ([]made, error)          { return nil, ErrClosed }
func (closed) due() bool                              { return true }
func (closed) pull() error                            { return ErrClosed }
func (closed) push() error                            { return ErrClosed }
func (closed) keepTraining() (*kept, error)           { return nil, ErrClosed }
func (closed) keptTest() (*kept, error)               { return nil, ErrClosed }

// open returns ErrClosed for a session that was closed.
func (s *Session) open() error {
	if _, gone := s.learner.(closed); gone {
		return ErrClosed
	}
	return nil
}
