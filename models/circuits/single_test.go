package circuits

import (
	"math"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/neurons"
)

// TestSingle holds that every neuron makes a network of its own, whose settings are its parameters, and is told of.
func TestSingle(t *testing.T) {
	for _, h := range neurons.All() {
		n, err := Single(h)
		if err != nil {
			t.Fatal(err)
		}
		if a := h.About(); a.Doc == "" || len(a.Equations) < 2 || !strings.HasPrefix(a.Step, "The step is ") || strings.Contains(a.Step+a.Source, "list.h") {
			t.Errorf("of %s is told %+v", h.Name, a)
		}
		b, err := n.Blueprint(n.Step)
		if err != nil {
			t.Fatal(err)
		}
		p := b.Populations[0]
		if len(n.Keys) != len(h.Params) || p.Header != h.Name || p.N != 1 || len(b.Probes) != 1 {
			t.Errorf("%s: %d settings, %+v", h.Name, len(n.Keys), b)
		}
		for i, q := range h.Params {
			if p.Params[i] != q.Value || n.Keys[i].Flag() != SettingFlag(q.Name) {
				t.Errorf("%s: %s is %v, flag %s, want %v", h.Name, q.Name, p.Params[i], n.Keys[i].Flag(), q.Value)
			}
		}
	}
}

// TestSingleLIF holds the intervals between spikes of lif under a constant current to the closed form, and V before the
// first spike to the exact solution at steps of any length.
func TestSingleLIF(t *testing.T) {
	h, ok := neurons.Of("lif")
	if !ok {
		t.Skip("built without cgo")
	}
	n, err := Single(h)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"tau_m": "10", "e_l": "-70", "v_re": "-70", "v_th": "-50", "t_ref": "2"} {
		for _, k := range n.Keys {
			if k.Name == name {
				if err := k.Parse(text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, dt := range []float64{0.01, 0.5} {
		b, err := n.Blueprint(dt)
		if err != nil {
			t.Fatal(err)
		}
		b.Currents = []kernels.Current{{First: 0, Last: math.MaxInt64, Amplitude: 25}}
		r, err := planOf(t, b).Run(int(100 / dt))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Spikes) < 3 {
			t.Fatalf("%d spikes in steps of %g ms", len(r.Spikes), dt)
		}
		for k, v := range r.V[0][:r.Spikes[0].Step] {
			if want := -45 - 25*math.Exp(-float64(k+1)*dt/10); math.Abs(float64(v)-want) > 2e-4 {
				t.Fatalf("in steps of %g ms V is %v at %g ms, want %v", dt, v, float64(k+1)*dt, want)
			}
		}
		want := 2 + 10*math.Log(25./5) // refractory time, and the way from -70 to -50 mV on that to -45
		if got := float64(r.Spikes[2].Step-r.Spikes[1].Step) * dt; got < want-1e-3 || got > want+2*dt {
			t.Errorf("in steps of %g ms the interval is %g ms, want %g", dt, got, want)
		}
	}
}
