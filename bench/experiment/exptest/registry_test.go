package exptest

import (
	"testing"

	"galvani/bench/experiment"
	_ "galvani/bench/experiment/charged"
	_ "galvani/bench/experiment/conductance"
	_ "galvani/bench/experiment/learning"
	_ "galvani/bench/experiment/networks"
	_ "galvani/bench/experiment/neurons"
	_ "galvani/bench/experiment/rules"
)

// TestRegistry holds that every experiment can be listed and has cases.
func TestRegistry(t *testing.T) {
	if len(experiment.All()) == 0 {
		t.Fatal("no experiment is registered")
	}
	for _, e := range experiment.All() {
		s := e.New()
		if e.Doc == "" || e.Claim == "" || e.Source == "" {
			t.Errorf("%s: %+v", e.Name, e)
		}
		cases, err := s.Cases([]uint64{1, 2})
		if err != nil || len(cases) < 2 {
			t.Errorf("%s: %d cases, %v", e.Name, len(cases), err)
		}
	}
}
