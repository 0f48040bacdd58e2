//go:build cgo

package cpu

import (
	"fmt"
	"math"
	"testing"

	"galvani/kernels/conform"
)

// TestCircuit wants the same from any number of threads and every instruction set.
func TestCircuit(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) { conform.Circuit(t, open(t, threads)) })
	}
	for _, isa := range here(t) {
		t.Run(isa, func(t *testing.T) {
			d := openISA(t, isa, 1)
			conform.Circuit(t, d)
		})
	}
}

func TestCircuitState(t *testing.T) { conform.CircuitState(t, open(t, 1), open(t, 3)) }

// TestLIFRate holds the intervals of a LIF neuron to T = tau ln((I - (V_re - E_L)) / (I - (V_th - E_L))) + t_ref,
// each within the step.
func TestLIFRate(t *testing.T) {
	for _, current := range []float64{18, 23, 28, 33, 38} {
		for _, wait := range []float64{0, 2} {
			spikes := conform.Simulate(t, open(t, 1), conform.Single(t, "lif", map[string]float64{"t_ref": wait}, current), 20000).Spikes
			want := 15*math.Log((current+3)/(current-17)) + wait
			n := len(spikes) - 1
			got := float64(spikes[n].Step-spikes[0].Step) * 0.1 / float64(n)
			if got < want || got >= want+0.1+1e-9 {
				t.Errorf("I = %g, t_ref = %g: an interval of %.3f ms, want %.3f rounded up to the step", current, wait, got, want)
			}
		}
	}
	if s := conform.Simulate(t, open(t, 1), conform.Single(t, "lif", nil, 16.99), 20000).Spikes; len(s) > 0 {
		t.Errorf("%d spikes below the rheobase", len(s))
	}
}

// TestEIFRate holds the rates of an EIF neuron to 1000 over the integral of tau dV / f(V), within the 2 % that
// Euler's steps of 0.1 ms make.
func TestEIFRate(t *testing.T) {
	set := map[string]float64{"D_T": 4, "V_th": 10}
	for current, want := range map[float64]float64{13.1: 2.4044, 13.4: 4.9076, 14.4: 9.6366, 19.4: 24.0974} {
		spikes := conform.Simulate(t, open(t, 1), conform.Single(t, "eif", set, current), 100000).Spikes
		n := len(spikes) - 1
		if got := 1e4 * float64(n) / float64(spikes[n].Step-spikes[0].Step); math.Abs(got/want-1) > 0.02 {
			t.Errorf("I = %g: %.4f Hz, want %.4f", current, got, want)
		}
	}
	c := conform.Single(t, "eif", set, 13.5)
	c.Populations[0].Start = []float64{-75}
	if s := conform.Simulate(t, open(t, 1), c, 10000).Spikes; len(s) != 5 {
		t.Errorf("I = 13.5: %d spikes in a second, want 5", len(s))
	}
}

// TestBalanced holds the smallest published balanced network, N = 504, to the published rates, within the
// published standard deviation of a trial.
func TestBalanced(t *testing.T) {
	const networks, steps = 8, 100000
	var e, i float64
	for seed := range uint64(networks) {
		c := conform.Balanced(t, 504, seed, false)
		for _, s := range conform.Simulate(t, open(t, 1), c, steps).Spikes {
			switch s.Population {
			case 0:
				e += 1e4 / steps / float64(c.Populations[0].N) / networks
			case 1:
				i += 1e4 / steps / float64(c.Populations[1].N) / networks
			}
		}
	}
	t.Logf("e %.3f Hz, i %.3f Hz", e, i)
	if math.Abs(e-4.390) > 0.14 || math.Abs(i-9.598) > 0.33 {
		t.Errorf("rates %.3f and %.3f Hz, want 4.390 within 0.14 and 9.598 within 0.33", e, i)
	}
}

// TestCircuitThreads steps a circuit on as many threads as make it fast, or as were asked for.
func TestCircuitThreads(t *testing.T) {
	for _, c := range []struct {
		device Device
		units  float64
		want   int
	}{
		{Device{threads: 8, most: true}, 500, 1}, {Device{threads: 8, most: true}, 3000, 2},
		{Device{threads: 8, most: true}, 1e6, 8}, {Device{threads: 3}, 500, 3},
	} {
		if got := c.device.circuitThreads(c.units); got != c.want {
			t.Errorf("%g units on %+v: %d threads, want %d", c.units, c.device, got, c.want)
		}
	}
	free, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := Open(3)
	if err != nil {
		t.Fatal(err)
	}
	if !free.most || asked.most || asked.threads != 3 {
		t.Errorf("opened %+v and %+v", free, asked)
	}
}

// TestPlastic wants weights that change to be the same from any number of threads and every instruction set.
func TestPlastic(t *testing.T) {
	for _, threads := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) { conform.Plastic(t, open(t, threads), open(t, 4-threads)) })
	}
	for _, isa := range here(t) {
		t.Run(isa, func(t *testing.T) { conform.Plastic(t, openISA(t, isa, 2), open(t, 1)) })
	}
}
