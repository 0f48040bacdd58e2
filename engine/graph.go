package engine

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"galvani/data"
	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// GraphConfig fixes the shape of a compiled graph.
type GraphConfig struct {
	Net    Network
	Device kernels.Device // nil gives the unrolled graph
	T, B   int            // steps, sequences
	I      int            // inputs
	Goal   data.Goal
	Every  bool                         // targets at every step
	Masked bool                         // sequences have different lengths
	Grad   bool                         // with gradients of the learned parameters
	Steps  bool                         // with the gradient of each step's h; needs Grad
	Memory int64                        // kernels.ScanConfig.Memory
	Update func() (seed, number uint64) // kernels.Sequence.Update
	Noise  bool                         // kernels.Sequence.Noise
	Given  bool                         // the state before a run is that of SetState, not the first of a sequence
	terms  *penalties                   // that are added to the loss where Grad is set; nil for none
}

// Graph is a network with its loss, compiled for one shape and run again and again in the
// same buffers: Load, Run, then read the results, which stay valid until the next Run. It is
// for one goroutine at a time.
type Graph[F kernels.Float] struct {
	cfg    GraphConfig
	dev    kernels.Device // with an account of its own
	params *Params[F]

	seq                  kernels.Sequence
	x, state, mask       []F // storage behind seq
	label, value, weight []F // storage behind targets (label or value is nil) and weights
	targets, weights     *tensor.Dense
	inputs               mirrors // of all these
	weightSum            float64
	first                int // the number of the first sequence of the batch in its update
	out                  kernels.Output
	record               kernels.PenaltyRecord
	nodes                *gorgonia.ExprGraph
	vm                   gorgonia.VM
	lossVal, logitsVal   gorgonia.Value
	gradVals, stepVals   []gorgonia.Value
	grad                 []F // packed gradient, laid out like Params.Learned
	logits               []F // scratch of measure
	dirty                bool
}

// NewGraph compiles a network. The parameters are bound by reference: the graph always sees
// their present values.
//
// Errors: kernels.ErrShape for impossible sizes, kernels.ErrCollision where every attempt to
// name the nodes apart failed, and what Network.Build returns.
func NewGraph[F kernels.Float](cfg GraphConfig, params *Params[F]) (*Graph[F], error) {
	if cfg.T < 1 || cfg.B < 1 || cfg.I < 1 {
		return nil, fmt.Errorf("engine: graph: T=%d B=%d I=%d, want at least 1 each: %w", cfg.T, cfg.B, cfg.I, kernels.ErrShape)
	}
	g := &Graph[F]{cfg: cfg, params: params, grad: make([]F, params.learned)}
	var err error
	if g.dev, g.inputs.dev, err = fork(cfg.Device); err != nil {
		return nil, err
	}
	if err = g.allocate(); err == nil {
		err = g.compile()
	}
	if err != nil {
		return nil, errors.Join(err, g.release())
	}
	return g, nil
}

// allocate makes the buffers that the caller fills between runs.
func (g *Graph[F]) allocate() error {
	c := g.cfg
	g.seq = kernels.Sequence{T: c.T, B: c.B, I: c.I, Every: c.Every, GradH: c.Steps, Memory: c.Memory, ForwardOnly: !c.Grad}
	g.seq.X, g.x = buffer[F](c.T, c.B, c.I)
	if planes := len(c.Net.Rest()); planes > 0 {
		g.seq.State, g.state = buffer[F](kernels.StateShape(PlaneUnits(c.Net), c.B)...)
	}
	g.seq.Update, g.seq.Noise, g.seq.First = c.Update, c.Noise, func() int { return g.first }
	g.seq.Begins = !c.Given
	if c.Masked {
		g.seq.Mask, g.mask = buffer[F](c.T, c.B)
	}
	n := g.rows()
	g.weights, g.weight = buffer[F](n)
	g.logits = make([]F, n*c.Net.Outputs())
	if c.Goal == data.Classify {
		g.targets, g.label = buffer[F](n)
	} else {
		g.targets, g.value = buffer[F](n, c.Net.Outputs())
	}
	for _, t := range []*tensor.Dense{g.seq.X, g.seq.State, g.seq.Mask, g.targets, g.weights} {
		if err := g.inputs.add(t); err != nil {
			return err
		}
	}
	if g.inputs.dev != nil {
		g.seq.Place = g.inputs.place
	}
	return g.ResetState()
}

