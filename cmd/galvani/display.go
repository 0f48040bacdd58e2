package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"galvani/engine"
	"galvani/engine/rundir"

	"github.com/schollz/progressbar/v3"
)

const (
	redraw    = 100 * time.Millisecond // of a bar
	lineEvery = 5 * time.Second        // between two plain lines
)

// display tells how training goes. It watches the session and never fails it: what it cannot
// write is lost.
type display interface {
	engine.Observer
	start(j *job, dir string)
	words(format string, args ...any) // a remark for people
	stop(s rundir.Status)             // training has ended, one way or the other
	end(j *job, r engine.Result, dir string, took time.Duration)
}

// newDisplay chooses the way to tell: JSON, nothing, a bar on a terminal, or plain lines.
func newDisplay(f trainFlags, stdout, stderr io.Writer) display {
	switch _, onTerm := terminal(stderr); {
	case f.json:
		return &jsonDisplay{w: stdout, people: stderr}
	case f.quiet:
		return quietDisplay{stdout, stderr}
	case onTerm:
		return &barDisplay{plain: plain{w: stderr}}
	}
	return &lineDisplay{plain: plain{w: stderr}}
}

// score writes loss and, where there are classes, accuracy.
func score(m engine.Metrics) string {
	if m.Count == 0 {
		return fmt.Sprintf("loss %.4f", m.Loss())
	}
	return fmt.Sprintf("loss %.4f  acc %.1f%%", m.Loss(), 100*m.Accuracy())
}

// plain is what the displays for people share: the lines around the training and one line
// for each evaluation.
type plain struct {
	w     io.Writer
	j     *job
	begin time.Time
}

func (p *plain) words(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *plain) start(j *job, dir string) {
	p.j, p.begin = j, time.Now()
	learned, _ := j.session.Params().Len()
	p.words("%s (%d units, %s learned parameters) on %s (T=%d I=%d O=%d)", j.net.Name(), j.net.Hidden(),
		thousands(learned), j.task.Name, j.task.T, j.task.I, j.task.O)
	p.words("device: %s", j.place)
	p.words("run: %s", dir)
	if at := j.session.Progress().Step; at > 0 {
		p.words("going on at step %d of %d", at, j.session.Steps())
	}
}

// evaluated writes the line of an evaluation.
func (p *plain) evaluated(e engine.EvalEvent) {
	best := ""
	if e.Improved {
		best = "  best"
	}
	p.words("epoch %d/%d  step %d  train %s  test %s  %s%s", e.Epoch+1, p.j.opt.Epochs, e.Step, score(e.Train),
		score(e.Test), time.Since(p.begin).Round(time.Second), best)
}

func (p *plain) end(j *job, r engine.Result, dir string, took time.Duration) {
	p.words("%s after %d steps, %s", r.Outcome, r.Step, took.Round(100*time.Millisecond))
	if advice := r.Outcome.Advice(); advice != "" {
		p.words("%s", advice)
	}
	if r.Last != nil {
		p.words("test  %s", score(*r.Last))
	}
	if r.Best != nil {
		p.words("best  %s", score(*r.Best))
	}
	p.words("look at it: %s/plots, galvani eval %s, tensorboard --logdir %s", dir, dir, j.run.RunsDir)
}

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

// lineDisplay writes a line now and then.
type lineDisplay struct {
	plain
	pace
}

func (d *lineDisplay) start(j *job, dir string) {
	d.plain.start(j, dir)
	d.pace.start(j)
}

// Stepped implements engine.Observer.
func (d *lineDisplay) Stepped(e engine.StepEvent) error {
	if rate, eta, due := d.tick(e.Step); due {
		d.words("epoch %d/%d  step %d/%d  %s  %.0f seq/s  %s left", e.Epoch+1, d.j.opt.Epochs, e.Step,
			d.j.session.Steps(), score(e.Running), rate, eta.Round(time.Second))
	}
	return nil
}

// Evaluated implements engine.Observer.
func (d *lineDisplay) Evaluated(e engine.EvalEvent) error {
	d.evaluated(e)
	return nil
}

func (d *lineDisplay) stop(rundir.Status) {}

// pace measures the speed between two reports.
type pace struct {
	batch, total, step int
	last               time.Time
}

