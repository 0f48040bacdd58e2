package local

import (
	"fmt"
	"slices"

	"galvani/data"
	"galvani/engine"
	"galvani/engine/safetensors"
	"galvani/kernels"

	"gorgonia.org/tensor"
)

// Model is a model that learns while it runs. Package models/layered implements it.
type Model interface {
	engine.Model
	// Prepare sets first values of parameters that follow from others, given all in the order of Specs.
	Prepare(params [][]float32)
	// Targets writes what the outputs of a batch are to be, [N,O], given labels [N] or else values [N,O].
	Targets(dst, label, value []float32)
}

// Teller is a Model that tells more of itself at evaluations: numbers by the names of metrics, given the state after answers
// and the parameters in the order of Specs.
type Teller interface {
	Tell(state func(visit func(name string, shape []int, data []float32)), params [][]float32) map[string]float64
}

// Run is a model at work on a number of patterns at once, over parameters that it changes.
type Run interface {
	// Learn shows patterns x [B,I] with targets [B,O] and learns at rate lr; weight [B] says which part of the changes
	// each pattern has. The steps of a sequence come one after the other; those without target have weights of 0.
	Learn(x, targets, weight []float32, lr float64) error
	// Answer shows patterns from rest, without target and learning.
	Answer(x []float32) error
	// Next shows the next step of the sequences that Answer has shown the first of.
	Next(x []float32) error
	// Outputs returns what the last of both was answered with, [B,O].
	Outputs() []float32
	Reset()
	State(visit func(name string, shape []int, data []float32))
}

// Starter starts runs of a model for a width of patterns at once, over parameters in the order of Specs.
type Starter func(width int, params [][]float32) (Run, error)

// NewLearner returns what engine.Config.Learner takes.
func NewLearner(m Model, start Starter) func(engine.Setup) (engine.Learner, error) {
	return func(s engine.Setup) (engine.Learner, error) {
		l := &learner{Setup: s, model: m, start: start, answers: map[int]Run{}}
		for i := range s.Params.Specs() {
			l.params = append(l.params, s.Params.View(i).Data().([]float32))
		}
		m.Prepare(l.params)
		learned, _ := s.Params.Len()
		l.backup, l.change = make([]float32, learned), make([]float64, learned)
		var err error
		if l.run, err = start(s.Options.Batch, l.params); err != nil {
			return nil, err
		}
		l.run.State(func(_ string, _ []int, data []float32) { l.state = append(l.state, make([]float32, len(data))) })
		return l, nil
	}
}

// learner implements engine.Learner.
type learner struct {
	engine.Setup
	model   Model
	start   Starter
	params  [][]float32
	run     Run
	answers map[int]Run // of evaluations, by the width of their batches
	targets []float32   // of a batch
	out     []float32   // answers to a batch, beside its targets
	silent  []float32   // weights of a step without target
	backup  []float32   // learned parameters before an update
	change  []float64   // of them by an update
	state   [][]float32 // of the run before an update
}

// Learn implements engine.Learner. What it reports as answers is what the run tells of a batch that it was taught.
func (l *learner) Learn(b *data.Batch, u engine.Update) (engine.Metrics, float64, error) {
	p := l.Params.Learned()
	copy(l.backup, p)
	l.eachState(func(saved, data []float32) { copy(saved, data) })
	err := l.teach(b, u.LR)
	var m engine.Metrics
	if err == nil {
		m, err = score(b, l.out)
	}
	for i, x := range p {
		l.change[i] = float64(x) - float64(l.backup[i])
	}
	change := engine.Norm(l.change)
	if err == nil {
		err = l.examine(m, change)
	}
	if err != nil {
		copy(p, l.backup)
		l.eachState(func(saved, data []float32) { copy(data, saved) })
		return engine.Metrics{}, 0, err
	}
	l.Params.Project()
	if u.LR > 0 {
		change /= u.LR
	}
	return m, change, nil
}

// teach shows the steps of a batch with their targets, from rest where there are several, and leaves the answers in out. The
// changes of all steps with a target add up to those at rate lr of their mean.
func (l *learner) teach(b *data.Batch, lr float64) error {
	l.room(b)
	l.model.Targets(l.targets, b.Label, b.Value)
	if b.T > 1 {
		l.run.Reset()
	}
	told := 0
	for t := range b.T {
		if at := target(b, t); at >= 0 && slices.Max(b.Weight[at:at+b.B]) > 0 {
			told++
		}
	}
	lr /= float64(max(told, 1))
	for t := range b.T {
		at, targets, weight := target(b, t), l.targets[:b.B*b.O], l.silent[:b.B]
		if at >= 0 {
			targets, weight = l.targets[at*b.O:][:b.B*b.O], b.Weight[at:][:b.B]
		}
		if err := l.run.Learn(input(b, t), targets, weight, lr); err != nil {
			return err
		}
		l.note(b, at, l.run)
	}
	return nil
}

// room makes room for the targets of a batch and the answers to it.
func (l *learner) room(b *data.Batch) {
	if n := len(b.Weight) * b.O; len(l.targets) != n {
		l.targets, l.out = make([]float32, n), make([]float32, n)
	}
	if len(l.silent) < b.B {
		l.silent = make([]float32, b.B)
	}
}

