package analysis

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"galvani/data"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
)

// arrays opens the task file with the given arrays and data.toml.
func arrays(t *testing.T, about string, list ...safetensors.Tensor) *data.Task {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"train.npz", "test.npz"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := npz.Write(f, list); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data.toml"), []byte(about), 0o600); err != nil {
		t.Fatal(err)
	}
	task, err := (&data.Arrays{}).Open(data.Env{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestFits holds the errors of outputs to their definition in two passes, with weights and sequences of several lengths, for
// targets far from 0 too, and their mean to the loss.
func TestFits(t *testing.T) {
	const n, steps, o = 7, 5, 3
	var x, y, w []float32
	var lengths []int64
	for k := range n * steps {
		x = append(x, float32(math.Sin(float64(k))))
		y = append(y, float32(math.Cos(float64(3*k))), 1000+float32(k%4), 2)
		w = append(w, float32(k%3))
	}
	for k := range n {
		lengths = append(lengths, int64(1+k%steps))
	}
	opened := arrays(t, `outputs = ["x", "far", "still"]`, safetensors.Float32("x", []int{n, steps, 1}, x), safetensors.Float32("y", []int{n, steps, o}, y),
		safetensors.Float32("weight", []int{n, steps}, w), safetensors.Int64("lengths", []int{n}, lengths))
	s, session := subjectOf(t, "rnn", opened)
	got, err := s.Fits(opened.Test)
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.Evaluate(t.Context(), opened.Test)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[int][]float32{}
	if err := s.Sweep(opened.Test, n, true, func(index int, _ *data.Batch, _ int, out []float32) {
		answers[index] = append([]float32(nil), out...)
	}); err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for k := range o {
		each := func(f func(w, y, out float64)) {
			for i := range n {
				for step := range int(lengths[i]) {
					at := i*steps + step
					f(float64(w[at]), float64(y[at*o+k]), float64(answers[i][step*o+k]))
				}
			}
		}
		weight, sum, square, spread := 0.0, 0.0, 0.0, 0.0
		each(func(w, y, out float64) { weight, sum, square = weight+w, sum+w*y, square+w*(out-y)*(out-y) })
		each(func(w, y, _ float64) { spread += w * (y - sum/weight) * (y - sum/weight) })
		mean += square / weight / o
		if math.Abs(got[k].MSE-square/weight) > 1e-12*square/weight || got[k].Output != opened.Outputs[k] {
			t.Errorf("output %d: %+v, want the error %v", k, got[k], square/weight)
		}
		switch {
		case k == 2 && got[k].R2 != nil:
			t.Errorf("a target that never changes has R2 %v", *got[k].R2)
		case k < 2 && (got[k].R2 == nil || math.Abs(*got[k].R2-(1-square/spread)) > 1e-9*square/spread):
			t.Errorf("output %d: R2 %v, want %v", k, *got[k].R2, 1-square/spread)
		}
	}
	if math.Abs(m.Loss()-mean) > scoreTolerance*mean {
		t.Errorf("the mean error is %v, the loss %v", mean, m.Loss())
	}
}
