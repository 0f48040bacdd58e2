package data

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
)

// Event is one change that an input reports at a moment of its own.
//
// Units: Time in ms from the start of the sequence.
type Event struct {
	Time   float64
	Unit   int
	Weight float64
}

// mostEvents bounds what one file can make a reader allocate. The longest recordings of the
// published collections in the 5-byte format have some hundred thousand events.
const mostEvents = 1 << 22

// Sensor is the size of an event camera in pixels. Its units are the OFF changes of all pixels,
// row by row, then their ON changes.
type Sensor struct{ Width, Height int }

// NMNIST is the sensor of the N-MNIST recordings: 34 × 34 pixels.
var NMNIST = Sensor{34, 34}

// Units returns the number of units: two per pixel.
func (s Sensor) Units() int { return 2 * s.Width * s.Height }

// unit returns the number of a unit.
func (s Sensor) unit(x, y, polarity int) int { return (polarity*s.Height+y)*s.Width + x }

// column is one sequence of a batch: its row of inputs at each step, and of its lengths.
type column struct {
	x            []float32 // row t is at t·stride, of the given units
	stride       int
	units, steps int
	lengths      []float32 // that of step t is at t·apart; nil without lengths
	apart        int
}

// row returns the inputs of step t.
func (c column) row(t int) []float32 { return c.x[t*c.stride : t*c.stride+c.units] }

// column returns column col of a batch.
func (b *Batch) column(col int) column {
	c := column{x: b.X[col*b.I:], stride: b.B * b.I, units: b.I, steps: b.T, apart: b.B}
	if b.Mask != nil {
		c.lengths = b.Mask[col:]
	}
	return c
}

// clear sets inputs and lengths to 0.
func (c column) clear() {
	for t := range c.steps {
		clear(c.row(t))
		if c.lengths != nil {
			c.lengths[t*c.apart] = 0
		}
	}
}

// add adds the weight of an event to step t.
//
// Errors: ErrCorrupt for a sum that float32 does not hold.
func (c column) add(t int, e Event) error {
	x := &c.x[t*c.stride+e.Unit]
	if *x += float32(e.Weight); !finite(*x) {
		return fmt.Errorf("data: the weights of unit %d up to %v ms add up to %v in one step, want a number that float32 holds: %w",
			e.Unit, e.Time, *x, ErrCorrupt)
	}
	return nil
}

// frames adds events up in steps of stepMs: x[t,i] is the sum of the weights of the events of unit i from t·stepMs to
// before (t+1)·stepMs. It returns how many events come after the last step; x is without them.
//
// Errors: an event of a unit that there is not, or at a time before 0; a sum that float32 does not hold (ErrCorrupt).
func (c column) frames(stepMs float64, events []Event) (late int, err error) {
	c.clear()
	for n, e := range events {
		t := math.Floor(e.Time / stepMs)
		if e.Unit < 0 || e.Unit >= c.units || !(t >= 0) {
			return 0, fmt.Errorf("data: event %d is of unit %d at %v ms, want a unit from 0 to %d and a time of at least 0", n+1, e.Unit, e.Time, c.units-1)
		}
		if !(t < float64(c.steps)) {
			late++
			continue
		}
		if err := c.add(int(t), e); err != nil {
			return 0, err
		}
	}
	return late, nil
}

// finite reports whether x is a number and not infinite.
func finite(x float32) bool { return x-x == 0 }

// sortEvents puts events into the order of their times. Those of one time keep theirs.
func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.Time, b.Time) })
}

// Bins adds events up in bins that come when events do: an event that no bin takes in opens one,
// which takes in the events of the next widthMs and ends then. It writes the sums x [T,I] and the
// lengths [T] of the bins, each from the end of the bin before, or 0, to its own. Behind the last
// one an empty bin reaches to endMs, unless that has passed. Bins that are left have length 0.
//
// Units: lengths in steps of stepMs.
//
// Errors: an event of a unit that is not below i, at a time before 0, or not in the order of their times; more bins than T (ErrConfig);
// sizes that do not fit, a width or a step that is not positive. What x and lengths hold then means
// nothing.
func Bins(x, lengths []float32, i int, stepMs, widthMs, endMs float64, events []Event) error {
	if i < 1 || len(x) != len(lengths)*i || !(stepMs > 0) || !(widthMs > 0) {
		return fmt.Errorf("data: %d bins of %d numbers in all, %v ms wide in steps of %v ms, want %d for each bin and positive times", len(lengths), len(x), widthMs, stepMs, i)
	}
	return column{x, i, i, len(lengths), lengths, 1}.bins(stepMs, widthMs, endMs, events)
}

// bins is Bins on a column.
func (c column) bins(stepMs, widthMs, endMs float64, events []Event) error {
	c.clear()
	bins, end, last := 0, 0.0, 0.0
	open := func(to float64) error {
		if bins == c.steps {
			return fmt.Errorf("data: the events up to %v ms need more than %d bins of %v ms; make them wider: %w", to, bins, widthMs, ErrConfig)
		}
		length := float32((to - end) / stepMs)
		if !finite(length) {
			return fmt.Errorf("data: a bin up to %v ms is %v steps of %v ms long, want a number that float32 holds: %w", to, (to-end)/stepMs, stepMs, ErrCorrupt)
		}
		c.lengths[bins*c.apart] = length
		bins, end = bins+1, to
		return nil
	}
	for n, e := range events {
		if e.Unit < 0 || e.Unit >= c.units || !(e.Time >= last) || math.IsInf(e.Time, 1) {
			return fmt.Errorf("data: event %d is of unit %d at %v ms, want a unit from 0 to %d and a time of at least %v ms", n+1, e.Unit, e.Time, c.units-1, last)
		}
		if last = e.Time; bins == 0 || e.Time >= end {
			if err := open(e.Time + widthMs); err != nil {
				return err
			}
		}
		if err := c.add(bins-1, e); err != nil {
			return err
		}
	}
	if endMs > end {
		return open(endMs)
	}
	return nil
}

// readEvents opens a file for one of the parsers of events.
func readEvents(path string, parse func(r io.Reader) ([]Event, error)) ([]Event, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f)
}

// eventError is the error of a bad record, numbered from 1.
func eventError(path, where, got, want, remedy string) error {
	return &FileError{File: path, Where: where, Got: got, Want: want, Remedy: remedy, Kind: ErrCorrupt}
}