// note keeps what a run answers to a step whose targets begin at number at; negative for a step without.
func (l *learner) note(b *data.Batch, at int, run Run) {
	if at >= 0 {
		copy(l.out[at*b.O:][:b.B*b.O], run.Outputs())
	}
}

// input returns step t of the inputs of a batch, [B,I].
func input(b *data.Batch, t int) []float32 { return b.X[t*b.B*b.I:][:b.B*b.I] }

// target returns which target of a batch is the first of step t, -1 for a step without.
func target(b *data.Batch, t int) int {
	switch {
	case b.Every:
		return t * b.B
	case t == b.T-1:
		return 0
	}
	return -1
}

// eachState visits the state of the run beside what is saved of it.
func (l *learner) eachState(visit func(saved, data []float32)) {
	i := 0
	l.run.State(func(_ string, _ []int, data []float32) {
		visit(l.state[i], data)
		i++
	})
}

// examine looks for the first thing that is not finite after an update that changed parameters by so much, as a norm.
// Parameters that are not finite make it so as well, and are looked at in no other case.
func (l *learner) examine(m engine.Metrics, change float64) error {
	var suspects []engine.Suspect
	l.run.State(func(name string, _ []int, data []float32) {
		suspects = append(suspects, engine.Suspect{Name: name, Data: data})
	})
	for i, s := range l.Params.Specs() {
		if s.Learned && change-change != 0 {
			suspects = append(suspects, engine.Suspect{Name: "updated parameter " + s.Name, Data: l.params[i]})
		}
	}
	return engine.Accuse(l.Made(), append(suspects, engine.Suspect{Name: "loss", Data: []float32{float32(m.LossSum)}})...)
}

// Measure implements engine.Learner.
func (l *learner) Measure(b *data.Batch) (engine.Metrics, error) {
	run, ok := l.answers[b.B]
	if !ok {
		var err error
		if run, err = l.start(b.B, l.params); err != nil {
			return engine.Metrics{}, err
		}
		l.answers[b.B] = run
	}
	l.room(b)
	for t := range b.T {
		show := run.Next
		if t == 0 {
			show = run.Answer
		}
		if err := show(input(b, t)); err != nil {
			return engine.Metrics{}, err
		}
		l.note(b, target(b, t), run)
	}
	m, err := score(b, l.out)
	if err == nil {
		err = engine.Accuse(l.Made(), engine.Suspect{Name: "answer", Data: l.out})
	}
	return m, err
}

// score sums up loss and hits of the answers of a batch.
func score(b *data.Batch, answers []float32) (engine.Metrics, error) {
	n := len(b.Weight)
	cfg, target := kernels.LossConfig{Kind: kernels.MeanSquaredError, N: n, O: b.O}, kernels.Wrap(b.Value, n, b.O)
	if b.Label != nil {
		cfg.Kind, target = kernels.SoftmaxCrossEntropy, kernels.Wrap(b.Label, n)
	}
	loss, err := kernels.NewHostLoss(nil, cfg, tensor.Float32)
	if err != nil {
		return engine.Metrics{}, err
	}
	v, err := loss.Forward(kernels.Wrap(answers, n, b.O), target, kernels.Wrap(b.Weight, n))
	if err != nil {
		return engine.Metrics{}, err
	}
	var m engine.Metrics
	for n, w := range b.Weight {
		if m.Weight += float64(w); w == 0 || b.Label == nil {
			continue
		}
		m.Count++
		best := 0
		for o, y := range answers[n*b.O : (n+1)*b.O] {
			if y > answers[n*b.O+best] {
				best = o
			}
		}
		if best == int(b.Label[n]) {
			m.Correct++
		}
	}
	mean, ok := v.Data().(float32)
	if !ok {
		return m, fmt.Errorf("engine: the loss is a %T, want a float32", v.Data())
	}
	m.LossSum = float64(mean) * m.Weight
	return m, nil
}

// Tell implements engine.Teller.
func (l *learner) Tell(b *data.Batch) (map[string]float64, error) {
	m, ok := l.model.(Teller)
	if !ok {
		return nil, nil
	}
	if _, err := l.Measure(b); err != nil {
		return nil, err
	}
	return m.Tell(l.answers[b.B].State, l.params), nil
}

// Rest implements engine.Learner. Evaluations begin at rest by themselves.
func (l *learner) Rest(p engine.Phase) error {
	if p == engine.Training {
		l.run.Reset()
	}
	return nil
}

// State implements engine.Learner.
func (l *learner) State() (list []engine.Tensor) {
	l.run.State(func(name string, shape []int, data []float32) {
		list = append(list, engine.Tensor{Name: "learner." + name, Shape: shape, Data: data})
	})
	return list
}

// Trace implements engine.Tracer: input and targets of a batch, the state in which its answers leave the run, and the
// answers as logits.
func (l *learner) Trace(b *data.Batch) ([]safetensors.Tensor, error) {
	if _, err := l.Measure(b); err != nil {
		return nil, err
	}
	list, rows := engine.TraceOf(b)
	run := l.answers[b.B]
	run.State(func(name string, shape []int, data []float32) {
		list = append(list, safetensors.Float32(name, shape, data))
	})
	return append(list, safetensors.Float32("logits", append(rows, b.O), l.out)), nil
}

// Close implements engine.Learner.
func (l *learner) Close() error { return nil }
