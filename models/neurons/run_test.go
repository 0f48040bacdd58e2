//go:build cgo

package neurons

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// simulate runs a neuron on the CPU in float64 for some ms, with a wave form for its first input.
func simulate(t *testing.T, n *Neuron, o Options, ms float64, wave string) *Trace {
	t.Helper()
	w, err := ParseWave(wave, One{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dev := devicetest.CPU(t, 1)
	dt := o.Dt
	if dt == 0 {
		dt = n.Dt
	}
	trace, err := n.Run(context.Background(), dev, tensor.Float64, o, int(math.Round(ms/dt)), Stimulus{Waves: map[int]Wave{0: w}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// TestDevice holds the CPU, in stretches, to the slow steps of reference_test.go, for every built-in neuron
// and one that uses every key, with all inputs at once.
func TestDevice(t *testing.T) {
	all := map[string]*Neuron{}
	for _, name := range Names() {
		all[name] = load(t, name)
	}
	n, err := readGood(good, other)
	if err != nil {
		t.Fatal(err)
	}
	all["my.toml"] = n
	dev := devicetest.CPU(t, 1)
	for name, n := range all {
		const steps = 1300
		s := Stimulus{Waves: map[int]Wave{}, Events: map[int][]Event{}}
		for i, in := range n.Inputs {
			if in.Receptor >= 0 {
				s.Events[i] = Events(1, 5, 5, 12.5)
			} else {
				s.Waves[i] = func(ms float64) float64 { return 0.05 + 2*math.Sin(ms/5) }
			}
		}
		got, err := n.Run(context.Background(), dev, tensor.Float64, Options{}, steps, s, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		ref, worst := newStepper(compile(t, n, Options{})), 0.0
		in := make([]float64, n.Columns())
		for k := range steps {
			for i, input := range n.Inputs {
				for at := range input.Units { // which have the same events
					in[n.Column(i)+at] = got.Input[i][k] / float64(len(input.Units))
				}
			}
			ref.step(in)
			for i, r := range n.Records {
				worst = max(worst, math.Abs(got.V[i][k+1]-ref.v[r.Unit]))
			}
		}
		if !(worst < 1e-8) {
			t.Errorf("%s: V is off by %v mV", name, worst)
		}
	}
}

// TestHodgkinHuxley holds hh, in small steps of second order, to a Runge-Kutta integration of the same
// equations with steps of 0.01 ms at most.
func TestHodgkinHuxley(t *testing.T) {
	n := load(t, "hh")
	fine := Options{Dt: 0.01, Second: true}
	if rest := simulate(t, n, fine, 300, "constant 0").End()[0]; math.Abs(rest+64.9964) > 1e-4 {
		t.Errorf("V rests at %v mV, want -64.9964", rest)
	}
	times := simulate(t, n, fine, 500, "constant 10").Crossings(0, 0)
	if len(times) != 35 || math.Abs(times[0]-1.9012) > 0.02 || math.Abs(times[34]-times[33]-14.645) > 0.01 {
		t.Errorf("%d spikes, the first at %v ms, the last interval %v, want 35, 1.9012 and 14.645", len(times), times[0], times[34]-times[33])
	}
	for current, want := range map[string]float64{"constant 6.3": 52.4, "constant 7": 58.33, "constant 10": 68.32, "constant 20": 86.47, "constant 50": 117.04} {
		times := simulate(t, n, fine, 600, current).Crossings(0, 0)
		last := len(times) - 1
		if got := 1000 * 10 / (times[last] - times[last-10]); relative(got, want) > 0.003 {
			t.Errorf("%s fires at %v Hz, want %v", current, got, want)
		}
	}
	if times := simulate(t, n, fine, 600, "constant 6.25").Crossings(0, 0); times[len(times)-1] > 300 {
		t.Errorf("at 6.25 µA/cm² it fires until %v ms, want no sustained firing", times[len(times)-1])
	}
	wide := simulate(t, n, fine, 10, "constant 10").V[0]
	above := 0
	for _, v := range wide {
		if v > -20 {
			above++
		}
	}
	if width, height := float64(above)*fine.Dt, slices.Max(wide)+64.9964; math.Abs(width-1.66) > 0.05 || math.Abs(height-105) > 2 {
		t.Errorf("a spike is %v mV high and %v ms wide at -20 mV, want about 105 and 1.66", height, width)
	}
	v := simulate(t, n, fine, 200, "gauss 6 50 1 + gauss 12 100 1 + gauss 3 150 1").V[0]
	part := func(from, to float64) []float64 { return v[int(from/fine.Dt):int(to/fine.Dt)] }
	for peak, want := range map[float64]float64{38.85: 51.77, 40.08: 100.72} {
		if at := float64(slices.Index(v, slices.Max(part(want-5, want+5)))) * fine.Dt; math.Abs(at-want) > 0.03 {
			t.Errorf("the peak of %v mV is at %v ms, want %v", peak, at, want)
		}
	}
	for name, c := range map[string]struct{ got, want float64 }{
		"first peak": {slices.Max(part(45, 75)), 38.85}, "second peak": {slices.Max(part(95, 120)), 40.08},
		"third": {slices.Max(part(145, 165)), -60.21}, "least": {slices.Min(v), -76.18},
	} {
		if math.Abs(c.got-c.want) > 0.1 {
			t.Errorf("%s of the Gaussians is %v mV, want %v", name, c.got, c.want)
		}
	}
}

// TestRallDevice: a constant current into the passive cable, to the closed form at compartment centres.
func TestRallDevice(t *testing.T) {
	trace := simulate(t, load(t, "cable"), Options{Dt: 1}, 400, "constant 0.02")
	for i, x := range []float64{1.5, 298.5} {
		if got, want := trace.End()[i]+65, 24.9096*math.Cosh((300-x)/408.2483)/math.Cosh(300/408.2483); relative(got, want) > 1e-4 {
			t.Errorf("%s is at %v mV from rest, want %v", trace.Places[i], got, want)
		}
	}
}

// TestSpikeTravels: a spike of hh-cable arrives at the far end later, by a known speed: with axons of the
// same kind, conduction is some 0.2 to 0.6 m/s at 2 µm and 6.3 degC.
func TestSpikeTravels(t *testing.T) {
	trace := simulate(t, load(t, "hh-cable"), Options{}, 20, "step 0.3 1:20")
	near, far := trace.Crossings(0, 0), trace.Crossings(1, 0)
	if len(near) == 0 || len(far) == 0 {
		t.Fatalf("spikes at %v and %v ms", near, far)
	}
	if speed := 2 / (far[0] - near[0]); !(speed > 0.2 && speed < 0.6) {
		t.Errorf("a spike travels at %v m/s", speed)
	}
}

// TestRunStops: what a membrane cannot have stops a run with the place and the time, and so does its context.
func TestRunStops(t *testing.T) {
	dev := devicetest.CPU(t, 1)
	n := load(t, "hh")
	strong := Stimulus{Waves: map[int]Wave{0: func(ms float64) float64 {
		if ms < 50 {
			return 0
		}
		return 1e9
	}}}
	_, err := n.Run(context.Background(), dev, tensor.Float64, Options{}, 4000, strong, func(int) {})
	if !errors.Is(err, kernels.ErrNotFinite) || !strings.Contains(err.Error(), "V of soma") || !strings.Contains(err.Error(), "at 50.025 ms") {
		t.Errorf("error is %v", err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	cause := errors.New("stopped here")
	done := 0
	_, err = n.Run(ctx, dev, tensor.Float64, Options{}, 5*stretch, Stimulus{}, func(n int) {
		if done = n; n == 2*stretch {
			stop(cause)
		}
	})
	if !errors.Is(err, cause) || done != 2*stretch {
		t.Errorf("after %d steps the error is %v", done, err)
	}
}

// TestSingle: float32 follows float64 through the first spikes.
func TestSingle(t *testing.T) {
	dev := devicetest.CPU(t, 1)
	n := load(t, "lgmd")
	s := Stimulus{Waves: map[int]Wave{0: func(float64) float64 { return 10 }}}
	var times [2][]float64
	for i, dtype := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		trace, err := n.Run(context.Background(), dev, dtype, Options{}, 2000, s, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		times[i] = n.Spikes(trace)
	}
	if len(times[0]) < 4 || len(times[1]) != len(times[0]) {
		t.Fatalf("spikes %v and %v", times[0], times[1])
	}
	for k := range 4 {
		if math.Abs(times[0][k]-times[1][k]) > 0.01 {
			t.Errorf("spike %d is at %v ms, in float32 at %v", k, times[0][k], times[1][k])
		}
	}
}

// TestAsNEURON: hh-cable is the same to the last digits in NEURON 9.0.2, with backward Euler and rates that
// are computed (h.usetable_hh = 0), not taken from a table: a section of 2000 by 2 µm with nseg 100, Ra 100,
// hh, an IClamp of 0.3 nA in the first segment from 1 ms on, 100 ms from -65 mV at 6.3 degC.
func TestAsNEURON(t *testing.T) {
	trace := simulate(t, load(t, "hh-cable"), Options{Dt: 0.025}, 100, "step 0.3 1:1000")
	for i, want := range []float64{-62.66431989491083, -67.76195864178581} {
		if got := trace.End()[i]; math.Abs(got-want) > 1e-6 {
			t.Errorf("V of %s ends at %v mV, in NEURON at %v", trace.Places[i], got, want)
		}
	}
	times := trace.Crossings(0, 0)
	want := []float64{2.215, 16.058, 29.668, 43.265, 56.859, 70.454, 84.049, 97.643} // to three digits
	if len(times) != len(want) {
		t.Fatalf("spikes at %v ms, in NEURON at %v", times, want)
	}
	for k := range want {
		if math.Abs(times[k]-want[k]) > 0.0006 {
			t.Errorf("spike %d is at %v ms, in NEURON at %v", k, times[k], want[k])
		}
	}
}
