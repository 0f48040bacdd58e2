package conductance

import (
	"math"
	"math/rand/v2"

	"galvani/bench/experiment/probe"
	"galvani/data"
	"galvani/models"
)

// recorded is what a teacher did, noise [N,T,I] and rates [N,T,O].
type recorded struct {
	x, rates []float32
	n        int
}

// Len implements data.Set.
func (r *recorded) Len() int { return r.n }

// Fixed implements data.Fixed.
func (r *recorded) Fixed() bool { return true }

// Fill implements data.Set.
func (r *recorded) Fill(b *data.Batch, col, _, index int) error {
	for t := range b.T {
		row, from := t*b.B+col, index*b.T+t
		copy(b.X[row*b.I:(row+1)*b.I], r.x[from*b.I:])
		copy(b.Value[row*b.O:(row+1)*b.O], r.rates[from*b.O:])
		b.Weight[row] = 1
	}
	return nil
}

// imitation is the task to give a teacher's rates at every step.
type imitation struct{ task *data.Task }

// Open implements data.Config.
func (i imitation) Open(data.Env) (*data.Task, error) { return i.task, nil }

// taught is a teacher with what it did.
type taught struct {
	*probe.Probe
	task     *data.Task
	variance float64 // of the validation rates, around the mean of each unit
}

// teach draws a teacher and records it.
func (s *tauRecovery) teach(threads int, l lesson, seed uint64) (*taught, error) {
	cell := models.NewRate()
	cell.Learn, cell.Activation, cell.TauS, cell.TauR = "none", l.activation, s.TauS, s.TauR
	p, err := probe.New(threads, "rate", cell, models.Dims{I: s.Inputs, H: s.Units, O: 1}, seed)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 2))
	gaussian := func(of []float64, sd float64) {
		for i := range of {
			of[i] = sd * r.NormFloat64()
		}
	}
	gaussian(p.Of("W"), s.gain(l)/math.Sqrt(float64(s.Units)))
	gaussian(p.Of("U"), s.Noise/math.Sqrt(float64(s.Inputs)))
	if tau := p.Of("tau_r"); l.two {
		for n := range tau {
			if tau[n] = s.TauS; n >= s.Units/2 {
				tau[n] = s.Slow
			}
		}
	}
	var both [2]*recorded
	for i, n := range []int{s.Sequences, s.Validation} {
		if both[i], err = s.record(p, n, r); err != nil {
			return nil, err
		}
	}
	return &taught{p, &data.Task{Name: "imitation", T: s.Steps, I: s.Inputs, O: s.Units, Goal: data.Regress, Every: true, Train: both[0], Test: both[1]},
		spread(both[1].rates, s.Units)}, nil
}

// gain returns the spectral radius of W. Linear rates have to be stable by themselves.
func (s *tauRecovery) gain(l lesson) float64 {
	if l.activation == "linear" {
		return min(s.Gain, linearGain)
	}
	return s.Gain
}

// linearGain keeps all eigenvalues of linear rates below 1, with room for those of a drawn matrix
// that lie outside the circle.
const linearGain = 0.7

// record runs the teacher on n sequences of white noise.
func (s *tauRecovery) record(p *probe.Probe, n int, r *rand.Rand) (*recorded, error) {
	c, err := p.Course(s.Steps, n, false)
	if err != nil {
		return nil, err
	}
	for i := range c.X {
		c.X[i] = r.NormFloat64()
	}
	h, _, err := c.Forward(p.Rest(n))
	if err != nil {
		return nil, err
	}
	return &recorded{byColumn(c.X, s.Steps, n), byColumn(h, s.Steps, n), n}, nil
}

// byColumn turns [T,B,·] into [B,T,·].
func byColumn(v []float64, steps, columns int) []float32 {
	list := make([]float32, len(v))
	size := len(v) / (steps * columns)
	for i, x := range v {
		t, b, k := i/size/columns, i/size%columns, i%size
		list[(b*steps+t)*size+k] = float32(x)
	}
	return list
}

// spread returns the variance of rates [·,H] around the mean of each unit, mean over units: the
// squared error of the best constant answer.
func spread(rates []float32, units int) float64 {
	mean := make([]float64, units)
	for i, v := range rates {
		mean[i%units] += float64(v) / float64(len(rates)/units)
	}
	sum := 0.0
	for i, v := range rates {
		d := float64(v) - mean[i%units]
		sum += d * d
	}
	return sum / float64(len(rates))
}
