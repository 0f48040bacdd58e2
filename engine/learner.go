package engine

import (
	"fmt"

	"galvani/data"
)

// Learner changes the parameters of a Session and measures them. The Session says which batch comes
// next and at what rate it is learned, when to measure, and what to save. Gradient descent on the graph
// of a Network is the first Learner; a model that learns by a rule of its own has another
// (Config.Learner), most of them Descend of a Rule.
type Learner interface {
	// Learn makes one update with a batch of Options.Batch sequences or fewer. It returns what the batch
	// was answered with before the update, and the norm of the direction of the update, before clipping.
	//
	// Errors: *NotFiniteError for an update that would make anything not finite. After an error no
	// parameter has changed.
	Learn(b *data.Batch, u Update) (m Metrics, norm float64, err error)
	// Measure returns what a batch is answered with. It changes no parameter.
	//
	// Errors: *NotFiniteError.
	Measure(b *data.Batch) (Metrics, error)
	// Rest puts the state that one batch leaves to the next where it starts from. Updates and
	// evaluations have states of their own.
	Rest(p Phase) error
	// State lists the tensors besides the parameters that the next update depends on, always the same
	// ones. Checkpoints hold them under their names, which begin with "learner.".
	State() []Tensor
	Close() error
}

// Teller is a Learner that tells more of its model than loss and hits: numbers by the names of metrics, from the answers
// to a batch. It changes no parameter.
type Teller interface {
	Tell(b *data.Batch) (map[string]float64, error)
}

// told returns what the Learner tells of the first samples of the training set, nil where it tells nothing.
func (s *Session) told() (map[string]float64, error) {
	l, ok := s.learner.(Teller)
	if !ok {
		return nil, nil
	}
	b, err := s.first()
	if err != nil {
		return nil, err
	}
	return l.Tell(b)
}

// first returns the first samples of the training set as a batch.
func (s *Session) first() (*data.Batch, error) {
	set := s.cfg.Task.Train
	return s.Batch(set, min(s.cfg.Options.Batch, set.Len()))
}

// Update is the number of an update, counted from 1, and its learning rate.
type Update struct {
	Step int
	LR   float64
}

// Phase says what a batch is for.
type Phase int

const (
	Training Phase = iota
	Evaluation
)

// Tensor is an array of a Learner. Data is its storage: Restore writes there.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Setup is what a Learner is made from.
type Setup struct {
	Config
	// Params are the parameters, with their initial values. The Learner changes Params.Learned.
	Params *Params[float32]
	// Made returns the number of updates made, for errors.
	Made func() int
}

// newLearner returns the Learner of a session, and what makes its updates.
func (s *Session) newLearner() (Learner, stepper, error) {
	setup := Setup{Config: s.cfg, Params: s.params, Made: func() int { return s.progress.Step }}
	if s.cfg.Learner == nil {
		return byGradient(setup)
	}
	if n := s.cfg.group().Size(); n > 1 {
		return nil, nil, fmt.Errorf("engine: model %s learns by a rule of its own, which takes whole batches, and there are %d ranks; start one process: %w",
			s.cfg.Net.Name(), n, ErrOption)
	}
	if n := s.cfg.Options.Shards; n > 1 {
		return nil, nil, fmt.Errorf("engine: model %s learns by a rule of its own, which takes whole batches, and theirs would have %d parts; take shards = 1 and accumulate = 1, on one rank: %w",
			s.cfg.Net.Name(), n, ErrOption)
	}
	l, err := s.cfg.Learner(setup)
	return l, &hostSteps{learner: l}, err
}

// byGradient returns the Learner of a Network.
func byGradient(s Setup) (l Learner, steps stepper, err error) {
	g, err := newGraphs(s)
	if err != nil {
		return nil, nil, err
	}
	d, err := newDescent(s, g)
	if err != nil {
		return nil, nil, closing(g, err)
	}
	if g.dev == nil {
		return d, &hostSteps{learner: d}, nil
	}
	if steps, err = newDeviceSteps(g, d.opt); err == nil {
		err = g.prepareTest() // so that too little memory shows at the start
	}
	if err != nil {
		return nil, nil, closing(d, err)
	}
	return d, steps, nil
}
