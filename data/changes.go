package data

import (
	"fmt"
	"math"
)

// Changes encodes the differences between frames as events, channel by channel: a channel
// reports when it has moved by a threshold from the level that it reported last, and stays
// silent in between (send on delta). The level starts at 0 and moves by whole thresholds θ:
//
//	n = trunc(x/θ − level),  level' = level + n
//
// Channel i of I sends weight n on unit i where n > 0, and −n on unit I+i where n < 0, so that
// weights are positive, as conductances want them. From all events up to a moment, x, which is
// finite, is known to less than θ.
//
// Source: Miskowicz (2006), Send-on-delta concept: an event-based data reporting strategy,
// doi:10.3390/s6010049.
type Changes struct{ threshold []float64 }

// NewChanges returns the encoder of frames with the given number of channels. One threshold
// serves all channels.
//
// Errors: ErrConfig for a threshold that is not positive and finite, or for another number of
// them than 1 or one per channel.
func NewChanges(channels int, thresholds ...float64) (*Changes, error) {
	if n := len(thresholds); n != 1 && n != channels {
		return nil, fmt.Errorf("data: %d thresholds of change, want 1 or one for each of %d channels: %w", n, channels, ErrConfig)
	}
	c := &Changes{make([]float64, channels)}
	for i := range c.threshold {
		at := min(i, len(thresholds)-1)
		th := thresholds[at]
		if !(th > 0) || math.IsInf(th, 1) {
			return nil, fmt.Errorf("data: threshold of change %d is %v, want a positive number: %w", at, th, ErrConfig)
		}
		c.threshold[i] = th
	}
	return c, nil
}

// step calls send for every event of a frame, after moving the levels [I].
func (c *Changes) step(levels []float64, frame []float32, send func(unit int, weight float64)) {
	for i, x := range frame {
		n := math.Trunc(float64(x)/c.threshold[i] - levels[i])
		levels[i] += n
		if n > 0 {
			send(i, n)
		} else if n < 0 {
			send(len(frame)+i, -n)
		}
	}
}

// Events encodes frames x [T,I] that last stepMs each. An event comes in the middle of its
// frame, so that recordings in steps of stepMs have it there again.
func (c *Changes) Events(x []float32, stepMs float64) []Event {
	channels := len(c.threshold)
	levels := make([]float64, channels)
	var events []Event
	for t := 0; (t+1)*channels <= len(x); t++ {
		c.step(levels, x[t*channels:(t+1)*channels], func(unit int, weight float64) {
			events = append(events, Event{(float64(t) + 0.5) * stepMs, unit, weight})
		})
	}
	return events
}
