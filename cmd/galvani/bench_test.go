package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"galvani/bench"
	"galvani/bench/rows"
	"galvani/kernels"
)

// noGPU runs galvani where there is none, whatever the machine has.
func noGPU(t *testing.T, args ...string) outcome {
	t.Helper()
	c := program(args...)
	c.Env = append(c.Env, "GALVANI_CUDA_LIBRARY=/nowhere/libcuda.so")
	return finish(t, c)
}

func TestBenchMatrix(t *testing.T) {
	needsCPU(t)
	dir := t.TempDir()
	out, plots := filepath.Join(dir, "rows.jsonl"), filepath.Join(dir, "plots")
	line := []string{"bench", "--quick", "--models", "rnn", "--hiddens", "8,16", "--threads", "1", "--commit", "abc", "--out", out, "--plot", plots}
	o := noGPU(t, line...).ok(t)
	table := strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
	if len(table) != 2+2*2*3+1 || !strings.Contains(table[0], "1 of ") || !strings.Contains(table[0], "commit abc") {
		t.Errorf("table of 12 rows is\n%s", o.stdout)
	}
	if !strings.HasPrefix(table[1], "MODEL") || strings.Contains(table[1], "GPU") || strings.Contains(table[1], "GOAL") {
		t.Errorf("heading is %q, want the CPU alone", table[1])
	}
	if last := table[len(table)-1]; !strings.HasPrefix(last, "no GPU columns: ") || strings.Contains(last, kernels.ErrNoDevice.Error()) {
		t.Errorf("last line is %q, want why there are no GPU columns", last)
	}
	for _, what := range []string{"forward", "forward-backward", "training-step"} {
		for format, begin := range map[string]string{"png": "\x89PNG", "svg": "<?xml"} {
			text, err := os.ReadFile(filepath.Join(plots, "rnn-T6-"+what+"."+format))
			if err != nil || !bytes.HasPrefix(text, []byte(begin)) {
				t.Errorf("plot of %s as %s: %v", what, format, err)
			}
		}
	}
	if f, err := os.Open(filepath.Join(plots, "rnn-T6-forward.png")); err != nil {
		t.Error(err)
	} else if _, err := png.Decode(f); err != nil {
		t.Errorf("plot is no picture: %v", err)
	}

	o = noGPU(t, append(line, "--json")...).ok(t)
	var found matrixReport
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || len(found.Rows) != 13 || len(found.Crossovers) != 0 {
		t.Errorf("%v: JSON with %d rows, %d crossovers, want 13 and none", err, len(found.Rows), len(found.Crossovers))
	}
	if !strings.Contains(o.stderr, "no GPU columns: ") {
		t.Errorf("stderr does not say why there is no GPU: %s", o.stderr)
	}
	text := contents(t, out)
	lines := 0
	for l := range bytes.Lines(text) {
		var r bench.Row
		if err := json.Unmarshal(l, &r); err != nil || !r.Quick || r.Program.Commit != "abc" || r.Machine.Threads != 1 {
			t.Errorf("%v: line %s", err, l)
		}
		lines++
	}
	if lines != 2*13 {
		t.Errorf("two runs appended %d lines, want 26", lines)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--models lst", exitUsage, `did you mean "lstm"?`},
		{"--models=", exitUsage, "--models is empty"},
		{"--batches 4,0", exitUsage, "--batches is [4 0], want numbers of at least 1"},
		{"--steps=", exitUsage, "--steps"},
		{"--hiddens many", exitUsage, "--hiddens"},
		{"--precision fp64", exitUsage, `--precision is "fp64", want fp32, tf32, bf16`},
		{"--precision bf16 --devices cpu", exitUsage, "only a GPU"},
		{"--precision bf16", exitDevice, "fp32 alone, not in bf16"},
		{"--devices tpu", exitUsage, "--devices is tpu"},
		{"--devices auto", exitUsage, "--devices is auto"},
		{"--devices cuda,cuda:1", exitUsage, "one of cuda, cuda:n"},
		{"--devices cpu,cuda", exitDevice, "CUDA"},
		{"--blocks 1", exitUsage, "--blocks is 1, want at least 2"},
		{"--threads -1", exitUsage, "--threads is -1"},
		{"--goals --quick", exitUsage, "leave out --quick"},
		{"gpu", exitUsage, `unknown command "gpu"`},
		{"--out /nowhere/rows.jsonl --quick", exitIO, "/nowhere/rows.jsonl"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			o := noGPU(t, append([]string{"bench"}, strings.Fields(tt.args)...)...)
			o.refused(t, tt.code, tt.want)
			if o.stdout != "" || strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("stdout %q, stderr %q, want one line of error", o.stdout, o.stderr)
			}
		})
	}
}

