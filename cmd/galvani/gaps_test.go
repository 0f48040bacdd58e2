package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"galvani/engine/safetensors"
)

// TestGaps: steps that a mask leaves out between others do nothing, so that training comes to what it does where the steps
// that count stand behind each other, in either direction, with weights of the targets and a penalty on h.
func TestGaps(t *testing.T) {
	const n, steps, inputs = 12, 7, 2
	r := rand.New(rand.NewPCG(3, 1))
	gapped, dense := make([]float32, n*steps*inputs), make([]float32, n*steps*inputs)
	mask, lengths, y, weight := make([]float32, n*steps), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		y[i], weight[i] = float32(r.NormFloat64()), 2*r.Float32()
		count := 0
		for k := range steps {
			on := r.IntN(2) == 0 || k == i%steps
			for j := range inputs {
				x := float32(r.NormFloat64())
				gapped[(i*steps+k)*inputs+j] = x
				if on {
					dense[(i*steps+count)*inputs+j] = x
				}
			}
			if on {
				mask[i*steps+k] = 1
				count++
			}
		}
		lengths[i] = float32(count)
	}
	targets := []safetensors.Tensor{safetensors.Float32("y", []int{n, 1}, y), safetensors.Float32("weight", []int{n}, weight)}
	with := arrayFiles(t, append([]safetensors.Tensor{safetensors.Float32("x", []int{n, steps, inputs}, gapped), safetensors.Float32("mask", []int{n, steps}, mask)}, targets...)...)
	without := arrayFiles(t, append([]safetensors.Tensor{safetensors.Float32("x", []int{n, steps, inputs}, dense), safetensors.Float32("lengths", []int{n}, lengths)}, targets...)...)
	for _, backend := range backends() {
		for _, cell := range [][]string{{"--model", "gru"}, {"--model", "lstm", "--layers", "2", "--bidirectional"}, {"--model", "rnn", "--bidirectional", "--rate-l2", "0.5", "--h0", "learned"}} {
			line := args([]string{"train", "--quiet", "--plots", "none", "--runs-dir", t.TempDir(), "--task", "file", "--hidden", "5", "--batch", "12", "--epochs", "3", "--optimizer", "sgd", "--validation", "0", "--backend", backend}, cell...)
			run := func(folder string) []float64 {
				return rowsOf(t, strings.TrimSpace(galvani(t, args(line, "--data-dir", folder)...).ok(t).stdout), "test_loss")
			}
			want := run(without)
			for k, got := range run(with) {
				if len(want) != 3 || !(math.Abs(got-want[k]) <= 2e-6*math.Abs(want[k])) { // rows of weight gradients are added in another order
					t.Errorf("%s, %v: loss %d is %v with gaps, %v without", backend, cell, k, got, want[k])
				}
			}
		}
	}
}
