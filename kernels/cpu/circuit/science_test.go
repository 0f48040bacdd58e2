//go:build cgo

package circuit

import (
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/sparse"
)

// TestLIFSteps: steps of current of 10 mV in 50 to 200 ms and 5 mV in 300 to 400 ms stay below the rheobase of 17 mV,
// and 100 mV for 5 ms, 500 and 900 ms after the start, give one spike each.
func TestLIFSteps(t *testing.T) {
	c := conform.Single(t, "lif", nil, 0)
	c.Currents = nil
	for _, q := range [][3]float64{{50, 200, 10}, {300, 400, 5}, {500, 505, 100}, {600, 800, -10}, {900, 905, 100}} {
		c.Currents = append(c.Currents, kernels.Current{First: int64(10 * q[0]), Last: int64(10 * q[1]), Amplitude: q[2]})
	}
	var times []float64
	for _, s := range conform.Simulate(t, one, c, 10000).Spikes {
		times = append(times, float64(s.Step+1)/10)
	}
	if len(times) != 2 || math.Abs(times[0]-502.7) > 0.11 || math.Abs(times[1]-902.7) > 0.11 {
		t.Errorf("spikes at %v ms, want 502.7 and 902.7", times)
	}
}

// TestSharpEIF: an EIF neuron whose exponential is narrow fires at the rates of its integral, and the narrower it is, the
// closer to a LIF neuron of the threshold V_T.
func TestSharpEIF(t *testing.T) {
	for current, exact := range map[float64][2]float64{18: {20.8163, 21.5655}, 23: {44.2433, 45.1352}, 38: {97.5357, 99.1035}} {
		lif := 1000 / (15 * math.Log((current+3)/(current-17)))
		for k, width := range []float64{0.05, 0.01} {
			c := conform.Single(t, "eif", map[string]float64{"D_T": width, "V_T": -55, "V_th": -54.3}, current)
			c.Step = 0.01
			spikes := conform.Simulate(t, one, c, 40000).Spikes
			n := len(spikes) - 1
			got := 1e5 * float64(n) / float64(spikes[n].Step-spikes[0].Step)
			if math.Abs(got/exact[k]-1) > 0.005 || k == 1 && math.Abs(got/lif-1) > 0.016 {
				t.Errorf("I = %g, D_T = %g: %.3f Hz, want %.3f, and %.3f without D_T", current, width, got, exact[k], lif)
			}
		}
	}
}

// TestPoisson: the counts, the intervals and their distribution are those of a Poisson process.
func TestPoisson(t *testing.T) {
	const rate, units, steps = 20, 100, 200000
	c := conform.Single(t, "lif", nil, 0)
	c.Seed = 11
	c.Populations = append(c.Populations, kernels.Population{Name: "x", Header: kernels.Poisson, N: units, Params: []float64{rate}})
	last := make([]int64, units)
	var intervals []float64
	count := 0
	for _, s := range conform.Simulate(t, one, c, steps).Spikes {
		if count++; last[s.Unit] > 0 {
			intervals = append(intervals, float64(s.Step-last[s.Unit])*0.1)
		}
		last[s.Unit] = s.Step
	}
	want := float64(rate * units * steps / 10000)
	if math.Abs(float64(count)-want) > 4*math.Sqrt(want) {
		t.Errorf("%d spikes, want %.0f within four deviations", count, want)
	}
	mean, squares := 0.0, 0.0
	for _, x := range intervals {
		mean, squares = mean+x/float64(len(intervals)), squares+x*x/float64(len(intervals))
	}
	if cv := math.Sqrt(squares/mean/mean - 1); len(intervals) < 10000 || math.Abs(cv-1) > 0.02 {
		t.Errorf("the CV of %d intervals is %.4f, want 1 within 0.02", len(intervals), cv)
	}
	// Kolmogorov and Smirnov: with 1 % of chance the distance is above 1.63/sqrt(n). Steps of 0.1 ms add 0.1/50.
	slices.Sort(intervals)
	n, off := float64(len(intervals)), 0.0
	for i, x := range intervals {
		off = max(off, math.Abs(1-math.Exp(-x*rate/1000)-float64(i)/n))
	}
	if most := 1.63/math.Sqrt(n) + 0.002; off > most {
		t.Errorf("the distribution of %g intervals is %.4f off the exponential one, want at most %.4f", n, off, most)
	}
}

