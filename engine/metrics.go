package engine

import (
	"math"

	"galvani/data"
)

// Metrics sums up loss and hits over any number of targets.
type Metrics struct {
	LossSum float64 `json:"loss_sum"` // Σ w·loss
	Weight  float64 `json:"weight"`   // Σ w
	Correct int     `json:"correct"`
	Count   int     `json:"count"` // targets with a class, 0 for regression
}

// Loss returns the weighted mean loss.
func (m Metrics) Loss() float64 {
	if m.Weight == 0 {
		return 0
	}
	return m.LossSum / m.Weight
}

// Accuracy returns the part of the targets whose class was found, NaN for regression.
func (m Metrics) Accuracy() float64 {
	if m.Count == 0 {
		return math.NaN()
	}
	return float64(m.Correct) / float64(m.Count)
}

// Add adds other results.
func (m *Metrics) Add(o Metrics) {
	m.LossSum += o.LossSum
	m.Weight += o.Weight
	m.Correct += o.Correct
	m.Count += o.Count
}

// Better reports whether m is an improvement on o: more accurate where there are classes,
// otherwise, or at the same accuracy, of smaller loss.
func (m Metrics) Better(o Metrics) bool {
	if m.Count > 0 && m.Accuracy() != o.Accuracy() {
		return m.Accuracy() > o.Accuracy()
	}
	return m.Loss() < o.Loss()
}

// Watched returns the value that says which checkpoint is best: the accuracy, or the loss
// where there are no classes.
func (m Metrics) Watched() float64 {
	if m.Count > 0 {
		return m.Accuracy()
	}
	return m.Loss()
}

// measure returns the metrics of the graph's last run, which was on batch b.
func (g *Graph[F]) measure(b *data.Batch) (Metrics, error) {
	if m, ok, err := sums(g.lossVal); ok {
		return m, err
	}
	if err := g.Logits(g.logits); err != nil {
		return Metrics{}, err
	}
	m := Metrics{LossSum: g.Loss() * g.weightSum, Weight: g.weightSum}
	if b.Label == nil {
		return m, nil
	}
	o := g.cfg.Net.Outputs()
	for n, w := range b.Weight {
		if w == 0 {
			continue
		}
		m.Count++
		if largest(g.logits[n*o:(n+1)*o]) == int(b.Label[n]) {
			m.Correct++
		}
	}
	return m, nil
}

// largest returns the index of the largest element, the first of equals.
func largest[F Float](x []F) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}
