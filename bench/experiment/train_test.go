package experiment

import (
	"context"
	"errors"
	"slices"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"
)

// smallTraining trains four units on short sums.
func smallTraining() Training {
	o := engine.DefaultOptions()
	o.Epochs, o.Batch = 2, 4
	return Training{Model: "rnn", Cell: &models.RNN{}, Hidden: 4, ReadoutScale: 1, Options: o,
		Task: &data.Adding{Steps: 4, Sampling: data.Sampling{TrainSize: 8, TestSize: 4}}}
}

func graphEnv(opened *int) *Env {
	return &Env{Threads: 1, Tick: func(float64) {}, open: func() (kernels.Device, string, error) {
		*opened++
		return nil, "cpu, graph", nil
	}}
}

func TestTrain(t *testing.T) {
	opened := 0
	e := graphEnv(&opened)
	var parts []float64
	e.Tick = func(p float64) { parts = append(parts, p) }
	n, err := e.Train(t.Context(), smallTraining())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Session.Close()
	r := n.Result()
	if len(n.Steps) != 4 || len(n.Evaluations) != 2 || n.Diverged() || parts[3] != 1 || r.Values["parameters"] != 4*2+4*4+8+5 ||
		r.Values["steps"] != 4 || len(r.Curves["test_loss"]) != 2 || r.Values["last_loss"] != n.Evaluations[1].Test.Loss() || !(r.Values["best_loss"] <= r.Values["last_loss"]) {
		t.Errorf("trained %+v, result %+v, ticks %v", n, r, parts)
	}
	if _, ok := r.Values["last_accuracy"]; ok {
		t.Error("a regression has an accuracy")
	}
	again, err := e.Train(t.Context(), smallTraining())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Session.Close()
	if again.Result().Values["last_loss"] != r.Values["last_loss"] || opened != 1 {
		t.Errorf("the same seed gives %v, then %v; device opened %d times", r.Values, again.Result().Values, opened)
	}
}

// TestTrainOutcomes holds that divergence is a result, and being stopped an error.
func TestTrainOutcomes(t *testing.T) {
	opened := 0
	wild := smallTraining()
	wild.Options.Optimizer, wild.Options.LR, wild.Options.Clip, wild.Options.Epochs = "sgd", 1000, 0, 500
	cell := models.NewCRNNSimple()
	wild.Model, wild.Cell = "crnn-simple", cell
	n, err := graphEnv(&opened).Train(t.Context(), wild)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Session.Close()
	if r := n.Result(); !n.Diverged() || r.Values["diverged"] != 1 || r.Note == "" {
		t.Errorf("outcome %v, result %+v", n.Outcome, r)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := graphEnv(&opened).Train(ctx, smallTraining()); !errors.Is(err, stopped) {
		t.Errorf("a stopped training returns %v", err)
	}
	bad := smallTraining()
	bad.Hidden = 0
	if _, err := graphEnv(&opened).Train(t.Context(), bad); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("no units: %v", err)
	}
}

// TestTrainHeld holds that wiring reaches the network and that a held read-out stays what it is.
func TestTrainHeld(t *testing.T) {
	opened := 0
	s := smallTraining()
	s.Hidden = 5
	w := models.NewWiring()
	w.Dale = true
	s.Wiring = &w
	s.Hold = map[string]kernels.Init{"readout.weight": {A: 0.5}, "readout.bias": {}}
	n, err := graphEnv(&opened).Train(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Session.Close()
	if n.Net.Excitatory() != 4 || n.Learned != 5*2+5*5+10 {
		t.Errorf("%d excitatory units, %d learned parameters", n.Net.Excitatory(), n.Learned)
	}
	weights, err := n.Parameter("readout.weight")
	if err != nil || !slices.Equal(weights, []float64{0.5, 0.5, 0.5, 0.5, 0}) { // the read-out does not see the inhibitory unit
		t.Errorf("held weights are %v, %v", weights, err)
	}
	if _, err := n.Parameter("cell.none"); err == nil {
		t.Error("a parameter that is not there is found")
	}
}
