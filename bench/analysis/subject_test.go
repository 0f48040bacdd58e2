package analysis

import (
	"context"
	"math"
	"slices"
	"testing"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
)

// scoreTolerance is float32's rounding of logits near 1, which losses are made of.
const scoreTolerance = 1e-6

// subject returns an untrained network on a small task, computed on the unrolled graph, and a
// session with the same parameters.
func subject(t *testing.T, model, task string, change func(data.Config)) (*Subject, *engine.Session) {
	t.Helper()
	about, err := data.Lookup(task)
	if err != nil {
		t.Fatal(err)
	}
	settings := about.New()
	change(settings)
	opened, err := settings.Open(data.Env{Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	return subjectOf(t, model, opened)
}

// subjectOf is subject of an opened task.
func subjectOf(t *testing.T, model string, opened *data.Task) (*Subject, *engine.Session) {
	t.Helper()
	entry, err := models.Lookup(model)
	if err != nil {
		t.Fatal(err)
	}
	net, err := models.Bind(model, entry.New(), models.Dims{I: opened.I, H: 6, O: opened.O})
	if err != nil {
		t.Fatal(err)
	}
	o := engine.DefaultOptions()
	o.Batch = 5
	session, err := engine.NewSession(engine.Config{Net: net, Task: opened, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return &Subject{Net: net, Task: opened, Params: session.Params(), Batch: o.Batch}, session
}

func perceptual(c data.Config) {
	p := c.(*data.Perceptual)
	p.TrainSize, p.TestSize = 8, 13
}

func adding(c data.Config) {
	a := c.(*data.Adding)
	a.Steps, a.TrainSize, a.TestSize = 7, 8, 13
}

// TestNoisyWithoutNoise holds that the step-by-step run measures what an evaluation does, with
// incomplete batches, on a classification with trials and on a regression.
func TestNoisyWithoutNoise(t *testing.T) {
	for task, change := range map[string]func(data.Config){"perceptual": perceptual, "adding": adding} {
		s, session := subject(t, "lstm", task, change)
		want, err := session.Evaluate(t.Context(), s.Task.Test)
		if err != nil {
			t.Fatal(err)
		}
		got, trials, err := s.Noisy(t.Context(), s.Task.Test, Noise{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Weight != want.Weight || math.Abs(got.Loss()-want.Loss()) > scoreTolerance*want.Loss() {
			t.Errorf("%s: %+v, want %+v", task, got, want)
		}
		set, ok := s.Task.Test.(data.Trials)
		if !ok {
			continue
		}
		list, err := s.Decide(set)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(trials, list) || Total(list).Count != set.Len() {
			t.Errorf("%s: trials %v, want %v of %d", task, trials, list, set.Len())
		}
		loud, _, err := s.Noisy(t.Context(), s.Task.Test, Noise{Units: []int{0, 3}, Sigma: 1, Seed: 1})
		if err != nil || loud.Loss() == want.Loss() {
			t.Errorf("%s: noise of 1 leaves the loss at %v, error %v", task, loud.Loss(), err)
		}
	}
}

// TestConfusionCountsAll holds that every target that counts is in the matrix, and the right ones on
// its diagonal.
func TestConfusionCountsAll(t *testing.T) {
	s, _ := subject(t, "rnn", "perceptual", perceptual)
	counts, err := s.Confusion(s.Task.Test)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := s.Noisy(t.Context(), s.Task.Test, Noise{})
	if err != nil {
		t.Fatal(err)
	}
	all, right := 0, 0
	for i, row := range counts {
		right += row[i]
		for _, n := range row {
			all += n
		}
	}
	if all != m.Steps || right != m.StepsRight { // the classes of trials are those of their steps
		t.Errorf("%d targets, %d right, want %d and %d", all, right, m.Steps, m.StepsRight)
	}
}

// TestSweepStopsWhereAsked holds the number of samples and their order.
func TestSweepStopsWhereAsked(t *testing.T) {
	s, _ := subject(t, "rnn", "adding", adding)
	var seen []int
	err := s.Sweep(s.Task.Test, 7, false, func(index int, _ *data.Batch, col int, logits []float32) {
		if col != index%5 || len(logits) != s.Task.O {
			t.Errorf("sample %d is in column %d with %d logits", index, col, len(logits))
		}
		seen = append(seen, index)
	})
	if err != nil || !slices.Equal(seen, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("seen %v, error %v", seen, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Noisy(ctx, s.Task.Test, Noise{}); err == nil {
		t.Error("a cancelled run went on")
	}
}

// TestResponses holds that the response is a probability with a time for each step before the
// collision, and that sequences without one have a response too.
func TestResponses(t *testing.T) {
	s, _ := subject(t, "rnn", "looming", func(c data.Config) {
		l := c.(*data.Looming)
		l.Facets, l.Steps, l.TrainSize, l.TestSize = 3, 10, 4, 24
	})
	list, err := s.Responses(s.Task.Test.(data.Timed), 24)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d responses, error %v", len(list), err)
	}
	apart := 0
	for _, r := range list {
		if r.Apart {
			apart++
			if len(r.Time) != 10 || !(r.Time[0] < 0) {
				t.Errorf("class %d without a collision has the times %v, want one for each step", r.Class, r.Time)
			}
		}
		if !slices.IsSorted(r.Time) || len(r.Mean) != len(r.Time) || len(r.SD) != len(r.Time) {
			t.Errorf("class %d: %d times, %d means, %d deviations", r.Class, len(r.Time), len(r.Mean), len(r.SD))
		}
		for i, m := range r.Mean {
			if !(m > 0 && m < 1 && r.SD[i] >= 0) {
				t.Errorf("class %d: %v ± %v is no probability", r.Class, m, r.SD[i])
			}
		}
	}
	if len(list) != len(s.Task.Classes) || apart != 1 {
		t.Errorf("%d responses, %d without a collision, want all of %v and one", len(list), apart, s.Task.Classes)
	}
}

// TestNoiseOfTraining holds that a network is measured with the noise of training where that is asked for: with the same
// numbers for each sequence in any batch, on the graph and in the scan, and without dropout.
func TestNoiseOfTraining(t *testing.T) {
	plain, _ := subject(t, "rate", "perceptual", perceptual)
	bind := func(noise models.Noise, dropout float64) *models.Network {
		net, err := models.Bind("rate", models.NewRate(), models.Dims{I: plain.Task.I, H: 6, O: plain.Task.O}, models.Layers(2), models.Noised(noise), models.Dropped(dropout))
		if err != nil {
			t.Fatal(err)
		}
		return net
	}
	measure := func(net *models.Network, change func(*Subject)) engine.Metrics {
		params, err := engine.NewParams[float32](net, 3)
		if err != nil {
			t.Fatal(err)
		}
		s := &Subject{Net: net, Task: plain.Task, Params: params, Batch: 5, Noise: true, Seed: 1}
		change(s)
		m, trials, err := s.Measure(s.Task.Test)
		if err != nil || Total(trials).Count != s.Task.Test.Len() {
			t.Fatalf("%d trials, error %v", Total(trials).Count, err)
		}
		return m
	}
	same := func(*Subject) {}
	loud := bind(models.Noise{Rec: 0.3, Input: 0.2}, 0.4)
	want := measure(loud, same)
	quiet := measure(bind(models.Noise{}, 0), same)
	if got := measure(bind(models.Noise{}, 0.4), same); got != quiet {
		t.Errorf("dropout reaches a measurement: %+v, want %+v", got, quiet)
	}
	if got := measure(loud, func(s *Subject) { s.Noise = false }); got != quiet {
		t.Errorf("noise that is not asked for: %+v, want %+v", got, quiet)
	}
	if got := measure(loud, same); got != want {
		t.Errorf("measured again: %+v, want %+v", got, want)
	}
	others := map[string]func(*Subject){"other batches": func(s *Subject) { s.Batch = 8 }}
	if device := devicetest.CPUOrNil(t, 2); device != nil {
		others["scan"] = func(s *Subject) { s.Device = device }
	}
	for name, change := range others {
		if got := measure(loud, change); math.Abs(got.Loss()-want.Loss()) > 1e-5*want.Loss() {
			t.Errorf("%s: loss %v, want %v", name, got.Loss(), want.Loss())
		}
	}
	for name, other := range map[string]engine.Metrics{"no noise": quiet, "another seed": measure(loud, func(s *Subject) { s.Seed = 2 })} {
		if math.Abs(other.Loss()-want.Loss()) < 1e-3 {
			t.Errorf("%s: loss %v, and %v with noise", name, other.Loss(), want.Loss())
		}
	}
}
