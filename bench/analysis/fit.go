package analysis

import "galvani/data"

// Fit is how well one output of a regression follows its target.
type Fit struct {
	Output string `json:"output"` // its name, or its number from 0 on
	// MSE is the mean of the squared error, over all targets, as they weigh; the loss is the mean of it over outputs.
	MSE float64 `json:"mse"`
	// R2 is 1 − MSE over the variance of the target; nil for a target that is the same everywhere.
	R2 *float64 `json:"r2"`
}

// Fits measures each output of a regression on a set.
//
// Accuracy: sums run in float64; those of the variance keep their digits where the mean is far from 0 (West 1979).
// Errors: those of Sweep.
func (s *Subject) Fits(set data.Set) ([]Fit, error) {
	return Fits(s.Task, func(visit Visit) error { return s.Sweep(set, set.Len(), s.Task.Every, visit) })
}

// Fits is Subject.Fits of the answers that sweep visits, those of all samples.
func Fits(t *data.Task, sweep func(Visit) error) ([]Fit, error) {
	o := t.O
	list, weight := make([]Fit, o), 0.0
	mean, spread := make([]float64, o), make([]float64, o)
	err := sweep(func(_ int, b *data.Batch, col int, out []float32) {
		for row := range len(out) / o {
			n := row*b.B + col
			w := float64(b.Weight[n])
			if w == 0 {
				continue
			}
			weight += w
			for k := range o {
				y := float64(b.Value[n*o+k])
				d := float64(out[row*o+k]) - y
				list[k].MSE += w * d * d
				from := y - mean[k]
				mean[k] += from * w / weight
				spread[k] += w * from * (y - mean[k])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for k := range list {
		list[k].Output = t.OutputName(k)
		if spread[k] > 0 {
			r2 := 1 - list[k].MSE/spread[k]
			list[k].R2 = &r2
		}
		list[k].MSE /= weight
	}
	return list, nil
}
