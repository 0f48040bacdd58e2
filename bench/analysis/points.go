package analysis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"galvani/engine"
	"galvani/engine/dynamics"
	"galvani/kernels"
)

// stepBatch is how many states go through the graph at once, at most.
const stepBatch = 64

// PointOptions say how slow points are looked for.
type PointOptions struct {
	Sequences  int     // of the test set, whose states are visited
	Starts     int     // descents
	Noise      float64 // on the starts, in units of the spread of the visited states
	Same       float64 // distance below which points are one, in units of the spread
	Slow       float64 // largest q of a point
	Iterations int     // steps that one descent may take
	Seed       uint64  // of the starts
}

// Points are the slow points of a network with constant input: minima of the speed
// q = ½‖F(h) − h‖² of its step F.
type Points struct {
	Walk  *Walk // through which the starts are drawn
	Plane dynamics.Plane
	Input []float64 // [I]
	List  []SlowPoint
	Lost  []Lost // starts that ended at a q above PointOptions.Slow
}

// SlowPoint is one of the points.
type SlowPoint struct {
	Q           float64      `json:"q"`
	Fixed       bool         `json:"fixed"` // q is rounding
	Stable      bool         `json:"stable"`
	Unstable    int          `json:"unstable"` // eigenvalues outside the unit circle
	Radius      float64      `json:"radius"`   // largest magnitude of the eigenvalues
	Starts      int          `json:"starts"`   // that ended here
	Distance    float64      `json:"distance"` // to the nearest visited state, in spreads
	PC          [2]float64   `json:"pc"`
	Logits      []float64    `json:"logits"`      // one step on
	State       [][]float64  `json:"state"`       // [S,H]
	Eigenvalues [][2]float64 `json:"eigenvalues"` // real and imaginary part
}

// Kind names the kind of a point: stable, marginal, unstable, or slow where it is not fixed.
func (s SlowPoint) Kind() string {
	switch {
	case !s.Fixed:
		return "slow"
	case s.Stable:
		return "stable"
	case s.Unstable == 0:
		return "marginal"
	}
	return "unstable"
}

// Lost is where the descent of a start ended that found no slow point.
type Lost struct {
	Q   float64
	End dynamics.End
}

// SlowPoints finds the slow points of the network with the constant input that input returns,
// given the walk. Steps are computed in float64 on the unrolled graph, in which a CPU may take the steps of integration of
// neurons.
//
// Errors: engine.ErrNotFinite for states that are not finite, ctx.Err(), and those of input,
// dynamics.Find and engine.StepMap.
func (s *Subject) SlowPoints(ctx context.Context, o PointOptions, input func(*Walk) ([]float64, error)) (*Points, error) {
	m, err := s.steps()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	p := &Points{}
	if p.Walk, err = s.Walk(ctx, m.StepMap, o.Sequences); err != nil {
		return nil, err
	}
	if p.Plane, err = dynamics.Principal(p.Walk.States, m.Dim()); err != nil {
		return nil, fmt.Errorf("visited states: %w: %w", err, engine.ErrNotFinite)
	}
	if p.Input, err = input(p.Walk); err != nil {
		return nil, err
	}
	if err := m.Input(p.Input); err != nil {
		return nil, err
	}
	spread := p.Plane.Spread
	if spread == 0 {
		spread = 1 // the network has not moved
	}
	found, lost, err := dynamics.Find(ctx, m, p.Walk.starts(o, spread),
		dynamics.Options{Iterations: o.Iterations, Slow: o.Slow, Same: o.Same * spread})
	if err != nil {
		return nil, err
	}
	for _, l := range lost {
		p.Lost = append(p.Lost, Lost{l.Q, l.End})
	}
	for _, f := range found {
		point, err := describe(m.single, f, s.Task.O)
		if err != nil {
			return nil, err
		}
		point.PC[0], point.PC[1] = p.Plane.Project(f.State)
		point.Distance = p.Walk.nearest(f.State) / spread
		p.List = append(p.List, point)
	}
	return p, nil
}

// steps is a step for many states, as Jacobians need it, and for one alone, which is faster.
type steps struct {
	*engine.StepMap
	single *engine.StepMap
}

// steps compiles the step of the network.
func (s *Subject) steps() (m steps, err error) {
	wide, err := engine.Widen(s.Net, s.Params)
	if err != nil {
		return m, err
	}
	rows := 0
	for _, units := range engine.PlaneUnits(s.Net) {
		rows += units
	}
	dev := s.Device
	if _, resident := dev.(kernels.Resident); resident {
		dev = nil // it has no float64
	}
	batch := min(stepBatch, rows) // more than the rows of a Jacobian are not needed
	if m.StepMap, err = engine.NewStepMap(s.Net, wide, s.Task.I, batch, dev); err != nil {
		return m, err
	}
	if m.single, err = engine.NewStepMap(s.Net, wide, s.Task.I, 1, dev); err != nil {
		return m, errors.Join(err, m.StepMap.Close())
	}
	return m, nil
}

// Step is that of engine.StepMap.
func (m steps) Step(next, s []float64) error {
	if len(s) == m.Dim() {
		return m.single.Step(next, s)
	}
	return m.StepMap.Step(next, s)
}

// Input is that of engine.StepMap, for an input that all states have.
func (m steps) Input(x []float64) error { return errors.Join(m.StepMap.Input(x), m.single.Input(x)) }

// Close gives the memory back.
func (m steps) Close() error { return errors.Join(m.StepMap.Close(), m.single.Close()) }

// describe tells of a point; m is the step of one state.
func describe(m *engine.StepMap, p dynamics.Point, outputs int) (SlowPoint, error) {
	s := SlowPoint{Q: p.Q, Fixed: p.Fixed(), Stable: p.Stable(), Unstable: p.Unstable(), Radius: p.Radius(), Starts: p.Starts}
	for _, e := range p.Eigenvalues {
		s.Eigenvalues = append(s.Eigenvalues, [2]float64{real(e), imag(e)})
	}
	rest := p.State
	for _, units := range m.Units() {
		s.State, rest = append(s.State, rest[:units]), rest[units:]
	}
	if err := m.Step(make([]float64, len(p.State)), p.State); err != nil {
		return s, err
	}
	s.Logits = make([]float64, outputs)
	return s, m.Logits(s.Logits)
}

// starts draws the states that descents begin at.
func (w *Walk) starts(o PointOptions, spread float64) [][]float64 {
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	list := make([][]float64, o.Starts)
	for i := range list {
		at := rng.IntN(len(w.States)/w.Dim) * w.Dim
		list[i] = make([]float64, w.Dim)
		for k := range list[i] {
			list[i][k] = w.States[at+k] + o.Noise*spread*rng.NormFloat64()
		}
	}
	return list
}
