//go:build cgo

package circuit

import (
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/cpu/pace"
)

// TestAlone wants the spikes of a circuit to be the same whether one thread does all parts or each its own.
func TestAlone(t *testing.T) {
	c := conform.Balanced(t, 504, 1, true)
	run := func(alone func(stretch int) bool) (spikes []kernels.Spike) {
		plan, e := newPlan(c, one.isa, 3, each)
		for k := range 8 {
			e.pace = pace.New(alone(k), pace.Round) // which tries nothing in its first stretch
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
