//go:build cgo

package circuit

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"galvani/engine/group"
	"galvani/kernels"
	"galvani/kernels/conform"
)

// spread runs circuits on the ranks of a dry run, each with the threads of the device.
type spread struct {
	device
	ranks int
}

func (s spread) Name() string { return fmt.Sprint(s.ranks, " ranks x", s.threads) }

func (s spread) NewCircuit(c *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	p := &spreadPlan{}
	for _, g := range group.DryRun(s.ranks) {
		own := *c
		own.Ranks = g
		p.ranks, p.plans = append(p.ranks, g), append(p.plans, New(&own, s.isa, s.threads, each))
	}
	return p, nil
}

// spreadPlan is the plans of all ranks.
type spreadPlan struct {
	ranks []group.Group
	plans []kernels.CircuitPlan
}

// onAll makes a call on all ranks, which ends on all where it fails on one, and wants one result.
func onAll[E any](p *spreadPlan, call func(kernels.CircuitPlan) (E, error)) (E, error) {
	all, errs := make([]E, len(p.plans)), make([]error, len(p.plans))
	var wg sync.WaitGroup
	for i, g := range p.ranks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if all[i], errs[i] = call(p.plans[i]); errs[i] != nil {
				g.Abort(errs[i])
			} else {
				errs[i] = g.Sum(nil, nil)
			}
		}()
	}
	wg.Wait()
	for i := range all {
		if errs[i] == nil && !reflect.DeepEqual(all[i], all[0]) {
			errs[i] = fmt.Errorf("rank %d has another result than rank 0", i)
		}
	}
	return all[0], errors.Join(errs...)
}

func (p *spreadPlan) Run(steps int) (kernels.CircuitRecord, error) {
	return onAll(p, func(q kernels.CircuitPlan) (kernels.CircuitRecord, error) { return q.Run(steps) })
}

func (p *spreadPlan) State() (*kernels.CircuitState, error) {
	return onAll(p, func(q kernels.CircuitPlan) (*kernels.CircuitState, error) { return q.State() })
}

func (p *spreadPlan) SetState(s *kernels.CircuitState) error {
	var last error
	for _, q := range p.plans {
		last = q.SetState(s)
	}
	return last
}

// TestRanks wants the spikes, voltages, weights and states of one process from any number of ranks.
func TestRanks(t *testing.T) {
	for _, s := range []spread{{one, 2}, {device{isa: one.isa, threads: 3}, 3}, {one, 4}} {
		t.Run(s.Name(), func(t *testing.T) {
			conform.Circuit(t, s)
			conform.Drawn(t, s)
			conform.Plastic(t, s, one)
			conform.CircuitState(t, s, one)
		})
	}
}
