package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/devices"
)

// coarser wants a run in a precision, which its description names, to have losses near exact ones, not the same.
func coarser(t *testing.T, dir, precision string, exact []float64) {
	t.Helper()
	tol := map[string]float64{"tf32": 1e-2, "bf16": 5e-2}[precision] // 11 and 8 bits of mantissa
	if !bytes.Contains(contents(t, filepath.Join(dir, "env.json")), []byte(precision)) {
		t.Errorf("env.json does not name %s", precision)
	}
	got := losses(t, dir)
	for i, l := range got {
		if !(math.Abs(l-exact[i]) <= tol) {
			t.Errorf("%s: loss %v at update %d, want %v", precision, l, i+1, exact[i])
		}
	}
	if slices.Equal(got, exact) {
		t.Errorf("%s gives the bits of fp32", precision)
	}
}

// TestPrecisionOfCPU trains in bf16 on a CPU that has it, with the same bits on two threads and after a stop; one that
// has not says so. What has no products in it is refused.
func TestPrecisionOfCPU(t *testing.T) {
	told := strings.Contains(galvani(t, "devices").ok(t).stdout, "has --precision bf16")
	half := []string{"--model", "lstm", "--device", "cpu", "--precision", "bf16"}
	_, err := devices.Open("cpu", devices.Options{Precision: "bf16"})
	if told != (err == nil) {
		t.Errorf("devices tells bf16 of the CPU: %v, but it opens with %v", told, err)
	}
	if err != nil {
		t.Log(err)
		galvani(t, args(tiny, append(half, "--runs-dir", t.TempDir())...)...).refused(t, exitDevice, "bf16")
	} else {
		dir := trained(t, append(half, "--threads", "1", "--max-steps", "4")...)
		coarser(t, dir, "bf16", losses(t, trained(t, "--model", "lstm", "--device", "cpu", "--max-steps", "4")))
		stopped := trained(t, append(half, "--threads", "2", "--max-steps", "2")...)
		galvani(t, "train", "--resume", stopped, "--quiet", "--max-steps", "4").ok(t)
		if a, b := losses(t, stopped), losses(t, dir); !slices.Equal(a, b) {
			t.Errorf("losses on two threads with a stop %v, want %v", a, b)
		}
	}
	for _, wrong := range [][]string{{"--precision", "tf32"}, {"--precision", "bf16", "--backend", "graph"}, {"--precision", "bf16", "--model", "mlp", "--task", "bars"}} {
		galvani(t, append([]string{"train", "--device", "cpu", "--runs-dir", t.TempDir()}, wrong...)...).refused(t, exitConfig, "precision")
	}
}
