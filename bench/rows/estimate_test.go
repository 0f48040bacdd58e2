package rows

import (
	"math"
	"testing"
)

func TestMean(t *testing.T) {
	// t of 0.975 with 2 degrees of freedom is 4.302653; the standard deviation is 1.
	e := Mean([]float64{1, 2, 3})
	half := 4.302653 / math.Sqrt(3)
	if e.Value != 2 || e.N != 3 || math.Abs(e.Interval[0]-2+half) > 1e-5 || math.Abs(e.Interval[1]-2-half) > 1e-5 {
		t.Errorf("mean of 1, 2, 3 is %+v", e)
	}
	if e := Mean([]float64{7}); e.Value != 7 || !math.IsNaN(e.Interval[0]) || e.Format("%.1f") != "7.0" {
		t.Errorf("mean of 7 is %+v", e)
	}
	if e := Mean(nil); !math.IsNaN(e.Value) {
		t.Errorf("mean of nothing is %+v", e)
	}
}

func TestSpread(t *testing.T) {
	if e := Spread([]float64{3, 1, 2}); e.Value != 2 || e.Interval != (Interval{1, 3}) {
		t.Errorf("spread is %+v", e)
	}
	if e := Spread([]float64{3}); e.Value != 3 || !math.IsNaN(e.Interval[0]) {
		t.Errorf("spread of one is %+v", e)
	}
}

func TestShare(t *testing.T) {
	// Of none in n the upper border is 1 - 0.025^(1/n).
	if e := Share(0, 10); e.Value != 0 || e.Interval[0] != 0 || math.Abs(e.Interval[1]-(1-math.Pow(0.025, 0.1))) > 1e-9 {
		t.Errorf("0 of 10: %+v", e)
	}
	if e := Share(10, 10); e.Value != 1 || e.Interval[1] != 1 || math.Abs(e.Interval[0]-math.Pow(0.025, 0.1)) > 1e-9 {
		t.Errorf("10 of 10: %+v", e)
	}
	// Table of Clopper and Pearson: 5 of 10 gives 0.187 to 0.813.
	if e := Share(5, 10); math.Abs(e.Interval[0]-0.18709) > 1e-4 || math.Abs(e.Interval[1]-0.81291) > 1e-4 {
		t.Errorf("5 of 10: %+v", e)
	}
}
