package layered

import (
	"fmt"
	"math"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Stepped is a Net whose synapses change while it is stepped in time. Package engine/local trains it.
type Stepped interface {
	Net
	// Prepare sets first values of parameters that follow from others, given all in the order of Specs.
	Prepare(params [][]float32)
	// Targets writes what the outputs of a batch are pulled to, [B,O], given labels [B] or else values [B,O].
	Targets(dst, label, value []float32)
	// Start returns the network at rest for a width of patterns at once, over parameters in the order of Specs, which it
	// changes as it learns. A nil device multiplies in Go. What is drawn while it learns depends on the seed.
	//
	// Errors: those of the device.
	Start(dev kernels.Device, width int, params [][]float32, seed uint64) (Runner[float32], error)
}

// Runner is a Stepped network in time: copies of it side by side, with the same weights.
type Runner[F kernels.Float] interface {
	// Answer shows patterns x [N,I], as many as the run is wide or fewer, from rest for the time of evaluations, without
	// target and learning.
	//
	// Errors: those of the device.
	Answer(x []F) error
	// Next shows the next step of a sequence, as Answer does the first.
	//
	// Errors: those of the device.
	Next(x []F) error
	// Learn shows patterns x [N,I], N up to the width, with targets [N,O] for the time of a presentation, and learns at rate lr.
	// Weight [N] is the part that each pattern has in the changes, nil for equal parts. Networks that learn sequences take
	// a pattern with part 0 for one without target.
	//
	// Errors: those of the device.
	Learn(x, targets, weight []F, lr float64) error
	// Outputs returns what the last of both was answered with, [B,O]: the potentials of the outputs, and of one that was
	// taught those that are predicted without target. The next presentation overwrites it.
	Outputs() []F
	// Hidden returns the rates [B,units] of each hidden layer.
	Hidden() [][]F
	// Reset puts all to rest.
	Reset()
	// State visits what a presentation leaves to the next.
	State(visit func(name string, shape []int, data []F))
	// Rebind gives the run other parameters.
	Rebind(params [][]F)
}

// targets writes high for the output of a label and low for others; without labels values are targets.
func targets(dst, label, value []float32, outputs int, high, low float64) {
	if label == nil {
		copy(dst, value)
		return
	}
	for i := range dst {
		dst[i] = float32(low)
		if int(label[i/outputs]) == i%outputs {
			dst[i] = float32(high)
		}
	}
}

// divide gives each of n patterns its part in the changes, by weight, nil for equal parts; those of other copies are 0.
func divide[F kernels.Float](share []F, n int, weight []F) {
	clear(share)
	total := 0.0
	for i := range n {
		share[i] = 1
		if weight != nil {
			share[i] = weight[i]
		}
		total += float64(share[i])
	}
	for i := range n {
		if total > 0 {
			share[i] = F(float64(share[i]) / total)
		}
	}
}

// show marks those of n patterns that have a target.
func show[F kernels.Float](shown []F, n int, weight []F) {
	clear(shown)
	for i := range n {
		if weight == nil || weight[i] > 0 {
			shown[i] = 1
		}
	}
}

// stepsIn returns the number of steps of a length in a time.
func stepsIn(time, dt float64) int { return int(math.Round(time / dt)) }

// checkShown refuses presentations in training and in evaluations, 0 for the same, that are shorter than a step.
func checkShown(dt, train, eval float64) error {
	for _, t := range []struct {
		key  string
		time float64
	}{{"t_pres", train}, {"t_eval", eval}} {
		if t.time > 0 && t.time < dt {
			return fmt.Errorf("%s is %g ms, shorter than a step of dt = %g ms; take at least a step", t.key, t.time, dt)
		}
	}
	return nil
}

// presented returns the steps of a presentation in training, and in evaluations, whose time is 0 where it is the same.
func presented(dt, train, eval float64) (int, int) {
	if eval == 0 {
		eval = train
	}
	return stepsIn(train, dt), stepsIn(eval, dt)
}

// answered adds what a network answers to g, from rest and without target. There is no gradient to check in float64, so it
// is computed in float32 alone.
//
// Errors: kernels.ErrShape for sequences of more than one step, and of other inputs.
func answered(n programmed, s *sized, g *gorgonia.ExprGraph, dev kernels.Device, in kernels.Sequence, params []*gorgonia.Node) (kernels.Output, error) {
	if in.T != 1 || in.B < 1 || in.I != s.sizes[0] || in.X == nil || len(params) != len(s.specs) {
		return nil, fmt.Errorf("models: %s reads %d numbers in one step and has %d parameters, got T=%d steps of %d and %d parameters: %w",
			s.name, s.sizes[0], len(s.specs), in.T, in.I, len(params), kernels.ErrShape)
	}
	s.built++
	x, err := rows(g, fmt.Sprintf("%s %d x", s.name, s.built), in)
	if err != nil {
		return nil, fmt.Errorf("models: %s: input: %w", s.name, err)
	}
	if x.Dtype() != tensor.Float32 {
		return nil, fmt.Errorf("models: %s: the input holds %v, want float32", s.name, x.Dtype())
	}
	plan, err := newAnswer(n, s, placeOn(dev), in.B)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", s.name, err)
	}
	var groups []kernels.Group
	for i := range s.specs {
		groups = append(groups, kernels.Group{i + 1})
	}
	logits, err := kernels.Compose(fmt.Sprintf("%s %v by %s", s.name, s.sizes, s.rule.Name), plan, tensor.Shape{in.B, s.Outputs()}, groups,
		append([]*gorgonia.Node{x}, params...)...)
	if err != nil {
		return nil, fmt.Errorf("models: %s: %w", s.name, err)
	}
	return kernels.NewOutput(logits, plan.layers()...), nil
}

// answer is what a network answers, as an operation of a graph. Inputs are x [B,I] and the parameters.
type answer struct {
	name  string
	batch int
	run   Runner[float32]
	out   *field[float32]
}

func newAnswer(n programmed, s *sized, at place, batch int) (*answer, error) {
	params := make([][]float32, len(s.specs))
	for i, p := range s.specs {
		params[i] = make([]float32, p.Len())
	}
	r, err := start[float32](n, at, batch, params, 0)
	if err != nil {
		return nil, err
	}
	f, err := newField[float32](at, batch, s.Outputs())
	return &answer{s.name, batch, r, f}, err
}

// layers returns the rates of the hidden layers at the end of the last run.
func (a *answer) layers() (list []kernels.Layer) {
	for l := range a.run.Hidden() {
		list = append(list, layer(func() gorgonia.Value {
			r := a.run.Hidden()[l]
			return kernels.Wrap(r, a.batch, len(r)/a.batch)
		}))
	}
	return list
}

// Forward implements kernels.Composite.
func (a *answer) Forward(in []gorgonia.Value) (gorgonia.Value, error) {
	all := make([][]float32, len(in))
	for i, v := range in {
		var err error
		if all[i], err = elements[float32](v); err != nil {
			return nil, err
		}
	}
	a.run.Rebind(all[1:])
	if err := a.run.Answer(all[0]); err != nil {
		return nil, err
	}
	return a.out.given(a.run.Outputs())
}

// Backward implements kernels.Composite.
func (a *answer) Backward([]gorgonia.Value, gorgonia.Value) ([]gorgonia.Value, error) {
	return nil, fmt.Errorf("models: %s changes its weights while it runs, and has no gradient", a.name)
}
