package experiment

import (
	"slices"

	"galvani/bench/rows"
)

// Rows are results in the order of the cases.
type Rows []Row

// Conditions returns the conditions, in the order of their first row.
func (results Rows) Conditions() []string {
	var list []string
	for _, r := range results {
		if !slices.Contains(list, r.Condition) {
			list = append(list, r.Condition)
		}
	}
	return list
}

// Of returns the rows of one condition.
func (results Rows) Of(condition string) Rows {
	return results.Where(func(r Row) bool { return r.Condition == condition })
}

// Where returns the rows that keep says yes to.
func (results Rows) Where(keep func(Row) bool) Rows {
	var list Rows
	for _, r := range results {
		if keep(r) {
			list = append(list, r)
		}
	}
	return list
}

// Values returns one number of each row that has it.
func (results Rows) Values(name string) []float64 {
	var list []float64
	for _, r := range results {
		if v, ok := r.Values[name]; ok {
			list = append(list, v)
		}
	}
	return list
}

// Mean estimates the mean of one number over the rows.
func (results Rows) Mean(name string) rows.Estimate { return rows.Mean(results.Values(name)) }

// Sum returns the sum of one number over the rows, such as a count.
func (results Rows) Sum(name string) float64 {
	sum := 0.0
	for _, v := range results.Values(name) {
		sum += v
	}
	return sum
}

// Curve estimates the mean of a curve at each of its points, over the rows that have one as long
// as the first row's.
func (results Rows) Curve(name string) []rows.Estimate {
	var all []rows.Estimate
	if len(results) == 0 {
		return nil
	}
	for i := range results[0].Curves[name] {
		var at []float64
		for _, r := range results {
			if c := r.Curves[name]; len(c) == len(results[0].Curves[name]) {
				at = append(at, c[i])
			}
		}
		all = append(all, rows.Mean(at))
	}
	return all
}
