package engine_test

import (
	"context"
	"fmt"

	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/optimisers"
	"galvani/models"

	"gorgonia.org/gorgonia"
)

// LeakyTanh is a cell of a program's own: h' = (1 − a) h + a tanh(U x + W h). Without a header it runs on the unrolled
// graph.
type LeakyTanh struct{ A float64 }

// Params implements models.Cell.
func (c *LeakyTanh) Params(d models.Dims) ([]kernels.Spec, error) {
	return []kernels.Spec{
		{Name: "U", Letters: "H I", Shape: []int{d.H, d.I}, Role: kernels.In, Init: kernels.Init{Kind: kernels.XavierUniform, A: 1}, Bound: kernels.Free(), Learned: true},
		{Name: "W", Letters: "H H", Shape: []int{d.H, d.H}, Role: kernels.Rec, Init: kernels.Init{Kind: kernels.Orthogonal, A: 1}, Bound: kernels.Free(), Learned: true},
	}, nil
}

// Scan implements models.Cell.
func (c *LeakyTanh) Scan(models.Dims) (kernels.Cell, error) {
	return kernels.Cell{States: 1, Rest: []float64{0}}, nil
}

// Unroll implements models.Cell.
func (c *LeakyTanh) Unroll(k *models.Ops, p *models.Params) models.Step {
	u, w := p.In("U", 0), p.Rec("W", 0)
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		moved := k.Tanh(k.Add(k.MatMul(x, u), k.MatMul(s[0], w)))
		return []*gorgonia.Node{k.Add(k.Mul(k.Const(1-c.A), s[0]), k.Mul(k.Const(c.A), moved))}
	}
}

// First is a set of a program's own: which of two inputs comes first?
type First struct{ Steps, Samples int }

// Len implements data.Set.
func (s First) Len() int { return s.Samples }

// Fill implements data.Set.
func (s First) Fill(b *data.Batch, column, _, index int) error {
	class := index % 2
	for t := range b.T {
		x := b.X[(t*b.B+column)*b.I:][:b.I]
		clear(x)
		if t < 2 {
			x[(class+t)%2] = 1
		}
	}
	b.Label[column], b.Weight[column] = float32(class), 1
	return nil
}

// A rule of optimisation of a program's own: the sign of the gradient. Own cells and tasks are values, and need no entry in
// models.Register and data.Register unless they are to be found by name.
func init() {
	engine.RegisterOptimizer(optimisers.Entry{Name: "sign", New: func(s optimisers.Settings) optimisers.Rule {
		return optimisers.Rule{
			At: func(lr float64, _ int) optimisers.Coefs {
				return optimisers.Coefs{Rate: float32(lr), Decay: float32(s.Decay), Keep: 1}
			},
			Update: func(c optimisers.Coefs, p, grad []float32, _ [][]float32, lo, hi int) {
				for i := lo; i < hi; i++ {
					switch g := grad[i] + float32(c.Decay*p[i]); {
					case g > 0:
						p[i] -= c.Rate
					case g < 0:
						p[i] += c.Rate
					}
				}
			},
		}
	}})
}

// A program trains a cell, on a task, by a rule of optimisation of its own.
func Example_own() {
	task := &data.Task{Name: "first", T: 5, I: 2, O: 2, Goal: data.Classify, Train: First{5, 64}, Test: First{5, 16}}
	net, err := models.Bind("leaky-tanh", &LeakyTanh{A: 0.5}, models.Dims{I: task.I, H: 8, O: task.O})
	if err != nil {
		fmt.Println(err)
		return
	}
	options := engine.DefaultOptions()
	options.Epochs, options.Batch, options.LR, options.Optimizer = 30, 16, 0.01, "sign"
	session, err := engine.NewSession(engine.Config{Net: net, Task: task, Options: options})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	result, err := session.Train(context.Background(), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v: %d of %d right\n", result.Outcome, int(result.Last.Correct), int(result.Last.Count))
	// Output: done: 16 of 16 right
}
