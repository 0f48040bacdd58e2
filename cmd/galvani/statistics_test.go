package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// measuredRun trains on a folder of arrays with a rate of 0 from weights that are given, and returns the run.
func measuredRun(t *testing.T, folder string, weights map[string][]float32, shapes map[string][]int, more ...string) string {
	t.Helper()
	var list []safetensors.Tensor
	for name, w := range weights {
		list = append(list, safetensors.Float32(name, shapes[name], w))
	}
	slices.SortFunc(list, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })
	file := filepath.Join(t.TempDir(), "first.safetensors")
	if err := writeTensors(file, list, nil); err != nil {
		t.Fatal(err)
	}
	o := galvani(t, args([]string{"train", "--task", "file", "--data-dir", folder, "--init-from", file, "--optimizer", "sgd", "--lr", "0", "--clip", "0", "--validation", "0",
		"--plots", "none", "--quiet", "--runs-dir", t.TempDir()}, more...)...).ok(t)
	return strings.TrimSpace(o.stdout)
}

// TestLossOfWeights: the loss of training and of the test is the mean over targets by their weights, in float64 after the
// formula, of labels and of values, in batches that are not full and in shards; lengths, -100 and a weight of 0 leave out.
func TestLossOfWeights(t *testing.T) {
	const n, steps, classes = 11, 4, 3
	r := rand.New(rand.NewPCG(5, 1))
	numbers := func(n int, scale float64) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(scale * r.NormFloat64())
		}
		return x
	}
	x, y := numbers(n*steps, 1), numbers(n*steps*classes, 1)
	label, lengths, weight := make([]int64, n*steps), make([]int64, n), make([]float32, n*steps)
	for i := range label {
		if label[i] = int64(r.IntN(classes)); r.IntN(4) == 0 {
			label[i] = -100
		}
		weight[i] = 3 * r.Float32() * float32(r.IntN(2))
		lengths[i/steps] = int64(1 + r.IntN(steps))
	}
	w := map[string][]float32{"cell.weight_ih_l0": numbers(2, 1), "cell.weight_hh_l0": numbers(4, 0.7), "cell.bias_ih_l0": numbers(2, 0.3), "cell.bias_hh_l0": {0, 0},
		"readout.weight": numbers(2*classes, 1), "readout.bias": numbers(classes, 1)}
	shapes := map[string][]int{"cell.weight_ih_l0": {2, 1}, "cell.weight_hh_l0": {2, 2}, "cell.bias_ih_l0": {2}, "cell.bias_hh_l0": {2}, "readout.weight": {classes, 2}, "readout.bias": {classes}}
	at := func(name string, i int) float64 { return float64(w[name][i]) }
	for _, labelled := range []bool{true, false} {
		sum, all := 0.0, 0.0
		for s := range n {
			h := [2]float64{}
			for k := range steps {
				var next [2]float64
				for u := range 2 {
					next[u] = math.Tanh(at("cell.weight_ih_l0", u)*float64(x[s*steps+k]) + at("cell.weight_hh_l0", 2*u)*h[0] + at("cell.weight_hh_l0", 2*u+1)*h[1] + at("cell.bias_ih_l0", u))
				}
				h = next
				here := s*steps + k
				if int64(k) >= lengths[s] || labelled && label[here] < 0 {
					continue
				}
				loss, exps := 0.0, 0.0
				for o := range classes {
					out := at("readout.weight", 2*o)*h[0] + at("readout.weight", 2*o+1)*h[1] + at("readout.bias", o)
					if exps += math.Exp(out); labelled && int64(o) == label[here] {
						loss -= out
					} else if !labelled {
						loss += (out - float64(y[here*classes+o])) * (out - float64(y[here*classes+o])) / classes
					}
				}
				if labelled {
					loss += math.Log(exps)
				}
				sum, all = sum+float64(weight[here])*loss, all+float64(weight[here])
			}
		}
		target := safetensors.Float32("y", []int{n, steps, classes}, y)
		if labelled {
			target = safetensors.Int64("label", []int{n, steps}, label)
		}
		folder := arrayFiles(t, safetensors.Float32("x", []int{n, steps, 1}, x), target, safetensors.Float32("weight", []int{n, steps}, weight), safetensors.Int64("lengths", []int{n}, lengths))
		for _, parts := range [][]string{{"--batch", "11"}, {"--batch", "4"}, {"--batch", "11", "--shards", "4"}, {"--batch", "11", "--shards", "8", "--dry-run-ranks", "2"}} {
			dir := measuredRun(t, folder, w, shapes, args(parts, "--model", "rnn", "--hidden", "2", "--epochs", "1")...)
			for _, name := range []string{"train_loss", "test_loss"} {
				if got := rowsOf(t, dir, name); len(got) != 1 || !(math.Abs(got[0]-sum/all) <= 1e-6*sum/all) { // of float32
					t.Errorf("labels %v, %v: %s is %v, want %v", labelled, parts, name, got, sum/all)
				}
			}
		}
	}
}