func buffer[F kernels.Float](shape ...int) (*tensor.Dense, []F) {
	b := make([]F, tensor.Shape(shape).TotalSize())
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(b)), b
}

// rows returns the number N of rows of the logits.
func (g *Graph[F]) rows() int {
	if g.cfg.Every {
		return g.cfg.T * g.cfg.B
	}
	return g.cfg.B
}

// Load copies a batch into the buffers of the graph.
//
// Errors: kernels.ErrShape where the batch has another shape than the graph.
func (g *Graph[F]) Load(b *data.Batch) error {
	if away(b) {
		return nil
	}
	for _, c := range []struct {
		name string
		dst  []F
		src  []float32
	}{
		{"input", g.x, b.X}, {"mask", g.mask, b.Mask}, {"label", g.label, b.Label},
		{"target", g.value, b.Value}, {"weight", g.weight, b.Weight},
	} {
		if len(c.dst) != len(c.src) {
			return fmt.Errorf("engine: batch: %s has %d elements, want %d: %w", c.name, len(c.src), len(c.dst), kernels.ErrShape)
		}
		convert(c.dst, c.src)
	}
	g.weightSum = 0
	for _, w := range b.Weight {
		g.weightSum += float64(w)
	}
	return g.inputs.push(g.seq.X, g.seq.Mask, g.targets, g.weights)
}

// convert copies src into dst, which has the same length.
func convert[F kernels.Float](dst []F, src []float32) {
	if same, ok := any(dst).([]float32); ok {
		copy(same, src)
		return
	}
	for i, v := range src {
		dst[i] = F(v)
	}
}

// ResetState makes the state that sequences begin with the state before the next run.
func (g *Graph[F]) ResetState() error {
	if len(g.state) == 0 {
		return nil
	}
	Spread(g.state, FirstState(g.cfg.Net, g.params), PlaneUnits(g.cfg.Net))
	return g.inputs.push(g.seq.State)
}

// Spread gives every sequence of states [S,B,H] the state first [S,H], given the number of units of each plane.
func Spread[F kernels.Float](states, first []F, units []int) {
	batch := len(states) / len(first)
	for _, h := range units {
		for range batch {
			copy(states, first[:h])
			states = states[h:]
		}
		first = first[h:]
	}
}

// From tells which sequence of the update, or of the set, is the first of the next run, for noise.
func (g *Graph[F]) From(first int) { g.first = first }

// EvaluationDraws returns what GraphConfig.Update is for the noise of evaluations: the numbers of seed and
// sequence, which no update has.
func EvaluationDraws(seed uint64) func() (uint64, uint64) {
	return func() (uint64, uint64) { return seed, math.MaxUint64 }
}

// CarryState makes the state after the last run the state before the next one.
func (g *Graph[F]) CarryState() error {
	if len(g.state) == 0 {
		return nil
	}
	m, at := g.inputs.of(g.seq.State), 0
	if m == nil {
		return g.Final(g.state)
	}
	for _, l := range g.out.Layers() {
		v, err := g.final(l)
		if err == nil {
			err = m.Copy(at, v)
		}
		if err != nil {
			return err
		}
		at += v.Shape().TotalSize()
	}
	return nil
}

// SetState makes state [S,B,H] the state before the next run.
//
// Errors: kernels.ErrShape.
func (g *Graph[F]) SetState(state []F) error {
	if len(state) != len(g.state) {
		return fmt.Errorf("engine: state has %d elements, want %d: %w", len(state), len(g.state), kernels.ErrShape)
	}
	copy(g.state, state)
	return g.inputs.push(g.seq.State)
}

