package conductance

import (
	"context"
	"math"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/models"
)

func init() {
	experiment.Register(experiment.Entry{
		Name:   "tau-recovery",
		Doc:    "time constants that a rate network learns from the rates of another one",
		Claim:  "a network that learns its time constants recovers those of the network that made its data, and predicts it better than an Elman network",
		Source: "notes on rate networks with synaptic and membrane time constants, after Quax, D'Asaro and van Gerven (2020), doi:10.1038/s41598-020-68169-x; the margins, 10 % and half the error, are this project's",
		New: func() experiment.Settings {
			return &tauRecovery{Units: 20, Inputs: 10, Sequences: 200, Validation: 100, Steps: 100, TauS: 5, TauR: 10, Slow: 50,
				Gain: 1.5, Noise: 3, Epochs: 1000, Batch: 20, LR: 2e-2}
		},
	})
}

// tauRecovery draws teachers with known time constants, drives them with white noise, and lets
// students learn their rates at every step from the same noise.
//
// What a student shares with its teacher is in the data where its read-out is held at the
// identity: unit n of the student is then unit n of the teacher. With a read-out that is learned,
// units may come in any order, and mean time constants alone can be compared.
type tauRecovery struct {
	Units      int     `toml:"units" doc:"units of teacher and student" min:"2" max:"1024"`
	Inputs     int     `toml:"inputs" doc:"inputs of white noise" min:"1" max:"1024"`
	Sequences  int     `toml:"sequences" doc:"sequences to learn from" min:"1" max:"100000"`
	Validation int     `toml:"validation" doc:"further sequences of the same teacher, for the errors that are reported" min:"1" max:"100000"`
	Steps      int     `toml:"steps" doc:"steps of a sequence" min:"2" max:"10000"`
	TauS       float64 `toml:"tau_s" doc:"synaptic time constant of the teacher" unit:"dt = 1" min:"1.01" max:"1e3"`
	TauR       float64 `toml:"tau_r" doc:"membrane time constant of the teacher" unit:"dt = 1" min:"1.01" max:"1e3"`
	Slow       float64 `toml:"slow" doc:"membrane time constant of the slow half of a teacher with two populations, whose other half has tau_s for both" unit:"dt = 1" min:"1.01" max:"1e3"`
	Gain       float64 `toml:"gain" doc:"spectral radius of the teacher's weights" min:"0" max:"100"`
	Noise      float64 `toml:"noise" doc:"standard deviation of the noise that a unit receives in a step" min:"1e-3" max:"1e3"`
	Epochs     int     `toml:"epochs" doc:"passes over the sequences" min:"1" max:"100000"`
	Batch      int     `toml:"batch" doc:"sequences per update" min:"1" max:"65536"`
	LR         float64 `toml:"lr" doc:"learning rate at its peak" min:"1e-6" max:"1"`
}

// tauTolerance is how far a recovered mean may be off, and elmanFactor how much better than the
// Elman network the student has to be.
const (
	tauTolerance = 0.1
	elmanFactor  = 0.5
)

// Quick implements Settings.
func (s *tauRecovery) Quick() {
	s.Units, s.Inputs, s.Sequences, s.Validation, s.Steps, s.Epochs, s.Batch = 4, 2, 4, 2, 6, 2, 4
}

// lesson is a condition: a kind of teacher and a kind of student.
type lesson struct {
	name           string
	activation     string
	two            bool    // populations in the teacher
	startS, startR float64 // time constants of the student before learning; 0 for an Elman network
	free           bool    // the read-out is learned
}

// The conditions that the report asks about.
const (
	tauElman     = "Elman"
	tauElmanFree = "Elman, read-out learned"
	tauFree      = "from 2 and 2, read-out learned"
	tauLinear    = "linear, exchanged"
	tauTwo       = "two populations, from 2 and 2"
	tauTwoSlow   = "two populations, from 30 and 30"
)

