package data

import (
	"testing"
)

func BenchmarkLoomingFill(b *testing.B) {
	task, err := newLooming(false).Open(Env{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	batch := NewBatch(task, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := task.Train.Fill(batch, i%64, 0, i%task.Train.Len()); err != nil {
			b.Fatal(err)
		}
	}
}
