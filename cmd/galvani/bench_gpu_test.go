//go:build gpu

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/bench"
)

// benchOnGPU runs a tiny matrix on the emulated driver and returns the rows of its file and what
// it printed as JSON.
func benchOnGPU(t *testing.T, env string, more ...string) (rows []bench.Row, printed matrixReport, o outcome) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "rows.jsonl")
	o = emulated(t, []string{env}, args([]string{"bench", "--quick", "--json", "--out", out}, more...)...).ok(t)
	o.tells(t, &printed)
	text := contents(t, out)
	for l := range bytes.Lines(text) {
		var r bench.Row
		if err := json.Unmarshal(l, &r); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		if r.Case == "matrix" {
			rows = append(rows, r)
		}
	}
	return rows, printed, o
}

// TestGPUBench holds that every row names the emulated GPU as such, and that both devices reach
// table, file and plots.
func TestGPUBench(t *testing.T) {
	plots := t.TempDir()
	rows, printed, o := benchOnGPU(t, "", "--models", "crnn,lstm", "--plot", plots)
	if len(rows) != 2*2*3 || len(printed.Rows) != 1+len(rows) || len(printed.Crossovers) != 2*3 || strings.Contains(o.stderr, "no GPU") {
		t.Errorf("%d rows, %d printed, %d crossovers, want 12, 13 and 6; stderr %s", len(rows), len(printed.Rows), len(printed.Crossovers), o.stderr)
	}
	for _, r := range rows {
		g := r.Subject.Device
		if !r.Emulated || !r.Quick || g.Device != "cuda:0" || g.Compute != "9.0" || g.Driver == "" || g.Precision != "fp32" ||
			r.Subject.MemoryHigh <= 0 || r.Subject.Roof != nil || r.Ratio == nil || r.Reference.Device.Device != "cpu" {
			t.Errorf("row %+v", r)
		}
	}
	svg, err := os.ReadFile(filepath.Join(plots, "lstm-T6-training-step.svg"))
	if err != nil || !bytes.Contains(svg, []byte("EMULATED")) || !bytes.Contains(svg, []byte("cuda:0 fp32")) {
		t.Errorf("plot (%v) does not name the device as emulated", err)
	}
	o = emulated(t, nil, "bench", "--quick", "--models", "rnn", "--devices", "cuda", "--precision", "bf16").ok(t)
	if !strings.Contains(o.stdout, "EMULATED") || !strings.Contains(o.stdout, "bf16") || strings.Contains(o.stdout, "CPU ms") {
		t.Errorf("table of the GPU alone is\n%s", o.stdout)
	}
}

// TestGPUBenchKeepsNoEmulatedRows holds that times of the emulated driver reach no results file.
func TestGPUBenchKeepsNoEmulatedRows(t *testing.T) {
	out := filepath.Join(t.TempDir(), "rows.jsonl")
	line := []string{"bench", "--models", "rnn", "--steps", "3", "--batches", "1", "--hiddens", "8", "--blocks", "2", "--out", out}
	for _, env := range []string{"", "GALVANI_EMU_DEVICE=name=NVIDIA H100 80GB HBM3"} {
		emulated(t, []string{env}, line...).refused(t, exitUsage, "add --quick")
		if _, err := os.Stat(out); !os.IsNotExist(err) {
			t.Errorf("%s: there is a file of results (%v)", env, err)
		}
	}
}

// TestGPUBenchWithoutMemory holds that a network that the GPU has no room for is measured on the
// CPU, with the reason.
func TestGPUBenchWithoutMemory(t *testing.T) {
	rows, _, o := benchOnGPU(t, "GALVANI_EMU_DEVICE=memory=1MiB", "--models", "rnn", "--batches", "2", "--hiddens", "8,512")
	if len(rows) != 6 || !strings.Contains(o.stderr, "not on cuda:0") {
		t.Fatalf("%d rows, want 6; stderr %s", len(rows), o.stderr)
	}
	for _, r := range rows {
		fits := r.Shape.H == 8
		if (r.Note == "") != fits || (r.Ratio != nil) != fits || r.Emulated != fits || (r.Subject.Device.Device == "cuda:0") != fits {
			t.Errorf("H=%d: note %q, on %s", r.Shape.H, r.Note, r.Subject.Device.Device)
		}
	}
}