// lessons returns the conditions. The exchanged start is the worst one: where only products and
// sums of the two constants are in the data, as with linear rates, it stays where it is.
func (s *tauRecovery) lessons() []lesson {
	return []lesson{
		{name: "from 2 and 2", activation: "tanh", startS: 2, startR: 2},
		{name: "from 30 and 30", activation: "tanh", startS: 30, startR: 30},
		{name: "exchanged", activation: "tanh", startS: s.TauR, startR: s.TauS},
		{name: tauFree, activation: "tanh", startS: 2, startR: 2, free: true},
		{name: tauElman, activation: "tanh"},
		{name: tauElmanFree, activation: "tanh", free: true},
		{name: tauLinear, activation: "linear", startS: s.TauR, startR: s.TauS},
		{name: tauTwo, activation: "tanh", two: true, startS: 2, startR: 2},
		{name: tauTwoSlow, activation: "tanh", two: true, startS: 30, startR: 30},
	}
}

// recovers reports whether the student is one of those that the claim is about.
func (l lesson) recovers() bool {
	return l.activation == "tanh" && !l.two && !l.free && l.startS > 0
}

// Cases implements Settings.
func (s *tauRecovery) Cases(seeds []uint64) ([]experiment.Case, error) {
	return experiment.ByCondition(experiment.Each(s.lessons(), func(l lesson) string { return l.name }, s.measure), seeds), nil
}

// student returns the training of a student.
func (s *tauRecovery) student(l lesson, task *data.Task, seed uint64) experiment.Training {
	cell := models.NewRate()
	cell.Activation, cell.TauForm, cell.TauS, cell.TauR = l.activation, "sigmoid", l.startS, l.startR
	if l.startS == 0 {
		cell.Learn, cell.TauS, cell.TauR = "none", cell.Dt, cell.Dt
	}
	o := engine.DefaultOptions()
	o.Epochs, o.Batch, o.LR, o.Schedule, o.Seed = s.Epochs, s.Batch, s.LR, "onecycle", seed+studentSeed
	o.EvalEvery = max(1, s.Epochs/evaluations) * ((s.Sequences + s.Batch - 1) / s.Batch)
	t := experiment.Training{Model: "rate", Cell: cell, Task: imitation{task}, Hidden: s.Units, ReadoutScale: 1, Options: o}
	if !l.free {
		t.Hold = map[string]kernels.Init{"readout.weight": {Kind: kernels.Identity, A: 1}, "readout.bias": {}}
	}
	return t
}

const (
	studentSeed = 1000 // keeps students from drawing what their teachers drew
	evaluations = 20   // points of the curve of errors
)

// measure teaches one student.
func (s *tauRecovery) measure(ctx context.Context, env *experiment.Env, l lesson, seed uint64) (experiment.Result, error) {
	teacher, err := s.teach(env.Threads, l, seed)
	if err != nil {
		return experiment.Result{}, err
	}
	return env.Measure(ctx, s.student(l, teacher.task, seed), func(n *experiment.Trained, r *experiment.Result) error {
		r.Values["variance"], r.Values["mse"] = teacher.variance, r.Values["last_loss"]
		if l.startS == 0 || n.Diverged() {
			return nil
		}
		for name, of := range map[string]string{"tau_s": "cell.a_s", "tau_r": "cell.a_r"} {
			a, err := n.Parameter(of)
			if err != nil {
				return err
			}
			tau, want := make(rows.Curve, len(a)), teacher.Of(name)
			off := 0.0
			for i := range a {
				tau[i] = 1 + math.Exp(-a[i]) // dt/σ(a) with dt = 1
				off += math.Abs(tau[i]/want[i]-1) / float64(len(a))
				r.Values[name] += tau[i] / float64(len(a))
				r.Values["teacher_"+name] += want[i] / float64(len(a))
			}
			r.Curves[name], r.Curves["teacher_"+name] = tau, slices.Clone(want)
			r.Values[name+"_off"] = off
		}
		return nil
	})
}

const (
	modesP     = 0.05
	modesRatio = 2 // of the means of two groups, below which they are one
	modesDraws = 10000
)
