package analysis

import (
	"maps"
	"math"
	"slices"

	"galvani/data"
)

// Response is the mean output of a network against the time from the collision, for the sequences
// of one class.
type Response struct {
	Class int
	Time  []float64 // ms, negative before the collision, rising
	Mean  []float64 // probability of the first class, or the first output of a regression
	SD    []float64 // over sequences
}

// moments sums up values for mean and standard deviation.
type moments struct{ n, sum, squares float64 }

// Responses returns the response to an approach of each class that has one, over the first n
// samples of a set, at times rounded to whole steps.
//
// Errors: those of Sweep.
func (s *Subject) Responses(set data.Timed, n int) ([]Response, error) {
	t := s.Task
	output := func(logits []float32) float64 { return float64(logits[0]) }
	if t.Goal == data.Classify {
		output = func(logits []float32) float64 { return probability(logits, 0) }
	}
	sums := map[int]map[float64]*moments{} // by class, then by time
	err := s.Sweep(set, min(set.Len(), n), true, func(index int, _ *data.Batch, _ int, logits []float32) {
		class := set.Class(index)
		if sums[class] == nil {
			sums[class] = map[float64]*moments{}
		}
		times := set.TimeToCollision(index)
		for k, ttc := range times {
			if math.IsNaN(ttc) {
				continue
			}
			width := math.Abs(times[1] - times[0])
			at := -width * math.Round(ttc/width)
			if sums[class][at] == nil {
				sums[class][at] = &moments{}
			}
			m, v := sums[class][at], output(logits[k*t.O:(k+1)*t.O])
			m.n, m.sum, m.squares = m.n+1, m.sum+v, m.squares+v*v
		}
	})
	var list []Response
	for _, class := range slices.Sorted(maps.Keys(sums)) {
		r := Response{Class: class}
		for _, at := range slices.Sorted(maps.Keys(sums[class])) {
			m := sums[class][at]
			mean := m.sum / m.n
			r.Time, r.Mean = append(r.Time, at), append(r.Mean, mean)
			r.SD = append(r.SD, math.Sqrt(max(0, m.squares/m.n-mean*mean)))
		}
		if len(r.Time) > 0 {
			list = append(list, r)
		}
	}
	return list, err
}
