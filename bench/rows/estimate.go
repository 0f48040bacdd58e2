package rows

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a number with its 95 % interval.
type Estimate struct {
	Value    float64
	Interval Interval // NaN where there is too little to tell
	N        int
}

// Mean returns the mean of numbers that vary from seed to seed, with Student's interval; of fewer
// than two numbers the interval is NaN.
//
// Source: Student (1908), Biometrika 6:1.
func Mean(x []float64) Estimate {
	e := Estimate{Value: math.NaN(), Interval: Interval{math.NaN(), math.NaN()}, N: len(x)}
	if len(x) == 0 {
		return e
	}
	mean, sd := stat.MeanStdDev(x, nil)
	if e.Value = mean; len(x) == 1 {
		return e
	}
	n := float64(len(x))
	half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * sd / math.Sqrt(n)
	e.Interval = Interval{mean - half, mean + half}
	return e
}

// Geometric returns the geometric mean of positive numbers, with the interval of their logarithms.
func Geometric(x []float64) Estimate {
	e := Mean(Logs(x))
	e.Value, e.Interval[0], e.Interval[1] = math.Exp(e.Value), math.Exp(e.Interval[0]), math.Exp(e.Interval[1])
	return e
}

// Logs returns the natural logarithms of numbers.
func Logs(x []float64) []float64 {
	list := make([]float64, len(x))
	for i := range x {
		list[i] = math.Log(x[i])
	}
	return list
}

// Spread returns the mean of a few numbers with the range that they lie in; of one number the range is
// NaN.
func Spread(x []float64) Estimate {
	e := Mean(x)
	if len(x) > 1 {
		e.Interval = Interval{slices.Min(x), slices.Max(x)}
	}
	return e
}

// Share returns the share of k in n, with the interval that is never too narrow.
//
// Source: Clopper and Pearson (1934), Biometrika 26:404.
func Share(k, n int) Estimate {
	e := Estimate{Value: float64(k) / float64(n), Interval: Interval{0, 1}, N: n}
	if k > 0 {
		e.Interval[0] = distuv.Beta{Alpha: float64(k), Beta: float64(n-k) + 1}.Quantile(0.025)
	}
	if k < n {
		e.Interval[1] = distuv.Beta{Alpha: float64(k) + 1, Beta: float64(n - k)}.Quantile(0.975)
	}
	return e
}

// Times returns the estimate in another unit: value and interval multiplied by a positive factor.
func (e Estimate) Times(factor float64) Estimate {
	e.Value, e.Interval[0], e.Interval[1] = factor*e.Value, factor*e.Interval[0], factor*e.Interval[1]
	return e
}

// Format writes "value (lo to hi)" with a verb for each number, e.g. "%.3g".
func (e Estimate) Format(verb string) string {
	if math.IsNaN(e.Interval[0]) || e.Interval[0] == e.Interval[1] {
		return fmt.Sprintf(verb, e.Value)
	}
	return fmt.Sprintf(strings.Join([]string{verb, " (", verb, " to ", verb, ")"}, ""), e.Value, e.Interval[0], e.Interval[1])
}

// FormatOr is Format, but "-" where there is no value.
func (e Estimate) FormatOr(verb string) string {
	if math.IsNaN(e.Value) {
		return "-"
	}
	return e.Format(verb)
}

// Percent writes a share in percent to three digits: "12.3 % (...)".
func (e Estimate) Percent() string { return e.Times(100).Format("%.3g") + " %" }

// PercentTenths writes a share in percent with one digit behind the point.
func (e Estimate) PercentTenths() string { return e.Times(100).Format("%.1f") + " %" }

// ValuesOf returns the values of estimates.
func ValuesOf(all []Estimate) []float64 {
	y := make([]float64, len(all))
	for i, e := range all {
		y[i] = e.Value
	}
	return y
}
