package engine

import (
	"math"

	"galvani/data"
	"galvani/kernels"
)

// Metrics sums up loss and hits over any number of targets. What counts as a hit is what the task
// asks for: the class of a target, or where the samples are trials the decision of a trial. The steps
// of trials are counted apart, since most of them ask for no decision.
type Metrics struct {
	LossSum float64 `json:"loss_sum"` // Σ w·loss
	Weight  float64 `json:"weight"`   // Σ w
	Correct int     `json:"correct"`
	// Count is the number of targets with a class, or of trials; 0 for regression, and where a
	// device does not tell of the trials of a batch.
	Count      int `json:"count"`
	StepsRight int `json:"steps_right,omitempty"` // steps of trials whose class was found
	Steps      int `json:"steps,omitempty"`       // steps of trials that count; 0 for other tasks
	// Penalised are Σ w·term of the terms that training adds to the loss, which LossSum is without.
	Penalised kernels.PenaltyValues `json:"penalised,omitzero"`
}

// Loss returns the weighted mean loss.
func (m Metrics) Loss() float64 {
	if m.Weight == 0 {
		return 0
	}
	return m.LossSum / m.Weight
}

// Accuracy returns the part of the targets whose class was found, or of the trials that were decided
// rightly; NaN where there are none.
func (m Metrics) Accuracy() float64 {
	if m.Count == 0 {
		return math.NaN()
	}
	return float64(m.Correct) / float64(m.Count)
}

// StepAccuracy returns the part of the steps of trials whose class was found, NaN for other tasks.
func (m Metrics) StepAccuracy() float64 {
	if m.Steps == 0 {
		return math.NaN()
	}
	return float64(m.StepsRight) / float64(m.Steps)
}

// Penalty returns the weighted mean of a term that training adds to the loss, with its strength.
func (m Metrics) Penalty(p kernels.Penalty) float64 {
	if m.Weight == 0 {
		return 0
	}
	return m.Penalised[p] / m.Weight
}

// Add adds other results.
func (m *Metrics) Add(o Metrics) {
	m.LossSum += o.LossSum
	m.Weight += o.Weight
	m.Correct += o.Correct
	m.Count += o.Count
	m.StepsRight += o.StepsRight
	m.Steps += o.Steps
	for k, v := range o.Penalised {
		m.Penalised[k] += v
	}
}

// ofTrials returns the metrics of a task of trials, given those of its steps.
func (m Metrics) ofTrials() Metrics {
	m.StepsRight, m.Steps, m.Correct, m.Count = m.Correct, m.Count, 0, 0
	return m
}

// Better reports whether m is an improvement on o: more accurate where there are classes,
// otherwise, or at the same accuracy, of smaller loss. Where one of them comes from a
// checkpoint of before trials were counted, its accuracy is that of steps, and steps are compared.
func (m Metrics) Better(o Metrics) bool {
	if a, b := m.against(o), o.against(m); m.Count > 0 && a != b {
		return a > b
	}
	return m.Loss() < o.Loss()
}

// reaches reports whether the accuracy is a threshold or more, or where there are no classes the loss no more.
func (m Metrics) reaches(threshold float64) bool {
	if m.Count > 0 {
		return m.Accuracy() >= threshold
	}
	return m.Loss() <= threshold
}

// against returns the accuracy of m that o has, too.
func (m Metrics) against(o Metrics) float64 {
	if m.Steps > 0 && o.Steps == 0 {
		return m.StepAccuracy()
	}
	return m.Accuracy()
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
	m, err := g.answers(b)
	if err != nil {
		return m, err
	}
	terms, err := g.record.Sum()
	m.penalise(terms)
	return m, err
}

// penalise puts terms of the loss to the metrics.
func (m *Metrics) penalise(terms kernels.PenaltyValues) {
	for k, v := range terms {
		m.Penalised[k] = v * m.Weight
	}
}

// answers returns the metrics without the penalties.
func (g *Graph[F]) answers(b *data.Batch) (Metrics, error) {
	m, known, err := sums(g.lossVal)
	if known && (err != nil || b.Decisions == nil) {
		return m, err
	}
	if err := g.Logits(g.logits); err != nil {
		return Metrics{}, err
	}
	if !known {
		m = g.count(b)
	}
	if b.Decisions != nil {
		m = m.ofTrials()
		g.decide(&m, b.Decisions)
	}
	return m, nil
}

// count returns loss and hits from the logits of the last run.
func (g *Graph[F]) count(b *data.Batch) Metrics {
	m := Metrics{LossSum: g.Loss() * g.weightSum, Weight: g.weightSum}
	if b.Label == nil {
		return m
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
	return m
}

// decide adds the trials that the logits of the last run decide.
func (g *Graph[F]) decide(m *Metrics, list []data.Decision) {
	o := g.cfg.Net.Outputs()
	for col, d := range list {
		if d.End == 0 {
			continue // a column behind the last sample
		}
		m.Count++
		if d.Right(func(step int) int { return largest(g.logits[(step*g.cfg.B+col)*o:][:o]) }) {
			m.Correct++
		}
	}
}

// largest returns the index of the largest element, the first of equals.
func largest[F kernels.Float](x []F) int {
	at := 0
	for i, v := range x {
		if v > x[at] {
			at = i
		}
	}
	return at
}
