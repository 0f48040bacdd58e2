package data

import "testing"

// TestBatchColumns cuts a batch in pieces, and wants in each what is at its columns of the whole.
func TestBatchColumns(t *testing.T) {
	for _, task := range []*Task{
		{T: 3, I: 2, O: 2, Goal: Classify, Masked: true},
		{T: 3, I: 2, O: 3, Goal: Regress, Every: true, Masked: true},
		{T: 2, I: 1, O: 2, Goal: Classify, Every: true, Trials: true},
	} {
		all := NewBatch(task, 5)
		next := float32(0)
		for _, x := range [][]float32{all.X, all.Label, all.Value, all.Weight, all.Mask} {
			for i := range x {
				next++
				x[i] = next
			}
		}
		for i := range all.Decisions {
			all.Decisions[i].End = i + 1
		}
		for lo, b := 0, 2; lo < 5; lo, b = lo+b, 3 {
			part := NewBatch(task, b)
			part.Columns(all, lo)
			check := func(name string, got, want []float32, n int) {
				for i, v := range got {
					row, col, k := i/(b*n), i/n%b, i%n
					if w := want[(row*5+lo+col)*n+k]; v != w {
						t.Fatalf("%s of row %d, column %d is %v, want %v", name, row, lo+col, v, w)
					}
				}
			}
			check("x", part.X, all.X, task.I)
			check("label", part.Label, all.Label, 1)
			check("value", part.Value, all.Value, task.O)
			check("weight", part.Weight, all.Weight, 1)
			check("mask", part.Mask, all.Mask, 1)
			for i, d := range part.Decisions {
				if d.End != lo+i+1 {
					t.Fatalf("decision of column %d is that of %d", lo+i, d.End-1)
				}
			}
		}
	}
}
