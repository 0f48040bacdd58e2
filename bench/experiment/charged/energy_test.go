package charged

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/experiment/probe"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

func TestEnergy(t *testing.T) {
	o := exptest.Quickly(t, "energy")
	for _, r := range o.Tables[0].Rows {
		if r[0] == "γ_max 1, dt 0.1" && r[3] != "0" {
			t.Errorf("energy rises although the step is short: %v", r)
		}
	}
}

// TestEnergyIsPotential holds the energy to what the scan does: −∂E/∂h is C dh/dt.
func TestEnergyIsPotential(t *testing.T) {
	devicetest.CPU(t, 1)
	const dt, eps, tolerance = 1e-6, 1e-5, 1e-7 // both differences are good to about 1e-9
	s := &energy{Networks: 2, Units: 5}
	p, _, state, _, err := s.charged(&experiment.Env{Threads: 1}, charged{gamma: 2, dt: dt}, 9)
	if err != nil {
		t.Fatal(err)
	}
	p.Cell.Consts[1] = 2 // the explicit step
	c, err := p.Course(1, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, energyInputs)
	for i := range x {
		x[i] = 0.5
	}
	c.Hold(x)
	h, final, err := c.Forward(state)
	if err != nil {
		t.Fatal(err)
	}
	e := newEnergies(p, final, s.Units) // with the conductances of this step
	for u := range p.Dims.H {
		up, down := slices.Clone(state), slices.Clone(state)
		up[u], down[u] = up[u]+eps, down[u]-eps
		n := u / s.Units
		slope := (e.of(up)[n] - e.of(down)[n]) / (2 * eps)
		if got := (h[u] - state[u]) / dt * p.Of("C_m")[u]; math.Abs(got+slope) > tolerance {
			t.Errorf("unit %d: C dh/dt is %v, −∂E/∂h is %v", u, got, -slope)
		}
	}
}

// TestExponents holds the exponents of leaking membranes to −Δt·g_L/C of the slowest, and those of a
// chaotic tanh network to the growth of a small difference.
func TestExponents(t *testing.T) {
	devicetest.CPU(t, 1)
	r := rand.New(rand.NewPCG(1, 1))
	cell := models.NewCRNN()
	cell.Graph, cell.Dt = "none", 0.5
	p, err := probe.New(1, "crnn", cell, models.Dims{I: 1, H: 6, O: 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	clear(p.Of("gamma"))
	state := p.Rest(1)
	copy(state, []float64{1, 0.5, 0, -0.2, 0.3, 0.7})
	got, err := p.Exponents(t.Context(), probe.Orbit{Transient: 0, Steps: 4000, Segment: 10}, 3, state, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	const leakTolerance = 2e-4 // the first vector turns towards the slowest membrane during the average
	for n := range got {
		want := -0.5 * slices.Min(p.Of("g_L")[3*n:3*n+3])
		if math.Abs(got[n]-want) > leakTolerance {
			t.Errorf("membranes %d: exponent %v, want %v", n, got[n], want)
		}
	}

	const units, steps = 24, 3000
	entry, err := models.Lookup("rnn")
	if err != nil {
		t.Fatal(err)
	}
	p, err = probe.New(1, "rnn", entry.New(), models.Dims{I: 1, H: units, O: 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	clear(p.Of("bias_ih_l0"))
	clear(p.Of("bias_hh_l0"))
	w := p.Of("weight_hh_l0")
	for i := range w {
		w[i] = 3 * r.NormFloat64() / math.Sqrt(units)
	}
	state = p.Rest(1)
	for i := range state {
		state[i] = r.NormFloat64()
	}
	all, err := p.Exponents(t.Context(), probe.Orbit{Transient: 200, Steps: steps, Segment: 10}, units, state, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	want := growth(w, state, 200, steps)
	const growthTolerance = 0.03 // two averages over parts of one course
	if math.Abs(all[0]-want) > growthTolerance || want < 0.05 {
		t.Errorf("tanh network: exponent %v, want %v and chaos", all[0], want)
	}
}

// growth returns the mean logarithm by which a small difference grows in a step of h' = tanh(W h).
func growth(w, h []float64, transient, steps int) float64 {
	const tiny = 1e-8
	next := func(h []float64) []float64 {
		out := make([]float64, len(h))
		for u := range h {
			out[u] = math.Tanh(probe.Weighted(w, u, h))
		}
		return out
	}
	near := slices.Clone(h)
	near[0] += tiny
	sum := 0.0
	for k := range transient + steps {
		h, near = next(h), next(near)
		d := make([]float64, len(h))
		for i := range d {
			d[i] = near[i] - h[i]
		}
		length := math.Sqrt(probe.Dot(d, d))
		if k >= transient {
			sum += math.Log(length / tiny)
		}
		for i := range d {
			near[i] = h[i] + d[i]*tiny/length
		}
	}
	return sum / float64(steps)
}