// Final copies the state [S,B,H] after the last run into dst.
//
// Errors: kernels.ErrShape, and a network that gives no final state.
func (g *Graph[F]) Final(dst []F) error {
	at, want := 0, len(dst)
	for _, l := range g.out.Layers() {
		final, err := g.final(l)
		if err != nil {
			return err
		}
		n := final.Shape().TotalSize()
		if n > want-at {
			at += n
			break
		}
		if err := unpack(dst[at:at+n], final); err != nil {
			return err
		}
		at += n
	}
	if at != want {
		return fmt.Errorf("engine: final state has %d elements, want %d: %w", at, want, kernels.ErrShape)
	}
	return nil
}

// final returns the state [S,B,H] of a layer after the last run, where the device has it.
func (g *Graph[F]) final(l kernels.Layer) (gorgonia.Value, error) {
	s, ok := l.(kernels.Stateful)
	if !ok {
		return nil, fmt.Errorf("engine: model %s gives no final state, so none can be carried", g.cfg.Net.Name())
	}
	v, err := s.Final()
	if err != nil {
		return nil, fmt.Errorf("engine: final state: %w", err)
	}
	return v, nil
}

// ofOperation returns the error of the operation that a machine of Gorgonia stopped at, without what the machine says of its
// instruction; an error of Gorgonia's own as it is.
func ofOperation(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		if strings.HasPrefix(inner.Error(), "kernels: ") {
			return inner
		}
	}
	return err
}

// Run computes loss, logits and, if asked for, gradients from the buffers and parameters as
// they are. On a device with memory of its own it queues that work and returns.
func (g *Graph[F]) Run() error {
	if g.dirty {
		g.vm.Reset() // not after the run, so that results stay readable
	}
	g.dirty = true
	if err := g.vm.RunAll(); err != nil {
		return fmt.Errorf("engine: run: %w", ofOperation(err))
	}
	if g.inputs.dev != nil {
		return nil
	}
	return g.readGrad()
}

// readGrad copies the gradient of the last run into g.grad, unless the run has written it there.
func (g *Graph[F]) readGrad() error {
	if g.placed() {
		return nil
	}
	at := 0
	for i, v := range g.gradVals {
		s := g.params.specs[g.learned()[i]]
		if err := unpack(g.grad[at:at+s.Len()], v); err != nil {
			return fmt.Errorf("engine: gradient of %s: %w", s.Name, err)
		}
		at += s.Len()
	}
	return nil
}

// placed reports whether gradients are written where the optimiser reads them: on a device that computes
// in host memory, whose operations leave no gaps in their results.
func (g *Graph[F]) placed() bool { return g.dev != nil && g.inputs.dev == nil }

// learned returns the numbers of the learned parameters, in their order.
func (g *Graph[F]) learned() []int { return g.params.learnedIndex }

// Loss returns the loss of the last run.
func (g *Graph[F]) Loss() float64 { return number(g.lossVal) }

// Logits copies the logits [N,O] of the last run into dst.
func (g *Graph[F]) Logits(dst []F) error { return unpack(dst, g.logitsVal) }

// Grad returns the gradient of the last run, laid out like Params.Learned. The storage is
// the graph's own.
func (g *Graph[F]) Grad() ([]F, error) {
	if g.inputs.dev == nil {
		return g.grad, nil // Run has read it
	}
	return g.grad, g.readGrad()
}

// Layers returns the number of layers.
func (g *Graph[F]) Layers() int { return len(g.out.Layers()) }

// H copies all hidden states [T,B,H] of the last layer, which the read-out sees, in the last run into dst.
func (g *Graph[F]) H(dst []F) error {
	h, err := g.layerH(g.Layers() - 1)
	if err != nil {
		return err
	}
	return unpack(dst, h)
}

// LayerH returns a copy of all hidden states [T,B,H] of a layer in the last run, and their shape.
func (g *Graph[F]) LayerH(layer int) ([]F, []int, error) {
	h, err := g.layerH(layer)
	if err != nil {
		return nil, nil, err
	}
	e := make([]F, h.Shape().TotalSize())
	return e, h.Shape(), unpack(e, h)
}

