package data

import (
	"fmt"
	"math"
	"slices"

	"galvani/engine/setting"
)

// Eye is a square of facets that looks at a dark disc, as that of Looming does.
type Eye struct {
	Half    float64 // half-width of the field of view, deg, above 0 and at most 60
	Spacing float64 // between facets, deg, at most Half
}

// Show is what an Eye looks at.
type Show struct {
	Kind      string  // one of Shows
	L         float64 // half-size over speed l/|v|, ms; a translating disc makes as many events as an approach with it
	Contact   float64 // when the object meets the eye, ms from the start; in a recession it leaves it then
	Duration  float64 // ms
	Coherence float64 // share of the facets that keep their place, 0 to 1; of a scrambled approach none do
}

// Sight is what the facets of an eye report, event by event: the direction of the facet in deg, the time in
// ms, and the speed in deg/s of the edge that crosses it. Facets that have changed places report the speed
// where they see.
type Sight struct{ X, Y, At, Speed []float64 }

// showNames are the names of the classes of looming.
var showNames = []string{"loom", "recede", "translate", "scrambled"}

// Shows returns what an Eye may look at.
func Shows() []string { return slices.Clone(showNames) }

// See returns the events of a show, in no order. The seed decides the path of a translation and which
// facets change places.
//
// Errors: ErrConfig for numbers out of their range and for an unknown kind.
func (e Eye) See(s Show, seed uint64) (Sight, error) {
	bad := func(format string, args ...any) (Sight, error) {
		return Sight{}, fmt.Errorf("data: %s: %w", fmt.Sprintf(format, args...), ErrConfig)
	}
	class := slices.Index(showNames, s.Kind)
	switch {
	case class < 0:
		return bad("%s", setting.Unknown("stimulus", s.Kind, showNames))
	case !(e.Half > 0 && e.Half <= 60):
		return bad("half-width of the eye is %v deg, want more than 0 and at most 60", e.Half)
	case !(e.Spacing >= e.Half/256 && e.Spacing <= e.Half):
		return bad("spacing of facets is %v deg, want %.3g to %g, a part of the half-width", e.Spacing, e.Half/256, e.Half)
	case !(s.L >= 0.1 && s.L <= 1e4):
		return bad("l/|v| is %v ms, want 0.1 to 10000", s.L)
	case !(s.Duration > 0 && s.Duration <= 1e7):
		return bad("duration is %v ms, want more than 0 and at most 1e7", s.Duration)
	case !(s.Contact >= 0 && s.Contact <= s.Duration):
		return bad("contact is at %v ms, want 0 to the duration, %v ms", s.Contact, s.Duration)
	case !(s.Coherence >= 0 && s.Coherence <= 1):
		return bad("coherence is %v, want 0 to 1", s.Coherence)
	}
	eye := newRetina(int(math.Round(2*e.Half/e.Spacing)), e.Half, s.Duration)
	r := newStream(seed, fixed, 0, 0)
	c := scene{class: class, L: s.L, contact: s.Contact}
	events := newEvents(len(eye.x))
	eye.show(events, c, &r)
	if class == scrambled {
		s.Coherence = 0
	}
	events.scatter(s.Coherence, &r)
	var sight Sight
	for _, times := range events.at {
		for f, at := range times {
			if !math.IsNaN(at) {
				sight.X, sight.Y, sight.At = append(sight.X, eye.x[f]), append(sight.Y, eye.y[f]), append(sight.At, at)
				sight.Speed = append(sight.Speed, events.edgeSpeed(c, at))
			}
		}
	}
	return sight, nil
}

// edgeSpeed returns the speed in deg/s of the edge of a scene at a time: θ'/2 = L/(τ² + L²) of an approach or
// a recession.
func (e *events) edgeSpeed(c scene, at float64) float64 {
	if c.class == translate {
		return 1000 * e.speed
	}
	tau := c.contact - at
	return 1000 * 180 / math.Pi * c.L / (tau*tau + c.L*c.L)
}
