package engine_test

import (
	"context"
	"fmt"

	"galvani/data"
	"galvani/engine"
	"galvani/models"
)

// A session trains a network on a task. Without a device it runs the unrolled graph; an observer and a
// run directory may be given to Train.
func Example() {
	settings := &data.Copy{Delay: 1, Symbols: 2, Categories: 2, Sampling: data.Sampling{TrainSize: 64, TestSize: 64}}
	task, err := settings.Open(data.Env{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := models.Bind("gru", &models.GRU{}, models.Dims{I: task.I, H: 8, O: task.O})
	if err != nil {
		fmt.Println(err)
		return
	}
	options := engine.DefaultOptions()
	options.Epochs, options.Batch, options.LR = 3, 16, 0.02
	session, err := engine.NewSession(engine.Config{Net: net, Task: task, Options: options})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	before, err := session.Evaluate(context.Background(), task.Test)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := session.Train(context.Background(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v after %d updates, the loss fell: %t\n", result.Outcome, result.Step, result.Last.Loss() < before.Loss())
	// Output: done after 12 updates, the loss fell: true
}
