package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/setting"
	"galvani/kernels"
	"galvani/models/circuits"
)

// stateArray is an array of the state of a network, by the names that --set and networks state take: a variable or the
// current of a synapse of each unit of a population, or the weights and traces of a plastic projection.
type stateArray struct {
	of, name, unit string
	each           string // what a number is of, in the plural
	values         []float32
	scale          float64 // of a number that is stored, over one that is told
	// rule is that of weights, nil of all else.
	rule *kernels.Plasticity
}

// stateArrays returns the arrays of a state. Those of a plastic projection are called by its populations, FROM-to-TO.
func stateArrays(net *circuits.Blueprint, state *kernels.CircuitState) (all []stateArray) {
	for i, p := range net.Populations {
		if p.Source() {
			continue
		}
		h, _ := circuits.Unit(p.Header) // the network was read
		for k, plane := range h.Planes {
			all = append(all, stateArray{p.Name, plane.Name, plane.Unit, "units", state.Populations[i].Planes[k], 1, nil})
		}
		for k, name := range p.SynapseNames {
			unit := "mV"
			if _, conductance := p.Reversal(k); conductance {
				unit = "1" // over that of the leak
			}
			all = append(all, stateArray{p.Name, name, unit, "units", state.Populations[i].Currents[k], 1, nil})
		}
	}
	for _, s := range state.Plastic {
		q := net.Connections[s.Projection]
		to := net.Populations[q.To]
		_, jump := kernels.Decay(net.Step, to.Synapses[q.Synapse])
		all = append(all, stateArray{q.Name(), "weight", to.WeightUnit(q.Synapse).Unit, "synapses", s.Weights, jump, q.Plasticity},
			stateArray{q.Name(), "source", "that of the trace", "units", s.Source, 1, nil},
			stateArray{q.Name(), "target", "that of the trace", "units", s.Target, 1, nil})
		all = slices.DeleteFunc(all, func(a stateArray) bool { return len(a.values) == 0 && a.rule == nil }) // rates have no traces
	}
	return all
}

// nameForm is how a part of a state is named: a population or a projection, a variable, and perhaps a range.
const nameForm = `([A-Za-z][A-Za-z0-9_-]*)\.([A-Za-z][A-Za-z0-9_-]*)(?:\[([0-9]+)(?::([0-9]+))?\])?`

var (
	// setForm is what --set takes, and namedForm what networks state takes.
	setForm   = regexp.MustCompile(`^` + nameForm + `=(.+)$`)
	namedForm = regexp.MustCompile(`^` + nameForm + `$`)
)

// within finds the array and the range that the groups of nameForm name.
func within(all []stateArray, part []string) (a stateArray, first, end int, err error) {
	var owners, names []string
	for _, q := range all {
		owners = append(owners, q.of)
		if q.of == part[1] {
			if names = append(names, q.name); q.name == part[2] && a.of == "" {
				a = q
			}
		}
	}
	switch owners = slices.Compact(owners); {
	case len(names) == 0:
		return a, 0, 0, fmt.Errorf("an %s", setting.Unknown("population", part[1], owners))
	case a.of == "":
		return a, 0, 0, fmt.Errorf("an %s", setting.Unknown("variable or synapse", part[2], names))
	}
	end = len(a.values)
	if part[3] == "" {
		return a, 0, end, nil
	}
	first, bad := strconv.Atoi(part[3])
	if end = first + 1; bad == nil && part[4] != "" {
		end, bad = strconv.Atoi(part[4])
	}
	if bad != nil || first >= end || end > len(a.values) {
		return a, 0, 0, fmt.Errorf("%s has the %s 0 to %d, and a range FIRST:END ends before END", a.of, a.each, len(a.values)-1)
	}
	return a, first, end, nil
}

// setState puts numbers of --set into the state of a plan.
func (f *simulateFlags) setState(net *circuits.Blueprint, plan kernels.CircuitPlan) error {
	if len(f.set) == 0 {
		return nil
	}
	state, err := plan.State()
	if err != nil {
		return err
	}
	for _, text := range f.set {
		if err := setOne(stateArrays(net, state), text); err != nil {
			return fmt.Errorf("%w: --set %s: %w", config.ErrConfig, text, err)
		}
	}
	if err := plan.SetState(state); err != nil {
		return fmt.Errorf("%w: --set: %w", config.ErrConfig, err)
	}
	return nil
}

// setOne sets some numbers of a state.
func setOne(all []stateArray, text string) error {
	part := setForm.FindStringSubmatch(text)
	if part == nil {
		return errors.New("want POPULATION.VARIABLE=NUMBER or POPULATION.VARIABLE[FIRST:END]=NUMBER, such as e.V[0:10]=-60 or i-to-e.weight=-20")
	}
	a, first, end, err := within(all, part)
	if err != nil {
		return err
	}
	x, err := strconv.ParseFloat(part[5], 32)
	if err != nil || x-x != 0 {
		return fmt.Errorf("%s is no finite number", part[5])
	}
	if a.rule != nil {
		if m := x * a.rule.Sign; !(m >= 0 && m <= a.rule.Most) {
			return fmt.Errorf("%s is no weight from %s, want one of 0 to %.6g", part[5], a.of, a.rule.Sign*a.rule.Most)
		}
	}
	for u := first; u < end; u++ {
		a.values[u] = float32(x * a.scale)
	}
	return nil
}
