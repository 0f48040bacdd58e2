package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"syscall"
	"time"

	"galvani/engine"
	"galvani/engine/rundir"
)

// jsonDisplay writes events as JSON lines to stdout, remarks to stderr.
type jsonDisplay struct {
	w, people io.Writer
	levels    int // of the curriculum, the task itself included
	pace
}

// scoreJSON is a metric in JSON, which has no NaN.
type scoreJSON struct {
	Loss float64 `json:"loss"`
	// Accuracy is the part of the classes that were found, of trials the part that was decided
	// rightly; StepAccuracy that of the steps of trials.
	Accuracy     *float64 `json:"accuracy,omitempty"`
	StepAccuracy *float64 `json:"step_accuracy,omitempty"`
}

func newScore(m engine.Metrics) scoreJSON {
	s := scoreJSON{Loss: m.Loss()}
	if a := m.Accuracy(); !math.IsNaN(a) {
		s.Accuracy = &a
	}
	if a := m.StepAccuracy(); !math.IsNaN(a) {
		s.StepAccuracy = &a
	}
	return s
}

// event is one JSON line of train.
type event struct {
	Event     string     `json:"event"` // start, step, evaluation, end
	Run       string     `json:"run,omitempty"`
	Model     string     `json:"model,omitempty"`
	Task      string     `json:"task,omitempty"`
	Device    string     `json:"device,omitempty"`
	Backend   string     `json:"backend,omitempty"`
	Notes     []string   `json:"notes,omitempty"` // on the data
	Learned   int        `json:"learned_parameters,omitempty"`
	Step      int        `json:"step"`
	Steps     int        `json:"steps"`
	Epoch     int        `json:"epoch,omitempty"` // counted from 1
	Level     int        `json:"level,omitempty"` // of the curriculum that an evaluation is on, counted from 1
	Train     *scoreJSON `json:"train,omitempty"`
	Held      *scoreJSON `json:"validation,omitempty"` // of an evaluation, or the last one
	Test      *scoreJSON `json:"test,omitempty"`       // of the best checkpoint; without a validation set as Held
	Best      *scoreJSON `json:"best,omitempty"`       // on the validation set, or on the test set where there is none
	BestStep  int64      `json:"best_step,omitempty"`  // of the checkpoint that Test is of
	Rate      float64    `json:"sequences_per_second,omitempty"`
	Outcome   string     `json:"outcome,omitempty"` // done, early stopped, stop_at reached, stopped, failed
	Reason    string     `json:"reason,omitempty"`
	Seconds   float64    `json:"seconds,omitempty"`
	GPUMemory int64      `json:"gpu_memory_high,omitempty"` // bytes
}

// write writes an event. A pipe that nobody reads any more is no error here: its signal stops
// the run.
func (d *jsonDisplay) write(e event) error {
	e.Steps = d.total
	err := writeJSON(d.w, e)
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

func (d *jsonDisplay) start(j *job, dir string) error {
	d.pace.start(j)
	d.levels = j.levels()
	learned, _ := j.session.Params().Len()
	return d.write(event{Event: "start", Run: dir, Model: j.network().Name(), Task: j.task.Name, Device: j.place.device,
		Backend: j.place.backend, Notes: j.task.Notes, Learned: learned, Step: j.session.Progress().Step})
}

// Stepped implements engine.Observer.
func (d *jsonDisplay) Stepped(e engine.StepEvent) error {
	rate, _, due := d.tick(e.Step)
	if !due {
		return nil
	}
	train := newScore(e.Running)
	return d.write(event{Event: "step", Step: e.Step, Epoch: e.Epoch + 1, Train: &train, Rate: rate})
}

// Evaluated implements engine.Observer.
func (d *jsonDisplay) Evaluated(e engine.EvalEvent) error {
	train := newScore(e.Train)
	line := event{Event: "evaluation", Step: e.Step, Epoch: e.Epoch + 1, Train: &train}
	if d.levels > 1 {
		line.Level = e.Level + 1
	}
	line.hold(e.Set, e.Held)
	return d.write(line)
}

// hold puts a score under the name of its set.
func (e *event) hold(set string, m engine.Metrics) {
	s := newScore(m)
	if set == "test" {
		e.Test = &s
	} else {
		e.Held = &s
	}
}

func (d *jsonDisplay) words(format string, args ...any) { fmt.Fprintf(d.people, format+"\n", args...) }

// stop tells of an end that comes with an error; end tells of the others.
func (d *jsonDisplay) stop(s rundir.Status) {
	if s.Phase != rundir.Completed {
		d.write(event{Event: "end", Step: int(s.Step), Outcome: string(s.Phase), Reason: s.Reason})
	}
}

func (d *jsonDisplay) end(j *job, r engine.Result, dir string, took time.Duration) {
	e := event{Event: "end", Run: dir, Step: r.Step, Outcome: r.Outcome.String(), Seconds: took.Seconds()}
	if u, ok := j.session.Usage(); ok {
		e.GPUMemory = u.High
	}
	if r.Last != nil {
		e.hold(j.selection(), *r.Last)
	}
	if j.tested != nil {
		e.hold("test", j.tested.Metrics)
		e.BestStep = j.tested.step
	}
	if r.Best != nil {
		s := newScore(*r.Best)
		e.Best = &s
	}
	d.write(e)
}
