package analysis

import (
	"maps"
	"math"
	"slices"

	"galvani/data"
)

// Response is the mean output of a network against the time from the collision, for the sequences
// of one class. Sequences without a collision are counted from the mean moment of the others': they
// show what the network answers at that time when nothing approaches.
type Response struct {
	Class int
	Apart bool      // the class has no collision
	Time  []float64 // ms, negative before the collision, rising
	Mean  []float64 // probability of the first class, or the first output of a regression
	SD    []float64 // over sequences
}

// moments sums up values for mean and standard deviation.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(v float64) { m.n, m.sum, m.squares = m.n+1, m.sum+v, m.squares+v*v }

func (m *moments) mean() float64 { return m.sum / m.n }

func (m *moments) sd() float64 {
	mean := m.mean()
	return math.Sqrt(max(0, m.squares/m.n-mean*mean))
}

// Responses returns the response to an approach of each class, over the first n samples of a set, at times
// rounded to whole steps.
//
// Errors: those of Sweep.
func (s *Subject) Responses(set data.Timed, n int) ([]Response, error) {
	t := s.Task
	output := func(logits []float32) float64 { return float64(logits[0]) }
	if t.Goal == data.Classify {
		output = func(logits []float32) float64 { return probability(logits, 0) }
	}
	sums := map[int]map[float64]*moments{} // by class, then by time
	apart := map[int][]moments{}           // by class without a collision, then by step
	var first moments                      // time left at the first step
	width := 0.0                           // of a step, ms
	err := s.Sweep(set, min(set.Len(), n), true, func(index int, _ *data.Batch, _ int, logits []float32) {
		class := set.Class(index)
		times := set.TimeToCollision(index)
		if math.IsNaN(times[0]) {
			if apart[class] == nil {
				apart[class] = make([]moments, len(times))
			}
			for k := range times {
				apart[class][k].add(output(logits[k*t.O : (k+1)*t.O]))
			}
			return
		}
		if sums[class] == nil {
			sums[class] = map[float64]*moments{}
		}
		width = math.Abs(times[1] - times[0])
		first.add(times[0])
		for k, ttc := range times {
			at := -width * math.Round(ttc/width)
			if sums[class][at] == nil {
				sums[class][at] = &moments{}
			}
			sums[class][at].add(output(logits[k*t.O : (k+1)*t.O]))
		}
	})
	for class, steps := range apart {
		if width == 0 {
			break // nothing to count from
		}
		sums[class] = map[float64]*moments{}
		begin := -width * math.Round(first.mean()/width)
		for k := range steps {
			sums[class][begin+width*float64(k)] = &steps[k]
		}
	}
	var list []Response
	for _, class := range slices.Sorted(maps.Keys(sums)) {
		r := Response{Class: class, Apart: apart[class] != nil}
		for _, at := range slices.Sorted(maps.Keys(sums[class])) {
			m := sums[class][at]
			r.Time, r.Mean, r.SD = append(r.Time, at), append(r.Mean, m.mean()), append(r.SD, m.sd())
		}
		if len(r.Time) > 0 {
			list = append(list, r)
		}
	}
	return list, err
}
