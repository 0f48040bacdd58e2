package data

// input returns the input vector of step t and column col, length I.
func (b *Batch) input(t, col int) []float32 {
	at := (t*b.B + col) * b.I
	return b.X[at : at+b.I : at+b.I]
}
