package meanfield

import (
	"errors"
	"math"
	"slices"
)

// Stimulus is a network under a stimulus on a circle.
type Stimulus struct {
	Degrees float64
	// Fixed is the semi-balanced fixed point, the first stable one where there are several; Number is how many there are,
	// and Fixed is empty where it is 0.
	Fixed
	Number int
}

// Arc is the stimuli from an angle to a larger one, beyond 360 degrees for one across 0, that have the same active set.
type Arc struct {
	From, To float64 // degrees
	Active   []int
	Stable   bool
	Number   int // of fixed points, without any none is active nor silent
}

// mostStimuli bounds the stimuli of a circle.
const mostStimuli = 1 << 16

// Circle returns the fixed points under n stimuli, which add radius·cos and radius·sin of equally spaced angles to the
// inputs of populations a and b: rates are linear in the stimulus where the active set stays, and continuous.
//
// Source: Baker, Zhu and Rosenbaum (2020), doi:10.1371/journal.pcbi.1008192.
//
// Errors: those of SemiBalanced; populations that are not two of the network, or a number beyond 1 to 65536.
func (l Linear) Circle(a, b int, radius float64, n int) ([]Stimulus, error) {
	if a == b || min(a, b) < 0 || max(a, b) >= len(l.X) || n < 1 || n > mostStimuli {
		return nil, errors.New("a circle of stimuli goes to two populations of the network")
	}
	all := make([]Stimulus, n)
	for k := range all {
		angle := 2 * math.Pi * float64(k) / float64(n)
		under := Linear{W: l.W, X: slices.Clone(l.X)}
		under.X[a] += radius * math.Cos(angle)
		under.X[b] += radius * math.Sin(angle)
		fixed, err := under.SemiBalanced()
		if err != nil {
			return nil, err
		}
		all[k] = Stimulus{Degrees: 360 * float64(k) / float64(n), Number: len(fixed)}
		if len(fixed) == 0 {
			continue
		}
		at := max(0, slices.IndexFunc(fixed, func(f Fixed) bool { return f.Stable }))
		all[k].Fixed = fixed[at]
	}
	return all, nil
}

// Arcs joins neighbours on a circle with the same active set. The angle of a border is the middle between two stimuli.
func Arcs(circle []Stimulus) (arcs []Arc) {
	half := 180 / float64(len(circle))
	same := func(a Arc, s Stimulus) bool {
		return slices.Equal(a.Active, s.Active) && a.Stable == s.Stable && a.Number == s.Number
	}
	for _, s := range circle {
		if n := len(arcs); n > 0 && same(arcs[n-1], s) {
			arcs[n-1].To = s.Degrees + half
			continue
		}
		arcs = append(arcs, Arc{s.Degrees - half, s.Degrees + half, s.Active, s.Stable, s.Number})
	}
	if n := len(arcs); n > 1 && same(arcs[n-1], circle[0]) { // across 0
		arcs[n-1].To = arcs[0].To + 360
		arcs = arcs[1:]
	}
	return arcs
}
