package pace

import "testing"

// TestPace wants stretches to be done by one thread where that is faster, and by all again when it no longer is.
func TestPace(t *testing.T) {
	p := New(false, First)
	run := func(stretches int, alone, all float64) (byOne int) {
		for range stretches {
			if p.Alone() {
				byOne++
				p.Note(alone)
			} else {
				p.Note(all)
			}
		}
		return byOne
	}
	for _, c := range []struct {
		name       string
		stretches  int
		alone, all float64
		want       int
	}{
		{"all are faster", First, 1.5, 1, Tried},
		{"one is hardly faster", Round, 100, 104, Tried},
		{"one is far slower", 2*Round - Tried + 1, 16, 1, 1},
		{"the round after a trial that was lost is longer", 4*Round - Tried, 1, 2, 0},
		{"one is faster", Tried, 1, 2, Tried},
		{"one is faster for a round", Round, 1, 2, Round - Tried},
		{"one is no longer faster", 2*Round - Tried, 2, 1, 2*Round - Tried},
		{"nor after the trial, which one stretch ends", Tried + Round, 2, 1, 1},
	} {
		if got := run(c.stretches, c.alone, c.all); got != c.want {
			t.Errorf("%s: %d of %d stretches by one thread, want %d", c.name, got, c.stretches, c.want)
		}
	}
	p = New(false, First)
	if got := run(First, 1.6, 1); got != 1 {
		t.Errorf("%d of the first stretches by one thread that takes 1.6 times as long, want 1", got)
	}
	p = New(false, First)
	trials := run(20*Longest, 3, 1)
	if most := 20 + 6; trials > most {
		t.Errorf("%d trials of one thread that is slower, want at most %d", trials, most)
	}
}
