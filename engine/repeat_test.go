//go:build cgo

package engine

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// TestRepeat holds that n updates at once are n single ones, on the host and on a device whose
// queue holds fewer, and that one refused update is told as that of Step.
func TestRepeat(t *testing.T) {
	const n = 13 // more than twice the capacity of a far device
	host, device, _ := residentSessions(t, 0, nil)
	single, _, _ := residentSessions(t, 0, nil)
	b := batchOf(t, single, 0)
	first := b.X[0]
	var want []StepResult
	for range n {
		r, err := single.Step(b)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	for name, s := range map[string]*Session{"host": host, "device": device} {
		got, err := s.Repeat(b, n)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: results %v, want %v", name, got, want)
		}
		sameState(t, single, s)
		b.X[0] = float32(math.NaN())
		if _, err := s.Repeat(b, n); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%s: a batch that is not finite gives %v", name, err)
		}
		b.X[0] = first
		if s.Progress().Step != n {
			t.Errorf("%s: %d updates were made, want %d", name, s.Progress().Step, n)
		}
	}
}
