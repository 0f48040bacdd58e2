//go:build cgo

package fit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/kernels/cpu"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// recorded simulates a neuron with some numbers of its own and returns what it did as a recording.
func recorded(t *testing.T, n *neurons.Neuron, truth map[string][]float64, current string) *Recording {
	t.Helper()
	own, err := neurons.Load(n.Name)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range truth {
		if err := own.Set(name, values); err != nil {
			t.Fatal(err)
		}
	}
	wave, err := neurons.ParseWave(current, neurons.One{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	trace, err := own.Run(context.Background(), device(t, 2), tensor.Float64, neurons.Options{}, 600, neurons.Stimulus{Waves: map[int]neurons.Wave{0: wave}}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("time_ms,voltage,current\n")
	for k, v := range trace.V[0] {
		x := 0.0
		if k > 0 {
			x = trace.Input[0][k-1]
		}
		fmt.Fprintf(&b, "%.8g,%.12g,%.12g\n", float64(k)*trace.Dt, v, x)
	}
	r, err := ReadRecording("recording.csv", []byte(b.String()), n)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func device(t *testing.T, threads int) *cpu.Device {
	t.Helper()
	d, err := cpu.Open(threads)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func load(t *testing.T, name string) *neurons.Neuron {
	t.Helper()
	n, err := neurons.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var plain = Settings{Learn: []string{"g_na", "g_k", "soma.g_leak"}, Starts: 3, Stride: 1, Within: 1.6, Seed: 1}

// TestFit wants conductances back from two recordings, a spike and none.
func TestFit(t *testing.T) {
	n := load(t, "hh")
	truth := map[string][]float64{"g_na": {0.105}, "g_k": {0.042}, "g_leak": {3.5e-4}}
	f, err := New(device(t, 2), n, []*Recording{recorded(t, n, truth, "step 3 2:14"), recorded(t, n, truth, "step 12 2:3")}, plain)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if err := f.Update(); err != nil {
			t.Fatal(err)
		}
	}
	w := f.Winner()
	for i, want := range []float64{3.5e-4, 0.105, 0.042} {
		if got := f.Numbers(w)[i]; math.Abs(got-want) > 0.01*want {
			t.Errorf("%s = %g, want %g; error %g mV²", f.Labels()[i], got, want, f.Starts[w].Loss)
		}
	}
	for name, values := range f.Neuron(w) {
		if err := n.Set(name, values); err != nil {
			t.Error(err)
		}
	}
	if got := n.Numbers("g_k")[0]; math.Abs(got-0.042) > 0.0005 {
		t.Errorf("the fitted neuron has g_k = %g", got)
	}
	traces, err := f.Traces(w)
	if err != nil || len(traces) != 2 || len(traces[0][0]) != 601 {
		t.Errorf("traces: %d, %v", len(traces), err)
	}
}

// TestRegions: numbers of regions are named by them, and bounds may be of one region or of all.
func TestRegions(t *testing.T) {
	n := load(t, "lgmd")
	r := recorded(t, n, nil, "step 1 2:10")
	cm := n.Numbers("cm")
	for k, region := range n.Regions {
		whole, own := [2]float64{cm[k] / 4, cm[k] * 4}, [2]float64{cm[k] / 3, cm[k] * 3}
		bounds := map[string][2]float64{region.Name + ".cm": own}
		for _, other := range n.Regions {
			if other.Name != region.Name {
				bounds[other.Name+".cm"] = [2]float64{1e-3, 1e3}
			}
		}
		f, err := New(device(t, 1), n, []*Recording{r}, Settings{Learn: []string{"cm"}, Starts: 1, Stride: 1, Within: 2, Bounds: bounds})
		if err != nil {
			t.Fatal(err)
		}
		if lo, hi := f.numbers[k].lo, f.numbers[k].hi; f.Labels()[k] != region.Name+".cm" || lo != own[0] || hi != own[1] {
			t.Errorf("number %d is %s from %g to %g, want %s.cm from %g to %g", k, f.Labels()[k], lo, hi, region.Name, own[0], own[1])
		}
		bounds = map[string][2]float64{"cm": whole}
		if f, err = New(device(t, 1), n, []*Recording{r}, Settings{Learn: []string{region.Name + ".cm"}, Starts: 1, Stride: 1, Within: 2, Bounds: bounds}); err != nil {
			t.Fatal(err)
		}
		if len(f.numbers) != 1 || f.Labels()[0] != region.Name+".cm" || f.numbers[0].lo != whole[0] || f.numbers[0].hi != whole[1] {
			t.Errorf("alone they are %q, %+v, want one of %s from %g to %g", f.Labels(), f.numbers, region.Name, whole[0], whole[1])
		}
	}
}

// TestFitGoesOn wants a fit that stops and goes on, on another number of threads, to be one fit.
func TestFitGoesOn(t *testing.T) {
	n := load(t, "hh")
	rec := []*Recording{recorded(t, n, map[string][]float64{"g_na": {0.11}}, "step 10 1:15")}
	run := func(threads, steps int, from *State) State {
		f, err := New(device(t, threads), n, rec, plain)
		if err != nil {
			t.Fatal(err)
		}
		if from != nil {
			if err := f.Resume(*from); err != nil {
				t.Fatal(err)
			}
		}
		for range steps {
			if err := f.Update(); err != nil {
				t.Fatal(err)
			}
		}
		return f.State
	}
	whole := run(1, 6, nil)
	text, err := json.Marshal(run(2, 3, nil))
	if err != nil {
		t.Fatal(err)
	}
	var half State
	if err := json.Unmarshal(text, &half); err != nil {
		t.Fatal(err)
	}
	rest := run(2, 3, &half)
	for s, want := range whole.Starts {
		if got := rest.Starts[s]; !slices.Equal(want.Z, got.Z) || !slices.Equal(whole.History[5], rest.History[5]) {
			t.Fatalf("start %d: %v, want %v", s, got.Z, want.Z)
		}
	}
}

// TestBadRecordings wants one line with the place.
func TestBadRecordings(t *testing.T) {
	n := load(t, "hh")
	for text, want := range map[string]string{
		"":                                                 "it is empty",
		"time,voltage\n0,1\n1,2\n":                         "has 3 rows",
		"time,volts\n0,1\n1,2\n2,3\n":                      `"volts" is none of`,
		"time,current\n0,1\n1,2\n2,3\n":                    "there is no voltage",
		"time,voltage\n0,1\n1,NaN\n2,3\n":                  "line 3: voltage is NaN",
		"time,voltage\n0,1\n1,2\n3,3\n4,4\n":               "line 4: a step of 2 ms",
		"time,voltage\n0,1\n0,2\n0,3\n":                    "line 3: time goes from 0 to 0 ms",
		"time,voltage\n0,1\n1,x\n2,3\n":                    `"x", want a finite number`,
		"time,voltage\n0,1\n1\n2,3\n":                      "line 3 has 1 values, the first row 2",
		"\ufefftime,time\n0,0\n1,1\n2,2\n":                 `has "time" and "time", which are the same`,
		"time_ms,voltage,v_soma_mv\n0,0,1\n1,1,1\n2,2,1\n": `has "voltage" and "v_soma_mv", which are the same`,
		"time,voltage\n0,0\n,1\n2,2\n":                     `time is "", want a finite number`,
		"time,voltage\n0,0\n\n1,1\n2,x\n":                  `line 5: voltage is "x"`,
		"time (h),voltage\n0,0\n1,1\n2,2\n":                `"time (h)" is none of time_ms`,
		"time,voltage (A)\n0,0\n1,1\n2,2\n":                `"voltage (A)" is none of time_ms`,
		"time,voltage\n0,-65\n0.00005,-65\n0.0001,-65\n":   "name it time_s if they are seconds",
		"time_ms,v_soma_mv\n0,-0.065\n1,-0.065\n2,0.04\n":  "name them v_soma_v if they are in V",
	} {
		_, err := ReadRecording("r.csv", []byte(text), n)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestTables wants the same recording of a table as rigs and spreadsheets write it.
func TestTables(t *testing.T) {
	n := load(t, "hh")
	want, err := ReadRecording("r", []byte("time_ms,voltage,current\n0,-65,0\n0.5,-64.25,2\n1,-63,0\n"), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"time_ms;v_soma_mv;input_current\r\n0;-65;0\r\n0,5;-64,25;2\r\n1;-63;0\r\n",
		"time_ms\tvoltage\tcurrent\n0\t-65\t0\n\n0,5\t-64,25\t2\n1\t-63\t0\n",
		"time_ms,voltage,current,\n0,-65,0,\n0.5,-64.25,2,\n1,-63,0,\n,,,\n",
		"Time (s),Voltage [V],Current\n0,-0.065,0\n0.0005,-0.06425,2\n0.001,-0.063,0\n",
		"time_us,v_soma_v,current\n0,-0.065,0\n500,-0.06425,2\n1000,-0.063,0\n",
	} {
		got, err := ReadRecording("r", []byte(text), n)
		if err != nil || math.Abs(got.Step-want.Step) > 1e-12 || !reflect.DeepEqual(got.Input, want.Input) {
			t.Errorf("%q: %+v, want %+v, error %v", text, got, want, err)
			continue
		}
		for k, v := range want.V[0] {
			if math.Abs(got.V[0][k]-v) > 1e-9 {
				t.Errorf("%q: V is %v, want %v", text, got.V[0], want.V[0])
			}
		}
	}
}

// TestCurrentsInUnits: 1 of the input of hh is 1 µA/cm² of 1000 µm², which is 10 pA.
func TestCurrentsInUnits(t *testing.T) {
	n := load(t, "hh")
	for heading, one := range map[string]float64{"Current (pA)": 10, "current_na": 0.01, "current [uA]": 1e-5, "input_current (pA)": 10, "input_current": 1, "Current (uA/cm2)": 1,
		"current [µA/cm²]": 1, "current (mA/cm^2)": 1e-3} {
		text := fmt.Sprintf("time_ms,voltage,%s\n0,-65,0\n0.5,-64,%g\n1,-63,%g\n", heading, 2*one, -one)
		r, err := ReadRecording("r", []byte(text), n)
		if err != nil || math.Abs(r.Input[1][0]-2) > 1e-6 || math.Abs(r.Input[2][0]+1) > 1e-6 { // the file of hh rounds its diameter
			t.Errorf("%s: %+v, %v, want 2 and -1", heading, r, err)
		}
	}
	// The current of a neuron whose synapses stand before it in the file is that of its first current.
	behind := n.Clone()
	behind.Receptors = append(behind.Receptors, neurons.Receptor{Name: "ampa", Decay: 1})
	behind.Inputs = append([]neurons.Input{{Name: "spikes", Units: []int{0}, Weight: 1}}, behind.Inputs...)
	if r, err := ReadRecording("r", []byte("time_ms,voltage,Current (pA)\n0,-65,0\n0.5,-64,20\n1,-63,-10\n"), behind); err != nil || r.Input[1][0] != 0 || math.Abs(r.Input[1][1]-2) > 1e-6 {
		t.Errorf("behind a synapse: %+v, %v, want 2 in the second column", r, err)
	}
	if _, err := ReadRecording("r", []byte("time_ms,voltage,current (mS/cm2)\n0,-65,0\n1,-65,0\n2,-65,0\n"), n); err == nil || !strings.Contains(err.Error(), "in no unit of currents") {
		t.Errorf("a conductance has the error %v", err)
	}
}

// TestReadNPZ wants a recording of arrays to be that of the table: one by one as NumPy saves them, and all
// places and inputs as simulate does, with an input that begins with the first step.
func TestReadNPZ(t *testing.T) {
	n := load(t, "hh-cable")
	want, err := ReadRecording("r.csv", []byte("time,voltage,v_far_mv,current\n0,-65,-66,0\n0.5,-60,-61,3\n1,-50,-51,4\n"), n)
	if err != nil {
		t.Fatal(err)
	}
	array := safetensors.Float64
	for name, arrays := range map[string][]safetensors.Tensor{
		"of simulate": {array("time_ms", []int{3}, []float64{0, 0.5, 1}), array("v_mv", []int{2, 3}, []float64{-65, -60, -50, -66, -61, -51}),
			array("input", []int{1, 2}, []float64{3, 4}), array("spikes_ms", []int{0}, nil)},
		"one by one": {safetensors.Float32("current", []int{3}, []float32{0, 3, 4}), array("voltage", []int{3}, []float64{-65, -60, -50}),
			array("time", []int{3}, []float64{0, 0.5, 1}), safetensors.Int32("v_far_mv", []int{3}, []int32{-66, -61, -51})},
	} {
		got, err := ReadRecording("r.csv", packed(t, arrays...), n)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	time, v := array("time", []int{3}, []float64{0, 1, 2}), array("voltage", []int{3}, []float64{1, 2, 3})
	for want, arrays := range map[string][]safetensors.Tensor{
		`"volts" is none of`:                    {time, array("volts", []int{3}, []float64{1, 2, 3})},
		"voltage has 2 elements, want 3":        {time, array("voltage", []int{2}, []float64{1, 2})},
		"there is no voltage":                   {time},
		"v_mv has the shape [3 1], want 2 rows": {time, array("v_mv", []int{3, 1}, []float64{1, 2, 3})},
		"voltage has the shape [3 1], want one": {time, array("voltage", []int{3, 1}, []float64{1, 2, 3})},
		"element 1: voltage is NaN":             {time, array("voltage", []int{3}, []float64{1, math.NaN(), 3})},
		"element 2: a step of 2 ms":             {array("time", []int{3}, []float64{0, 1, 3}), v},
		"there is no time; add one in ms":       {v},
		"has 2 elements, want at least three":   {array("time", []int{2}, []float64{0, 1}), array("voltage", []int{2}, []float64{0, 1})},
		"has 0 elements, want at least three":   {array("time", []int{0}, nil)},
	} {
		if _, err := ReadRecording("r.npz", packed(t, arrays...), n); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrRecording) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := ReadRecording("r.npz", []byte(npz.Magic+"rest"), n); !errors.Is(err, npz.ErrFormat) || !errors.Is(err, ErrRecording) {
		t.Errorf("a broken archive gives %v", err)
	}
}

// packed returns arrays as an NPZ file.
func packed(t *testing.T, arrays ...safetensors.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npz.Write(&b, arrays); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBadSettings refuses what cannot be fitted.
func TestBadSettings(t *testing.T) {
	n := load(t, "hh")
	rec := []*Recording{{Name: "r", Step: 0.025, Input: make([][]float64, 4), V: [][]float64{make([]float64, 4)}}}
	for i := range rec[0].Input {
		rec[0].Input[i] = []float64{0}
	}
	for name, s := range map[string]Settings{
		"nothing":   {Starts: 1, Stride: 1, Within: 2},
		"unknown":   {Learn: []string{"g_xx"}, Starts: 1, Stride: 1, Within: 2},
		"starts":    {Learn: []string{"g_na"}, Stride: 1, Within: 2},
		"outside":   {Learn: []string{"g_na"}, Starts: 1, Stride: 1, Within: 2, Bounds: map[string][2]float64{"g_na": {1, 2}}},
		"unlearned": {Learn: []string{"g_na"}, Starts: 1, Stride: 1, Within: 2, Bounds: map[string][2]float64{"g_k": {0, 2}}},
	} {
		if _, err := New(device(t, 1), n, rec, s); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