func (g *Graph[F]) layerH(layer int) (gorgonia.Value, error) {
	h, err := g.out.Layers()[layer].H()
	if err != nil {
		return nil, fmt.Errorf("engine: hidden states: %w", err)
	}
	return h, nil
}

// StepNorms returns ‖∂L/∂h_t‖ over all sequences of the batch and all layers, for each step t.
func (g *Graph[F]) StepNorms() ([]float64, error) {
	if !g.cfg.Steps {
		return nil, errors.New("engine: the graph was compiled without the gradients of its steps")
	}
	norms := make([]float64, g.cfg.T)
	add := func(t int, dh []F) { norms[t] = math.Hypot(norms[t], Norm(dh)) }
	values := g.stepVals
	for _, l := range g.out.Layers() {
		if graded, ok := l.(kernels.Graded); ok {
			all, err := graded.GradH()
			if err != nil {
				return nil, fmt.Errorf("engine: gradients of the steps: %w", err)
			}
			rows, ok := all.Data().([]F) // not copied: long sequences have many
			if !ok || len(rows)%g.cfg.T != 0 {
				return nil, fmt.Errorf("engine: gradients of the steps are %v %v, want those of %d steps: %w", all.Dtype(), all.Shape(), g.cfg.T, kernels.ErrShape)
			}
			size := len(rows) / g.cfg.T
			for t := range norms {
				add(t, rows[t*size:(t+1)*size])
			}
			continue
		}
		for t, v := range values[:g.cfg.T] {
			dh := make([]F, v.Shape().TotalSize())
			if err := unpack(dh, v); err != nil {
				return nil, fmt.Errorf("engine: gradient of step %d: %w", t, err)
			}
			add(t, dh)
		}
		values = values[g.cfg.T:]
	}
	return norms, nil
}

// Close gives the memory of the machine and of the device back.
func (g *Graph[F]) Close() error { return errors.Join(closeMachine(g.vm), g.release()) }

// closeMachine closes a machine and takes its finaliser from it. Values that a graph is asked to
// read refer to what holds the machine, and the collector never frees a cycle with a finaliser in it.
func closeMachine(vm gorgonia.VM) error {
	err := vm.Close()
	runtime.SetFinalizer(vm, nil)
	return err
}

// release gives the memory of the device back.
func (g *Graph[F]) release() error {
	if g.inputs.dev == nil {
		return nil
	}
	return g.inputs.dev.Close()
}

// unpack copies a value into dst in row-major order, whatever its layout.
func unpack[F kernels.Float](dst []F, v gorgonia.Value) error {
	switch v := v.(type) {
	case *tensor.Dense:
		if v.Shape().TotalSize() != len(dst) {
			return fmt.Errorf("%v has %d elements, want %d: %w", v.Shape(), v.Shape().TotalSize(), len(dst), kernels.ErrShape)
		}
		if v.IsScalar() {
			break
		}
		src, ok := v.Data().([]F)
		if !ok {
			return fmt.Errorf("elements are %v, want %T", v.Dtype(), *new(F))
		}
		if !v.RequiresIterator() && len(src) == len(dst) {
			copy(dst, src)
			return nil
		}
		it := v.Iterator()
		for i := range dst {
			at, err := it.Next()
			if err != nil {
				return err
			}
			dst[i] = src[at]
		}
		return nil
	case nil:
		return errors.New("there is no value")
	}
	if src, ok := v.Data().([]F); ok && len(src) == len(dst) { // of a device
		copy(dst, src)
		return nil
	}
	if len(dst) != 1 {
		return fmt.Errorf("value is a scalar, want %d elements: %w", len(dst), kernels.ErrShape)
	}
	dst[0] = F(number(v))
	return nil
}

// number returns a scalar value.
func number(v gorgonia.Value) float64 {
	switch x := v.Data().(type) {
	case float32:
		return float64(x)
	case float64:
		return x
	case []float32:
		return float64(x[0])
	case []float64:
		return x[0]
	}
	panic(fmt.Sprintf("engine: scalar is a %T", v.Data()))
}
