package charged

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"galvani/bench/experiment"
	"galvani/data"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:  "looming",
		Doc:   "how well cells detect looming and tell the time to collision, and whether the response peaks where the locust's does",
		Claim: "a cRNN that has learned to detect looming responds like the locust's detector: its response peaks a fixed delay after the object has reached a threshold angle, at α l/|v| − δ before collision with α in 2.8 to 7.6",
		Source: "notes on the charged RNN, section 1; locust (α 4.7, δ 27 ms, 24°): Gabbiani, Krapp and Laurent (1999), J Neurosci 19:1122; " +
			"coherence: Dewell and Gabbiani (2018), eLife 7:e34238",
		New: func() experiment.Settings {
			return &looming{Models: []string{"crnn", "crnn-simple", "rnn", "lstm"}, Hidden: 64, Epochs: 2,
				Coherence: []float64{10, 30, 60}, Background: []float64{0.02, 0.1}, Jitter: []float64{50, 200},
				Fields: []float64{24, 12}, LV: []float64{5, 10, 20, 30, 40, 50, 60, 70, 80}, Samples: 32}
		},
	})
}

// looming trains cells of equal size on the two looming tasks, at each difficulty anew, and shows
// those of the plain task clean approaches of one l/|v| each.
//
// The response to an approach is one of
//
//	events    the number of events in a step: what the input alone gives
//	activity  the mean over units of |h − h₀|, h₀ being the state at the same step of a sequence without events
//	log-odds  of the class loom, were the read-out asked at that step
//
// smoothed by a Gaussian, as firing rates are; its peak is where it is largest. Smoothing moves the
// peak of η up to 8 ms forward, as it rises more slowly than it falls, and hardly changes the slope.
type looming struct {
	Models     []string  `toml:"models" doc:"cells to compare, of those with a learning rate for the tasks: crnn, crnn-simple, rnn, lstm"`
	Hidden     int       `toml:"hidden" doc:"units of the crnn; the other cells get as many learned parameters" min:"3" max:"4096"`
	Epochs     int       `toml:"epochs" doc:"passes over the training set" min:"1" max:"1000"`
	Coherence  []float64 `toml:"coherence" doc:"facets that keep their place, besides the tasks' default" unit:"%" min:"0" max:"100"`
	Background []float64 `toml:"background" doc:"probabilities of a stray event per facet and step, besides the tasks' default" min:"0" max:"1"`
	Jitter     []float64 `toml:"jitter" doc:"largest shifts of an event in time, besides the tasks' default" unit:"ms" min:"0" max:"1000"`
	Fields     []float64 `toml:"fields" doc:"half-widths of the field of view at which the crnn's response is measured besides the task's default" unit:"deg" min:"1" max:"60"`
	LV         []float64 `toml:"lv" doc:"l/|v| of the clean approaches" unit:"ms" min:"1" max:"1000"`
	Samples    int       `toml:"samples" doc:"clean approaches of each l/|v|, at different moments" min:"1" max:"1024"`

	quick bool
}

// The locust, and what a response must do to be like it.
const (
	locustAlpha  = 4.7
	locustDelta  = 27 // ms
	lowestAlpha  = 2.8
	highestAlpha = 7.6
	leastR2      = 0.95
)

const (
	// slowFrom bounds the approaches that are slow against a step of 10 ms and a synapse of 50 ms,
	// ms: faster ones show all that there is to see in a few steps.
	slowFrom = 30
	// near is how far apart two slopes count as one.
	near = 0.2
)

const (
	// smoothing is the standard deviation of the Gaussian over responses, ms.
	smoothing = 20
	// longer is how much longer than the training sequences the clean approaches are, so that the
	// first event of the slowest is inside.
	longer = 8. / 3
	// The collision of a clean approach falls in the last part cleanSpread of the sequence, at
	// least cleanAfter (ms) before its end, so that a peak after it shows.
	cleanSpread = 0.25
	cleanAfter  = 200
	// drawn bounds the search for approaches that end early enough: about half of them do.
	drawn = 100
)

// loomingRates are learning rates with which each cell learns the plain task at about 64 units.
var loomingRates = map[string]float64{"crnn": 1e-2, "crnn-simple": 1e-2, "rnn": 3e-3, "lstm": 1e-2}

