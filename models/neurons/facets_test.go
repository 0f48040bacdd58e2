//go:build cgo

package neurons

import (
	"context"
	"math"
	"testing"

	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// TestRake holds lgmd-rake to its source: compartments, areas, where facets act, and the input resistance of
// the trunk with the leak that stands in for background synapses, which is about 5 MΩ.
//
// Source: ModelDB 144007, rake_final.hoc and generate_variability_sims.m.
func TestRake(t *testing.T) {
	n := load(t, "lgmd-rake")
	tines := math.Pi * (5 + 2.15) / 2 * 400 * 20
	if n.Compartments() != 485 || math.Abs(n.Area(0)/(tines+math.Pi*10*500+math.Pi*8*20)-1) > 2e-3 {
		t.Errorf("%d compartments, dendrites of %v µm²", n.Compartments(), n.Area(0))
	}
	excitation, inhibition := n.Inputs[n.Input("excitation")], n.Inputs[n.Input("inhibition")]
	if len(excitation.Units) != 200 || len(inhibition.Units) != 5 || n.View() != 50 || inhibition.Delay != 70 {
		t.Errorf("excitation reaches %d compartments, inhibition %d behind %v ms; the eye sees ±%v deg", len(excitation.Units), len(inhibition.Units), inhibition.Delay, n.View())
	}
	places := n.Places()
	for _, c := range []struct {
		x, y float64
		want string
	}{{-50, -50, "tine1[6]"}, {50, -50, "tine1[15]"}, {-49, 50, "tine20[6]"}, {1, 1, "tine11[11]"}, {-1, -1, "tine10[10]"}} {
		if got := places[excitation.Units[excitation.Facets.place(c.x, c.y)]]; got != c.want {
			t.Errorf("a facet at %v, %v deg acts on %s, want %s", c.x, c.y, got, c.want)
		}
	}
	dev := devicetest.CPU(t, 1)
	for i := range n.Regions {
		n.Regions[i].Leak = 1. / 4900
	}
	end := func(nA float64) float64 {
		s := Stimulus{Waves: map[int]Wave{0: func(float64) float64 { return nA }}}
		got, err := n.Run(context.Background(), dev, tensor.Float64, Options{Dt: 0.1}, 1000, s, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		return got.End()[1]
	}
	if r := (end(0) - end(-1)); !(r > 4.5 && r < 5.5) {
		t.Errorf("the input resistance is %v MΩ, want about 5", r)
	}
}

// TestSee: events of facets come to the synapses with weights and times of the distributions that are asked
// for, and the seed decides them.
func TestSee(t *testing.T) {
	n := load(t, "lgmd-rake")
	const facets = 2000
	x, y, at, speed := make([]float64, facets), make([]float64, facets), make([]float64, facets), make([]float64, facets)
	for k := range facets {
		x[k], y[k], at[k], speed[k] = float64(k%100)-49.5, float64(k/20)-49.5, 500, 100
	}
	x[0] = 51 // not in view
	see := func(seed uint64) Stimulus {
		s := Stimulus{Events: map[int][]Event{}}
		n.See(&s, x, y, at, speed, seed)
		return s
	}
	s := see(1)
	mean := func(events []Event, of func(Event) float64) (mean, sd float64) {
		for _, e := range events {
			mean += of(e) / float64(len(events))
		}
		for _, e := range events {
			sd += (of(e) - mean) * (of(e) - mean) / float64(len(events))
		}
		return mean, math.Sqrt(sd)
	}
	ms, size := func(e Event) float64 { return e.Ms }, func(e Event) float64 { return e.Size }
	factor := 1 / (1 + math.Exp(1.95-8.783*100/642.8))
	for i, c := range map[int]struct{ synapses, late, size, spread float64 }{1: {6, 6 + 11.52, factor, 0.2 * factor}, 2: {4, 10, 1, 0.05}} {
		events := s.Events[i]
		m, late := mean(events, ms)
		w, spread := mean(events, size)
		if len(events) != int(c.synapses)*(facets-1) || math.Abs(m-500) > 0.5 || math.Abs(late/c.late-1) > 0.03 || math.Abs(w/c.size-1) > 0.01 || math.Abs(spread/c.spread-1) > 0.05 {
			t.Errorf("input %s: %d events at %v ± %v ms, weights %v ± %v, want %+v", n.Inputs[i].Name, len(events), m, late, w, spread, c)
		}
	}
	for _, e := range s.Events[2] {
		if e.At < 0 || e.At >= 5 {
			t.Fatalf("inhibition acts on compartment %d of 5", e.At)
		}
	}
	if a, b := see(1).Events[1][7], see(2).Events[1][7]; a != s.Events[1][7] || b == a {
		t.Errorf("event 7 is %v and %v with seed 1, %v with seed 2", s.Events[1][7], a, b)
	}
	quiet := Stimulus{Events: map[int][]Event{}}
	n.Babble(&quiet, 2000, 1)
	if got := len(quiet.Events[3]); math.Abs(float64(got)-4000) > 5*math.Sqrt(4000) {
		t.Errorf("5000 synapses of 0.4 Hz make %d events in 2 s, want 4000", got)
	}
	if _, sd := mean(quiet.Events[3], func(e Event) float64 { return float64(e.At) }); math.Abs(sd-400/math.Sqrt(12)) > 3 || len(quiet.Events[1]) > 0 {
		t.Errorf("noise is spread over compartments by %v, want %v", sd, 400/math.Sqrt(12))
	}
}
