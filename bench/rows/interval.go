package rows

import (
	"math"
	"math/rand/v2"
	"slices"
)

// resamples is the number of bootstrap draws; the ends of a 95 % interval are then known to
// about one part in twenty of its width.
const resamples = 2000

// Interval is a two-sided 95 % interval.
type Interval [2]float64

// Median returns the middle of x, or the mean of the two middle elements; NaN for none.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// Bootstrap returns the interval of a statistic over n units that are drawn with replacement:
// stat gets the numbers of the drawn units. The draws are the same at every call.
//
// Source: Efron (1979), Annals of Statistics 7:1, percentile method.
func Bootstrap(n int, stat func(units []int) float64) Interval {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	units, values := make([]int, n), make([]float64, resamples)
	for k := range values {
		for i := range units {
			units[i] = r.IntN(n)
		}
		values[k] = stat(units)
	}
	slices.Sort(values)
	tail := resamples / 40
	return Interval{values[tail], values[resamples-1-tail]}
}