var responses = []string{"activity", "log-odds", "events"}

// Quick implements Settings.
func (s *looming) Quick() {
	s.Models, s.Hidden, s.Epochs, s.Coherence, s.Background, s.Jitter = []string{"crnn", "rnn"}, 4, 1, []float64{30}, nil, nil
	s.Fields, s.LV, s.Samples, s.quick = []float64{12}, []float64{10, 40, 80}, 2, true
}

// Choices lists the values of keys.
func (s *looming) Choices() map[string][]string {
	return map[string][]string{"models": slices.Sorted(maps.Keys(loomingRates))}
}

// loomingCase is a condition: one key of the task may differ from its default.
type loomingCase struct {
	task, model, key string
	value            float64
}

func (c loomingCase) String() string {
	if c.key == "" {
		return fmt.Sprintf("%s, %s", c.task, c.model)
	}
	return fmt.Sprintf("%s, %s, %s %g", c.task, c.model, c.key, c.value)
}

// sweep is a key of the tasks that is varied.
type sweep struct {
	key, label string
	values     []float64
	log        bool
}

func (s *looming) sweeps() []sweep {
	return []sweep{{"coherence", "coherence, %", s.Coherence, false}, {"background", "stray events per facet and step", s.Background, true},
		{"jitter", "jitter, ms", s.Jitter, false}}
}

// Cases implements Settings. Seeds are outermost, so that a run cut off has whole ones.
func (s *looming) Cases(seeds []uint64) ([]experiment.Case, error) {
	if len(s.LV) < 3 {
		return nil, fmt.Errorf("lv holds %d values, want at least 3 for a fit", len(s.LV))
	}
	var all []experiment.Condition
	add := func(c loomingCase) {
		all = append(all, experiment.Condition{Name: c.String(), Run: experiment.Of(c, s.measure)})
	}
	for _, model := range s.Models {
		if loomingRates[model] == 0 {
			return nil, fmt.Errorf("model %q has no learning rate for looming; want some of crnn, crnn-simple, rnn, lstm", model)
		}
		for _, task := range []string{"looming", "looming-ttc"} {
			add(loomingCase{task: task, model: model})
			for _, w := range s.sweeps() {
				for _, v := range w.values {
					add(loomingCase{task, model, w.key, v})
				}
			}
		}
	}
	for _, field := range s.Fields {
		add(loomingCase{"looming", "crnn", "half_field", field})
	}
	return experiment.BySeed(all, seeds), nil
}

// measure trains one network and, where it sees the plain task, measures its responses.
func (s *looming) measure(ctx context.Context, env *experiment.Env, c loomingCase, seed uint64) (experiment.Result, error) {
	keys := map[string]any{"hidden": s.Hidden, "epochs": s.Epochs, "seed": seed}
	if s.quick {
		keys["max_steps"], keys["batch"], keys["train_size"], keys["test_size"] = 2, 4, 8, 8
	}
	reference, err := env.Configure("crnn", c.task, keys)
	if err != nil {
		return experiment.Result{}, err
	}
	keys["lr"] = loomingRates[c.model]
	if c.key != "" {
		keys[c.key] = c.value
	}
	t, err := env.Configure(c.model, c.task, keys)
	if err != nil {
		return experiment.Result{}, err
	}
	eye := *t.Task.(*data.Looming)
	outputs := 4
	if c.task == "looming-ttc" {
		outputs = 1
	}
	if t.Hidden, err = experiment.MatchingUnits(reference, t, eye.Facets*eye.Facets, outputs); err != nil {
		return experiment.Result{}, err
	}
	return env.Measure(ctx, t, func(n *experiment.Trained, r *experiment.Result) error {
		r.Values["hidden"] = float64(t.Hidden)
		if loss, ok := r.Values["last_loss"]; ok && c.task == "looming-ttc" {
			r.Values["rmse_ms"] = math.Sqrt(loss) * float64(eye.Steps) * eye.StepMs
		}
		if c.task == "looming" && (c.key == "" || c.key == "half_field") {
			return s.respond(ctx, n, eye, r)
		}
		return nil
	})
}
