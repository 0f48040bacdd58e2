package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"galvani/bench/analysis"
	"galvani/engine"
	"galvani/engine/safetensors"
)

const (
	// fixedTolerance bounds the error of a mean of some float32 in float64: rounding.
	fixedTolerance = 1e-9
	// traceTolerance: states of order 1 in float32, after some steps.
	traceTolerance = 1e-5
)

// TestFixedpoints holds that the files hold what stdout tells, that the points are what they are
// said to be, and that a seed repeats them.
func TestFixedpoints(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{copyOfRun(t), trialRun(t, "lstm")} {
		out := filepath.Join(t.TempDir(), "points")
		ask := []string{"fixedpoints", dir, "--starts", "6", "--sequences", "10", "--iterations", "60", "--input", "mean"}
		r := told[pointsReport](t, args(ask, "--out", out)...)
		if again := told[pointsReport](t, ask...); !reflect.DeepEqual(r, again) {
			t.Error("the same seed gives other points")
		}
		total := r.Lost
		for i, p := range r.Points {
			total += p.Starts
			if p.Q > 1e-4 || i > 0 && p.Q < r.Points[i-1].Q || p.Fixed && p.Q > 1e-18 {
				t.Errorf("point %d: q is %v, fixed %v", i, p.Q, p.Fixed)
			}
			first := p.Eigenvalues[0]
			if math.Hypot(first[0], first[1]) != p.Radius || p.Stable != (p.Radius < 1) || p.Stable != (p.Unstable == 0) && p.Radius != 1 {
				t.Errorf("point %d: stable %v, %d unstable, radius %v, first eigenvalue %v", i, p.Stable, p.Unstable, p.Radius, first)
			}
			if len(p.Eigenvalues) != 8*len(p.State) || len(p.State[0]) != 8 {
				t.Errorf("point %d: %d eigenvalues, state of %d planes of %d", i, len(p.Eigenvalues), len(p.State), len(p.State[0]))
			}
		}
		if len(r.Points) == 0 || total != 6 || len(r.X) == 0 || r.Share[0] < r.Share[1] {
			t.Errorf("%d points of %d starts, input %v, shares %v; want some points of 6 starts", len(r.Points), total, r.X, r.Share)
		}
		if rows := readPoints(t, out+".jsonl"); !reflect.DeepEqual(rows, r.Points) {
			t.Errorf("the file holds %d rows that differ from the %d of stdout", len(rows), len(r.Points))
		}
		for _, format := range []string{".png", ".svg"} {
			if info, err := os.Stat(out + format); err != nil || info.Size() == 0 {
				t.Errorf("%s is missing or empty: %v", format, err)
			}
		}
		words := galvani(t, ask...).ok(t).stdout
		if !strings.Contains(words, "LARGEST |λ|") || !strings.Contains(words, "principal components") {
			t.Errorf("no table in\n%s", words)
		}
	}
}

func readPoints(t *testing.T, path string) []analysis.SlowPoint {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []analysis.SlowPoint
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p analysis.SlowPoint
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// TestConstantInput holds each way to name an input to the samples themselves.
func TestConstantInput(t *testing.T) {
	f := savedFlags{checkpoint: "best", set: runSettings{device: "cpu", backend: "graph"}}
	j, _, err := f.open(copyOfRun(t), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	wide, err := engine.Widen(j.net, j.session.Params())
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewStepMap(j.net, wide, j.task.I, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const sequences = 10
	w, err := j.subject().Walk(t.Context(), m, sequences)
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.session.Batch(j.task.Test, sequences)
	if err != nil {
		t.Fatal(err)
	}
	event := slices.IndexFunc(b.X, func(v float32) bool { return v != 0 })
	step, which := event/(b.I*b.B), event/b.I%b.B
	stepMean, one := fmt.Sprintf("mean:%d", step), fmt.Sprintf("%d:%d", which, step)
	want := map[string][]float64{"zero": make([]float64, b.I), "mean": make([]float64, b.I), stepMean: make([]float64, b.I), one: make([]float64, b.I)}
	for i, v := range b.X {
		at, col, in := i/(b.I*b.B), i/b.I%b.B, i%b.I
		want["mean"][in] += float64(v) / float64(b.T*b.B)
		if at == step {
			want[stepMean][in] += float64(v) / float64(b.B)
			if col == which {
				want[one][in] = float64(v)
			}
		}
	}
	for name, x := range want {
		got, err := j.constantInput(name, w)
		if err != nil || len(got) != len(x) {
			t.Fatalf("%s: %v, error %v", name, got, err)
		}
		sum := 0.0
		for i, v := range x {
			sum += math.Abs(v)
			if math.Abs(got[i]-v) > fixedTolerance {
				t.Errorf("%s: input %d is %v, want %v", name, i, got[i], v)
			}
		}
		if (sum == 0) != (name == "zero") {
			t.Errorf("%s: the inputs add up to %v", name, sum)
		}
	}
	tensors, err := j.session.Trace(b)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, w, tensors, b.T, sequences, j.net.Hidden())
}

// holds fails the test unless the visited states are the hidden states of a trace.
func holds(t *testing.T, w *analysis.Walk, tensors []safetensors.Tensor, steps, sequences, hidden int) {
	t.Helper()
	at := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == "h" })
	h, err := tensors[at].Float32s() // [T,B,H]
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Ends) != sequences || w.Ends[sequences-1] != sequences*(steps+1) {
		t.Fatalf("sequences end at %v, want %d of %d states", w.Ends, sequences, steps+1)
	}
	for col := range sequences {
		for step := range steps {
			for u := range hidden {
				got, want := w.States[(col*(steps+1)+step+1)*w.Dim+u], float64(h[(step*sequences+col)*hidden+u])
				if math.Abs(got-want) > traceTolerance {
					t.Fatalf("sequence %d, step %d, unit %d: visited %v, traced %v", col, step, u, got, want)
				}
			}
		}
	}
}

func TestFixedpointsRefuses(t *testing.T) {
	dir := copyOfRun(t)
	refuses(t, []string{"fixedpoints", dir}, []refusal{
		{"--starts 0", exitConfig, "--starts is 0, want at least 1"},
		{"--noise NaN", exitConfig, "--noise is NaN"},
		{"--slow -1", exitConfig, "--slow is -1"},
		{"--input middle", exitConfig, `--input is "middle", want zero, mean, mean:K or N:K`},
		{"--input mean:8", exitConfig, "a step K of 0 to 7"},
		{"--input 16:0", exitConfig, "a test sequence N of 0 to 15"},
		{"--starts 1 --out " + filepath.Join(dir, "no", "folder"), exitIO, "no such file"},
	})
}