// TestStatisticsOfNoise: noise and dropout have the mean square that they should have at every update, units, steps and
// sequences are independent, and the test has none. Losses are sums of squares of n numbers, so that they deviate by a part
// of √(2/n); six times that is allowed.
func TestStatisticsOfNoise(t *testing.T) {
	const n, h, steps, updates = 256, 8, 6, 8
	eye := func(scale float32) []float32 {
		w := make([]float32, h*h)
		for i := range h {
			w[i*(h+1)] = scale
		}
		return w
	}
	full := func(value float32, n int) []float32 { return slices.Repeat([]float32{value}, n) }
	// Of a filter of white noise: the currents and rates of the cell that is linear, after each step.
	const tauS, tauR, sd = 3.0, 2.0, 0.3
	var current, rate, square, mean float64
	for k := range steps {
		drive := 0.0
		if k == 0 {
			drive = 1
		}
		current += (drive - current) / tauS
		rate += (current - rate) / tauR
		square += rate * rate
		mean += square / steps * sd * sd * 2 * tauS
	}
	rates := map[string][]float32{"cell.U": full(0, h), "cell.W": full(0, h*h), "cell.b": full(0, h), "readout.weight": eye(1), "readout.bias": full(0, h)}
	summed := map[string][]float32{"cell.U": full(0, h), "cell.W": full(0, h*h), "cell.b": full(0, h), "readout.weight": full(float32(1/math.Sqrt(h)), h), "readout.bias": {0}}
	cell := []string{"--model", "rate", "--activation", "linear", "--learn", "none", "--tau-s", fmt.Sprint(tauS), "--tau-r", fmt.Sprint(tauR), "--rec-noise", fmt.Sprint(sd)}
	const small, p = 1e-3, 0.3 // tanh is linear there
	lower := float32(math.Tanh(1))
	stack := func(readout []float32, outputs int, memory float32) map[string][]float32 {
		return map[string][]float32{"cell.weight_ih_l0": full(0, h), "cell.weight_hh_l0": full(0, h*h), "cell.bias_ih_l0": full(1, h), "cell.bias_hh_l0": full(0, h),
			"cell.weight_ih_l1": eye(small), "cell.weight_hh_l1": eye(memory), "cell.bias_ih_l1": full(0, h), "cell.bias_hh_l1": full(0, h), "readout.weight": readout, "readout.bias": full(0, outputs)}
	}
	drops := []string{"--model", "rnn", "--layers", "2", "--dropout", fmt.Sprint(p)}
	kept := 1 / (small * lower)
	for _, c := range []struct {
		name    string
		weights map[string][]float32
		line    []string
		outputs int
		every   bool
		target  float32
		want    float64
		free    float64 // numbers that are independent
	}{
		{"noise of units", rates, cell, h, true, 0, mean, n * h},
		{"a sum over units", summed, cell, 1, true, 0, mean, n},
		{"dropout", stack(eye(kept), h, 0), drops, h, true, 1, p / (1 - p), n * h * steps},
		{"dropout in a sum over units", stack(full(kept/h, h), 1, 0), drops, 1, true, 1, p / (1 - p) / h, n * steps},
		{"dropout in a sum over steps", stack(eye(kept/steps), h, 1), drops, h, false, 1, p / (1 - p) / steps, n * h},
	} {
		shapes := map[string][]int{}
		for name, w := range c.weights {
			shapes[name] = []int{h, len(w) / h}
			if strings.Contains(name, "bias") || name == "cell.b" {
				shapes[name] = []int{len(w)}
			}
		}
		shapes["readout.weight"] = []int{c.outputs, h}
		y := safetensors.Float32("y", []int{n, c.outputs}, full(c.target, n*c.outputs))
		if c.every {
			y = safetensors.Float32("y", []int{n, steps, c.outputs}, full(c.target, n*steps*c.outputs))
		}
		folder := arrayFiles(t, safetensors.Float32("x", []int{n, steps, 1}, full(0, n*steps)), y)
		of := func(seed string) []float64 {
			dir := measuredRun(t, folder, c.weights, shapes, args(c.line, "--hidden", fmt.Sprint(h), "--batch", fmt.Sprint(n), "--epochs", fmt.Sprint(updates), "--seed", seed)...)
			for _, loss := range rowsOf(t, dir, "test_loss") {
				if loss > 1e-6 {
					t.Errorf("%s: the test has a loss of %v, want that without noise, 0", c.name, loss)
				}
			}
			return rowsOf(t, dir, "train_loss")
		}
		first, other := of("1"), of("2")
		all := append(slices.Clone(first), other...)
		for i, loss := range all {
			if most := 6 * math.Sqrt(2/c.free); !(math.Abs(loss/c.want-1) < most) {
				t.Errorf("%s: update %d has the mean square %v, want %v but for a part of %.2g", c.name, i, loss, c.want, most)
			}
		}
		if slices.Sort(all); len(all) != 2*updates || len(slices.Compact(all)) != 2*updates {
			t.Errorf("%s: two updates or two seeds have the same numbers: %v, %v", c.name, first, other)
		}
	}
}
