package neurons

import (
	"math"
	"strings"
	"testing"

	"galvani/bench/experiment"
	"galvani/bench/experiment/exptest"
)

func TestCable(t *testing.T) {
	o, j := exptest.Ran(t, "cable")
	if o.Verdict != experiment.Holds {
		t.Errorf("verdict is %s: %s", o.Verdict, o.Result)
	}
	if rows := o.Tables[0].Rows; len(rows) != 4 || rows[1][1] != "24.8525" || rows[1][3] != "19.4248" {
		t.Errorf("100 compartments are %q, want 24.8525 and 19.4248 mV at the ends", rows)
	}
	if !strings.Contains(o.Result, "1245.48 MΩ") {
		t.Errorf("result is %q", o.Result)
	}
	// Voltages that are off by more than is allowed, or a wrong adjoint, are told.
	for _, name := range []string{"error", "gradient"} {
		if r := exptest.Changed(t, j, func(_ int, row experiment.Row) { row.Values[name] = 2e-4 }); r.Verdict != experiment.Fails {
			t.Errorf("%s of 2e-4: verdict is %s", name, r.Verdict)
		}
	}
}

// TestExact: a cable of many λ has the decay of an endless one, without overflow.
func TestExact(t *testing.T) {
	s := &cable{Length: 1e5, Diameter: 0.01, Leak: 1, Axial: 1e5, Current: 1}
	for k, v := range s.exact(1000) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("compartment %d is at %v", k, v)
		}
	}
}
