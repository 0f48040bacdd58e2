package data

import (
	"fmt"
	"io"
	"math"
	"os"
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

// Frames adds events up in steps of stepMs, x [T,I]: x[t,i] is the sum of the weights of the
// events of unit i from t·stepMs to before (t+1)·stepMs. Events after the last step are left
// out.
//
// Errors: an event of a unit that is not below i, or at a time before 0; x of another length.
func Frames(x []float32, i int, stepMs float64, events []Event) error {
	if i < 1 || len(x)%i != 0 || !(stepMs > 0) {
		return fmt.Errorf("data: frames of %d numbers in steps of %v ms, want a multiple of the %d inputs and a positive step", len(x), stepMs, i)
	}
	clear(x)
	steps := float64(len(x) / i)
	for n, e := range events {
		t := stepOf(e, stepMs)
		if e.Unit < 0 || e.Unit >= i || !(t >= 0) {
			return fmt.Errorf("data: event %d is of unit %d at %v ms, want a unit from 0 to %d and a time of at least 0", n+1, e.Unit, e.Time, i-1)
		}
		if t < steps {
			x[int(t)*i+e.Unit] += float32(e.Weight)
		}
	}
	return nil
}

// stepOf returns the number of the step that an event lies in.
func stepOf(e Event, stepMs float64) float64 { return math.Floor(e.Time / stepMs) }

// readEvents opens a file for one of the parsers of events.
func readEvents(path string, parse func(r io.Reader) ([]Event, error)) ([]Event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, systemError(err)
	}
	defer f.Close()
	return parse(f)
}

// eventError is the error of a bad record, numbered from 1.
func eventError(path, where, got, want, remedy string) error {
	return &FileError{File: path, Where: where, Got: got, Want: want, Remedy: remedy, Kind: ErrCorrupt}
}
