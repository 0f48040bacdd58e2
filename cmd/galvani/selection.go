package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"galvani/engine"
	"galvani/engine/rundir"
	"galvani/kernels"
)

// tested is what the test set says of the best checkpoint.
type tested struct {
	engine.Metrics
	step int64 // of the checkpoint
}

// selection names the set that tells which checkpoint is the best.
func (j *job) selection() string {
	if j.task.Validation != nil {
		return "validation"
	}
	return "test"
}

// test measures the test set, once for a run, with the checkpoint that was best on the validation
// set. The session keeps that network, so that the plots show it, too. Without a validation set
// every evaluation was on the test set, and there is nothing left to do.
func (j *job) test(ctx context.Context, run *rundir.Run) error {
	if j.task.Validation == nil {
		return nil
	}
	state, err := run.Best()
	if err != nil {
		return err
	}
	if err := j.session.LoadParams(state); err != nil {
		return fmt.Errorf("%s: %w", state.Path, err)
	}
	m, err := j.session.Evaluate(ctx, j.task.Test)
	if err != nil {
		if errors.Is(err, ctx.Err()) && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	j.tested = &tested{m, state.Step}
	values := map[string]float64{}
	record(values, "test_", m)
	return run.Append(time.Now(), int64(j.session.Progress().Step), values)
}

// record adds the values of a metric to a row under names with a prefix.
func record(values map[string]float64, prefix string, m engine.Metrics) {
	values[prefix+"loss"] = m.Loss()
	if m.Count > 0 {
		values[prefix+"accuracy"] = m.Accuracy()
	}
	if m.Steps > 0 {
		values[prefix+"step_accuracy"] = m.StepAccuracy()
	}
	for p := range kernels.Penalties {
		if m.Penalised[p] != 0 {
			values[prefix+"penalty_"+p.String()] = m.Penalty(p)
		}
	}
}

// counts says in words how the samples of the task are divided.
func (j *job) counts() string {
	t := j.task
	if t.Validation == nil {
		return fmt.Sprintf("%s training and %s test sequences; the test set selects the best checkpoint",
			thousands(t.Train.Len()), thousands(t.Test.Len()))
	}
	return fmt.Sprintf("%s training, %s validation and %s test sequences; validation selects the best checkpoint",
		thousands(t.Train.Len()), thousands(t.Validation.Len()), thousands(t.Test.Len()))
}

// results says in words what a run came to, a line for each number.
func (j *job) results(r engine.Result) []string {
	var lines []string
	set := j.selection()
	if r.Last != nil {
		lines = append(lines, fmt.Sprintf("last %s  %s", set, score(*r.Last)))
	}
	if r.Best != nil {
		line := fmt.Sprintf("best %s  %s", set, score(*r.Best))
		if set == "test" {
			line += "  (selected on the test set, so on the good side)"
		}
		lines = append(lines, line)
	}
	if at, n := j.session.Progress().Level+1, j.levels(); n > 1 {
		lines = append(lines, fmt.Sprintf("curriculum  at level %d of %d", at, n))
	}
	if j.tested != nil {
		lines = append(lines, fmt.Sprintf("test  %s  (the best checkpoint, of step %d)", score(j.tested.Metrics), j.tested.step))
	}
	return lines
}