func (p *pace) start(j *job) {
	*p = pace{j.opt.Batch, j.session.Steps(), j.session.Progress().Step, time.Now()}
}

// tick reports whether a line is due, and if so the sequences per second since the one before
// and the time left at that speed.
func (p *pace) tick(step int) (rate float64, eta time.Duration, due bool) {
	took := time.Since(p.last)
	if took < lineEvery {
		return 0, 0, false
	}
	steps := float64(step-p.step) / took.Seconds()
	p.step, p.last = step, time.Now()
	return steps * float64(p.batch), time.Duration(float64(p.total-step) / steps * float64(time.Second)), true
}

// quietDisplay prints the run directory to stdout and nothing else.
type quietDisplay struct{ stdout, stderr io.Writer }

func (quietDisplay) Stepped(engine.StepEvent) error   { return nil }
func (quietDisplay) Evaluated(engine.EvalEvent) error { return nil }
func (quietDisplay) start(*job, string)               {}
func (quietDisplay) words(string, ...any)             {}
func (quietDisplay) stop(rundir.Status)               {}

func (d quietDisplay) end(_ *job, _ engine.Result, dir string, _ time.Duration) {
	fmt.Fprintln(d.stdout, dir)
}

// jsonDisplay writes events as JSON lines to stdout, remarks to stderr.
type jsonDisplay struct {
	w, people io.Writer
	pace
}

// scoreJSON is a metric in JSON, which has no NaN.
type scoreJSON struct {
	Loss     float64  `json:"loss"`
	Accuracy *float64 `json:"accuracy,omitempty"`
}

func newScore(m engine.Metrics) scoreJSON {
	s := scoreJSON{Loss: m.Loss()}
	if a := m.Accuracy(); !math.IsNaN(a) {
		s.Accuracy = &a
	}
	return s
}

// event is one JSON line of train.
type event struct {
	Event   string     `json:"event"` // start, step, evaluation, end
	Run     string     `json:"run,omitempty"`
	Model   string     `json:"model,omitempty"`
	Task    string     `json:"task,omitempty"`
	Device  string     `json:"device,omitempty"`
	Backend string     `json:"backend,omitempty"`
	Learned int        `json:"learned_parameters,omitempty"`
	Step    int        `json:"step"`
	Steps   int        `json:"steps"`
	Epoch   int        `json:"epoch,omitempty"` // counted from 1
	Train   *scoreJSON `json:"train,omitempty"`
	Test    *scoreJSON `json:"test,omitempty"`
	Best    *scoreJSON `json:"best,omitempty"`
	Rate    float64    `json:"sequences_per_second,omitempty"`
	Outcome string     `json:"outcome,omitempty"` // done, early stopped, stopped, failed
	Reason  string     `json:"reason,omitempty"`
	Seconds float64    `json:"seconds,omitempty"`
}

func (d *jsonDisplay) write(e event) error {
	e.Steps = d.total
	return writeJSON(d.w, e)
}

func (d *jsonDisplay) start(j *job, dir string) {
	d.pace.start(j)
	learned, _ := j.session.Params().Len()
	d.write(event{Event: "start", Run: dir, Model: j.net.Name(), Task: j.task.Name, Device: j.place.device,
		Backend: j.place.backend, Learned: learned, Step: j.session.Progress().Step})
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
	train, test := newScore(e.Train), newScore(e.Test)
	return d.write(event{Event: "evaluation", Step: e.Step, Epoch: e.Epoch + 1, Train: &train, Test: &test})
}

func (d *jsonDisplay) words(format string, args ...any) { fmt.Fprintf(d.people, format+"\n", args...) }

// stop tells of an end that comes with an error; end tells of the others.
func (d *jsonDisplay) stop(s rundir.Status) {
	if s.Phase != rundir.Completed {
		d.write(event{Event: "end", Step: int(s.Step), Outcome: string(s.Phase), Reason: s.Reason})
	}
}

func (d *jsonDisplay) end(_ *job, r engine.Result, dir string, took time.Duration) {
	e := event{Event: "end", Run: dir, Step: r.Step, Outcome: r.Outcome.String(), Seconds: took.Seconds()}
	if r.Last != nil {
		s := newScore(*r.Last)
		e.Test = &s
	}
	if r.Best != nil {
		s := newScore(*r.Best)
		e.Best = &s
	}
	d.write(e)
}
