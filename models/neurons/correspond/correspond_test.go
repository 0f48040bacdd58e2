//go:build cgo

package correspond

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models/neurons"
)

// TestFit: a current that is that of a pair of gates is found again, and one of two pairs is bounded by their densities.
func TestFit(t *testing.T) {
	for _, want := range []pair{{0.01, -40, 6, 20, 8, -77}, {0.4, -35, 5, -55, 7, 50}, {1e-3, -always, 10, -78, 12, -37}} {
		c := curve{lo: want.E, hi: want.E, most: 2 * want.Gamma}
		for v := lowest; v <= highest; v++ {
			g := want.conductance(v)
			c.v, c.current, c.total, c.weight = append(c.v, v), append(c.current, g*(want.E-v)), append(c.total, g+1e-4), append(c.weight, 1)
		}
		got, residual := c.fit()
		if residual > 0.05 {
			t.Errorf("of %+v there is %+v, %g mV away", want, got, residual)
		}
		c.most = want.Gamma / 10
		if got, residual = c.fit(); got.Gamma > c.most || residual < 0.05 {
			t.Errorf("with at most %g S/cm² there is %+v, %g mV away", c.most, got, residual)
		}
	}
	if p, residual := (curve{v: []float64{0}, current: []float64{0}, total: []float64{1}, weight: []float64{1}, most: 1}).fit(); p.Gamma != 0 || residual != 0 {
		t.Errorf("without a current the fit is %+v, %g", p, residual)
	}
}

// TestWithoutNodes: a star of three becomes a triangle, two conductances in a row become one, and the current between
// compartments stays.
func TestWithoutNodes(t *testing.T) {
	a, b, g := withoutNodes(4, []int32{4, 4, 4, 2, 5}, []int32{0, 1, 2, 5, 3}, []float64{1, 2, 3, 4, 12})
	if !slices.Equal(a, []int32{0, 0, 1, 2}) || !slices.Equal(b, []int32{1, 2, 2, 3}) {
		t.Fatalf("edges %v %v", a, b)
	}
	for i, want := range []float64{2. / 6, 3. / 6, 1, 3} {
		if math.Abs(g[i]-want) > 1e-12 {
			t.Errorf("edge %d-%d has %g, want %g", a[i], b[i], g[i], want)
		}
	}
}

// TestCourse: the area below a time course of peak 1.
func TestCourse(t *testing.T) {
	for _, c := range [][3]float64{{0, 5, 5}, {3, 3, 3 * math.E}, {3, 3.0001, 3 * math.E}, {1, 2, 4}} {
		if got := course(c[0], c[1]); math.Abs(got-c[2]) > 1e-3 {
			t.Errorf("rise %g, decay %g: area %g, want %g", c[0], c[1], got, c[2])
		}
	}
}

func opened(t *testing.T) kernels.Device {
	t.Helper()
	dev := devicetest.CPU(t, 1)
	return dev
}

