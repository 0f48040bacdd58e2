package rows

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{
		{[]float64{3}, 3},
		{[]float64{4, 1}, 2.5},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := append([]float64(nil), tt.x...)
		if got := Median(tt.x); got != tt.want {
			t.Errorf("median of %v is %v, want %v", tt.x, got, tt.want)
		}
		for i := range before {
			if tt.x[i] != before[i] {
				t.Errorf("the argument was changed to %v", tt.x)
			}
		}
	}
	if !math.IsNaN(Median(nil)) {
		t.Error("the median of nothing is not NaN")
	}
}

// TestBootstrap holds the interval to the one of the normal distribution for a mean, whose
// half-width is 1.96 standard errors, and to being the same at every call.
func TestBootstrap(t *testing.T) {
	const n = 400
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, n)
	sum, squares := 0.0, 0.0
	for i := range x {
		x[i] = 10 + r.NormFloat64()
		sum += x[i]
		squares += x[i] * x[i]
	}
	mean := sum / n
	sd := math.Sqrt(squares/n - mean*mean)
	stat := func(units []int) float64 {
		s := 0.0
		for _, i := range units {
			s += x[i]
		}
		return s / float64(len(units))
	}
	got := Bootstrap(n, stat)
	half := 1.96 * sd / math.Sqrt(n)
	// The ends of the interval have an error of about a tenth of its half-width.
	for i, want := range []float64{mean - half, mean + half} {
		if math.Abs(got[i]-want) > 0.2*half {
			t.Errorf("end %d is %v, want %v ± %v", i, got[i], want, 0.2*half)
		}
	}
	if again := Bootstrap(n, stat); again != got {
		t.Errorf("the interval is %v, then %v", got, again)
	}
	if one := Bootstrap(1, func([]int) float64 { return 7 }); one != (Interval{7, 7}) {
		t.Errorf("the interval of one unit is %v, want 7 twice", one)
	}
}
