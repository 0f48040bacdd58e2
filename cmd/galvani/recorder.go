package main

import (
	"bytes"
	"maps"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/rundir"
)

// hyperparameters hands the settings of the run to TensorBoard, beside the metrics that runs are
// judged by.
func (j *job) hyperparameters(run *rundir.Run) error {
	pairs, err := config.Decode(bytes.NewReader(j.source))
	if err != nil {
		return err
	}
	settings := map[string]any{}
	for _, p := range pairs {
		settings[p.Name] = p.Value
	}
	sets := []string{"test"}
	if j.task.Validation != nil {
		sets = []string{"validation", "test"}
	}
	var metrics []string
	for _, set := range sets {
		metrics = append(metrics, set+"_loss")
		if j.task.Goal == data.Classify {
			metrics = append(metrics, set+"_accuracy")
		}
	}
	run.SetHyperparameters(settings, metrics...)
	return nil
}

// recorder writes metrics.jsonl and the TensorBoard events.
type recorder struct {
	run    *rundir.Run
	batch  int
	levels int       // of the curriculum, the task itself included
	last   time.Time // end of the update before, or of the evaluation behind it
}

// speed returns the sequences per second of the update that has just ended.
func (r *recorder) speed(now time.Time) float64 {
	return float64(r.batch) / now.Sub(r.last).Seconds()
}

// Stepped implements engine.Observer.
func (r *recorder) Stepped(e engine.StepEvent) error {
	now := time.Now()
	values := map[string]float64{"grad_norm": e.GradNorm, "lr": e.LR, "epoch": float64(e.Epoch), "sequences_per_second": r.speed(now)}
	record(values, "", e.Metrics)
	r.last = now
	return r.run.Append(now, int64(e.Step), values)
}

// Evaluated implements engine.Observer.
func (r *recorder) Evaluated(e engine.EvalEvent) error {
	values := map[string]float64{}
	record(values, "train_", e.Train)
	record(values, e.Set+"_", e.Held)
	if r.levels > 1 {
		values["level"] = float64(e.Level + 1)
	}
	for _, d := range e.Against {
		name := strings.ReplaceAll(strings.TrimSuffix(d.Name, ".weight"), ".", "_")
		values[anglePrefix+name], values["norm_ratio_"+name] = d.Degrees, d.Ratio
	}
	if c := e.Curvature; c != nil {
		values["hessian_smallest"], values["hessian_largest"] = c.Smallest, c.Largest
		values["hessian_smallest_error"], values["hessian_largest_error"] = c.SmallestError, c.LargestError
	}
	maps.Copy(values, e.Told)
	r.last = time.Now()
	return r.run.Append(r.last, int64(e.Step), values)
}