// TestInput: currents of 80 excitatory sources of 10 Hz and 20 inhibitory ones of 15 Hz, 25 mV ms each, have the mean N J
// r and the variance N J^2 r / (2 tau) of shot noise.
func TestInput(t *testing.T) {
	c := conform.Single(t, "lif", nil, 0)
	c.Seed, c.Populations[0].Synapses = 5, []float64{4, 6}
	for k, p := range []kernels.Population{{Name: "e", N: 80, Params: []float64{10}}, {Name: "i", N: 20, Params: []float64{15}}} {
		p.Header, p.Unrecorded = kernels.Poisson, true
		m, err := sparse.Whole(1).AllToAll(p.N, true)
		if err != nil {
			t.Fatal(err)
		}
		c.Populations = append(c.Populations, p)
		c.Projections = append(c.Projections, kernels.Projection{From: 1 + k, Synapse: k, Matrix: m, Weight: []float64{[]float64{25, -25}[k]}, Delay: []uint16{1}})
	}
	plan, err := one.NewCircuit(c)
	if err != nil {
		t.Fatal(err)
	}
	var mean, squares [2]float64
	const samples = 10000 // each 2 ms, in which a current loses a third and more: about 1.5 % of the deviation
	for range samples {
		if _, err := plan.Run(20); err != nil {
			t.Fatal(err)
		}
		s, err := plan.State()
		if err != nil {
			t.Fatal(err)
		}
		for k := range mean {
			x := float64(s.Populations[0].Currents[k][0])
			mean[k], squares[k] = mean[k]+x/samples, squares[k]+x*x/samples
		}
	}
	for k, want := range [][2]float64{{20, 7.906}, {-7.5, 3.953}} {
		if deviation := math.Sqrt(squares[k] - mean[k]*mean[k]); math.Abs(mean[k]-want[0]) > 0.04*want[1]+0.01*math.Abs(want[0]) || math.Abs(deviation/want[1]-1) > 0.04 {
			t.Errorf("current %d is %.3f ± %.3f mV, want %.3f ± %.3f", k, mean[k], deviation, want[0], want[1])
		}
	}
}

// TestCorrelated: units of a mother process fire at their rate, and their counts in windows have its correlation, so that
// the Fano factor of their sum is 1 + (n-1) c.
func TestCorrelated(t *testing.T) {
	const units, hz, correlation, windows, width = 20, 20, 0.3, 1000, 1000
	c := conform.Single(t, "lif", nil, 0)
	c.Seed = 7
	c.Populations = append(c.Populations, kernels.Population{Name: "x", Header: kernels.Correlated, N: units, Params: []float64{hz, correlation, 1}})
	var counts [windows]float64
	for _, s := range conform.Simulate(t, one, c, windows*width).Spikes {
		counts[s.Step/width]++
	}
	mean, squares := 0.0, 0.0
	for _, n := range counts {
		mean, squares = mean+n/windows, squares+n*n/windows
	}
	want := 1 + (units-1)*correlation
	if fano := (squares - mean*mean) / mean; math.Abs(mean/(units*hz*0.1)-1) > 0.05 || math.Abs(fano/want-1) > 0.15 {
		t.Errorf("%d units have %.2f spikes in a window, want %g, with a Fano factor of %.2f, want %.2f", units, mean, units*hz*0.1, fano, want)
	}
}

// TestEIFSharp wants an EIF neuron with the sharpest rise there is to follow Euler's steps of the leak bit for bit where the
// exponential is 0 in float32, and to spike in the step after V is above V_T by much of the width, also where it is infinite.
func TestEIFSharp(t *testing.T) {
	const width, gain, rest, from, reset = 0.01, float32(0.1 / 15), -72, -55, -75
	everywhere(t, func(t *testing.T, d device) {
		for _, current := range []float32{25, 500} {
			c := conform.Single(t, "eif", map[string]float64{"D_T": width}, float64(current))
			c.Populations[0].N, c.Probes = 130, []kernels.Probe{{Unit: 0}, {Unit: 129}} // three words, of which two are stepped at once
			record := conform.Simulate(t, d, c, 400).V
			if !slices.Equal(record[0], record[1]) {
				t.Errorf("I = %g: units under the same current differ", current)
			}
			leaks, rises, v := 0, 0, float32(rest)
			for k, next := range record[0] {
				switch x := (v - from) / width; {
				case x < -88:
					leaks++
					if want := v + float32(float32(float32(rest-v)+current)*gain); next != want {
						t.Fatalf("I = %g: V is %g after step %d, want %g", current, next, k, want)
					}
				case x > 12:
					rises++
					if next != reset {
						t.Fatalf("I = %g: V is %g after step %d and %g before, want a spike", current, next, k, v)
					}
				}
				v = next
			}
			if leaks < 100 || rises == 0 {
				t.Errorf("I = %g: %d steps without an exponential and %d with a large one", current, leaks, rises)
			}
		}
	})
}
