package circuits

import (
	"fmt"
	"math"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/kernels/neurons"
)

// spikesOf returns the spikes in ms of one neuron with some parameters under steps of current, in steps of dt.
func spikesOf(t *testing.T, name string, set map[string]float64, ms, dt float64, currents ...kernels.Current) (times []float64) {
	t.Helper()
	h, ok := neurons.Of(name)
	if !ok {
		t.Skip("built without cgo")
	}
	n, err := Single(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range n.Keys {
		if v, ok := set[k.Name]; ok {
			if err := k.Parse(fmt.Sprint(v)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := n.Blueprint(dt)
	if err != nil {
		t.Fatal(err)
	}
	b.Currents = currents
	plan := planOf(t, b)
	r, err := plan.Run(int(ms / dt))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Spikes {
		times = append(times, float64(s.Step)*dt)
	}
	return times
}

// planOf draws a network and plans it on the CPU. It skips the test in a binary without one.
func planOf(t *testing.T, b *Blueprint) kernels.CircuitPlan {
	t.Helper()
	c, err := b.Draw(1)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := kernels.NewCircuit(devicetest.CPU(t, 1), c)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestLIFSteps: of five steps of current the two short strong ones make a spike each.
func TestLIFSteps(t *testing.T) {
	var steps []kernels.Current
	for _, s := range [][3]float64{{10, 50, 200}, {5, 300, 400}, {100, 500, 505}, {-10, 600, 800}, {100, 900, 905}} {
		steps = append(steps, kernels.Current{Amplitude: s[0], First: int64(10 * s[1]), Last: int64(10*s[2]) - 1})
	}
	got := spikesOf(t, "lif", nil, 1000, 0.1, steps...)
	if len(got) != 2 || math.Abs(got[0]-502.7) > 0.11 || math.Abs(got[1]-902.7) > 0.11 {
		t.Errorf("spikes are at %v ms, want 502.7 and 902.7", got)
	}
}

// TestEIFLimit: with a narrow rise eif fires as lif with the threshold V_T, whose interval is closed.
func TestEIFLimit(t *testing.T) {
	got := spikesOf(t, "eif", map[string]float64{"d_t": 0.01, "v_t": -55, "v_th": -54}, 1000, 0.01, kernels.Current{Amplitude: 28, Last: math.MaxInt64})
	want := 15 * math.Log((28.+3)/(28-17))
	if len(got) < 10 || math.Abs((got[len(got)-1]-got[0])/float64(len(got)-1)/want-1) > 0.01 {
		t.Errorf("spikes are at %v ms, want intervals of about %.3f ms", got[:min(len(got), 5)], want)
	}
}
