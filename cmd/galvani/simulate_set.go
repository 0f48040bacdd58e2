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
	points "galvani/kernels/neurons"
	"galvani/models/circuits"
)

// stateForm is what --set takes: a population, a variable, the units of a range, a number.
var stateForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*)\.([A-Za-z][A-Za-z0-9_-]*)(?:\[([0-9]+)(?::([0-9]+))?\])?=(.+)$`)

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
		if err := setOne(net, state, text); err != nil {
			return fmt.Errorf("%w: --set %s: %w", config.ErrConfig, text, err)
		}
	}
	if err := plan.SetState(state); err != nil {
		return fmt.Errorf("%w: --set: %w", config.ErrConfig, err)
	}
	return nil
}

// setOne sets some numbers of a state.
func setOne(net *circuits.Blueprint, state *kernels.CircuitState, text string) error {
	part := stateForm.FindStringSubmatch(text)
	if part == nil {
		return errors.New("want POPULATION.VARIABLE=NUMBER or POPULATION.VARIABLE[FIRST:END]=NUMBER, such as e.V[0:10]=-60")
	}
	var names []string
	for _, p := range net.Populations {
		if !p.Source() {
			names = append(names, p.Name)
		}
	}
	at := slices.IndexFunc(net.Populations, func(p circuits.Population) bool { return p.Name == part[1] && !p.Source() })
	if at < 0 {
		return fmt.Errorf("an %s", setting.Unknown("population", part[1], names))
	}
	p, into := net.Populations[at], state.Populations[at]
	h, _ := points.Of(p.Header) // the plan has found it
	var known []string
	var values []float32
	for k, plane := range h.Planes {
		if known = append(known, plane.Name); plane.Name == part[2] {
			values = into.Planes[k]
		}
	}
	for k, name := range p.SynapseNames {
		if known = append(known, name); name == part[2] && values == nil {
			values = into.Currents[k]
		}
	}
	if values == nil {
		return fmt.Errorf("an %s", setting.Unknown("variable or synapse", part[2], known))
	}
	first, end := 0, p.N
	if part[3] != "" {
		var bad error
		if first, bad = strconv.Atoi(part[3]); bad == nil {
			end = first + 1
			if part[4] != "" {
				end, bad = strconv.Atoi(part[4])
			}
		}
		if bad != nil || first >= end || end > p.N {
			return fmt.Errorf("population %s has the units 0 to %d, and a range FIRST:END ends before END", p.Name, p.N-1)
		}
	}
	x, err := strconv.ParseFloat(part[5], 32)
	if err != nil || x-x != 0 {
		return fmt.Errorf("%s is no finite number", part[5])
	}
	for u := first; u < end; u++ {
		values[u] = float32(x)
	}
	return nil
}
