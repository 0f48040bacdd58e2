package bench

import (
	"fmt"
	"math/rand/v2"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
)

// ramped is a set of sequences without meaning; see ramps.
type ramped int

func (n ramped) Len() int { return int(n) }

// Fill draws x and a class.
func (n ramped) Fill(b *data.Batch, col, _, index int) error {
	r := rand.New(rand.NewPCG(seed, uint64(index)))
	for t, v := range ramps[float32](r, Shape{T: b.T, B: 1, I: b.I}) {
		b.X[(t/b.I*b.B+col)*b.I+t%b.I] = v
	}
	b.Label[col] = float32(r.IntN(b.O))
	b.Weight[col] = 1
	return nil
}

func rampTask(s Shape) *data.Task {
	return &data.Task{Name: "ramps", T: s.T, I: s.I, O: outputs, Goal: data.Classify, Train: ramped(s.B), Test: ramped(s.B)}
}

func rampBatch(s Shape) (*data.Batch, error) {
	task := rampTask(s)
	b := data.NewBatch(task, s.B)
	for col := range s.B {
		if err := task.Train.Fill(b, col, 0, col); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// newGraph compiles network, loss and gradients for a batch, which is loaded. A nil device
// gives the unrolled graph.
func newGraph[F engine.Float](model string, s Shape, dev kernels.Device) (*engine.Graph[F], error) {
	_, net, err := bind(model, s)
	if err != nil {
		return nil, err
	}
	params, err := engine.NewParams[F](net, seed)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	g, err := engine.NewGraph(engine.GraphConfig{Net: net, Device: dev, T: s.T, B: s.B, I: s.I,
		Goal: data.Classify, Grad: true}, params)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b, err := rampBatch(s)
	if err != nil {
		return nil, err
	}
	return g, g.Load(b)
}

// graphRun is loss and gradients of one batch that is in memory; a nil device gives the
// unrolled graph. Close frees the graph.
func graphRun(model string, s Shape, dev kernels.Device) (c contestant, closer func() error, err error) {
	g, err := newGraph[float32](model, s, dev)
	if err != nil {
		return c, nil, err
	}
	c = contestant{name: "graph", run: timed(g.Run)}
	if dev != nil {
		c.name = dev.Name()
	}
	return c, g.Close, nil
}

// trainStep is a whole update: a batch that is in memory goes in, loss and gradients, clipping
// by norm, Adam. Its operations are those of the recurrent products, three passes, and of the
// input products, two passes: nothing asks for the gradient of x.
func trainStep(model string, s Shape, dev kernels.Device) (contestant, error) {
	_, net, err := bind(model, s)
	if err != nil {
		return contestant{}, err
	}
	o := engine.DefaultOptions()
	o.Batch = s.B
	o.LR = 1e-9 // so small that thousands of updates on one batch change nothing
	session, err := engine.NewSession(engine.Config{Net: net, Task: rampTask(s), Device: dev, Options: o})
	if err != nil {
		return contestant{}, fmt.Errorf("bench: %w", err)
	}
	b, err := rampBatch(s)
	if err != nil {
		return contestant{}, err
	}
	p, err := newProblem[float32](model, s)
	if err != nil {
		return contestant{}, err
	}
	_, in := p.multiplications()
	return contestant{
		name:  session.DeviceName(),
		flops: p.flops(true) + 2*2*in*float64(s.T*s.B),
		run: timed(func() error {
			_, err := session.Step(b)
			return err
		}),
	}, nil
}
