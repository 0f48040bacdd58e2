package bench

import (
	"context"
	"errors"
	"math"
	"os/exec"
	"strings"
	"testing"

	"galvani/kernels/devices/devicetest"
)

// TestNeurons runs every part at a tiny size, without and with the simulators that there are, and holds that
// one that finds another V is not timed.
func TestNeurons(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	run := func(t *testing.T, python string, against []string, parts ...string) map[string]Row {
		found := map[string]Row{}
		cfg := Config{Threads: 2, Quick: true, Python: python, Log: t.Logf, Each: func(r Row) error {
			key := r.What
			if r.Reference != nil {
				key += " " + strings.Fields(r.Reference.Name)[0]
			}
			found[key] = r
			return nil
		}}
		self, err := exec.LookPath("true")
		if err == nil {
			err = RunNeurons(context.Background(), cfg, Cables{Cells: 3, Steps: 60, Parts: parts, Against: against, Self: []string{self}})
		}
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	t.Run("alone", func(t *testing.T) {
		found := run(t, "", nil, NeuronParts...)
		for _, key := range []string{forward + " " + oneThread, both + " " + oneThread, both + " cpu", first} {
			if r, ok := found[key]; !ok || r.Gate == nil || !(r.Subject.Median > 0) {
				t.Errorf("no row %q in %v", key, found)
			}
		}
		if r := found[both+" cpu"]; r.Ratio == nil || r.Ratio.Kind != Cost || !(r.Ratio.Value > 1) {
			t.Errorf("a gradient has the ratio %+v to forward, want a cost above 1", r.Ratio)
		}
	})
	for _, name := range Simulators {
		t.Run(name, func(t *testing.T) {
			python := pythonWith(t, name)
			r := run(t, python, []string{name}, "forward")[forward+" "+name]
			if r.Ratio == nil || r.Ratio.Kind != SpeedUp || !strings.Contains(r.Note, "in the mean") {
				t.Errorf("row %+v", r)
			}
			p, err := openPeer(python, name, 1, onCPU)
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			exact, err := newCable[float64](2, 60, dev)
			if err == nil {
				err = exact.gradient()
			}
			if err != nil {
				t.Fatal(err)
			}
			exact.v[len(exact.v)-1] += 4
			if _, err := p.simulation(name, forward, exact); !errors.Is(err, ErrWrong) {
				t.Errorf("V that is off by 4 mV in one of 61 steps gives %v, want ErrWrong", err)
			}
		})
	}
}

// TestFirstGradient: a program that is started for one ends well, and one that fails is told.
func TestFirstGradient(t *testing.T) {
	devicetest.CPU(t, 2)
	cfg := Config{Threads: 1, Quick: true, Log: t.Logf, Each: func(Row) error { return nil }}
	if err := FirstGradient(cfg); err != nil {
		t.Error(err)
	}
	err := RunNeurons(context.Background(), cfg, Cables{Cells: 1, Steps: 1, Parts: []string{"first"}, Self: []string{"sh", "-c", "echo lost; exit 1"}})
	if err == nil || !strings.Contains(err.Error(), "lost") {
		t.Errorf("a program that fails gives %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := RunNeurons(ctx, cfg, Cables{Cells: 1, Steps: 5, Parts: NeuronParts}); !errors.Is(err, context.Canceled) {
		t.Errorf("error of a cancelled run is %v", err)
	}
}

// TestAsNEURON: hh-cable in float64 is the cable of NEURON with rates of its own, not from tables: V to
// 0.01 mV in the mean over 100 ms, and every spike within one step.
func TestAsNEURON(t *testing.T) {
	dev := devicetest.CPU(t, 2)
	p, err := openPeer(pythonWith(t, "neuron"), "neuron", 1, onCPU)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	exact, err := newCable[float64](2, 4000, dev)
	if err == nil {
		err = exact.gradient()
	}
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.ask(request{Do: "cable", What: forward, Cable: exact.request()})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range exact.traces() {
		theirs := make([]float64, len(v))
		sum := 0.0
		for k := range v {
			theirs[k] = orNaN(a.Traces[i][k])
			sum += math.Abs(v[k] - theirs[k])
		}
		if mean := sum / float64(len(v)); !(mean <= 0.01) {
			t.Errorf("trace %d deviates by %g mV in the mean", i, mean)
		}
		got, want := crossings(v), crossings(theirs)
		if len(want) < 6 || len(got) != len(want) {
			t.Fatalf("trace %d: spikes in steps %v, in NEURON %v", i, got, want)
		}
		for k := range want {
			if d := got[k] - want[k]; d < -1 || d > 1 {
				t.Errorf("trace %d: spike %d in step %d, in NEURON %d", i, k, got[k], want[k])
			}
		}
	}
}

// crossings returns the steps in which V rises above 0.
func crossings(v []float64) (steps []int) {
	for k := 1; k < len(v); k++ {
		if v[k-1] <= 0 && v[k] > 0 {
			steps = append(steps, k)
		}
	}
	return steps
}
