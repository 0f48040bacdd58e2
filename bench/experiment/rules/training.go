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
// is kept from training for its validation.
//
// Errors: those of the data; a task of another kind.
func pictures(env *experiment.Env, task string, seed uint64, train, test int, validation float64) (*data.Task, error) {
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

// train trains to the end, watched by an observer of so many updates. Of a training that numbers that are not finite ended
// note tells that.
//
// Errors: the cause of ctx; those of the session and of the data.
func train(ctx context.Context, cfg engine.Config, watch func(updates int) engine.Observer) (result engine.Result, note string, err error) {
	session, err := engine.NewSession(cfg)
	if err != nil {
		return result, "", err
	}
	defer session.Close()
	result, err = session.Train(ctx, watch(session.Steps()), nil)
	switch {
	case err != nil:
		return result, "", err
	case result.Outcome == engine.Cancelled:
		return result, "", context.Cause(ctx)
	case result.Cause != nil:
		note = result.Outcome.String()
	}
	return result, note, nil
}

// progress tells how far a training is.
type progress struct {
	tick  func(part float64)
	total int // updates
}

// Stepped implements engine.Observer.
func (p progress) Stepped(e engine.StepEvent) error {
	p.tick(float64(e.Step) / float64(p.total))
	return nil
}

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
	w := &errorCourse{}
	result, note, err := train(ctx, cfg, func(updates int) engine.Observer {
		w.progress = progress{env.Tick, updates}
		return w
	})
	switch {
	case err != nil:
		return experiment.Result{}, err
	case note != "":
		return experiment.Result{Values: rows.Values{"error": 1}, Note: note}, nil
	}
	return experiment.Result{Values: rows.Values{"error": 1 - result.Last.Accuracy()}, Curves: map[string]rows.Curve{"error": w.errors}}, nil
}

// errorCourse follows the error of a training.
type errorCourse struct {
	progress
	errors rows.Curve
}

// Evaluated implements engine.Observer.
func (w *errorCourse) Evaluated(e engine.EvalEvent) error {
	w.errors = append(w.errors, 1-e.Held.Accuracy())
	return nil
}
