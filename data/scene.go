package data

import (
	"math"
	"slices"
)

// Classes of the looming task.
const (
	loom = iota
	recede
	translate
	scrambled
	sceneClasses
)

// passes is how many of its events a translating disc makes per facet: one when the facet is
// covered and one when it is uncovered. A looming or receding disc makes one.
const passes = 2

// retina is a square of facets looking at a dark disc on a bright ground. All times are ms
// from the start of the sequence.
type retina struct {
	x, y     []float64 // direction of each facet, deg
	tan      []float64 // tangent of its eccentricity
	half     float64   // half-width of the field, deg
	duration float64   // of the sequence, ms
}

// newRetina spreads side·side facets evenly over ±half degrees.
func newRetina(side int, half, duration float64) *retina {
	r := &retina{half: half, duration: duration}
	at := func(k int) float64 { return half * (float64(2*k+1)/float64(side) - 1) }
	for row := range side {
		for column := range side {
			x, y := at(column), at(row)
			r.x, r.y = append(r.x, x), append(r.y, y)
			r.tan = append(r.tan, math.Tan(math.Hypot(x, y)*math.Pi/180))
		}
	}
	return r
}

// scene is what one sample shows.
type scene struct {
	class   int
	L       float64 // half-size over speed, ms
	contact float64 // when the object meets the eye, ms; in a recession it leaves it then
}

// events is the OFF and ON events of a scene: when each facet is covered or uncovered, ms.
// NaN where it is not.
type events struct {
	at       [passes][]float64
	speed    float64   // of a translating disc, deg/ms
	distance []float64 // scratch: distance of each facet from a path, deg
	moved    []int     // scratch: facets that lose their place
	order    []int     // scratch: the same, shuffled
}

func newEvents(facets int) *events {
	e := &events{distance: make([]float64, facets), moved: make([]int, 0, facets), order: make([]int, 0, facets)}
	for k := range e.at {
		e.at[k] = make([]float64, facets)
	}
	return e
}

// show fills e with the exact event times of a scene.
func (r *retina) show(e *events, s scene, draw *stream) {
	for k := range e.at {
		for f := range e.at[k] {
			e.at[k][f] = math.NaN()
		}
	}
	if s.class == translate {
		r.pass(e, r.crossings(s)/passes, draw)
		return
	}
	for f, tan := range r.tan {
		// The edge of the disc stands at eccentricity ϕ when θ/2 = ϕ, that is τ = L/tan ϕ.
		tau := s.L / tan
		t := s.contact - tau
		if s.class == recede {
			t = s.contact + tau
		}
		if t >= 0 && t < r.duration {
			e.at[0][f] = t
		}
	}
}

// crossings counts the facets that the edge of an approaching disc crosses inside the
// sequence. Half a facet more or less is left to chance when a pass is made to match it.
func (r *retina) crossings(s scene) float64 {
	n := 0.0
	for _, tan := range r.tan {
		if s.L/tan <= s.contact {
			n++
		}
	}
	return n
}

// pass sends a disc of constant size across the retina on a straight path of random direction
// and offset. It is as large as it must be to touch the given number of facets, so that the
// number of events tells nothing about the class.
func (r *retina) pass(e *events, facets float64, draw *stream) {
	sin, cos := math.Sincos(draw.between(0, 2*math.Pi))
	offset := draw.between(-r.half/2, r.half/2)
	across := e.at[0] // until the times overwrite it
	for f := range across {
		across[f] = r.y[f]*cos - r.x[f]*sin - offset
		e.distance[f] = math.Abs(across[f])
	}
	slices.Sort(e.distance)
	touched := int(facets + draw.float())
	radius := 0.0
	if touched > 0 {
		radius = e.distance[touched-1]
	}

	first, last := math.Inf(1), math.Inf(-1)
	for f, a := range across {
		if touched == 0 || math.Abs(a) > radius {
			e.at[0][f] = math.NaN()
			continue
		}
		along, chord := r.x[f]*cos+r.y[f]*sin, math.Sqrt(radius*radius-a*a)
		e.at[0][f], e.at[1][f] = along-chord, along+chord
		first, last = min(first, along-chord), max(last, along+chord)
	}

	time := r.duration * draw.between(0.5, 1)
	start := draw.between(0, r.duration-time)
	scale := 0.0
	if last > first {
		scale = time / (last - first)
		e.speed = 1 / scale
	}
	for k := range e.at {
		for f, position := range e.at[k] {
			e.at[k][f] = start + scale*(position-first)
		}
	}
}

// scatter moves the events of a facet to another one: each facet loses its place with
// probability 1−coherence, and those that do are shuffled among themselves.
func (e *events) scatter(coherence float64, draw *stream) {
	e.moved, e.order = e.moved[:0], e.order[:0]
	for f := range e.distance {
		if draw.float() >= coherence {
			e.moved = append(e.moved, f)
			e.order = append(e.order, f)
		}
	}
	draw.shuffle(e.order)
	for k := range e.at {
		was := e.distance[:len(e.moved)]
		for i, f := range e.order {
			was[i] = e.at[k][f]
		}
		for i, f := range e.moved {
			e.at[k][f] = was[i]
		}
	}
}
