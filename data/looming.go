package data

import (
	"fmt"
	"math"
	"runtime"

	"galvani/engine/cite"
)

// Looming is the settings of the tasks looming and looming-ttc: an eye of facets looks at a
// dark disc and reports one event per facet whose brightness changes.
//
// Input: x [T,B,I], one channel per facet, row by row; 1 in a step with an event, else 0.
//
// An approaching disc of half-size l and speed v covers the facet at eccentricity ϕ when
// θ/2 = ϕ, at L/tan ϕ before collision with L = l/|v|. The four classes of looming differ in
// the order of the events alone:
//
//	loom       approach, centred on the eye
//	recede     an approach played backwards
//	translate  a disc of constant size on a straight path, as many events as an approach
//	scrambled  an approach whose facets have changed places
//
// Task looming asks for the class at the last step. Task looming-ttc shows approaches alone
// and asks at every step for the time left to collision at the end of that step, in units of
// the sequence (steps·step_ms); the weight is 1 from the first event of the disc to the
// collision and 0 elsewhere, where nothing is to be seen or no collision lies ahead. A constant
// answer has a mean squared error of 0.037.
//
// Source: Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122 (geometry, jitter, range of
// L); Dewell and Gabbiani (2018) eLife 7:e34238 (spatial coherence).
type Looming struct {
	Facets     int     `toml:"facets" doc:"facets per side of the eye" unit:"1" min:"2" max:"64"`
	HalfField  float64 `toml:"half_field" doc:"half-width of the field of view" unit:"deg" min:"1" max:"60"`
	Steps      int     `toml:"steps" doc:"length of a sequence" unit:"1" min:"2" max:"10000"`
	StepMs     float64 `toml:"step_ms" doc:"duration of one step" unit:"ms" min:"0.1" max:"1000"`
	LvMin      float64 `toml:"lv_min" doc:"smallest half-size over speed" unit:"ms" min:"0.1" max:"10000"`
	LvMax      float64 `toml:"lv_max" doc:"largest half-size over speed" unit:"ms" min:"0.1" max:"10000"`
	Spread     float64 `toml:"spread" doc:"last part of the sequence in which the collision falls" unit:"1" min:"0" max:"1"`
	Coherence  float64 `toml:"coherence" doc:"facets that keep their place" unit:"%" min:"0" max:"100"`
	Jitter     float64 `toml:"jitter" doc:"largest shift of an event in time, either way" unit:"ms" min:"0" max:"1000"`
	Background float64 `toml:"background" doc:"probability of a stray event per facet and step" unit:"1" min:"0" max:"1"`
	Sampling

	toCollision bool // regress the time to collision
}

func init() {
	Register(Entry{
		Name:       "looming",
		Doc:        "tell an approaching disc from a receding, a passing and a scrambled one by the events of 12x12 facets",
		Source:     "Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122",
		References: []cite.Work{lgmd, cite.LGMD},
		New:        func() Config { return newLooming(false) },
	})
	Register(Entry{
		Name:       "looming-ttc",
		Doc:        "estimate the time to collision with an approaching disc at every step",
		Source:     "Gabbiani, Krapp and Laurent (1999) J Neurosci 19:1122",
		References: []cite.Work{lgmd, cite.LGMD},
		New:        func() Config { return newLooming(true) },
	})
}

func newLooming(toCollision bool) *Looming {
	return &Looming{Facets: 12, HalfField: 36, Steps: 60, StepMs: 10, LvMin: 10, LvMax: 80, Spread: 1. / 3,
		Coherence: 100, Jitter: 8, Background: 0.002, Sampling: Sampling{TrainSize: 8000, TestSize: 2000}, toCollision: toCollision}
}

// Timed is a set whose samples have a moment of contact. Set Task.Test of looming is one.
type Timed interface {
	Set
	// Class returns the class of a sample, an index into Task.Classes.
	Class(index int) int
	// TimeToCollision returns the time left to the contact of a sample at the end of each
	// step, length T, in ms; it is negative after the contact. Scrambled samples have the
	// time of the approach they were made from, a receding disc that of its departure; a
	// passing disc has none, NaN.
	TimeToCollision(index int) []float64
}

// Open implements Config.
func (c *Looming) Open(env Env) (*Task, error) {
	t := &Task{Name: "looming", T: c.Steps, I: c.Facets * c.Facets, O: sceneClasses, Goal: Classify,
		Classes: Shows()}
	if c.toCollision {
		t.Name, t.O, t.Goal, t.Every, t.Classes = "looming-ttc", 1, Regress, true, nil
	}
	if err := check(t.Name, c); err != nil {
		return nil, err
	}
	if c.LvMin > c.LvMax {
		return nil, fmt.Errorf("data: %s: lv_min is %v, want at most lv_max = %v: %w", t.Name, c.LvMin, c.LvMax, ErrConfig)
	}
	eye := newRetina(c.Facets, c.HalfField, float64(c.Steps)*c.StepMs)
	spare := make(chan *events, runtime.GOMAXPROCS(0))
	c.draw(t, env, func(d draws) Set { return &scenes{d, *c, eye, spare} })
	return t, nil
}

