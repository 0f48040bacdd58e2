package rules

import (
	"context"
	"fmt"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine"
	"galvani/engine/local"
	"galvani/models/layered"
)

// pictures opens a task of pictures by its name, with limits of its sets, 0 for none, and a part of the training samples that
// is kept from training for its validation; in quick settings it is blobs, which needs no files.
//
// Errors: those of the data; a task of another kind.
func pictures(env *experiment.Env, quick bool, task string, seed uint64, train, test int, validation float64) (*data.Task, error) {
	if quick {
		return blobs(), nil
	}
	e, err := data.Lookup(task)
	if err != nil {
		return nil, err
	}
	cfg := e.New()
	switch c := cfg.(type) {
	case *data.MNIST:
		c.TrainLimit, c.TestLimit = train, test
	case *data.CIFAR10:
		c.TrainLimit, c.TestLimit = train, test
	default:
		return nil, fmt.Errorf("rules: the task %s is a %T, not one of pictures", task, cfg)
	}
	return cfg.Open(data.Env{Dir: env.DataDir, Seed: seed, Validation: validation})
}

// train trains to the end, has each evaluation looked at, and returns the error at the end and the number of updates. An error
// of 1, with a note, is that of a training that numbers that are not finite ended.
//
// Errors: the cause of ctx; those of the session, of the data and of look.
func train(ctx context.Context, env *experiment.Env, cfg engine.Config, look func(e engine.EvalEvent) error) (r experiment.Result, steps int, err error) {
	session, err := engine.NewSession(cfg)
	if err != nil {
		return r, 0, err
	}
	defer session.Close()
	result, err := session.Train(ctx, watcher{env.Tick, session.Steps(), look}, nil)
	switch {
	case err != nil:
		return r, 0, err
	case result.Outcome == engine.Cancelled:
		return r, 0, context.Cause(ctx)
	case result.Cause != nil:
		return experiment.Result{Values: rows.Values{"error": 1}, Note: result.Outcome.String()}, result.Step, nil
	}
	return experiment.Result{Values: rows.Values{"error": 1 - result.Last.Accuracy()}}, result.Step, nil
}

// watcher tells how far a training is, and shows its evaluations.
type watcher struct {
	tick  func(part float64)
	total int // updates
	look  func(e engine.EvalEvent) error
}

// Stepped implements engine.Observer.
func (w watcher) Stepped(e engine.StepEvent) error {
	w.tick(float64(e.Step) / float64(w.total))
	return nil
}

// Evaluated implements engine.Observer.
func (w watcher) Evaluated(e engine.EvalEvent) error { return w.look(e) }

// quickBatch is the batch of what is trained on blobs.
const quickBatch = 8

// measureError trains a network to the end and returns its error on the test set, with its course over the epochs. A training that
// numbers that are not finite ended has an error of 1.
//
// Errors: those of Bind, of the device, and of train.
func measureError(ctx context.Context, env *experiment.Env, settings layered.Settings, task *data.Task, o engine.Options) (experiment.Result, error) {
	dev, err := env.Device()
	if err != nil {
		return experiment.Result{}, err
	}
	net, err := settings.Bind("the network", task.I, task.O)
	if err != nil {
		return experiment.Result{}, err
	}
	cfg := engine.Config{Net: net, Task: task, Device: dev, Options: o}
	if stepped, ok := net.(layered.Stepped); ok {
		cfg.Learner = local.NewLearner(stepped, func(width int, params [][]float32) (local.Run, error) {
			return stepped.Start(dev, width, params, o.Seed)
		})
	}
	var course rows.Curve
	r, _, err := train(ctx, env, cfg, func(e engine.EvalEvent) error {
		course = append(course, 1-e.Held.Accuracy())
		return nil
	})
	if err == nil && r.Note == "" {
		r.Curves = map[string]rows.Curve{"error": course}
	}
	return r, err
}
