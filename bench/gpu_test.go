//go:build gpu

package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/models"
)

// openGPU opens the first GPU, or what GALVANI_CUDA_LIBRARY has in its place.
func openGPU(t *testing.T, precision string) *GPU {
	t.Helper()
	gpu, err := OpenGPU(0, precision)
	if errors.Is(err, kernels.ErrNoDevice) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gpu.Dev.Close() })
	return gpu
}

// TestGPUMatrix measures every cell in fp32, and some in the other precisions, on the GPU that there is, the
// emulated one with make gpu-test: the numbers pass the gate, memory is accounted, and given back.
func TestGPUMatrix(t *testing.T) {
	for _, precision := range kernels.Precisions {
		t.Run(precision, func(t *testing.T) {
			gpu := openGPU(t, precision)
			m := Matrix{Steps: []int{6}, Batches: []int{3}, Hiddens: []int{16}, GPU: gpu, CPU: true}
			for _, e := range models.All() {
				if _, own := e.New().(models.Sized); own || precision != "fp32" && e.Name != "lstm" && e.Name != "crnn-simple" {
					continue
				}
				m.Models = append(m.Models, e.Name)
			}
			before := gpu.Dev.(kernels.Resident).Usage().InUse
			rows, log, err := runMatrix(t, m)
			if err != nil || len(rows) != len(whats)*len(m.Models) {
				t.Fatalf("%d rows, error %v, log %s", len(rows), err, log)
			}
			for _, r := range rows {
				s := r.Subject
				if s.Device.Device != "cuda:0" || s.Device.Precision != precision || s.Device.Driver == "" || s.Device.Compute == "" || s.MemoryHigh <= 0 {
					t.Errorf("%s %s: device %+v, %d bytes", r.Model, r.What, s.Device, s.MemoryHigh)
				}
				if r.Reference.Device.Device != "cpu" || r.Ratio == nil || r.Emulated != gpu.Emulated || r.Note != "" || !(*r.Gate > 0) {
					t.Errorf("row %+v", r)
				}
			}
			if after := gpu.Dev.(kernels.Resident).Usage().InUse; after != before {
				t.Errorf("%d bytes are in use on the device, %d before", after, before)
			}
			worst := 0.0
			for _, r := range rows {
				worst = max(worst, *r.Gate)
			}
			t.Logf("largest deviation %.2g", worst)
		})
	}
}

// TestGPUPeers compares a network on the GPU with a framework there; with the emulated GPU the
// framework computes on the CPU.
func TestGPUPeers(t *testing.T) {
	python := pythonWith(t, "jax")
	gpu := openGPU(t, "bf16")
	m := Matrix{Models: []string{"lstm", "cond-fixed"}, Steps: []int{6}, Batches: []int{3}, Hiddens: []int{16}, GPU: gpu}
	var forms []string
	cfg := Config{Threads: 1, Quick: true, Python: python, Log: t.Logf, Each: func(r Row) error {
		if r.Case == casePeer && strings.HasPrefix(r.Reference.Name, "jax ") {
			forms = append(forms, r.Model+" "+r.What)
			if r.Ratio == nil || !(r.Ratio.Value > 0) || r.Subject.Device.Device != "cuda:0" || r.Goal != nil {
				t.Errorf("row %+v", r)
			}
		}
		return nil
	}}
	if err := RunMatrix(context.Background(), cfg, m); err != nil {
		t.Fatal(err)
	}
	// In bf16 and in fp16, which is timed beside it; cond-fixed has no peer.
	if want := []string{"lstm " + forward, "lstm " + forward, "lstm " + both, "lstm " + both}; !slices.Equal(forms, want) {
		t.Errorf("peers of %v, want %v", forms, want)
	}
}

// TestGPULatencies measures every signal that the GPU has room for.
func TestGPULatencies(t *testing.T) {
	gpu := openGPU(t, "fp32")
	var names []string
	cfg := Config{Threads: 1, Quick: true, Log: t.Logf, Each: func(r Row) error {
		names = append(names, r.What)
		if !(r.Subject.Median > 0) || r.Case != caseLatency || r.Emulated != gpu.Emulated {
			t.Errorf("row %+v", r)
		}
		return nil
	}}
	if err := RunLatencies(context.Background(), cfg, gpu); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"launch, queued", "flag through L2, there and back", "exchange in a cluster, 8 blocks"} {
		if gpu.Compute >= "9.0" && !slices.Contains(names, want) {
			t.Errorf("%v lacks %q", names, want)
		}
	}
}
