package data

import (
	"math"
	"testing"
)

// TestTeacher holds targets to the equations, with weights that are recovered from the stream that they are drawn from,
// and the baseline to the variance of many targets.
func TestTeacher(t *testing.T) {
	c := &Teacher{Inputs: 3, Units: 2, Outputs: 2, GainIn: 2, GainOut: 10, Sampling: Sampling{Fresh: true, TrainSize: 5, TestSize: 4000}}
	task, err := c.Open(Env{Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	r := newStream(4, fixed, 0, 0)
	var w [10]float64
	for i := range w {
		w[i] = 2*r.float() - 1
	}
	b := NewBatch(task, 2)
	if err := task.Train.Fill(b, 1, 3, 4); err != nil {
		t.Fatal(err)
	}
	x := b.X[3:]
	var y [2]float64
	for h := range 2 {
		u := 2 * (w[3*h]*float64(x[0]) + w[3*h+1]*float64(x[1]) + w[3*h+2]*float64(x[2]))
		for o := range y {
			y[o] += 10 * w[6+2*h+o] * 0.1 * math.Log(1+math.Exp(u-3))
		}
	}
	for o, want := range y {
		if got := float64(b.Value[2+o]); math.Abs(got-want) > 1e-6*math.Abs(want) || want == 0 {
			t.Errorf("output %d is %v, want %v", o, got, want)
		}
	}
	few, err := meanVariance(task, baselineSamples)
	if err != nil {
		t.Fatal(err)
	}
	if many, err := meanVariance(task, 4000); err != nil || few < many/2 || few > 2*many {
		t.Errorf("the variance is %v of few targets and %v of many, %v", few, many, err)
	}
}
