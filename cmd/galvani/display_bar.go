package main

import (
	"fmt"

	"galvani/engine"
	"galvani/engine/rundir"
)

// barDisplay draws a progress bar.
type barDisplay struct {
	plain
	pace
	bar *bar
}

func (d *barDisplay) start(j *job, dir string) error {
	err := d.plain.start(j, dir)
	d.pace.start(j)
	d.bar = newBar(d.w)
	return err
}

// Stepped implements engine.Observer.
func (d *barDisplay) Stepped(e engine.StepEvent) error {
	total := d.j.session.Steps()
	rate, eta := d.mean(e.Step)
	d.bar.draw(float64(e.Step)/float64(total), fmt.Sprintf("epoch %d/%d  %s", e.Epoch+1, d.j.opt.Epochs, score(e.Running)),
		timeLeft(eta), fmt.Sprintf("%.0f seq/s", rate))
	return nil
}

// Evaluated implements engine.Observer.
func (d *barDisplay) Evaluated(e engine.EvalEvent) error {
	d.bar.clear()
	d.evaluated(e)
	return nil
}

func (d *barDisplay) words(format string, args ...any) {
	if d.bar != nil {
		d.bar.clear()
	}
	d.plain.words(format, args...)
}

func (d *barDisplay) stop(rundir.Status) { d.bar.clear() }
