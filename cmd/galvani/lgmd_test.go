package main

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
	"galvani/models/neurons"
)

// TestLGMD trains the locust's neuron on looming: the loss falls, a run that is stopped and resumed has the bits of one
// that is not, also with two neurons and numbers of the whole channel, and the commands on a run tell of it.
func TestLGMD(t *testing.T) {
	needsCPU(t)
	t.Parallel()
	dir := trained(t, "--model", "lgmd", "--task", "looming", "--facets", "6", "--steps", "20", "--step-ms", "30", "--bin", "30", "--train-size", "128", "--epochs", "6", "--rate-at", "-60", "--lr", "0.05", "--neurons", "2")
	all := losses(t, dir)
	mean := func(list []float64) (sum float64) {
		for _, x := range list {
			sum += x / float64(len(list))
		}
		return sum
	}
	if first, last := mean(all[:16]), mean(all[len(all)-16:]); !(last < first-0.05) {
		t.Errorf("the loss is %.3f in the last epoch and %.3f in the first, want less by 0.05", last, first)
	}
	more := []string{"--model", "lgmd", "--schedule", "constant", "--neurons", "2", "--inhibition-delay", "20", "--lag", "0", "--learn", "g_na,rate.r.tau,excitation.decay"}
	sameResumed(t, "two neurons", trained(t, args(more, "--max-steps", "6")...), more, "3", "6")
	out := t.TempDir()
	file := filepath.Join(out, "trace.safetensors")
	galvani(t, "trace", dir, "--out", file).ok(t)
	f, err := safetensors.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"h", "state.V", "state.na.m", "grad.cell.w_facets", "weights.cell.number.w_facets"} {
		if _, ok := f.Tensor(name); !ok {
			t.Errorf("the trace lacks %s", name)
		}
	}
	if _, ok := f.Tensor("state.rate.r"); ok {
		t.Error("the trace has h twice")
	}
	weights, _ := f.Tensor("weights.cell.w_facets")
	if numbers, ok := f.Tensor("weights.cell.number.w_facets"); !ok || !slices.Equal(numbers.Shape, weights.Shape) {
		t.Errorf("numbers of weights have shape %v, the weights %v", numbers.Shape, weights.Shape)
	}
	exports(t, dir, "\ncell.number.g_na,")
	galvani(t, "eval", dir).ok(t)
	galvani(t, "perturb", dir, "--silence", "0.5", "--keep-readout").refused(t, exitConfig, "act by the read-out alone")
	r := perturbJSON(t, dir, "--silence", "0.5", "--state-noise", "0.5", "--units", "9").Rows
	if silent, noisy := r[1].Test.Loss, r[2].Test.Loss; silent == r[0].Test.Loss || math.Abs(noisy-r[0].Test.Loss) < 1e-3 {
		t.Errorf("the loss is %v, without a point where sections meet %v, with noise on its h, which moves nowhere else, %v", r[0].Test.Loss, silent, noisy)
	}
}

