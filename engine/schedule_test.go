package engine

import (
	"errors"
	"math"
	"testing"
)

func TestSchedules(t *testing.T) {
	const total, perEpoch = 1000, 100
	type at map[int]float64
	base := DefaultOptions()
	base.LR = 0.8
	for name, c := range map[string]struct {
		change func(*Options)
		want   at
	}{
		"constant": {func(o *Options) { o.Schedule = "constant" }, at{0: 0.8, 999: 0.8}},
		// Warm-up over 100 updates, then half a cosine over the other 900.
		"cosine": {func(o *Options) { o.Schedule = "cosine"; o.LRFinal = 0.1 },
			at{0: 0.008, 49: 0.4, 99: 0.8, 100: 0.8, 999: 0.08 + 0.72*(1-math.Cos(math.Pi/900))/2, 400: 0.62, 1000: 0.08}},
		"cosine, no warm-up": {func(o *Options) { o.Schedule = "cosine"; o.Warmup = 0 }, at{0: 0.8, 999: 0.4 * (1 - math.Cos(math.Pi/1000)), 500: 0.4, 1000: 0}},
		"step":               {func(o *Options) { o.Schedule = "step"; o.StepEvery = 3; o.StepDrop = 0.5 }, at{0: 0.8, 299: 0.8, 300: 0.4, 599: 0.4, 600: 0.2, 999: 0.1}},
		// The rise of torch.optim.lr_scheduler.OneCycleLR(max_lr=0.8, total_steps=1000,
		// pct_start=0.3), which ends at update 299; the fall ends at 1000, behind the last update.
		"onecycle": {func(o *Options) { o.Schedule = "onecycle"; o.Warmup = 0.3 },
			at{0: 0.032, 299: 0.8, 299 + 1: 0.4 * (1 + math.Cos(math.Pi/701)), 999: 0.4 * (1 - math.Cos(math.Pi/701)), 1000: 0, 100: 0.032 + 0.768*(1-math.Cos(math.Pi*100/299))/2}},
		"plateau":           {func(o *Options) { o.Schedule = "plateau"; o.StepDrop = 0.5 }, at{0: 0.1, 999: 0.1}}, // three drops
		"onecycle, no rise": {func(o *Options) { o.Schedule = "onecycle"; o.Warmup = 0 }, at{0: 0.8, 999: 0.4 * (1 - math.Cos(math.Pi/1000)), 500: 0.4, 1000: 0}},
	} {
		o := base
		c.change(&o)
		rate, err := NewSchedule(o, total, perEpoch)
		if err != nil {
			t.Fatal(err)
		}
		for step, want := range c.want {
			if got := rate(step, 3*b2i(name == "plateau")); math.Abs(got-want) > 1e-12 { // rounding of a cosine
				t.Errorf("%s: rate of update %d is %v, want %v", name, step, got, want)
			}
		}
		for step := range total {
			if r := rate(step, 0); r <= 0 || r > 0.8 || math.IsNaN(r) {
				t.Fatalf("%s: rate of update %d is %v", name, step, r)
			}
		}
	}
}

// TestShortSchedules holds that runs of any length have a rate.
func TestShortSchedules(t *testing.T) {
	for name := range schedules {
		for total := 1; total < 8; total++ {
			for _, warmup := range []float64{0, 0.1, 0.5, 1} {
				o := DefaultOptions()
				o.Schedule, o.Warmup = name, warmup
				rate, err := NewSchedule(o, total, 1)
				if err != nil {
					t.Fatal(err)
				}
				for step := range total {
					if r := rate(step, step); !(r > 0 && r <= o.LR) { // a rate of 0 is an update for nothing
						t.Errorf("%s: rate of update %d of %d is %v", name, step, total, r)
					}
				}
			}
		}
	}
}

func TestNewScheduleRefuses(t *testing.T) {
	o := DefaultOptions()
	if _, err := NewSchedule(o, 0, 1); !errors.Is(err, ErrOption) {
		t.Errorf("no updates: error %v, want ErrOption", err)
	}
	o.Schedule = "cosin"
	if _, err := NewSchedule(o, 1, 1); !errors.Is(err, ErrOption) {
		t.Errorf("unknown schedule: error %v, want ErrOption", err)
	}
}
