package models

import (
	"errors"
	"slices"
	"testing"

	"galvani/kernels"
)

// TestSilencedUnitsAreUnseen starts every cell from two states that differ in all planes of two
// units. With the outgoing weights of these units at 0, logits and the states of the others are
// the same bit for bit; with the read-out kept, the states alone; with all weights, neither.
func TestSilencedUnitsAreUnseen(t *testing.T) {
	s := size{T: 3, B: 2, I: 2, H: 5, O: 2}
	units := []int{1, 4} // of each layer
	for _, v := range variants(t) {
		if v.norm || v.both {
			continue // which Outgoing refuses
		}
		if c, ok := v.cell.(Smoother); ok {
			v.cell = c.Smooth() // another potential need not be another spike
		}
		t.Run(v.name, func(t *testing.T) {
			for _, tt := range []struct {
				silence, readout       bool
				sameStates, sameLogits bool
			}{
				{false, false, false, false},
				{true, false, true, false},
				{true, true, true, true},
			} {
				x := newFixture(t, v, s, 0)
				if tt.silence {
					x.silence(t, inEachLayer(x.net, units), tt.readout)
				}
				x.run(t)
				rest := others(slices.Max(x.net.Sizes()), units)
				states, logits := x.of(t, rest), numbers(x.logits)
				e := x.seq.State.Data().([]float64)
				for i := range e {
					if slices.Contains(units, x.unit(i)) {
						e[i] += 0.25
					}
				}
				x.run(t)
				same := slices.Equal(states, x.of(t, rest))
				if coupled := x.coupled(); same != (tt.sameStates || !coupled) {
					t.Errorf("%+v: states of the others are the same: %v", tt, same)
				}
				if same := slices.Equal(logits, numbers(x.logits)); same != tt.sameLogits {
					t.Errorf("%+v: logits are the same: %v", tt, same)
				}
			}
		})
	}
}

// TestOutgoingVisitsOnce holds that each weight comes once, also the edge between two of the
// units.
func TestOutgoingVisitsOnce(t *testing.T) {
	for _, v := range variants(t) {
		x := newFixture(t, v, size{T: 1, B: 1, I: 1, H: 5, O: 2}, 0)
		if v.norm || v.both {
			if err := x.net.Outgoing([]int{0}, true, func(int, int) {}); !errors.Is(err, kernels.ErrShape) {
				t.Errorf("%s: error %v, want one: units act in more ways than by their weights", v.name, err)
			}
			continue
		}
		seen := map[[2]int]int{}
		if err := x.net.Outgoing(inEachLayer(x.net, []int{0, 1, 3}), true, func(p, e int) { seen[[2]int{p, e}]++ }); err != nil {
			t.Fatal(err)
		}
		for at, n := range seen {
			if n != 1 {
				t.Errorf("%s: element %d of %s is visited %d times", v.name, at[1], x.net.Specs()[at[0]].Name, n)
			}
		}
	}
}

func TestOutgoingRefuses(t *testing.T) {
	x := newFixture(t, variant{name: "rnn", cell: &RNN{}}, size{T: 1, B: 1, I: 1, H: 3, O: 1}, 0)
	for _, units := range [][]int{{3}, {-1}, {1, 1}} {
		if err := x.net.Outgoing(units, true, func(int, int) {}); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("units %v: error %v, want a wrong shape", units, err)
		}
	}
}

// inEachLayer returns the numbers of some units of every layer.
func inEachLayer(n *Network, units []int) (all []int) {
	first := 0
	for _, h := range n.Sizes() {
		for _, u := range units {
			all = append(all, first+u)
		}
		first += h
	}
	return all
}

// silence sets the outgoing weights of units to 0.
func (x *fixture) silence(t *testing.T, units []int, readout bool) {
	t.Helper()
	specs := x.net.Specs()
	if err := x.net.Outgoing(units, readout, func(p, e int) { x.values[specs[p].Name][e] = 0 }); err != nil {
		t.Fatal(err)
	}
}

// coupled reports whether units act on each other at all.
func (x *fixture) coupled() bool {
	return x.net.Depth() > 1 || slices.ContainsFunc(x.net.Specs(), func(s kernels.Spec) bool { return s.Role == kernels.Rec || s.Role == kernels.Edge })
}

// of returns the final states of some units.
func (x *fixture) of(t *testing.T, units []int) []float64 {
	t.Helper()
	var some []float64
	for i, v := range x.final(t) {
		if slices.Contains(units, x.unit(i)) {
			some = append(some, v)
		}
	}
	return some
}

// unit returns the number within its layer of the unit that element i of the states is of.
func (x *fixture) unit(i int) int {
	for _, h := range x.net.PlaneUnits() {
		if i < x.size.B*h {
			return i % h
		}
		i -= x.size.B * h
	}
	panic("no such element")
}

// others returns the units below h that are not among the given ones.
func others(h int, units []int) []int {
	var rest []int
	for u := range h {
		if !slices.Contains(units, u) {
			rest = append(rest, u)
		}
	}
	return rest
}
