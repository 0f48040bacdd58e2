package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"galvani/engine"
	"galvani/engine/hostmem"
	"galvani/engine/rundir"
)

const lineEvery = 5 * time.Second // between two plain lines

// display tells how training goes. It ends the session where it cannot write what is for
// programs, to stdout; words for people that cannot be written are lost.
type display interface {
	engine.Observer
	start(j *job, dir string) error
	words(format string, args ...any) // a remark for people
	stop(s rundir.Status)             // training has ended, one way or the other
	end(j *job, r engine.Result, dir string, took time.Duration)
}

// newDisplay chooses the way to tell: JSON, nothing, a bar on a terminal, or plain lines.
func newDisplay(f trainFlags, stdout, stderr io.Writer) display {
	switch {
	case f.json:
		return &jsonDisplay{w: stdout, people: stderr}
	case f.quiet:
		return quietDisplay{stdout}
	case redrawn(stderr):
		return &barDisplay{plain: plain{w: stderr}}
	}
	return &lineDisplay{plain: plain{w: stderr}}
}

// score writes loss and, where there are classes, accuracy; of trials the part that is decided
// rightly, and that of the steps.
func score(m engine.Metrics) string {
	s := fmt.Sprintf("loss %.4f", m.Loss())
	switch {
	case m.Count > 0 && m.Steps > 0:
		s += fmt.Sprintf("  trials right %.1f%%", 100*m.Accuracy())
	case m.Count > 0:
		s += fmt.Sprintf("  acc %.1f%%", 100*m.Accuracy())
	}
	if m.Steps > 0 {
		s += fmt.Sprintf("  steps %.1f%%", 100*m.StepAccuracy())
	}
	return s
}

// plain is what the displays for people share: the lines around the training and one line
// for each evaluation.
type plain struct {
	w     io.Writer
	j     *job
	begin time.Time
}

func (p *plain) words(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *plain) start(j *job, dir string) error {
	p.j, p.begin = j, time.Now()
	learned, _ := j.session.Params().Len()
	p.words("%s (%s, %s learned parameters) on %s (T=%d I=%d O=%d)", j.network().Name(), j.units(),
		thousands(learned), j.task.Name, j.task.T, j.task.I, j.task.O)
	if names := j.frozen(); names != nil {
		p.words("frozen: %s", strings.Join(names, ", "))
	}
	p.words("data: %s", j.counts())
	if line := j.curriculumText(); line != "" {
		p.words("curriculum: %s", line)
	}
	p.words("device: %s", j.place)
	if line := j.ranksText(); line != "" {
		p.words("ranks: %s", line)
	}
	for _, n := range j.task.Notes {
		p.words("data: %s", n)
	}
	p.words("run: %s", dir)
	if at := j.session.Progress().Step; at > 0 {
		p.words("going on at step %d of %d", at, j.session.Steps())
	}
	return nil
}

// evaluated writes the line of an evaluation.
func (p *plain) evaluated(e engine.EvalEvent) {
	best := ""
	if e.Improved {
		best = "  best"
	}
	if n := p.j.levels(); n > 1 {
		best += fmt.Sprintf("  level %d/%d", e.Level+1, n)
	}
	p.words("epoch %d/%d  step %d  train %s  %s %s%s  %s%s", e.Epoch+1, p.j.opt.Epochs, e.Step, score(e.Train), e.Set,
		score(e.Held), anglesText(e.Against)+curvatureText(e.Curvature), time.Since(p.begin).Round(time.Second), best)
}

// anglesText writes the angles of the updates of the layers to the gradient, from the first on.
func anglesText(list []engine.Direction) string {
	var angles []string
	for _, d := range list {
		if strings.HasSuffix(d.Name, ".weight") {
			angles = append(angles, fmt.Sprintf("%.0f°", d.Degrees))
		}
	}
	if angles == nil {
		return ""
	}
	return "  to the gradient " + strings.Join(angles, " ")
}

// curvatureText writes the ends of the spectrum of the Hessian.
func curvatureText(c *engine.Curvature) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("  Hessian %.3g to %.3g", c.Smallest, c.Largest)
}

func (p *plain) end(j *job, r engine.Result, dir string, took time.Duration) {
	p.words("%s after %d steps, %s", r.Outcome, r.Step, took.Round(100*time.Millisecond))
	if advice := j.session.Advice(r); advice != "" {
		p.words("%s", advice)
	}
	for _, line := range j.results(r) {
		p.words("%s", line)
	}
	if u, ok := j.session.Usage(); ok {
		p.words("GPU memory: at most %s of %s", hostmem.Text(u.High), hostmem.Text(u.Total))
	}
	p.words("look at it: %s/plots, galvani eval %s, tensorboard --logdir %s", dir, word(dir), word(j.run.RunsDir))
}

// lineDisplay writes a line now and then.
type lineDisplay struct {
	plain
	pace
}

func (d *lineDisplay) start(j *job, dir string) error {
	d.pace.start(j)
	return d.plain.start(j, dir)
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

// pace measures the speed of training.
type pace struct {
	batch, total int
	first, step  int       // step at the begin, and at the last report
	begin, last  time.Time // of them
}

func (p *pace) start(j *job) {
	at, now := j.session.Progress().Step, time.Now()
	*p = pace{j.opt.Batch, j.session.Steps(), at, at, now, now}
}

// mean returns the sequences per second since the begin, and the time left at that speed.
func (p *pace) mean(step int) (rate float64, eta time.Duration) {
	steps := float64(step-p.first) / time.Since(p.begin).Seconds()
	return steps * float64(p.batch), time.Duration(float64(p.total-step) / steps * float64(time.Second))
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

// quietDisplay prints the run directory to stdout as soon as it is known, and nothing else.
type quietDisplay struct{ stdout io.Writer }

func (quietDisplay) Stepped(engine.StepEvent) error                 { return nil }
func (quietDisplay) Evaluated(engine.EvalEvent) error               { return nil }
func (quietDisplay) words(string, ...any)                           {}
func (quietDisplay) stop(rundir.Status)                             {}
func (quietDisplay) end(*job, engine.Result, string, time.Duration) {}

func (d quietDisplay) start(_ *job, dir string) error {
	_, err := fmt.Fprintln(d.stdout, dir)
	return err
}