// TestBenchTable holds the words of rows with two devices.
func TestBenchTable(t *testing.T) {
	held := true
	side := func(device string, ms float64) bench.Timing {
		return bench.Timing{Name: device, Median: ms / 1e3, Interval: rows.Interval{ms / 1e3, ms / 1e3}, PerSecond: 1e3,
			Device: &bench.Hardware{Device: device, Precision: "fp32"}, Roof: &bench.Roof{Share: 0.125, Limit: "memory"}, MemoryHigh: 3 << 20}
	}
	cpu := side("cpu", 6)
	row := bench.Row{Case: "matrix", Model: "rnn", What: "forward", Shape: bench.Shape{T: 100, B: 4, I: 1, H: 8}, Subject: side("cuda:0", 2),
		Reference: &cpu, Ratio: &bench.Ratio{Kind: bench.SpeedUp, Value: 3, Interval: rows.Interval{2, 4}}, Goal: &bench.Goal{Name: "G1", Bound: 30, Pass: &held}}
	slow := row
	slow.Ratio, slow.Goal = &bench.Ratio{Kind: bench.SpeedUp, Value: 0.001, Interval: rows.Interval{0.0009, 0.002}}, nil
	slow.Subject.Roof = nil
	even := row
	even.Ratio = &bench.Ratio{Kind: bench.SpeedUp, Value: 1, Interval: rows.Interval{0.9, 1.1}}
	alone := row
	alone.Subject, alone.Reference, alone.Ratio = cpu, nil, nil
	var text bytes.Buffer
	p := newPrinter(&text)
	gpu := &bench.GPU{Hardware: bench.Hardware{Device: "cuda:0", Name: "Emulated GPU", Compute: "9.0", Driver: "12.2", Precision: "fp32", Emulated: true}}
	p.matrix(matrixReport{[]bench.Row{row, slow, even, alone}, []bench.Crossover{
		{Model: "rnn", What: "forward", T: 100, Axis: "B", Fixed: 8, At: 16, Smallest: 1, Largest: 64},
		{Model: "rnn", What: "forward", T: 100, Axis: "H", Fixed: 4, Smallest: 8, Largest: 64},
		{Model: "gru", What: "forward", T: 100, Axis: "B", Fixed: 8, At: 1, Smallest: 1, Largest: 64}}}, gpu, "")
	if p.err != nil {
		t.Fatal(p.err)
	}
	for _, want := range []string{
		"cuda:0 Emulated GPU, compute 9.0, driver for CUDA 12.2, fp32", "EMULATED: the times of this GPU say nothing about hardware",
		"6 6..6 1000 12.5 % memory 2 2..2 1000 12.5 % memory 3.0 MiB 3 2..4 GPU G1 20 µs/step ≤30 held",
		"2 2..2 1000 unknown 3.0 MiB 0.001 0.0009..0.002 CPU -", "1 0.9..1.1 neither",
		"6 6..6 1000 12.5 % memory - - - - - - - - G1 60 µs/step ≤30 held",
		"rnn 100 H=8 forward B=16", "rnn 100 B=4 forward not up to H=64", "gru 100 H=8 forward B=1, the smallest measured",
	} {
		if got := strings.Join(strings.Fields(text.String()), " "); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
