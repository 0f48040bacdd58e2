package engine

import (
	"context"
	"math"
	"testing"

	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

// noisy gives a toy session a noisy rate network, whose noise is far above rounding.
func noisy(t testing.TB, n models.Noise) func(*Config) {
	toy := newToy()
	net, err := models.Bind("rate", models.NewRate(), models.Dims{I: toy.inputs, H: toy.hidden, O: toy.outputs}, models.Layers(2), models.Noised(n))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Net = net }
}

// TestNoiseWhileTraining holds that noise reaches updates and no evaluation, is another one at every update, and
// is the same on the graph and in the scan.
func TestNoiseWhileTraining(t *testing.T) {
	for _, n := range []models.Noise{{Rec: 0.3}, {Input: 0.3}} {
		var losses [][]float64
		for _, dev := range devicetest.Hosts(t, 2) {
			change := noisy(t, n)
			s := newToySession(t, func(c *Config) {
				change(c)
				c.Device, c.Options.LR = dev, 0 // so that updates differ in their noise alone
			})
			plain := newToySession(t, func(c *Config) {
				noisy(t, models.Noise{})(c)
				c.Device = dev
			})
			b := batchOf(t, s, 0)
			var own []float64
			for range 2 {
				r, err := s.Step(b)
				if err != nil {
					t.Fatal(err)
				}
				own = append(own, r.Metrics.LossSum, r.GradNorm)
			}
			r, err := plain.Step(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(own[0] - own[2]); d < 1e-4 || math.Abs(own[0]-r.Metrics.LossSum) < 1e-4 {
				t.Errorf("%+v: losses %v and %v with noise, %v without", n, own[0], own[2], r.Metrics.LossSum)
			}
			losses = append(losses, own)
			a, err := s.Evaluate(t.Context(), s.cfg.Task.Test)
			if err != nil {
				t.Fatal(err)
			}
			copy(plain.params.flat, s.params.flat)
			if b, err := plain.Evaluate(t.Context(), s.cfg.Task.Test); err != nil || a != b {
				t.Errorf("%+v: an evaluation gives %+v, without noise %+v, %v", n, a, b, err)
			}
		}
		for _, other := range losses[1:] {
			for i, x := range other {
				if math.Abs(x-losses[0][i]) > 1e-4*math.Abs(x) {
					t.Errorf("%+v: the scan gives %v, the graph %v", n, other, losses[0])
				}
			}
		}
	}
}

// TestNoiseOfShards holds that a sequence has the same noise in the whole batch and in a shard of it.
func TestNoiseOfShards(t *testing.T) {
	change := noisy(t, models.Noise{Rec: 0.3, Input: 0.2})
	whole := newToySession(t, change)
	b := batchOf(t, whole, 0)
	want, err := whole.Step(b)
	if err != nil {
		t.Fatal(err)
	}
	s := newToySession(t, func(c *Config) {
		change(c)
		c.Options.Shards = 4
	})
	got, m, err := graphsOf(s).shards.of(b)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(Norm(got)-want.GradNorm) > tolShards*want.GradNorm || math.Abs(m.LossSum-want.Metrics.LossSum) > tolShards*m.LossSum {
		t.Errorf("norm %v, loss %v, want %v, %v", Norm(got), m.LossSum, want.GradNorm, want.Metrics.LossSum)
	}
}

// TestNoiseResumes stops a run with noise and goes on: its bits are those of one that was not stopped.
func TestNoiseResumes(t *testing.T) {
	build := func() *Session { return newToySession(t, noisy(t, models.Noise{Rec: 0.3, Input: 0.2})) }
	whole := build()
	train(t, whole, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{}
	if _, err := build().Train(ctx, &watcher{step: func(e StepEvent) error {
		if e.Step == 7 {
			cancel()
		}
		return nil
	}}, m); err != nil {
		t.Fatal(err)
	}
	s := build()
	if err := s.Restore(m.saved[len(m.saved)-1]); err != nil {
		t.Fatal(err)
	}
	train(t, s, nil, m)
	sameState(t, s, whole)
}
