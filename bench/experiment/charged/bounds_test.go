package charged

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
	"galvani/bench/experiment/probe"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

func TestBounds(t *testing.T) {
	o := exptest.Quickly(t, "bounds")
	for _, r := range o.Tables[0].Rows {
		switch {
		case strings.HasPrefix(r[0], "exp"), strings.HasPrefix(r[0], "implicit"):
			if !strings.HasPrefix(r[2], "0 ") {
				t.Errorf("%v leave", r)
			}
		case r[0] == "literal, dt 1" && strings.HasPrefix(r[2], "0 "):
			t.Errorf("%v: none leaves", r)
		}
		if r[5] != "-" && strings.HasPrefix(r[0], "euler") && !strings.HasPrefix(r[5], "0 ") {
			t.Errorf("%v leave although the step is short", r)
		}
	}
	if o.Verdict != experiment.HoldsWhen {
		t.Errorf("verdict is %s", o.Verdict)
	}
}

// TestConductances holds G to what the scan uses: between uncoupled membranes with one reversal
// potential 0 for all, an explicit step is h' = h (1 − Δt·G/C).
func TestConductances(t *testing.T) {
	devicetest.CPU(t, 1)
	const steps, units, tolerance = 6, 3, 1e-12 // a few roundings
	cell := models.NewCRNN()
	cell.Dt, cell.Stepping, cell.TauS, cell.TauL = 0.05, "euler", 1.5, 3
	p, err := probe.New(1, "crnn", cell, models.Dims{I: 2, H: units, O: 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"E_c", "E_L", "E_exc", "E_inh", "g_axial"} {
		clear(p.Of(name))
	}
	c, err := p.Course(steps, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range c.X {
		c.X[i] = r.Float64()
	}
	state := p.Rest(1)
	copy(state, []float64{0.9, -0.4, 0.3})
	h, _, err := c.Forward(state)
	if err != nil {
		t.Fatal(err)
	}
	all := append(state[:units:units], h...)
	most := make([]float64, units)
	for s := range steps {
		for u := range units {
			most[u] = math.Max(most[u], (1-all[(s+1)*units+u]/all[s*units+u])/cell.Dt)
		}
	}
	for u, got := range probe.Conductances(p, cell, c.X, all) {
		if math.Abs(got-most[u]) > tolerance/cell.Dt || got < 0.05 {
			t.Errorf("unit %d: largest conductance is %v, want %v", u, got, most[u])
		}
	}
}