func load(t *testing.T, text string) *neurons.Neuron {
	t.Helper()
	n, err := neurons.Read("mine.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compared compares at a step of current of so many mV, were the neuron linear, and returns the stages by name.
func compared(t *testing.T, n *neurons.Neuron, mv float64, s Settings) map[string]Stage {
	t.Helper()
	dev, ctx := opened(t), context.Background()
	input, current, err := PerMillivolt(ctx, dev, n, s)
	if err != nil {
		t.Fatal(err)
	}
	wave := func(ms float64) float64 {
		if ms >= 5 {
			return mv * current
		}
		return 0
	}
	r, err := Compare(ctx, dev, n, neurons.Stimulus{Waves: map[int]neurons.Wave{input: wave}}, s, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Stage{}
	for _, stage := range r.Stages {
		all[stage.Name] = stage
	}
	return all
}

// TestStages: with a small current hh and its charged RNN agree, but for the gates that hh has; with a large one only
// gates of different speed make a spike.
func TestStages(t *testing.T) {
	n, err := neurons.Load("hh")
	if err != nil {
		t.Fatal(err)
	}
	s := Settings{Dt: 0.025, Steps: 1200, Settle: 30, Coarse: 0.25, Near: 5}
	small := compared(t, n, 1, s)
	for name, most := range map[string]float64{Fixed: 0.5, Steady: 0.3, Pairs: 0.35, Merged: 0.35, Gated: 0.35, Crnn: 0.35, Coarse: 0.35} {
		if rms := small[name].RMS; !(rms > 0 && rms <= most) {
			t.Errorf("%s: %g mV away, want at most %g", name, rms, most)
		}
	}
	if m := small[Merged].Moves; m > 1e-9 {
		t.Errorf("merging one channel each way changes V by %g mV", m)
	}
	if m := small[Crnn].Moves; m > 0.01 {
		t.Errorf("the crnn is %g mV from the neuron that has its equations", m)
	}
	large := compared(t, n, 20, s)
	if len(large[Reference].Spikes) == 0 || len(large[Steady].Spikes) != 0 || large[Steady].RMS < 5 || large[Steady].Quiet > 3 {
		t.Errorf("at a large current hh spikes %d times, with steady gates %d, %g mV away, %g before", len(large[Reference].Spikes), len(large[Steady].Spikes), large[Steady].RMS, large[Steady].Quiet)
	}
}

// tree is a passive neuron that branches at a node.
const tree = `doc = "a tree"
start = "-65 mV"
section = [{ name = "soma", length = "20 um", diameter = "20 um" },
 { name = "left", parent = "soma", length = "50 um", diameter = "1 um" }, { name = "right", parent = "soma", length = "80 um", diameter = "2 um" }]
input = [{ name = "current", section = "soma", weight = "1 nA" }, { name = "events", section = "left", receptor = "fast", weight = "0.1 nS" }]
receptor = [{ name = "fast", rise = "1 ms", decay = "4 ms", reversal = "0 mV" }]
record = [{ name = "soma", section = "soma" }, { name = "left", section = "left" }]
[membrane]
capacity = "1 uF/cm2"
leak = "1e-4 S/cm2"
rest = "-65 mV"
axial = "1000 ohm cm"
[region.soma]
[region.left]
[region.right]
`

// TestPassive: a passive tree keeps its V until its input becomes a conductance, and the crnn without its nodes has the
// V of the tree with them, for events as well.
func TestPassive(t *testing.T) {
	n := load(t, tree)
	s := Settings{Dt: 0.005, Steps: 6000, Settle: 1, Coarse: 0.01, Near: 5}
	dev := opened(t)
	in := neurons.Stimulus{Waves: map[int]neurons.Wave{0: func(ms float64) float64 { return 2e-3 * math.Sin(ms/3) }}, Events: map[int][]neurons.Event{1: neurons.Events(5, 12)}}
	r, err := Compare(context.Background(), dev, n, in, s, func(float64) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range r.Stages {
		most := map[string]float64{Gated: 0.2, Crnn: 0.2, Coarse: 0.2}[stage.Name]
		if stage.RMS > most+1e-9 {
			t.Errorf("%s: %g mV away, want at most %g", stage.Name, stage.RMS, most)
		}
		if moves := map[string]float64{Crnn: 0.02, Coarse: 0.02}[stage.Name]; moves > 0 && stage.Moves > moves {
			t.Errorf("%s: %g mV from the stage before, want at most %g", stage.Name, stage.Moves, moves)
		}
	}
	if v := r.Stages[0].V[1]; slices.Max(v)-slices.Min(v) < 0.5 {
		t.Errorf("V of the branch goes from %g to %g mV: the input does nothing", slices.Min(v), slices.Max(v))
	}
}

func TestCompareRefuses(t *testing.T) {
	dev, ctx, n := opened(t), context.Background(), load(t, tree)
	none := func(float64) {}
	s := Settings{Dt: 0.1, Steps: 10, Settle: 1, Coarse: 0.25, Near: 5}
	if _, err := Compare(ctx, dev, n, neurons.Stimulus{}, s, none); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), "steps of 0.1 ms and coarse steps of 0.25 ms, want a multiple") {
		t.Errorf("error of coarse steps is %v", err)
	}
	s.Coarse = 0.2
	for i := range n.Regions {
		n.Regions[i].Leak = 0
	}
	if _, err := Compare(ctx, dev, n, neurons.Stimulus{}, s, none); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), "region soma has no leak") {
		t.Errorf("error of a membrane without leak is %v", err)
	}
	n.Inputs = n.Inputs[1:]
	if _, _, err := PerMillivolt(ctx, dev, n, s); !errors.Is(err, ErrSettings) {
		t.Errorf("error of a neuron without a current is %v", err)
	}
}

// TestWeights: what facets drive is driven in the charged RNN, by the side that excites and the one that inhibits.
func TestWeights(t *testing.T) {
	n, err := neurons.Load("lgmd")
	if err != nil {
		t.Fatal(err)
	}
	p := ports(n, -65)
	c, err := charge(n, -65, nil, p, columns(n, -65, p))
	if err != nil {
		t.Fatal(err)
	}
	exc, inh := c.Weights(n, Eye{Facets: 12, Half: 36}, 10)
	excited := 0
	for u := range c.H {
		_, region := n.Membrane(u)
		sumExc, sumInh := 0.0, 0.0
		for f := range 144 {
			sumExc, sumInh = sumExc+exc[u*144+f], sumInh+inh[u*144+f]
		}
		switch name := n.Regions[region].Name; {
		case name == "siz" && (sumExc != 0 || sumInh != 0), name == "handle" && (sumExc != 0 || !(sumInh > 0)), name == "dendrite" && sumInh != 0:
			t.Errorf("%s of unit %d is excited by %g, inhibited by %g", name, u, sumExc, sumInh)
		}
		if sumExc > 0 {
			excited++
		}
	}
	if excited < 3 {
		t.Errorf("facets excite %d compartments of the dendrite", excited)
	}
}
