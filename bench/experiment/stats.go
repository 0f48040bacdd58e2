package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"galvani/bench"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Rows are results in the order of the cases.
type Rows []Row

// Conditions returns the conditions, in the order of their first row.
func (rows Rows) Conditions() []string {
	var list []string
	for _, r := range rows {
		if !slices.Contains(list, r.Condition) {
			list = append(list, r.Condition)
		}
	}
	return list
}

// Of returns the rows of one condition.
func (rows Rows) Of(condition string) Rows {
	return rows.Where(func(r Row) bool { return r.Condition == condition })
}

// Where returns the rows that keep says yes to.
func (rows Rows) Where(keep func(Row) bool) Rows {
	var list Rows
	for _, r := range rows {
		if keep(r) {
			list = append(list, r)
		}
	}
	return list
}

// Values returns one number of each row that has it.
func (rows Rows) Values(name string) []float64 {
	var list []float64
	for _, r := range rows {
		if v, ok := r.Values[name]; ok {
			list = append(list, v)
		}
	}
	return list
}

// Mean estimates the mean of one number over the rows.
func (rows Rows) Mean(name string) Estimate { return Mean(rows.Values(name)) }

// Sum returns the sum of one number over the rows, such as a count.
func (rows Rows) Sum(name string) float64 {
	sum := 0.0
	for _, v := range rows.Values(name) {
		sum += v
	}
	return sum
}

// Curve estimates the mean of a curve at each of its points, over the rows that have one as long
// as the first row's.
func (rows Rows) Curve(name string) []Estimate {
	var all []Estimate
	if len(rows) == 0 {
		return nil
	}
	for i := range rows[0].Curves[name] {
		var at []float64
		for _, r := range rows {
			if c := r.Curves[name]; len(c) == len(rows[0].Curves[name]) {
				at = append(at, c[i])
			}
		}
		all = append(all, Mean(at))
	}
	return all
}

// Estimate is a number with its 95 % interval.
type Estimate struct {
	Value    float64
	Interval bench.Interval // NaN where there is too little to tell
	N        int
}

// Mean returns the mean of numbers that vary from seed to seed, with Student's interval; of fewer
// than two numbers the interval is NaN.
//
// Source: Student (1908), Biometrika 6:1.
func Mean(x []float64) Estimate {
	e := Estimate{Value: math.NaN(), Interval: bench.Interval{math.NaN(), math.NaN()}, N: len(x)}
	if len(x) == 0 {
		return e
	}
	mean, sd := stat.MeanStdDev(x, nil)
	if e.Value = mean; len(x) == 1 {
		return e
	}
	n := float64(len(x))
	half := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975) * sd / math.Sqrt(n)
	e.Interval = bench.Interval{mean - half, mean + half}
	return e
}

// Spread returns the mean of a few numbers with the range that they lie in; of one number the range is
// NaN.
func Spread(x []float64) Estimate {
	e := Mean(x)
	if len(x) > 1 {
		e.Interval = bench.Interval{slices.Min(x), slices.Max(x)}
	}
	return e
}

// Share returns the share of k in n, with the interval that is never too narrow.
//
// Source: Clopper and Pearson (1934), Biometrika 26:404.
func Share(k, n int) Estimate {
	e := Estimate{Value: float64(k) / float64(n), Interval: bench.Interval{0, 1}, N: n}
	if k > 0 {
		e.Interval[0] = distuv.Beta{Alpha: float64(k), Beta: float64(n-k) + 1}.Quantile(0.025)
	}
	if k < n {
		e.Interval[1] = distuv.Beta{Alpha: float64(k) + 1, Beta: float64(n - k)}.Quantile(0.975)
	}
	return e
}

// Format writes "value (lo to hi)" with a verb for each number, e.g. "%.3g".
func (e Estimate) Format(verb string) string {
	if math.IsNaN(e.Interval[0]) || e.Interval[0] == e.Interval[1] {
		return fmt.Sprintf(verb, e.Value)
	}
	return fmt.Sprintf(strings.Join([]string{verb, " (", verb, " to ", verb, ")"}, ""), e.Value, e.Interval[0], e.Interval[1])
}

// Percent writes a share in percent.
func (e Estimate) Percent() string {
	e.Value, e.Interval = 100*e.Value, bench.Interval{100 * e.Interval[0], 100 * e.Interval[1]}
	return e.Format("%.3g") + " %"
}

// split returns values and borders of estimates, for the X, Y, Lo and Hi of a chart's series;
// where there is no interval the borders are the value.
func split(all []Estimate) (y, lo, hi []float64) {
	for _, e := range all {
		if math.IsNaN(e.Interval[0]) {
			e.Interval = bench.Interval{e.Value, e.Value}
		}
		y, lo, hi = append(y, e.Value), append(lo, e.Interval[0]), append(hi, e.Interval[1])
	}
	return y, lo, hi
}
