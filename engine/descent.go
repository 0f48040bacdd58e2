package engine

import (
	"errors"
	"io"

	"galvani/data"
	"galvani/engine/rundir"
)

// Rule says which way the parameters go, for Descend.
type Rule interface {
	// Direction returns what the optimiser takes for the gradient of the mean loss of a batch, laid out
	// like Params.Learned, and what the batch was answered with. The slice stays valid until the next
	// call, and its elements may be changed.
	Direction(b *data.Batch) ([]float32, Metrics, error)
	// Measure returns what a batch is answered with, whether it is finite or not.
	Measure(b *data.Batch) (Metrics, error)
	// Moved is called when the parameters have taken the step of the last Direction, and when the last
	// Measure was finite, with the phase that it was for.
	Moved(p Phase) error
	// Examine is called in place of Moved where something is not finite. It returns an error that names the
	// first tensor that is not; see Accuse.
	Examine(p Phase, b *data.Batch) error
	// Rest, State and Close are those of a Learner.
	Rest(p Phase) error
	State() []Tensor
	Close() error
}

// Descend returns the Learner that follows a rule with the optimiser, the clipping and the bounds that
// the gradient has.
//
// Errors: ErrOption. The rule is closed then.
func Descend(s Setup, r Rule) (Learner, error) {
	d, err := newDescent(s, r)
	if err != nil {
		return nil, closing(r, err)
	}
	return d, nil
}

// closing closes c and returns the error that it is closed for.
func closing(c io.Closer, err error) error { return errors.Join(err, c.Close()) }

// descent is a rule with an optimiser in host memory.
type descent struct {
	Setup
	rule   Rule
	opt    *Optimizer
	backup []float32 // learned parameters before an update
}

func newDescent(s Setup, r Rule) (*descent, error) {
	learned, _ := s.Params.Len()
	parts, err := s.Params.parts(s.Options)
	if err != nil {
		return nil, err
	}
	opt, err := NewOptimizer(s.Options, learned, parts)
	if err != nil {
		return nil, err
	}
	return &descent{Setup: s, rule: r, opt: opt, backup: make([]float32, learned)}, nil
}

// Learn implements Learner.
func (d *descent) Learn(b *data.Batch, u Update) (Metrics, float64, error) {
	grad, m, err := d.rule.Direction(b)
	if err != nil {
		return Metrics{}, 0, err
	}
	norm := d.opt.clip(grad, d.Options.Clip)
	if !finite(m.LossSum) || !finite(norm) {
		return Metrics{}, 0, d.rule.Examine(Training, b)
	}
	if err := d.commit(grad, u); err != nil {
		return Metrics{}, 0, err
	}
	return m, norm, d.rule.Moved(Training)
}

// commit updates the parameters. Where the update makes a parameter or an optimiser slot not
// finite, the parameters go back to what they were and the error names the culprit.
func (d *descent) commit(grad []float32, u Update) error {
	p := d.Params.Learned()
	copy(d.backup, p)
	d.opt.Update(p, grad, u.LR, u.Step)
	good := allFinite(p)
	for _, slot := range d.opt.Slots() {
		good = good && allFinite(slot.Data)
	}
	if good {
		d.Params.Project()
		return nil
	}
	err := Accuse(d.Made(), append(slotSuspects(d.Params, d.opt), perParam(d.Params, updated, p)...)...)
	copy(p, d.backup)
	return err
}

// Measure implements Learner.
func (d *descent) Measure(b *data.Batch) (Metrics, error) {
	m, err := d.rule.Measure(b)
	switch {
	case err != nil:
	case finite(m.LossSum):
		err = d.rule.Moved(Evaluation)
	default:
		err = d.rule.Examine(Evaluation, b)
	}
	if err != nil {
		return Metrics{}, err
	}
	return m, nil
}

// Rest implements Learner.
func (d *descent) Rest(p Phase) error { return d.rule.Rest(p) }

// State implements Learner: the slots of the optimiser, then the state of the rule.
func (d *descent) State() (list []Tensor) {
	p := d.Params
	for _, slot := range d.opt.Slots() {
		for _, i := range p.learnedIndex {
			list = append(list, Tensor{rundir.SlotName(slot.Name, p.specs[i].Name), p.specs[i].Shape, p.part(slot.Data, i)})
		}
	}
	return append(list, d.rule.State()...)
}

// Close implements Learner.
func (d *descent) Close() error { return d.rule.Close() }
