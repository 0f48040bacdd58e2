package analysis

import (
	"math"

	"galvani/data"
	"galvani/engine"
)

// largest returns the index of the largest element, the first of equals.
func largest(x []float32) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}

// logSum returns log Σ exp x.
func logSum(x []float32) float64 {
	top := float64(x[largest(x)])
	return top + math.Log(relativeSum(x, top))
}

// probability returns the softmax probability of class k.
func probability(x []float32, k int) float64 {
	top := float64(x[largest(x)])
	return math.Exp(float64(x[k])-top) / relativeSum(x, top)
}

// relativeSum returns Σ exp(x − top).
func relativeSum(x []float32, top float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return sum
}

// score is the metrics of column col of a batch with the logits of its targets, by the equations
// of kernels.CrossEntropy and kernels.MeanSquare.
func score(b *data.Batch, col int, logits []float32) engine.Metrics {
	var m engine.Metrics
	for row := range len(logits) / b.O {
		n, x := row*b.B+col, logits[row*b.O:(row+1)*b.O]
		w := float64(b.Weight[n])
		if w == 0 {
			continue
		}
		loss := 0.0
		if b.Label == nil {
			for o, v := range x {
				d := float64(v) - float64(b.Value[n*b.O+o])
				loss += d * d / float64(b.O)
			}
		} else {
			label := int(b.Label[n])
			loss = logSum(x) - float64(x[label])
			m.Count++
			if largest(x) == label {
				m.Correct++
			}
		}
		m.LossSum += w * loss
		m.Weight += w
	}
	return m
}
