package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/kernels"
	"galvani/models/circuits"
)

// windowSteps returns how many steps a window has.
func (f *simulateFlags) windowSteps() int64 {
	return max(1, int64(float64(f.window)/float64(time.Millisecond)/f.step+0.5))
}

// countWindows fills in what the counts of spikes by window say.
func (r *simulation) countWindows(f *simulateFlags, c *kernels.Circuit, spikes []kernels.Spike) {
	if f.window == 0 {
		return // of a theory, which tells no counts
	}
	r.windows = analysis.WindowsOf(c, spikes, int64(f.steps()), f.windowSteps())
	r.WindowMs = float64(r.windows.Steps) * f.step
	for k, p := range c.Populations {
		if did, ok := r.Populations[p.Name]; ok {
			did.Counts = r.windows.Counts[k]
			r.Populations[p.Name] = did
		}
	}
}

// unused notes which spikes of files did nothing in so many steps: those behind the end, and those in a step with another
// of their unit.
func (r *simulation) unused(net *circuits.Blueprint, steps int64) {
	for _, p := range net.Populations {
		late, all := 0, p.Merged
		for _, train := range p.Trains {
			all += len(train)
			at, _ := slices.BinarySearch(train, steps)
			late += len(train) - at
		}
		if p.Merged > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d of %d spikes of %s fall into a step with another of their unit, and two in a step are one; shorter steps (--dt) keep them apart", p.Merged, all, p.Name))
		}
		if late > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf("%d of %d spikes of %s come after the end at %g ms", late, all, p.Name, r.Milliseconds))
		}
	}
}

// writeRates leaves the rates by window, as a table and as a picture, where there are two windows or more.
func (f *simulateFlags) writeRates(cfg *kernels.Circuit, w analysis.Windows) error {
	var names []string
	var rates [][]float64
	c := chart.Lines{Title: "Rates of the populations", XLabel: "time (ms)", YLabel: "rate (Hz)",
		Subtitle: fmt.Sprintf("windows of %g ms", float64(w.Steps)*f.step)}
	for k, p := range cfg.Populations {
		if p.Unrecorded {
			continue
		}
		line := chart.Series{Name: p.Name, Y: w.RateHz[k]}
		for i := range line.Y {
			line.X = append(line.X, (float64(i)+0.5)*float64(w.Steps)*f.step)
		}
		c.Series = append(c.Series, line)
		names, rates = append(names, p.Name+"_hz"), append(rates, line.Y)
	}
	if len(rates) == 0 || len(rates[0]) < 2 {
		return nil
	}
	err := writeFile(f.out+"-rates.csv", func(to io.Writer) error {
		return writeCourses(to, names, func(i int) float64 { return float64(i+1) * float64(w.Steps) * f.step }, rates)
	})
	if err != nil {
		return err
	}
	return writeChart(f.out+"-rates", c)
}

// rateWatch refuses rates that explode.
type rateWatch struct {
	most   float64 // Hz, 0 for any
	counts []int
	steps  int
}

// leastWatch is how many ms a rate has to be too high in the mean.
const leastWatch = 20

// look takes in the spikes of some steps up to one.
//
// Errors: kernels.ErrNotFinite, with the population.
func (w *rateWatch) look(c *kernels.Circuit, spikes []kernels.Spike, steps, done int) error {
	if w.most == 0 {
		return nil
	}
	if w.counts == nil {
		w.counts = make([]int, len(c.Populations))
	}
	for _, s := range spikes {
		w.counts[s.Population]++
	}
	w.steps += steps
	ms := float64(w.steps) * c.Step
	if ms < leastWatch {
		return nil
	}
	for k, p := range c.Populations {
		if hz := float64(w.counts[k]) / float64(p.N) / ms * 1000; hz > w.most && !p.Source() {
			return quiet{fmt.Errorf("population %q fires at %.0f Hz from %.6g to %.6g ms, so that its rate explodes; give it weaker excitation or stronger inhibition, or allow the rate by --rate-limit",
				p.Name, hz, float64(done)*c.Step-ms, float64(done)*c.Step), kernels.ErrNotFinite}
		}
	}
	clear(w.counts)
	w.steps = 0
	return nil
}

// checkWindow wants a window and a limit that make sense.
func (f *simulateFlags) checkWindow() error {
	if ms := float64(f.window) / float64(time.Millisecond); !(ms >= f.step) {
		return fmt.Errorf("%w: --window is %v, shorter than a step of %g ms", config.ErrConfig, f.window, f.step)
	}
	if !(f.rateLimit >= 0) {
		return fmt.Errorf("%w: --rate-limit is %g Hz, want 0 for none or more", config.ErrConfig, f.rateLimit)
	}
	return nil
}
