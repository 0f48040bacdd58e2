package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"
)

// Training is what Train is to do. Env.Configure fills it as `galvani train` would.
type Training struct {
	Model        string
	Cell         models.Cell
	Task         data.Config
	Hidden       int
	ReadoutScale float64
	Wiring       *models.Wiring // nil for every connection, of either sign
	Options      engine.Options // Seed also seeds the task
	Memory       int64          // engine.Config.Memory
	// Hold names parameters that keep the initial values given here instead of being learned.
	Hold map[string]kernels.Init
}

// Trained is a network in training, or after it.
type Trained struct {
	Session *engine.Session // for traces and evaluations; to be closed
	Task    *data.Task
	Net     *models.Network
	Learned int // parameters
	// Steps holds every update, Evaluations every evaluation on the test set.
	Steps       []engine.StepResult
	Evaluations []Evaluation
	Outcome     engine.Outcome
	Cause       error // of engine.NotFinite and engine.DeviceLost
	Seconds     float64

	tick func(part float64)
}

// Evaluation is one evaluation during training.
type Evaluation struct {
	Step    int
	Epoch   int     // from 0
	Seconds float64 // since training began
	Test    engine.Metrics
}

// Diverged reports whether training ended with numbers that are not finite.
func (t *Trained) Diverged() bool { return t.Outcome == engine.NotFinite }

// Last returns the metrics of the last evaluation; false before the first.
func (t *Trained) Last() (engine.Metrics, bool) {
	if len(t.Evaluations) == 0 {
		return engine.Metrics{}, false
	}
	return t.Evaluations[len(t.Evaluations)-1].Test, true
}

// Best returns the best evaluation; false before the first.
func (t *Trained) Best() (Evaluation, bool) {
	var best Evaluation
	for i, e := range t.Evaluations {
		if i == 0 || e.Test.Better(best.Test) {
			best = e
		}
	}
	return best, len(t.Evaluations) > 0
}

// Start makes a network with its initial parameters; the caller closes Trained.Session.
//
// Errors: those of model, task and device.
func (e *Env) Start(t Training) (*Trained, error) {
	dev, err := e.Device()
	if err != nil {
		return nil, err
	}
	n := &Trained{tick: e.Tick}
	if n.Task, err = t.Task.Open(data.Env{Dir: e.DataDir, Seed: t.Options.Seed}); err != nil {
		return nil, err
	}
	dims := models.Dims{I: n.Task.I, H: t.Hidden, O: n.Task.O}
	options := []models.Option{models.ReadoutScale(t.ReadoutScale)}
	if t.Wiring != nil {
		options = append(options, models.Wired(*t.Wiring))
	}
	if n.Net, err = models.Bind(t.Model, t.Cell, dims, options...); err != nil {
		return nil, err
	}
	cfg := engine.Config{Net: held{n.Net, t.Hold}, Task: n.Task, Device: dev, Options: t.Options, Memory: t.Memory}
	if n.Session, err = engine.NewSession(cfg); err != nil {
		return nil, err
	}
	n.Learned, _ = n.Session.Params().Len()
	return n, nil
}

// held is a network with parameters that are not learned.
type held struct {
	*models.Network
	values map[string]kernels.Init
}

// Specs implements engine.Network.
func (n held) Specs() []kernels.Spec {
	specs := n.Network.Specs()
	for i := range specs {
		if v, ok := n.values[specs[i].Name]; ok {
			specs[i].Learned, specs[i].Init = false, v
		}
	}
	return specs
}

// Train trains the network to its end. Numbers that are not finite are an outcome, not an error.
//
// Errors: the cause of ctx; a lost device; those of the data.
func (n *Trained) Train(ctx context.Context) error {
	w := &watcher{Trained: n, begin: time.Now(), total: n.Session.Steps()}
	result, err := n.Session.Train(ctx, w, nil)
	n.Seconds = time.Since(w.begin).Seconds()
	n.Outcome, n.Cause = result.Outcome, result.Cause
	switch {
	case err != nil:
		return err
	case result.Outcome == engine.Cancelled:
		return context.Cause(ctx)
	case result.Outcome == engine.DeviceLost:
		return result.Cause
	}
	return nil
}

// Train is Start and Trained.Train. Where there is no error the caller closes Trained.Session.
func (e *Env) Train(ctx context.Context, t Training) (*Trained, error) {
	n, err := e.Start(t)
	if err != nil {
		return nil, err
	}
	if err := n.Train(ctx); err != nil {
		return nil, errors.Join(err, n.Session.Close())
	}
	return n, nil
}

// Measure trains a network, has look add to what it shows (nil: nothing), and closes it.
func (e *Env) Measure(ctx context.Context, t Training, look func(n *Trained, r *Result) error) (Result, error) {
	n, err := e.Train(ctx, t)
	if err != nil {
		return Result{}, err
	}
	r := n.Result()
	if look != nil {
		err = look(n, &r)
	}
	return r, errors.Join(err, n.Session.Close())
}

// Parameter returns the present values of a parameter, such as "cell.W".
//
// Errors: no parameter of that name; those of the device.
func (t *Trained) Parameter(name string) ([]float64, error) {
	state, err := t.Session.State()
	if err != nil {
		return nil, err
	}
	p, ok := state.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("model %s has no parameter %s", t.Net.Name(), name)
	}
	v, err := p.Float32s()
	list := make([]float64, len(v))
	for i := range v {
		list[i] = float64(v[i])
	}
	return list, err
}

// watcher keeps what a session tells.
type watcher struct {
	*Trained
	begin time.Time
	total int
}

// Stepped implements engine.Observer.
func (w *watcher) Stepped(e engine.StepEvent) error {
	w.Steps = append(w.Steps, e.StepResult)
	w.tick(float64(e.Step) / float64(w.total))
	return nil
}

// Evaluated implements engine.Observer.
func (w *watcher) Evaluated(e engine.EvalEvent) error {
	w.Evaluations = append(w.Evaluations, Evaluation{e.Step, e.Epoch, time.Since(w.begin).Seconds(), e.Held})
	return nil
}

// Result returns what every experiment with training tells of it: parameters, steps, seconds of
// training, diverged (0 or 1), the last and the best test loss and accuracy, and the curves of
// step, test_loss and test_accuracy at each evaluation.
func (t *Trained) Result() Result {
	r := Result{Values: rows.Values{"parameters": float64(t.Learned), "steps": float64(len(t.Steps)), "train_seconds": t.Seconds, "diverged": 0},
		Curves: map[string]rows.Curve{}}
	if t.Diverged() {
		r.Values["diverged"] = 1
		r.Note = fmt.Sprint(t.Cause)
	}
	put := func(when string, m engine.Metrics) {
		r.Values[when+"_loss"] = m.Loss()
		if a := m.Accuracy(); !math.IsNaN(a) {
			r.Values[when+"_accuracy"] = a
		}
	}
	if m, ok := t.Last(); ok {
		put("last", m)
	}
	if e, ok := t.Best(); ok {
		put("best", e.Test)
	}
	for _, e := range t.Evaluations {
		r.Curves["step"] = append(r.Curves["step"], float64(e.Step))
		r.Curves["test_loss"] = append(r.Curves["test_loss"], e.Test.Loss())
		if e.Test.Count > 0 {
			r.Curves["test_accuracy"] = append(r.Curves["test_accuracy"], e.Test.Accuracy())
		}
	}
	return r
}
