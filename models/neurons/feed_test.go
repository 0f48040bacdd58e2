//go:build cgo

package neurons

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// TestFeed: what goes into each column in each step, whatever the steps are cut into.
func TestFeed(t *testing.T) {
	n, err := readGood(wide("sections = [\"thin\"]\nfrom = 0.7\ndelay = \"0.25 ms\"\n"), other)
	if err != nil {
		t.Fatal(err)
	}
	many := len(n.Inputs[2].Units)
	if many != 3 || n.Columns() != 5 || n.Column(2) != 2 {
		t.Fatalf("%d compartments, %d columns, the first of many is %d; want 3, 5, 2", many, n.Columns(), n.Column(2))
	}
	s := Stimulus{Waves: map[int]Wave{0: func(ms float64) float64 { return ms }},
		Events: map[int][]Event{1: Events(0, 0.3, 0.31, 99, -1), 2: {{0.05, -1, 1}, {0.01, 2, 0.5}, {0.2, 0, 1}}}}
	for _, cut := range []int{4, 3, 1} {
		f := n.feed(s, 4, 0.1)
		if got := fmt.Sprintf("%.2g", f.total); got != "[[0.05 0.15 0.25 0.35] [1 0 0 2] [0 0 0.5 3]]" {
			t.Errorf("samples of inputs are %s", got)
		}
		x := make([][]float64, 4)
		for k := range x {
			x[k] = make([]float64, 5)
		}
		for done := 0; done < 4; done += cut {
			f.next(min(cut, 4-done), func(step, column int, v float64) { x[done+step][column] += v })
		}
		if got := fmt.Sprintf("%.2g", x); got != "[[0.05 1 0 0 0] [0.15 0 0 0 0] [0.25 0 0 0 0.5] [0.35 2 1 1 1]]" {
			t.Errorf("cut into %d, columns are %s", cut, got)
		}
	}
}

// TestDelay: with a delay an event acts as one that comes so much later, and one at the end no more.
func TestDelay(t *testing.T) {
	dev := devicetest.CPU(t, 1)
	run := func(delay string, times ...float64) []float64 {
		n, err := readGood(strings.Replace(good, `weight = "1 nS"`, "weight = \"1 nS\"\ndelay = \""+delay+"\"", 1), other)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.Run(context.Background(), dev, tensor.Float64, Options{}, 400, Stimulus{Events: map[int][]Event{1: Events(times...)}}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		return got.V[0]
	}
	late, now, silent := run("7.5 ms", 1, 4, 15), run("0 ms", 8.5, 11.5), run("0 ms")
	if !slices.Equal(late, now) {
		t.Error("events with a delay of 7.5 ms act unlike those 7.5 ms later")
	}
	if slices.Equal(late, silent) {
		t.Error("events do nothing")
	}
}

// TestReceptors: the conductance of an event alone is an alpha function, a difference of two exponentials or
// an exponential; the current into a membrane that hardly moves shows it.
func TestReceptors(t *testing.T) {
	dev := devicetest.CPU(t, 1)
	for rise, want := range map[string]func(ms float64) float64{
		"2 ms":   func(ms float64) float64 { return ms / 2 * math.Exp(1-ms/2) },
		"0.5 ms": func(ms float64) float64 { return (math.Exp(-ms/2) - math.Exp(-ms/0.5)) / 0.47247 },
		"0 ms":   func(ms float64) float64 { return math.Exp(-ms / 2) },
	} {
		n, err := Read("one.toml", []byte(`start = "-65 mV"
dt = "0.01 ms"
[[section]]
name = "soma"
length = "100 um"
diameter = "100 um"
[region.soma]
capacity = "1 uF/cm2"
leak = "0 S/cm2"
rest = "-65 mV"
[[receptor]]
name = "r"
rise = "`+rise+`"
decay = "2 ms"
reversal = "0 mV"
[[input]]
name = "i"
receptor = "r"
weight = "1 pS"
`), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.Run(context.Background(), dev, tensor.Float64, Options{}, 800, Stimulus{Events: map[int][]Event{0: {{1, 0, 2}}}}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		v, nF := got.V[0], math.Pi*1e4*1e-5
		for k := 110; k < 800; k += 30 {
			g := (v[k+1] - v[k]) / 0.01 * nF / 65 / 2e-6
			ms := float64(k)*0.01 - 1 // an event acts at the end of its step
			if math.Abs(g-want(ms)) > 2e-3 {
				t.Errorf("rise %s: %v ms behind an event of size 2 the conductance is %v of 2 weights, want %v", rise, ms, g, want(ms))
			}
		}
	}
}
