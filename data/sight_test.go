package data

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestSee: an edge crosses a facet when the disc is as large as its eccentricity, with the speed of the edge.
func TestSee(t *testing.T) {
	eye := Eye{Half: 50, Spacing: 1.6}
	s := Show{Kind: "loom", L: 40, Contact: 2000, Duration: 2500, Coherence: 1}
	loom, err := eye.See(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(loom.At); n < 3900 || n > 3969 {
		t.Errorf("%d events of 63 x 63 facets", n)
	}
	half := func(at float64) float64 { return AngularSize(s.L, s.Contact-at) / 2 * 180 / math.Pi }
	for k, at := range loom.At {
		if ecc := math.Hypot(loom.X[k], loom.Y[k]); math.Abs(half(at)-ecc) > 1e-9 {
			t.Fatalf("facet at %v deg sees the edge at %v deg", ecc, half(at))
		}
		if v := (half(at+1e-3) - half(at-1e-3)) / 2e-6; math.Abs(v/loom.Speed[k]-1) > 1e-6 {
			t.Fatalf("at %v ms the edge has %v deg/s, want %v", at, loom.Speed[k], v)
		}
	}
	s.Kind, s.Contact = "recede", 500
	recede, err := eye.See(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	for k, at := range recede.At {
		if tau := at - 500; tau < 0 || math.Abs(AngularSize(40, tau)/2*180/math.Pi-math.Hypot(recede.X[k], recede.Y[k])) > 1e-9 {
			t.Fatalf("a recession crosses a facet at %v ms", at)
		}
	}
	s.Kind, s.Contact = "translate", 2000
	translate, err := eye.See(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := len(translate.At), len(loom.At); math.Abs(float64(a-b)) > 3 {
		t.Errorf("a translation makes %d events, an approach %d", a, b)
	}
	for _, v := range translate.Speed {
		if v != translate.Speed[0] || !(v > 10 && v < 1000) {
			t.Fatalf("a disc of constant speed moves with %v and %v deg/s", v, translate.Speed[0])
		}
	}
	// Half of the facets change places, all of them in a scrambled approach: times stay.
	moved := func(kind string, coherence float64) (share float64) {
		s.Kind, s.Coherence = kind, coherence
		got, err := eye.See(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		sum, want := 0.0, 0.0
		for k, at := range got.At {
			sum, want = sum+at, want+loom.At[k]
			if math.Abs(half(at)-math.Hypot(got.X[k], got.Y[k])) > 1e-9 {
				share += 1 / float64(len(got.At))
			}
		}
		if len(got.At) != len(loom.At) || math.Abs(sum/want-1) > 1e-9 {
			t.Errorf("%s with coherence %v has %d events at %v in the mean", kind, coherence, len(got.At), sum/float64(len(got.At)))
		}
		return share
	}
	if none, some, all := moved("loom", 1), moved("loom", 0.5), moved("scrambled", 1); none > 0 || math.Abs(some-0.5) > 0.05 || all < 0.95 {
		t.Errorf("%v, %v and %v of the facets have changed places, want 0, 0.5 and 1", none, some, all)
	}
}

func TestSeeRefuses(t *testing.T) {
	good := Show{Kind: "loom", L: 40, Contact: 200, Duration: 250, Coherence: 1}
	for want, change := range map[string]func(e *Eye, s *Show){
		`unknown stimulus "lom"; did you mean "loom"?`: func(_ *Eye, s *Show) { s.Kind = "lom" },
		"half-width of the eye is 90 deg":              func(e *Eye, _ *Show) { e.Half = 90 },
		"spacing of facets is 0 deg":                   func(e *Eye, _ *Show) { e.Spacing = 0 },
		"spacing of facets is NaN deg":                 func(e *Eye, _ *Show) { e.Spacing = math.NaN() },
		"l/|v| is -1 ms":                               func(_ *Eye, s *Show) { s.L = -1 },
		"contact is at 300 ms, want 0 to the duration": func(_ *Eye, s *Show) { s.Contact = 300 },
		"coherence is 1.5, want 0 to 1":                func(_ *Eye, s *Show) { s.Coherence = 1.5 },
		"duration is 0 ms":                             func(_ *Eye, s *Show) { s.Duration = 0 },
	} {
		e, s := Eye{Half: 50, Spacing: 2}, good
		change(&e, &s)
		if _, err := e.See(s, 1); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
