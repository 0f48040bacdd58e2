package bench

import (
	"math/rand/v2"

	"galvani/data"
)

// noise is a set of sequences without meaning, for timing.
type noise int

func (n noise) Len() int { return int(n) }

// Fill draws x from [−1, 1) and a class.
func (n noise) Fill(b *data.Batch, col, epoch, index int) error {
	r := rand.New(rand.NewPCG(uint64(epoch), uint64(index)))
	for t := range b.T {
		for i := range b.I {
			b.X[(t*b.B+col)*b.I+i] = 2*r.Float32() - 1
		}
	}
	b.Label[col] = float32(r.IntN(b.O))
	b.Weight[col] = 1
	return nil
}

func noiseTask(s Shape) *data.Task {
	return &data.Task{Name: "noise", T: s.T, I: s.I, O: outputs, Goal: data.Classify, Train: noise(s.B), Test: noise(s.B)}
}

func noiseBatch(s Shape) (*data.Batch, error) {
	b := data.NewBatch(noiseTask(s), s.B)
	for col := range s.B {
		if err := noise(s.B).Fill(b, col, 0, col); err != nil {
			return nil, err
		}
	}
	return b, nil
}
