package monitor

import (
	"runtime"
	"testing"
)

// TestSpare holds that the scheduler has a processor to spare, at the start and after Use, and that it does not count as a core.
func TestSpare(t *testing.T) {
	check := func(want int) {
		t.Helper()
		if Cores() != want || runtime.GOMAXPROCS(0) <= want {
			t.Errorf("%d cores and %d processors, want %d and more", Cores(), runtime.GOMAXPROCS(0), want)
		}
	}
	check(runtime.GOMAXPROCS(0) - 1)
	first := Cores()
	if before := Use(3); before != first {
		t.Errorf("before there were %d cores, want %d", before, first)
	}
	check(3)
	Use(first)
	check(first)
}
