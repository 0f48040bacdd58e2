//go:build cgo

package circuit

import (
	"slices"
	"testing"
	"time"

	"galvani/kernels"
	"galvani/kernels/conform"
)

// TestPace wants stretches to be done by one thread where that is faster, and by all again when it no longer is.
func TestPace(t *testing.T) {
	var now time.Time
	p := newPace(false, paceFirst, func() time.Time { return now })
	run := func(stretches int, alone, all time.Duration) (byOne int) {
		for range stretches {
			if err := p.run(256, func(a bool) error {
				if a {
					byOne++
					now = now.Add(alone)
				} else {
					now = now.Add(all)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return byOne
	}
	if got := run(paceFirst, 2, 1); got != paceTried {
		t.Errorf("%d stretches by one thread where all are faster, want the %d that are tried", got, paceTried)
	}
	if got := run(paceRound, 100, 104); got != paceTried {
		t.Errorf("%d stretches by one thread that is hardly faster, want the %d that are tried", got, paceTried)
	}
	if got, want := run(2*paceRound, 1, 2), paceRound; got != want {
		t.Errorf("%d stretches by one thread that is faster, want %d", got, want)
	}
	if got, want := run(2*paceRound, 2, 1), paceRound; got != want {
		t.Errorf("%d stretches by one thread that is no longer faster, want %d", got, want)
	}
}

// TestAlone wants the spikes of a circuit to be the same whether one thread does all parts or each its own.
func TestAlone(t *testing.T) {
	c := conform.Balanced(t, 504, 1, true)
	run := func(alone func(stretch int) bool) (spikes []kernels.Spike) {
		plan, e := newPlan(c, one.isa, 3, each)
		for k := range 8 {
			e.pace = newPace(alone(k), paceRound, time.Now) // which tries nothing in its first stretch
			r, err := plan.Run(250)
			if err != nil {
				t.Fatal(err)
			}
			spikes = append(spikes, r.Spikes...)
		}
		if len(spikes) < 500 {
			t.Fatalf("%d spikes", len(spikes))
		}
		return spikes
	}
	want := run(func(int) bool { return false })
	for name, alone := range map[string]func(int) bool{"one": func(int) bool { return true }, "in turns": func(k int) bool { return k%2 == 1 }} {
		if got := run(alone); !slices.Equal(got, want) {
			t.Errorf("%s: other spikes", name)
		}
	}
}
