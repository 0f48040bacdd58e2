package engine_test

import (
	"context"
	"errors"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"
)

// What a program forgot to give is an error, not a panic.
func TestMissingParts(t *testing.T) {
	settings := &data.Copy{Delay: 1, Symbols: 2, Categories: 2, Sampling: data.Sampling{TrainSize: 16, TestSize: 16}}
	task, err := settings.Open(data.Env{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	net, err := models.Bind("gru", &models.GRU{}, models.Dims{I: task.I, H: 4, O: task.O})
	if err != nil {
		t.Fatal(err)
	}
	untaught := *task
	untaught.Train = nil
	options := engine.DefaultOptions()
	for name, c := range map[string]struct {
		cfg  engine.Config
		want error
	}{
		"net":      {engine.Config{Task: task, Options: options}, engine.ErrOption},
		"task":     {engine.Config{Net: net, Options: options}, engine.ErrOption},
		"training": {engine.Config{Net: net, Task: &untaught, Options: options}, kernels.ErrShape},
	} {
		if _, err := engine.NewSession(c.cfg); !errors.Is(err, c.want) {
			t.Errorf("without %s: NewSession returned %v, want %v", name, err, c.want)
		}
	}
	session, err := engine.NewSession(engine.Config{Net: net, Task: task, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Evaluate(context.Background(), nil); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("without a set: Evaluate returned %v, want %v", err, kernels.ErrShape)
	}
	if _, err := models.Bind("gru", nil, models.Dims{I: 2, H: 4, O: 2}); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("without a cell: Bind returned %v, want %v", err, kernels.ErrShape)
	}
}
