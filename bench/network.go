package bench

import (
	"fmt"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
)

// graphRun is loss and gradients of one batch that is in memory; a nil device gives the
// unrolled graph. Close frees the graph.
func graphRun(model string, s Shape, dev kernels.Device) (c contestant, closer func() error, err error) {
	g, b, err := newGraph[float32](model, s, dev)
	if err != nil {
		return c, nil, err
	}
	c = contestant{name: "graph", run: timed(g.Run)}
	if dev != nil {
		c.name = dev.Name()
	}
	return c, g.Close, g.Load(b)
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
	// The rate is so small that hours of updates on one batch of noise change nothing.
	o.LR = 1e-9
	session, err := engine.NewSession(engine.Config{Net: net, Task: noiseTask(s), Device: dev, Options: o})
	if err != nil {
		return contestant{}, fmt.Errorf("bench: %w", err)
	}
	b, err := noiseBatch(s)
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
		run:   timed(func() error { return update(session, b) }),
	}, nil
}

func update(s *engine.Session, b *data.Batch) error {
	_, err := s.Step(b)
	return err
}
