package engine

import (
	"fmt"
	"math"
)

// Schedule returns the learning rate of update number step, counted from 0, after a number of drops at plateaus
// (Progress.Drops). It is a pure function, so that a resumed run follows the same course.
type Schedule func(step, drops int) float64

// schedules makes each kind of schedule for a run of total updates, perEpoch of them in one
// epoch.
var schedules = map[string]func(o Options, total, perEpoch int) Schedule{
	"constant": func(o Options, _, _ int) Schedule {
		return func(int, int) float64 { return o.LR }
	},
	// Linear rise to lr, then half a cosine down to lr_final·lr (Loshchilov and Hutter 2017), which
	// is reached after the last update, so that every update has a rate.
	"cosine": func(o Options, total, _ int) Schedule {
		warm := int(math.Round(o.Warmup * float64(total)))
		return func(step, _ int) float64 {
			if step < warm {
				return o.LR * float64(step+1) / float64(warm)
			}
			return cosine(o.LR, o.LR*o.LRFinal, part(float64(step-warm), float64(total-warm)))
		}
	},
	// A drop by the factor step_drop every step_every epochs.
	"step": func(o Options, _, perEpoch int) Schedule {
		return func(step, _ int) float64 {
			return o.LR * math.Pow(o.StepDrop, float64(step/(o.StepEvery*perEpoch)))
		}
	},
	// A drop by the factor step_drop after every step_after evaluations in a row without improvement, down to
	// lr_final·lr: torch.optim.lr_scheduler.ReduceLROnPlateau with patience = step_after - 1 and threshold = 0.
	"plateau": func(o Options, _, _ int) Schedule {
		return func(_, drops int) float64 {
			return o.LR * max(math.Pow(o.StepDrop, float64(drops)), o.LRFinal)
		}
	},
	// Half a cosine from lr/25 up to lr, then half a cosine down to lr_final·lr (Smith and
	// Topin 2018, in the two-phase form of torch.optim.lr_scheduler.OneCycleLR; there the last
	// update has the final rate, here the update after it would).
	"onecycle": func(o Options, total, _ int) Schedule {
		up := max(o.Warmup*float64(total)-1, 0)
		return func(step, _ int) float64 {
			if x := float64(step); x < up {
				return cosine(o.LR/oneCycleStart, o.LR, x/up)
			}
			return cosine(o.LR, o.LR*o.LRFinal, part(float64(step)-up, float64(total)-up))
		}
	},
}

// oneCycleStart is the peak rate of a one-cycle schedule over its initial rate.
const oneCycleStart = 25

// NewSchedule returns the schedule of o for a run of total updates, perEpoch in one epoch.
func NewSchedule(o Options, total, perEpoch int) (Schedule, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if total < 1 || perEpoch < 1 {
		return nil, fmt.Errorf("engine: schedule: a run of %d updates, %d per epoch, want at least 1: %w", total, perEpoch, ErrOption)
	}
	return schedules[o.Schedule](o, total, perEpoch), nil
}

// cosine goes from a at x = 0 to b at x = 1 along half a cosine.
func cosine(a, b, x float64) float64 { return b + (a-b)*(1+math.Cos(math.Pi*x))/2 }

// part returns x/end clamped to [0,1]; a phase of no length is at its start.
func part(x, end float64) float64 {
	if end <= 0 {
		return 0
	}
	return min(max(x/end, 0), 1)
}
