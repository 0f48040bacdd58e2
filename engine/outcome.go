package engine

import (
	"errors"
	"strings"

	"galvani/kernels"
)

// Outcome says how a run ended.
type Outcome int

const (
	// Done means that all epochs or steps were made.
	Done Outcome = iota
	// EarlyStopped means that the metric had not improved for as long as patience allows.
	EarlyStopped
	// Reached means that an evaluation came to what Options.StopAt asks for.
	Reached
	// Cancelled means that the run was asked to stop and has saved its state.
	Cancelled
	// NotFinite means that a NaN or an infinity came up.
	NotFinite
	// DeviceLost means that the device failed.
	DeviceLost
)

// outcomes are the names and advice of each outcome.
var outcomes = map[Outcome]struct{ name, advice string }{
	Done:         {"done", ""},
	EarlyStopped: {"early stopped", "raise patience to train on"},
	Reached:      {"stop_at reached", "change stop_at to train on"},
	Cancelled:    {"cancelled", ""},
	NotFinite:    {"not finite", "lower lr or clip, take a schedule with a warmup (cosine, onecycle), or look at the tensor that is named"},
	DeviceLost:   {"device lost", "check the device, or go on with --device cpu"},
}

func (o Outcome) String() string { return outcomes[o].name }

// unlearned is the advice where numbers went bad before anything was learned.
const unlearned = "no update was made before it, so that lr has no part in it: look at the tensor that is named, at the size and the signs of the data, and at the settings of the model"

// Advice says what helps after a run, in one line; empty where nothing needs help. What is saved is
// for the caller to say, from Result.Saved.
func (s *Session) Advice(r Result) string {
	_, clips := s.learner.(*descent)
	bad := (*NotFiniteError)(nil)
	switch {
	case r.Outcome != NotFinite:
	case !clips:
		return strings.Replace(outcomes[r.Outcome].advice, " or clip", "", 1) // it makes no gradient
	case errors.As(r.Cause, &bad) && bad.Cause != "":
		return bad.Cause
	case errors.As(r.Cause, &bad) && bad.Step == 0 && !strings.HasPrefix(bad.Tensor, updated):
		return unlearned
	}
	return outcomes[r.Outcome].advice
}

// outcomeOf returns the outcome that an error during training stands for; false for errors
// that are no way to end a run.
func outcomeOf(err error) (Outcome, bool) {
	switch {
	case errors.Is(err, ErrNotFinite):
		return NotFinite, true
	case errors.Is(err, kernels.ErrLost), errors.Is(err, kernels.ErrFault), errors.Is(err, kernels.ErrMemory):
		return DeviceLost, true
	}
	return Done, false
}
