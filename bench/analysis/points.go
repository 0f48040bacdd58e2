package analysis

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	// Each, where it is given, is called after each descent with the number of those that are done.
	Each func(done int)
}

// Points are the slow points of a network with constant input: minima of the speed
// q = ½‖F(h) − h‖² of its step F. Of neurons h has the elements that move, each in the root mean square of what its
// plane moves by on the walk: potentials, gates and concentrations have units of their own.
type Points struct {
	Walk  *Walk // through which the starts are drawn, in the same coordinates
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
// given the walk. Descents stay within the ranges of the planes of neurons. Steps are computed in float64 on the unrolled
// graph, in which a CPU may take the steps of integration of neurons.
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
	if p.Walk, err = s.Walk(ctx, m.many, o.Sequences); err != nil {
		return nil, err
	}
	part := s.part(m, p.Walk)
	p.Walk.States, p.Walk.Dim = part.Coordinates(p.Walk.States), part.Dim()
	if p.Plane, err = dynamics.Principal(p.Walk.States, part.Dim()); err != nil {
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
	found, lost, err := s.find(ctx, part, p.Walk.starts(o, spread),
		dynamics.Options{Iterations: o.Iterations, Slow: o.Slow, Same: o.Same * spread, Each: o.Each})
	if err != nil {
		return nil, err
	}
	for _, l := range lost {
		p.Lost = append(p.Lost, Lost{l.Q, l.End})
	}
	for _, f := range found {
		point, err := describe(m.single, f, part.Whole(f.State), s.Task.O)
		if err != nil {
			return nil, err
		}
		point.PC[0], point.PC[1] = p.Plane.Project(f.State)
		point.Distance = p.Walk.nearest(f.State) / spread
		p.List = append(p.List, point)
	}
	return p, nil
}

// settling is how many steps a descent of what the input alone moves may take: its map is affine, and some 20 are enough.
const settling = 1000

// find is dynamics.Find of a part. What the input alone moves, the traces of receptors of neurons, comes first: its only
// point is where it settles, and the others are looked for with it there. On its way to it, it would drive the potential away from
// wherever a descent is.
func (s *Subject) find(ctx context.Context, part *dynamics.Part, starts [][]float64, o dynamics.Options) (found, lost []dynamics.Point, err error) {
	driven, rest := part, part
	if net, ok := s.Net.(interface{ Driven() int }); ok && net.Driven() >= 0 {
		first := 0
		for _, units := range engine.PlaneUnits(s.Net)[:net.Driven()] {
			first += units
		}
		driven, rest = part.Split(func(element int) bool { return element >= first })
	}
	if rest == part || driven.Dim() == 0 {
		return dynamics.Find(ctx, part, starts, o)
	}
	settled, _, err := dynamics.Find(ctx, driven, [][]float64{driven.Coordinates(part.Rest)}, dynamics.Options{Iterations: settling, Slow: math.Inf(1)})
	if err == nil && len(settled) == 0 {
		err = fmt.Errorf("traces of receptors: %w", engine.ErrNotFinite)
	}
	if err != nil {
		return nil, nil, err
	}
	rest.Rest = driven.Whole(settled[0].State)
	for i, start := range starts {
		starts[i] = rest.Coordinates(part.Whole(start))
	}
	if found, lost, err = dynamics.Find(ctx, rest, starts, o); err != nil {
		return nil, nil, err
	}
	for i := range found {
		p := &found[i]
		p.State = part.Coordinates(rest.Whole(p.State))
		if p.Eigenvalues, err = dynamics.Eigenvalues(part, p.State); err != nil {
			return nil, nil, err
		}
	}
	return found, lost, nil
}

// trees returns what compartments.Neuron.Trees says of the state, nil for a network without neurons.
func (s *Subject) trees() []int {
	if net, ok := s.Net.(interface{ Trees() []int }); ok {
		return net.Trees()
	}
	return nil
}

// leastUnit is that of a plane that has not moved on the walk.
const leastUnit = 1e-6

// part returns what moves of the state, in the units of Points.
func (s *Subject) part(m steps, w *Walk) *dynamics.Part {
	trees, at := s.trees(), 0
	var least, most []float64 // of each plane
	if net, ok := s.Net.(interface {
		Ranges() (least, most []float64)
	}); ok {
		least, most = net.Ranges()
	}
	p := &dynamics.Part{Of: m, Rest: w.States[:w.Dim], Slow: trees != nil}
	for plane, units := range m.Units() {
		unit := 1.0
		if trees != nil {
			unit = max(leastUnit, w.moves(at, units, trees))
		}
		for i := at; i < at+units; i++ {
			group := 0
			if trees != nil {
				group = trees[i]
			}
			if group >= 0 {
				p.Which, p.Unit, p.Group = append(p.Which, i), append(p.Unit, unit), append(p.Group, group)
				if least != nil {
					p.Least, p.Most = append(p.Least, least[plane]), append(p.Most, most[plane])
				}
			}
		}
		at += units
	}
	return p
}

// moves returns the root mean square deviation of the elements from first on, of those that a tree has, from their
// means over the walk.
func (w *Walk) moves(first, units int, trees []int) float64 {
	sum, n, states := 0.0, 0.0, float64(len(w.States)/w.Dim)
	for i := first; i < first+units; i++ {
		if trees[i] < 0 {
			continue
		}
		mean := 0.0
		for at := i; at < len(w.States); at += w.Dim {
			mean += w.States[at] / states
		}
		for at := i; at < len(w.States); at += w.Dim {
			sum += (w.States[at] - mean) * (w.States[at] - mean)
			n++
		}
	}
	return math.Sqrt(sum / max(1, n))
}

// steps is a step for many states, as Jacobians need it, and for one alone, which is faster. Of neurons the two steps have
// no derivative, which takes most of the time and which eigenvalues alone need.
type steps struct {
	*engine.StepMap // with the derivative
	many, single    *engine.StepMap
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
	trees := s.trees()
	if trees != nil {
		batch = evenly(trees)
	}
	if m.StepMap, err = engine.NewStepMap(s.Net, wide, s.Task.I, batch, dev); err != nil {
		return m, err
	}
	m.many = m.StepMap
	alone := engine.NewStepMap
	if trees != nil {
		alone = engine.NewSteps
		if m.many, err = alone(s.Net, wide, s.Task.I, batch, dev); err != nil {
			return m, errors.Join(err, m.StepMap.Close())
		}
	}
	if m.single, err = alone(s.Net, wide, s.Task.I, 1, dev); err != nil {
		return m, errors.Join(err, m.StepMap.Close())
	}
	return m, nil
}

// evenly returns into how many states at once the elements of the largest tree are divided, so that all calls have as many.
func evenly(trees []int) int {
	longest, count := 1, map[int]int{}
	for _, t := range trees {
		if t >= 0 {
			count[t]++
			longest = max(longest, count[t])
		}
	}
	calls := (longest + stepBatch - 1) / stepBatch
	return (longest + calls - 1) / calls
}

// Step is that of engine.StepMap.
func (m steps) Step(next, s []float64) error {
	if len(s) == m.Dim() {
		return m.single.Step(next, s)
	}
	return m.many.Step(next, s)
}

// Input is that of engine.StepMap, for an input that all states have.
func (m steps) Input(x []float64) error {
	return errors.Join(m.StepMap.Input(x), m.many.Input(x), m.single.Input(x))
}

// Close gives the memory back.
func (m steps) Close() error {
	err := errors.Join(m.StepMap.Close(), m.single.Close())
	if m.many != m.StepMap {
		err = errors.Join(err, m.many.Close())
	}
	return err
}

// describe tells of a point at a state; m is the step of one state.
func describe(m *engine.StepMap, p dynamics.Point, state []float64, outputs int) (SlowPoint, error) {
	s := SlowPoint{Q: p.Q, Fixed: p.Fixed(), Stable: p.Stable(), Unstable: p.Unstable(), Radius: p.Radius(), Starts: p.Starts}
	for _, e := range p.Eigenvalues {
		s.Eigenvalues = append(s.Eigenvalues, [2]float64{real(e), imag(e)})
	}
	rest := state
	for _, units := range m.Units() {
		s.State, rest = append(s.State, rest[:units]), rest[units:]
	}
	if err := m.Step(make([]float64, len(state)), state); err != nil {
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
