package data

import (
	"fmt"
	"math"

	"galvani/engine/cite"
)

// Teacher is the settings of the task teacher: learn the function of a random network.
//
//	y = gain_out · W₂ φ(gain_in · W₁ x),  φ(u) = 0.1 log(1 + exp(u − 3))
//
// Input: x [1,B,inputs], drawn evenly from [−1, 1). Target: y, in one step. W₁ [teacher_units, inputs] and
// W₂ [outputs, teacher_units] are drawn evenly from [−1, 1) once per seed.
//
// Baseline: the variance of y, which a note of the task tells, is the error of the best constant answer.
//
// Source: Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393, whose student of 30, 50 and 10 units learns from
// a teacher of 30, 20 and 10 (the defaults).
type Teacher struct {
	Inputs  int     `toml:"inputs" doc:"inputs of the teacher" unit:"1" min:"1" max:"1024"`
	Units   int     `toml:"teacher_units" doc:"hidden units of the teacher" unit:"1" min:"1" max:"1024"`
	Outputs int     `toml:"outputs" doc:"outputs of the teacher" unit:"1" min:"1" max:"1024"`
	GainIn  float64 `toml:"gain_in" doc:"factor of the weights to the teacher's hidden units" unit:"1" min:"1e-3" max:"1e3"`
	GainOut float64 `toml:"gain_out" doc:"factor of the weights to the teacher's outputs" unit:"1" min:"1e-3" max:"1e3"`
	Sampling
}

func init() {
	Register(Entry{
		Name:       "teacher",
		Doc:        "learn the function of a random network of one hidden layer, in one step",
		Source:     "Sacramento, Costa, Bengio and Senn (2018), arXiv:1810.11393",
		References: []cite.Work{cite.Microcircuits},
		New: func() Config {
			return &Teacher{Inputs: 30, Units: 20, Outputs: 10, GainIn: 2, GainOut: 10, Sampling: Sampling{Fresh: true, TrainSize: 10000, TestSize: 1000}}
		},
	})
}

// baselineSamples is how many test samples the variance of the targets is taken from.
const baselineSamples = 200

// Open implements Config.
//
// Errors: ErrConfig.
func (c *Teacher) Open(env Env) (*Task, error) {
	if err := check("teacher", c); err != nil {
		return nil, err
	}
	t := &Task{Name: "teacher", T: 1, I: c.Inputs, O: c.Outputs, Goal: Regress}
	r := newStream(env.Seed, fixed, 0, 0)
	w := make([]float64, (c.Inputs+c.Outputs)*c.Units)
	for i := range w {
		w[i] = r.between(-1, 1)
	}
	in, out := w[:c.Inputs*c.Units], w[c.Inputs*c.Units:]
	c.draw(t, env, func(d draws) Set { return &lessons{d, *c, in, out} })
	if err := noteVariance(t, c.TestSize); err != nil {
		return nil, err
	}
	return t, nil
}

// noteVariance notes on a task what the best constant answer to its test samples, so many, is off by.
func noteVariance(t *Task, samples int) error {
	variance, err := meanVariance(t, min(baselineSamples, samples))
	t.Notes = append(t.Notes, fmt.Sprintf("the best constant answer has a mean squared error of %.3g", variance))
	return err
}

// meanVariance returns the variance of the values of the first n test samples, in its mean over outputs.
func meanVariance(t *Task, n int) (float64, error) {
	b := NewBatch(t, 1)
	sum, squares := make([]float64, t.O), 0.0
	for i := range n {
		if err := t.Test.Fill(b, 0, 0, i); err != nil {
			return 0, err
		}
		for k, y := range b.Value {
			sum[k%t.O] += float64(y)
			squares += float64(y) * float64(y)
		}
	}
	count := float64(n * len(b.Value) / t.O)
	for _, s := range sum {
		squares -= s * s / count
	}
	return squares / (count * float64(t.O)), nil
}

// lessons is the samples of a teacher.
type lessons struct {
	draws
	Teacher
	in, out []float64 // W₁ [units,inputs] and W₂ transposed, [units,outputs]
}

// Len implements Set.
func (l *lessons) Len() int { return l.size }

// Fill implements Set.
func (l *lessons) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(l.task, l.size, b, col, index); err != nil {
		return err
	}
	r := l.stream(epoch, index)
	x, y := b.input(0, col), b.Value[col*b.O:][:b.O]
	for i := range x {
		x[i] = float32(r.between(-1, 1))
	}
	clear(y)
	for h := range l.Units {
		u := 0.0
		for i, w := range l.in[h*l.Inputs:][:l.Inputs] {
			u += w * float64(x[i])
		}
		rate := 0.1 * math.Log1p(math.Exp(l.GainIn*u-3))
		for o, w := range l.out[h*l.Outputs:][:l.Outputs] {
			y[o] += float32(l.GainOut * w * rate)
		}
	}
	b.Weight[col] = 1
	return nil
}
