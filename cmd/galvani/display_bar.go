package main

import (
	"fmt"
	"io"
	"time"

	"galvani/engine"
	"galvani/engine/rundir"

	"github.com/schollz/progressbar/v3"
)

const redraw = 100 * time.Millisecond // of a bar

// barDisplay draws a progress bar.
type barDisplay struct {
	plain
	bar *progressbar.ProgressBar
}

// barTheme is a thin line, plain where colours are declined.
func barTheme(w io.Writer) progressbar.Theme {
	t := progressbar.Theme{Saucer: "━", SaucerHead: "╸", SaucerPadding: " "}
	if colorful(w) {
		t.Saucer, t.SaucerHead = "[cyan]━[reset]", "[cyan]╸[reset]"
	}
	return t
}

func (d *barDisplay) start(j *job, dir string) {
	d.plain.start(j, dir)
	left := (j.session.Steps() - j.session.Progress().Step) * j.opt.Batch
	d.bar = progressbar.NewOptions(left, progressbar.OptionSetWriter(d.w),
		progressbar.OptionEnableColorCodes(colorful(d.w)), progressbar.OptionSetTheme(barTheme(d.w)),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("seq"), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(redraw), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
}

// Stepped implements engine.Observer.
func (d *barDisplay) Stepped(e engine.StepEvent) error {
	d.bar.Describe(fmt.Sprintf("epoch %d/%d  %s ", e.Epoch+1, d.j.opt.Epochs, score(e.Running)))
	d.bar.Add(d.j.opt.Batch)
	return nil
}

// Evaluated implements engine.Observer.
func (d *barDisplay) Evaluated(e engine.EvalEvent) error {
	d.bar.Clear()
	d.evaluated(e)
	return nil
}

func (d *barDisplay) stop(rundir.Status) { d.bar.Clear() }