// TestLGMDSteps: many steps of integration as one operation are those of the graph behind each other, with their derivative.
func TestLGMDSteps(t *testing.T) {
	dev := devicetest.CPU(t, 1)
	var rest []float64
	of := func(bin float64, dev kernels.Device) (*engine.StepMap, error) {
		c := neurons.NewLGMD()
		c.Bin, c.Dt = bin, 1
		net, err := models.Bind("lgmd", c.Exact(), models.Dims{I: 4, O: 2})
		if err != nil {
			t.Fatal(err)
		}
		params, err := engine.NewParams[float64](net, 1)
		if err != nil {
			t.Fatal(err)
		}
		rest = net.Rest()
		return engine.NewStepMap(net, params, 4, 1, dev)
	}
	if _, err := of(25, nil); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("error of too many steps is %v", err)
	}
	whole, err := of(25, dev)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	part, err := of(5, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	units := part.Dim() / len(rest)
	state, v := make([]float64, part.Dim()), make([]float64, part.Dim())
	for i := range state {
		state[i], v[i] = rest[i/units], math.Sin(float64(i))
		if i < units {
			state[i] += 5 * math.Cos(float64(i))
		}
	}
	next, back := make([]float64, len(state)), make([]float64, len(state))
	if err := errors.Join(whole.Pull(back, state, v), whole.Step(next, state)); err != nil {
		t.Fatal(err)
	}
	slope, want := 0.0, 0.0
	for i, sign := range []float64{1, -1} {
		moved, end := slices.Clone(state), make([]float64, len(state))
		for k := range moved {
			moved[k] += sign * 1e-6 * math.Cos(float64(2*k)) * math.Abs(state[k])
			if i == 0 {
				slope += back[k] * math.Cos(float64(2*k)) * math.Abs(state[k])
			}
		}
		if err := whole.Step(end, moved); err != nil {
			t.Fatal(err)
		}
		for k := range end {
			want += sign * v[k] * end[k] / 2e-6
		}
	}
	if e := math.Abs(slope - want); !(e <= 1e-5*math.Abs(want)) {
		t.Errorf("the derivative along a direction is %g, by differences %g", slope, want)
	}
	states := [][]float64{state}
	for range 5 {
		s := make([]float64, len(state))
		if err := part.Step(s, states[len(states)-1]); err != nil {
			t.Fatal(err)
		}
		states = append(states, s)
	}
	for k := 4; k >= 0; k-- {
		if err := part.Pull(v, states[k], v); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range states[5] {
		if math.Abs(next[i]-want) > 1e-9*max(1, math.Abs(want)) || math.Abs(back[i]-v[i]) > 1e-8*max(1, math.Abs(v[i])) {
			t.Fatalf("element %d goes to %v with the derivative %v, want %v and %v", i, next[i], back[i], want, v[i])
		}
	}
}

// TestLGMDLengths trains on sequences of different lengths, by the fused scan and by the graph, which has the mask as all cells have.
func TestLGMDLengths(t *testing.T) {
	needsCPU(t)
	t.Parallel()
	fusedAsGraph(t, "--model", "lgmd")
}

// fusedAsGraph holds the losses of a neuron by the fused scan to those by the graph, on sequences of different lengths.
func fusedAsGraph(t *testing.T, model ...string) {
	t.Helper()
	line := args([]string{"train", "--quiet", "--device", "cpu", "--task", "adding", "--steps", "3", "--min-steps", "2", "--bin", "3", "--dt", "3", "--rate-at", "-65", "--rate-tau", "3",
		"--train-size", "32", "--test-size", "16", "--max-steps", "2"}, model...)
	of := func(backend string) []float64 {
		o := galvani(t, args(line, "--backend", backend, "--runs-dir", t.TempDir())...).ok(t)
		return losses(t, strings.TrimSpace(o.stdout))
	}
	fused, graph := of("scan"), of("graph")
	if len(fused) != 2 || len(graph) != 2 {
		t.Fatalf("losses are %v and %v, want two of each", fused, graph)
	}
	for i, want := range graph {
		if math.Abs(fused[i]-want) > 1e-4*want {
			t.Errorf("the loss of step %d is %g, %g by the graph", i+1, fused[i], want)
		}
	}
}

// TestLGMDRefuses holds the lines about what does not fit the neuron.
func TestLGMDRefuses(t *testing.T) {
	needsCPU(t)
	for line, want := range map[string]string{
		"--hidden 8":            `"hidden" has no effect: it needs units = any, and units is those of the model`,
		"--layers 2":            "take layers = 1",
		"--dale":                "no dense recurrent matrix",
		"--rec-noise 1":         "neurons have no noise",
		"--learn na.q":          `unknown quantity "na.q"`,
		"--learn g_rate":        "which is 0 and is learned as a factor of itself",
		"--backend graph":       "steps of integration, 40 in each step, and is for",
		"--excitation -1":       `"excitation" is -1`,
		"--inhibition-delay 15": "the delay of input facets-inhibition is 15 ms, which is no whole number of steps of 10 ms; make it 10 or 20 ms",
		"--inhibition-delay 900 --bin 1 --step-ms 1": "more than 256",
	} {
		inside(args([]string{"train", "--model", "lgmd", "--runs-dir", t.TempDir()}, strings.Fields(line)...)...).refused(t, exitConfig, want)
	}
}
