package rules

import (
	"context"
	"fmt"

	"galvani/bench/experiment"
	"galvani/data"
	"galvani/engine"
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
