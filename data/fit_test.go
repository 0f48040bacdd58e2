package data

import (
	"errors"
	"slices"
	"testing"
)

// opened opens a perceptual task with some settings, in two samples of each set.
func openedAs(t *testing.T, change func(*Perceptual)) *Task {
	t.Helper()
	c := newPerceptual()
	c.TrainSize, c.TestSize, c.StimulusMs = 4, 2, 300
	change(c)
	task, err := c.Open(Env{Seed: 1, Validation: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestFit puts trials without a delay into batches of trials with one: they are the same, and behind their end there is
// nothing.
func TestFit(t *testing.T) {
	long := openedAs(t, func(c *Perceptual) { c.DelayMs = 500 })
	short := openedAs(t, func(c *Perceptual) {})
	fit, err := Fit(short, long)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := Fit(long, long); err != nil || same != long {
		t.Errorf("a task of the same shape is %v, %v, want itself", same, err)
	}
	const col = 1
	wide, own := NewBatch(long, 3), NewBatch(short, 1)
	for _, set := range []struct{ fit, own Set }{{fit.Train, short.Train}, {fit.Validation, short.Validation}, {fit.Test, short.Test}} {
		for i := range wide.X {
			wide.X[i] = 7
		}
		for i := range wide.Weight {
			wide.Weight[i], wide.Label[i] = 7, 7
		}
		if err := errors.Join(set.fit.Fill(wide, col, 0, 1), set.own.Fill(own, 0, 0, 1)); err != nil {
			t.Fatal(err)
		}
		for step := range long.T {
			n, x := step*wide.B+col, make([]float32, own.I)
			var weight, label float32
			if step < short.T {
				x, weight, label = own.input(step, 0), own.Weight[step], own.Label[step]
			}
			if !slices.Equal(wide.input(step, col), x) || wide.Weight[n] != weight || wide.Label[n] != label {
				t.Errorf("step %d: x %v, weight %v, label %v, want %v, %v, %v", step, wide.input(step, col), wide.Weight[n], wide.Label[n], x, weight, label)
			}
			if wide.X[(step*wide.B)*wide.I] != 7 || wide.Weight[step*wide.B] != 7 {
				t.Fatalf("step %d of another column has changed", step)
			}
		}
		if wide.Decisions[col] != own.Decisions[0] {
			t.Errorf("decision %+v, want %+v", wide.Decisions[col], own.Decisions[0])
		}
	}
	for name, other := range map[string]*Task{
		"longer":  openedAs(t, func(c *Perceptual) { c.DelayMs = 600 }),
		"choices": openedAs(t, func(c *Perceptual) { c.Ring = 3 }),
		"samples": openedAs(t, func(c *Perceptual) { c.TrainSize = 6 }),
	} {
		if _, err := Fit(other, long); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	adding := func(steps int) *Task {
		task, err := (&Adding{Steps: steps, Sampling: Sampling{TrainSize: 4, TestSize: 2}}).Open(Env{})
		if err != nil {
			t.Fatal(err)
		}
		return task
	}
	if _, err := Fit(adding(5), adding(9)); !errors.Is(err, ErrConfig) {
		t.Errorf("shorter sequences with a target at the end: error %v", err)
	}
}

// TestFitMask holds that the mask of fitted samples ends where they do.
func TestFitMask(t *testing.T) {
	of := openedAs(t, func(c *Perceptual) { c.DelayMs = 500 })
	of.Masked = true
	short := openedAs(t, func(c *Perceptual) {})
	fit, err := Fit(short, of)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch(of, 2)
	if err := fit.Train.Fill(b, 1, 0, 0); err != nil {
		t.Fatal(err)
	}
	for step := range of.T {
		if got := b.Mask[step*2+1] == 1; got != (step < short.T) {
			t.Errorf("mask of step %d is %v", step, b.Mask[step*2+1])
		}
	}
}