// scenes is the samples of a looming task.
type scenes struct {
	draws
	cfg   Looming
	eye   *retina
	spare chan *events // so that Fill allocates nothing and may run on many threads
}

var _ Timed = (*scenes)(nil)

// Class implements Timed. The classes take turns, so they are balanced exactly.
func (s *scenes) Class(index int) int {
	if s.cfg.toCollision {
		return loom
	}
	return index % sceneClasses
}

// begin returns the scene of a sample and the stream behind it.
func (s *scenes) begin(epoch, index int) (scene, stream) {
	r := s.stream(epoch, index)
	c := scene{class: s.Class(index)}
	c.L = r.between(s.cfg.LvMin, s.cfg.LvMax)
	c.contact = s.eye.duration * (1 - s.cfg.Spread*r.float())
	if c.class == recede {
		c.contact = s.eye.duration - c.contact
	}
	return c, r
}

// timeLeft returns the time from the end of step t to contact, ms.
func (s *scenes) timeLeft(c scene, t int) float64 {
	return c.contact - float64(t+1)*s.cfg.StepMs
}

// TimeToCollision implements Timed.
func (s *scenes) TimeToCollision(index int) []float64 {
	c, _ := s.begin(0, index)
	left := make([]float64, s.task.T)
	for t := range left {
		left[t] = s.timeLeft(c, t)
		if c.class == translate {
			left[t] = math.NaN()
		}
	}
	return left
}

// Fill implements Set.
func (s *scenes) Fill(b *Batch, col, epoch, index int) error {
	if err := checkFill(s.task, s.size, b, col, index); err != nil {
		return err
	}
	for t := range b.T {
		clear(b.input(t, col))
	}
	c, r := s.begin(epoch, index)
	e := s.borrow()
	defer s.giveBack(e)

	s.eye.show(e, c, &r)
	if !s.cfg.toCollision {
		b.Label[col], b.Weight[col] = float32(c.class), 1
	} else {
		s.setTargets(b, col, c, e)
	}
	coherence := s.cfg.Coherence / 100
	if c.class == scrambled {
		coherence = 0
	}
	e.scatter(coherence, &r)
	for _, times := range e.at {
		for f, at := range times {
			if math.IsNaN(at) {
				continue
			}
			at += r.between(-s.cfg.Jitter, s.cfg.Jitter)
			b.input(s.step(at), col)[f] = 1
		}
	}
	s.addBackground(b, col, &r)
	return nil
}

// borrow returns room for the events of one sample.
func (s *scenes) borrow() *events {
	select {
	case e := <-s.spare:
		return e
	default:
		return newEvents(s.task.I)
	}
}

// giveBack keeps the room for the next sample.
func (s *scenes) giveBack(e *events) {
	select {
	case s.spare <- e:
	default:
	}
}

// step returns the step in which a time lies. Jitter does not carry an event out of the
// sequence, so it does not change their number.
func (s *scenes) step(at float64) int {
	return min(max(int(at/s.cfg.StepMs), 0), s.cfg.Steps-1)
}

// setTargets writes time to collision and weight of every step. It wants the exact event
// times, before they are scattered.
func (s *scenes) setTargets(b *Batch, col int, c scene, e *events) {
	seen := math.Inf(1)
	for _, at := range e.at[0] {
		if at < seen {
			seen = at
		}
	}
	for t := range b.T {
		n := t*b.B + col
		left := s.timeLeft(c, t)
		b.Value[n], b.Weight[n] = 0, 0
		if left >= 0 && float64(t+1)*s.cfg.StepMs > seen {
			b.Value[n], b.Weight[n] = float32(left/s.eye.duration), 1
		}
	}
}

// addBackground adds stray events to every facet and step.
func (s *scenes) addBackground(b *Batch, col int, r *stream) {
	if s.cfg.Background == 0 {
		return
	}
	cells := b.T * b.I
	for k := r.gap(s.cfg.Background, cells); k < cells; k += 1 + r.gap(s.cfg.Background, cells) {
		b.input(k/b.I, col)[k%b.I] = 1
	}
}

// lgmd describes approaching objects and the response of the locust.
var lgmd = cite.Work{Key: "gabbiani1999computation", Kind: "article", Authors: "Gabbiani, Fabrizio and Krapp, Holger G. and Laurent, Gilles",
	Title: "Computation of Object Approach by a Wide-Field, Motion-Sensitive Neuron",
	In:    "The Journal of Neuroscience", Volume: "19", Number: "3", Pages: "1122-1141", Year: 1999, DOI: "10.1523/JNEUROSCI.19-03-01122.1999"}
