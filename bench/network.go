package bench

import (
	"errors"
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

// account is a device with an account of its own, to see how much memory a contestant takes and
// to have it back; the device itself where it computes in host memory.
type account struct {
	kernels.Device
	own kernels.Resident // nil in host memory
}

func openAccount(dev kernels.Device) (account, error) {
	r, ok := dev.(kernels.Resident)
	if !ok {
		return account{Device: dev}, nil
	}
	own, err := r.Fork()
	return account{own, own}, err
}

// free gives back what was allocated through the account.
func (a account) free() error {
	if a.own == nil {
		return nil
	}
	return a.own.Close()
}

// contestant makes one of something on the device: f makes one repeat, or starts to.
func (a account) contestant(flops float64, f func() error, closer func() error) contestant {
	c := contestant{name: "graph", flops: flops, run: timed(f), close: func() error { return errors.Join(closer(), a.free()) }}
	if a.Device != nil {
		c.name = a.Name()
	}
	if a.own != nil {
		c.averaged, c.high = true, func() int64 { return a.own.Usage().High }
		c.run = waited(func(n int) error {
			for range n {
				if err := f(); err != nil {
					return err
				}
			}
			return a.own.Wait()
		})
	}
	return c
}

// loaded is a compiled network with a batch in its inputs.
type loaded[F kernels.Float] struct {
	*engine.Graph[F]
	account
}

// Close gives back what the graph holds of memory and device.
func (l loaded[F]) Close() error { return errors.Join(l.Graph.Close(), l.free()) }

// newGraph compiles network and loss for a batch, which is loaded, with gradients if grad. A nil
// device gives the unrolled graph.
func newGraph[F kernels.Float](model string, s Shape, dev kernels.Device, grad bool) (l loaded[F], err error) {
	_, net, err := bind(model, s)
	if err != nil {
		return l, err
	}
	params, err := engine.NewParams[F](net, seed)
	if err != nil {
		return l, fmt.Errorf("bench: %w", err)
	}
	b, err := rampBatch(s)
	if err != nil {
		return l, err
	}
	if l.account, err = openAccount(dev); err != nil {
		return l, fmt.Errorf("bench: %w", err)
	}
	if l.own != nil {
		err = params.Hold(l.own)
	}
	if err == nil {
		l.Graph, err = engine.NewGraph(engine.GraphConfig{Net: net, Device: l.Device, T: s.T, B: s.B, I: s.I,
			Goal: data.Classify, Grad: grad}, params)
	}
	if err != nil {
		return l, fmt.Errorf("bench: %w", errors.Join(err, l.free()))
	}
	if err := l.Load(b); err != nil {
		return l, fmt.Errorf("bench: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

// graphRun is the loss, with its gradients or forward only, of one batch that is in memory; a nil
// device gives the unrolled graph.
func graphRun(model, what string, s Shape, dev kernels.Device) (contestant, error) {
	flops, err := networkFLOPs(model, what, s)
	if err != nil {
		return contestant{}, err
	}
	g, err := newGraph[float32](model, s, dev, what != forward)
	if err != nil {
		return contestant{}, err
	}
	return g.contestant(flops, g.Run, g.Graph.Close), nil
}

// trainStep is a whole update: a batch that is in memory goes in, loss and gradients, clipping
// by norm, Adam, projection onto bounds.
func trainStep(model string, s Shape, dev kernels.Device) (contestant, error) {
	flops, err := networkFLOPs(model, step, s)
	if err != nil {
		return contestant{}, err
	}
	_, net, err := bind(model, s)
	if err != nil {
		return contestant{}, err
	}
	b, err := rampBatch(s)
	if err != nil {
		return contestant{}, err
	}
	a, err := openAccount(dev)
	if err != nil {
		return contestant{}, fmt.Errorf("bench: %w", err)
	}
	o := engine.DefaultOptions()
	o.Batch = s.B
	o.LR = 1e-9 // so small that thousands of updates on one batch change nothing
	session, err := engine.NewSession(engine.Config{Net: net, Task: rampTask(s), Device: a.Device, Options: o})
	if err != nil {
		return contestant{}, fmt.Errorf("bench: %w", errors.Join(err, a.free()))
	}
	c := a.contestant(flops, func() error {
		_, err := session.Step(b)
		return err
	}, session.Close)
	if c.averaged {
		c.run = waited(func(n int) error {
			_, err := session.Repeat(b, n)
			return err
		})
	}
	return c, nil
}

// networkFLOPs counts the operations of the recurrent products, one pass or three, and of the
// input products, one pass or two: nothing asks for the gradient of x.
func networkFLOPs(model, what string, s Shape) (float64, error) {
	z, err := newSizes(model, s)
	if err != nil {
		return 0, err
	}
	flops, _ := z.work(what)
	return flops, nil
}

// networkRun is what the matrix times of a network on a device, by the mean of a block on every
// device because a GPU gives no other.
func networkRun(model, what string, s Shape, dev kernels.Device) (c contestant, err error) {
	if what == step {
		c, err = trainStep(model, s, dev)
	} else {
		c, err = graphRun(model, what, s, dev)
	}
	return averaged(c), err
}
