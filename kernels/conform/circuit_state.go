package conform

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
)

// CircuitState wants a run that is stopped at any step to go on with the same bits, on the same device and
// on another, and states that do not fit to be refused. It takes circuits of some names, all without.
func CircuitState(t *testing.T, dev, other kernels.Device, names ...string) {
	for name, c := range circuits(t) {
		if len(names) == 0 || slices.Contains(names, name) {
			t.Run(name, func(t *testing.T) { resumes(t, dev, other, c) })
		}
	}
	t.Run("refuses", func(t *testing.T) { refusesStates(t, dev, Balanced(t, 100, 1, true), badStates) })
}

// badStates says of states of Balanced what is wrong with them.
var badStates = map[string]func(s *kernels.CircuitState){
	"before step -1":                       func(s *kernels.CircuitState) { s.Step = -1 },
	"of 2 populations":                     func(s *kernels.CircuitState) { s.Populations = s.Populations[:2] },
	`population 1 is "j", want "i"`:        func(s *kernels.CircuitState) { s.Populations[1].Name = "j" },
	`population "e" has 1 planes, want 2`:  func(s *kernels.CircuitState) { s.Populations[0].Planes = s.Populations[0].Planes[:1] },
	`"x" has 1 planes, want 0`:             func(s *kernels.CircuitState) { s.Populations[2].Planes = [][]float32{{1}} },
	`"e": V has 79 numbers, want 80`:       func(s *kernels.CircuitState) { s.Populations[0].Planes[0] = make([]float32, 79) },
	"number 3 of V is NaN":                 func(s *kernels.CircuitState) { s.Populations[0].Planes[0][3] = float32(math.NaN()) },
	"has 2 currents":                       func(s *kernels.CircuitState) { s.Populations[1].Currents = s.Populations[1].Currents[:2] },
	"number 0 of current 1 is +Inf":        func(s *kernels.CircuitState) { s.Populations[1].Currents[1][0] = float32(math.Inf(1)) },
	"what is due of synapse 2 has 5 numbe": func(s *kernels.CircuitState) { s.Populations[1].Due[2] = make([]float32, 5) },
}

// resumes stops a run within the longest delay, at the end of a table of steps, and beside it. After
// each stop the run goes on in a new plan of the other device.
func resumes(t *testing.T, dev, other kernels.Device, c *kernels.Circuit) {
	lengths := []int{0, 1, 4, 11, 240, 1, 255, 188}
	total := 0
	for _, n := range lengths {
		total += n
	}
	whole := newCircuit(t, dev, c)
	want := goOn(t, whole, total)
	end, err := whole.State()
	if err != nil {
		t.Fatal(err)
	}
	var got kernels.CircuitRecord
	plan := newCircuit(t, other, c)
	for i, n := range lengths {
		got = joined(got, goOn(t, plan, n))
		state, err := plan.State()
		if err != nil {
			t.Fatal(err)
		}
		next := []kernels.Device{dev, other}[i%2]
		if plan = newCircuit(t, next, c); i%3 == 0 {
			goOn(t, plan, 7) // what a plan did before leaves nothing
		}
		if err := plan.SetState(state); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got.Spikes, want.Spikes) || !reflect.DeepEqual(got.V, want.V) {
		t.Errorf("%d spikes with stops differ from the %d without", len(got.Spikes), len(want.Spikes))
	}
	state, err := plan.State()
	if err != nil {
		t.Fatal(err)
	}
	if state.Step != int64(total) || !reflect.DeepEqual(state, end) {
		t.Errorf("the state before step %d differs from the one before step %d of a run without stops", state.Step, end.Step)
	}
}

// refusesStates wants a state that does not fit to be refused in one line, and to leave the plan as it was.
func refusesStates(t *testing.T, dev kernels.Device, c *kernels.Circuit, bad map[string]func(*kernels.CircuitState)) {
	plan := newCircuit(t, dev, c)
	goOn(t, plan, 50)
	before, err := plan.State()
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range bad {
		s, err := plan.State()
		if err != nil {
			t.Fatal(err)
		}
		s.Populations[0].Planes[0][0]++ // which would be seen if a part were taken
		spoil(s)
		if err := plan.SetState(s); !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if after, err := plan.State(); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("refused states leave another one (%v)", err)
	}
}
