package experiment

import (
	"context"

	"galvani/bench/rows"
	"galvani/engine/setting"
	"galvani/kernels"
)

// Settings is an experiment with its settings.
type Settings interface {
	// Quick makes the settings so small that all cases together take about a second: it shows
	// that everything works and measures nothing.
	Quick()
	// Cases returns what is to be run, the same list at every call. The seeds are 1 to n.
	//
	// Errors: settings that do not fit each other.
	Cases(seeds []uint64) ([]Case, error)
	// Report tells what the rows say. It depends on settings and rows alone. Rows come in the
	// order of the cases; there is at least one, but not all need be there.
	Report(results Rows) (Report, error)
}

// Choices returns the words that keys of the settings may hold, by key; nil where the settings do not
// tell. They tell it by a method of that name.
func Choices(s Settings) map[string][]string {
	if c, ok := s.(interface{ Choices() map[string][]string }); ok {
		return c.Choices()
	}
	return nil
}

// Case is one condition at one seed.
type Case struct {
	Condition string // with the seed, the key of the case within its experiment
	Seed      uint64
	// Cost is the time that the case takes relative to others, for the estimate of time left;
	// 0 means 1.
	Cost float64
	// Run measures. When ctx is cancelled it returns its cause soon, and no result.
	Run func(ctx context.Context, env *Env) (Result, error)
}

// Condition is what is measured at every seed. An experiment lists its conditions and has them made to cases by
// [ByCondition] or [BySeed], in which order they then run.
type Condition struct {
	Name string
	Cost float64 // as of Case
	Run  Measurement
}

// Measurement measures a condition at a seed, as Case.Run does.
type Measurement = func(ctx context.Context, env *Env, seed uint64) (Result, error)

// Of returns the measurement of one of the things that measure can measure.
func Of[C any](one C, measure func(ctx context.Context, env *Env, one C, seed uint64) (Result, error)) Measurement {
	return func(ctx context.Context, env *Env, seed uint64) (Result, error) { return measure(ctx, env, one, seed) }
}

// Each returns a condition for each of a list, under its name.
func Each[C any](list []C, name func(C) string, measure func(ctx context.Context, env *Env, one C, seed uint64) (Result, error)) (all []Condition) {
	for _, c := range list {
		all = append(all, Condition{Name: name(c), Run: Of(c, measure)})
	}
	return all
}

// ByCondition returns a case of each condition at each seed, one condition after the other.
func ByCondition(conditions []Condition, seeds []uint64) (cases []Case) {
	for _, c := range conditions {
		for _, seed := range seeds {
			cases = append(cases, c.at(seed))
		}
	}
	return cases
}

// BySeed returns a case of each condition at each seed, one seed after the other.
func BySeed(conditions []Condition, seeds []uint64) (cases []Case) {
	for _, seed := range seeds {
		for _, c := range conditions {
			cases = append(cases, c.at(seed))
		}
	}
	return cases
}

func (c Condition) at(seed uint64) Case {
	return Case{Condition: c.Name, Seed: seed, Cost: c.Cost,
		Run: func(ctx context.Context, env *Env) (Result, error) { return c.Run(ctx, env, seed) }}
}

// Result is what a case measures: numbers and curves by name, NaN and infinities allowed.
type Result struct {
	Values rows.Values           `json:"values"`
	Curves map[string]rows.Curve `json:"curves,omitempty"`
	Note   string                `json:"note,omitempty"` // a word for people, e.g. where it diverged
}

// Env is what a case has besides its settings.
type Env struct {
	Threads int    // of the CPU, at least 1
	DataDir string // folder of data-set files
	// Tick tells which part of the case is done, from 0 to 1.
	Tick func(part float64)
	// Configure returns the settings of training under which `galvani train` would run, its
	// recipes included, with keys overruled. Values are read as the text of a flag.
	Configure func(model, task string, keys map[string]any) (Training, error)

	open   func() (kernels.Device, string, error)
	opened bool
	device kernels.Device
	name   string
}

// NewEnv returns what a case gets from outside of a job, such as in a test. Open may be nil where
// nothing is trained.
func NewEnv(threads int, open func() (kernels.Device, string, error)) *Env {
	return &Env{Threads: threads, Tick: func(float64) {}, open: open}
}

// Device returns the device for training, which is opened at the first call and is not to be
// closed; nil stands for the unrolled graph.
func (e *Env) Device() (kernels.Device, error) {
	if !e.opened {
		var err error
		if e.device, e.name, err = e.open(); err != nil {
			return nil, err
		}
		e.opened = true
	}
	return e.device, nil
}

// Entry is one line of the registry.
type Entry struct {
	Name   string
	Doc    string // what is measured, in one line
	Claim  string // the sentence that is tested
	Source string // of the claim
	Long   bool   // takes more than an hour on two cores; `experiment all` leaves it out
	New    func() Settings
}

var registry = setting.NewRegistry("experiment", func(e Entry) string { return e.Name })

// Register adds an experiment. It is for init functions and panics on a name that is there already.
func Register(e Entry) { registry.Add(e) }

// All returns the registry, sorted by name.
func All() []Entry { return registry.All() }

// Lookup finds an experiment by name; the error for an unknown one names the nearest.
func Lookup(name string) (Entry, error) { return registry.Lookup(name) }
