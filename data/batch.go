package data

// input returns the input vector of step t and column col, length I.
func (b *Batch) input(t, col int) []float32 {
	at := (t*b.B + col) * b.I
	return b.X[at : at+b.I : at+b.I]
}

// Columns makes b the columns from lo on of a wider batch of the same task.
func (b *Batch) Columns(of *Batch, lo int) {
	for _, a := range []struct {
		to, from []float32
		n        int // numbers of a column in a row
	}{{b.X, of.X, b.I}, {b.Label, of.Label, 1}, {b.Value, of.Value, b.O}, {b.Weight, of.Weight, 1}, {b.Mask, of.Mask, 1}} {
		for row := range len(a.to) / (b.B * a.n) {
			copy(a.to[row*b.B*a.n:(row+1)*b.B*a.n], a.from[(row*of.B+lo)*a.n:])
		}
	}
	if b.Decisions != nil {
		copy(b.Decisions, of.Decisions[lo:lo+b.B])
	}
}
