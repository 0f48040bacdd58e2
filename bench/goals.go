package bench

// Goal is what a network should reach on one NVIDIA H100 SXM.
type Goal struct {
	Name string `json:"name"`
	// Bound is the most time per time step in µs; 0 where none is stated for the precision and
	// what is timed.
	Bound float64 `json:"us_per_step,omitempty"`
	Pass  *bool   `json:"pass,omitempty"` // nil without a bound and on any other device
}

// goal is a network with its bounds in µs per time step.
type goal struct {
	name, model string
	shape       Shape
	bounds      map[limit]float64
}

// limit is what a bound of a goal is for.
type limit struct{ precision, what string }

// goals are the networks that the CUDA path is built for. The bounds are those of the scan: what
// is timed here has input product, read-out and loss on top. G7 names no T: that here keeps the gate
// in float64 within a few gigabytes.
var goals = []goal{
	{"G1", "crnn-simple", Shape{1000, 64, inputs, 64}, recurrence(0.30, 0.75, 0.40, 0.95)},
	{"G1", "rnn", Shape{1000, 64, inputs, 64}, recurrence(0.30, 0.75, 0.40, 0.95)},
	{"G2", "crnn-simple", Shape{1000, 64, inputs, 256}, recurrence(0.70, 1.7, 0, 0)},
	{"G2", "rnn", Shape{1000, 64, inputs, 256}, recurrence(0.70, 1.7, 0, 0)},
	{"G3", "crnn-simple", Shape{1000, 64, inputs, 512}, recurrence(1.4, 3.2, 2.2, 5)},
	{"G4", "crnn-simple", Shape{1000, 32, inputs, 1024}, map[limit]float64{{"bf16", forward}: 1.4, {"bf16", both}: 3.3}},
	{"G5", "lstm", Shape{1024, 16, inputs, 768}, map[limit]float64{{"bf16", forward}: 1.9, {"bf16", both}: 5.0}},
	{"G6", "crnn-simple", Shape{10000, 8, inputs, 256}, recurrence(0.5, 1.2, 0, 0)},
	{"G7", "crnn-simple", Shape{50, 512, inputs, 1024}, map[limit]float64{{"tf32", both}: 13}},
	{"G9", "crnn-simple", Shape{200, 64, inputs, 100}, map[limit]float64{{"fp32", step}: 500. / 200}},
}

// recurrence returns bounds for tf32 and fp32; 0 for none.
func recurrence(forward32, both32, forwardFull, bothFull float64) map[limit]float64 {
	return map[limit]float64{{"tf32", forward}: forward32, {"tf32", both}: both32,
		{"fp32", forward}: forwardFull, {"fp32", both}: bothFull}
}

// goalOf returns the goal of a timing; nil where it has none.
func goalOf(c Case, t Timing) *Goal {
	for _, g := range goals {
		if g.model != c.Model || g.shape != c.Shape {
			continue
		}
		x := &Goal{Name: g.name, Bound: g.bounds[limit{t.Device.Precision, c.What}]}
		if t.Device.Name == h100 && !t.Device.Emulated && x.Bound > 0 {
			pass := t.Median/float64(c.Shape.T)*1e6 <= x.Bound
			x.Pass = &pass
		}
		return x
	}
	return nil
}
