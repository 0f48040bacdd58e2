package rules

import (
	"math"

	"galvani/data"
)

// blobs returns a small task in one step: three classes around three corners.
func blobs() *data.Task {
	return &data.Task{Name: "blobs", T: 1, I: 4, O: 3, Goal: data.Classify, Train: blobSet(24), Test: blobSet(12)}
}

type blobSet int

// Len implements data.Set.
func (s blobSet) Len() int { return int(s) }

// Fill implements data.Set.
func (s blobSet) Fill(b *data.Batch, col, _, index int) error {
	class := index % b.O
	for i := range b.I {
		b.X[col*b.I+i] = float32(0.3 * math.Sin(float64(7*index+3*i)))
	}
	b.X[col*b.I+class]++
	b.Label[col], b.Weight[col] = float32(class), 1
	return nil
}
