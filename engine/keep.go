package engine

import (
	"encoding/json"
	"errors"

	"galvani/engine/rundir"
)

// keep saves the state, which all ranks hold.
func (t *trainer) keep() error {
	if t.compared != t.progress.Step {
		if err := t.same(); err != nil {
			return err
		}
	}
	return t.checkpoint()
}

// checkpoint saves the state.
func (t *trainer) checkpoint() error {
	if err := t.tell(true); err != nil {
		return err
	}
	if t.save != nil {
		st, err := t.State()
		if err != nil {
			return err
		}
		if err := t.save.Save(st); err != nil {
			t.unable = true
			return err
		}
	}
	t.unsaved = false
	return nil
}

// rescue saves the state of a run that has failed and reports whether a checkpoint holds it. The
// failure itself has changed nothing: an update is made whole or not at all.
func (t *trainer) rescue() bool {
	if t.save == nil || t.unable {
		return false
	}
	if !t.unsaved && t.progress.Step > 0 {
		return true // nothing was done since the last checkpoint, or since the one it began from
	}
	t.obs = nil // it may be what has failed
	return t.sound() && t.checkpoint() == nil
}

// sound reports whether all that a checkpoint would hold is there and finite.
func (t *trainer) sound() bool {
	if t.tell(true) != nil || t.steps.pull() != nil {
		return false
	}
	for _, b := range t.bindings() {
		if !allFinite(b.data) {
			return false
		}
	}
	return true
}

// findRecord looks up the best checkpoint that the saver has. It can be better than any
// evaluation that the session knows of, where the run was resumed from a checkpoint before it.
func (t *trainer) findRecord() error {
	if t.save == nil {
		return nil
	}
	st, err := t.save.Best()
	switch {
	case errors.Is(err, rundir.ErrNoCheckpoint), errors.Is(err, rundir.ErrCorrupt), errors.Is(err, rundir.ErrForeign):
		return nil // there is none, or none that could be lost
	case err != nil:
		return err
	}
	var p Progress
	if err := json.Unmarshal([]byte(st.Extra[progressKey]), &p); err == nil {
		t.record = p.best()
	}
	return nil
}

// saveBest saves the state, just evaluated, as the best: it is at least as good as the record.
func (t *trainer) saveBest() error {
	if t.save != nil {
		st, err := t.State()
		if err != nil {
			return err
		}
		if err := t.save.SaveBest(st); err != nil {
			return err
		}
	}
	t.record = t.progress.best()
	return nil
}

// best returns the best result: of this course of the run, or of the best checkpoint.
func (t *trainer) best() *Metrics {
	if best := t.progress.best(); !t.record.better(best) {
		return best.m
	}
	return t.record.m
}
