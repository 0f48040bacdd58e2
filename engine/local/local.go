package local

import (
	"fmt"
	"math"

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
	// Targets writes what the outputs of a batch are to be, [B,O], given labels [B] or else values [B,O].
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
	// each pattern has.
	Learn(x, targets, weight []float32, lr float64) error
	// Answer shows patterns from rest, without target and learning.
	Answer(x []float32) error
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
		l.backup = make([]float32, learned)
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
	targets []float32
	backup  []float32   // learned parameters before an update
	state   [][]float32 // of the run before an update
}

// Learn implements engine.Learner. What it reports as answers is what the run tells of a batch that it was taught.
func (l *learner) Learn(b *data.Batch, u engine.Update) (engine.Metrics, float64, error) {
	p := l.Params.Learned()
	copy(l.backup, p)
	l.eachState(func(saved, data []float32) { copy(saved, data) })
	if n := b.B * b.O; len(l.targets) != n {
		l.targets = make([]float32, n)
	}
	l.model.Targets(l.targets, b.Label, b.Value)
	err := l.run.Learn(b.X, l.targets, b.Weight, u.LR)
	var m engine.Metrics
	if err == nil {
		m, err = score(b, l.run.Outputs())
	}
	if err == nil {
		err = l.examine(m)
	}
	if err != nil {
		copy(p, l.backup)
		l.eachState(func(saved, data []float32) { copy(data, saved) })
		return engine.Metrics{}, 0, err
	}
	l.Params.Project()
	sum := 0.0
	for i, v := range p {
		d := float64(v) - float64(l.backup[i])
		sum += d * d
	}
	if u.LR > 0 {
		sum /= u.LR * u.LR
	}
	return m, math.Sqrt(sum), nil
}

// eachState visits the state of the run beside what is saved of it.
func (l *learner) eachState(visit func(saved, data []float32)) {
	i := 0
	l.run.State(func(_ string, _ []int, data []float32) {
		visit(l.state[i], data)
		i++
	})
}

// examine looks for the first thing that is not finite after an update.
func (l *learner) examine(m engine.Metrics) error {
	var suspects []engine.Suspect
	l.run.State(func(name string, _ []int, data []float32) {
		suspects = append(suspects, engine.Suspect{Name: name, Data: data})
	})
	for i, s := range l.Params.Specs() {
		if s.Learned {
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
	if err := run.Answer(b.X); err != nil {
		return engine.Metrics{}, err
	}
	m, err := score(b, run.Outputs())
	if err == nil {
		err = engine.Accuse(l.Made(), engine.Suspect{Name: "answer", Data: run.Outputs()[:b.B*b.O]})
	}
	return m, err
}

// score sums up loss and hits of the answers of a batch.
func score(b *data.Batch, answers []float32) (engine.Metrics, error) {
	cfg, target := kernels.LossConfig{Kind: kernels.MeanSquaredError, N: b.B, O: b.O}, kernels.Wrap(b.Value, b.B, b.O)
	if b.Label != nil {
		cfg.Kind, target = kernels.SoftmaxCrossEntropy, kernels.Wrap(b.Label, b.B)
	}
	loss, err := kernels.NewHostLoss(cfg, tensor.Float32)
	if err != nil {
		return engine.Metrics{}, err
	}
	v, err := loss.Forward(kernels.Wrap(answers[:b.B*b.O], b.B, b.O), target, kernels.Wrap(b.Weight, b.B))
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
	list := []safetensors.Tensor{safetensors.Float32("x", []int{b.T, b.B, b.I}, b.X)}
	if b.Label != nil {
		labels := make([]int64, len(b.Label))
		for i, v := range b.Label {
			labels[i] = int64(v)
		}
		list = append(list, safetensors.Int64("y", []int{b.B}, labels))
	} else {
		list = append(list, safetensors.Float32("y", []int{b.B, b.O}, b.Value))
	}
	run := l.answers[b.B]
	run.State(func(name string, shape []int, data []float32) {
		list = append(list, safetensors.Float32(name, shape, data))
	})
	return append(list, safetensors.Float32("logits", []int{b.B, b.O}, run.Outputs())), nil
}

// Close implements engine.Learner.
func (l *learner) Close() error { return nil }
