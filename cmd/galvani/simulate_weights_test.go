package main

import (
	"reflect"
	"sync"
	"testing"

	"galvani/engine/group"
	"galvani/kernels"
	"galvani/kernels/sparse"
	"galvani/models/circuits"
)

// TestLearnedWeights: where each rank has some of the connections, they are drawn once for all that is told and written, and
// that is what one process tells and writes.
func TestLearnedWeights(t *testing.T) {
	network, err := circuits.Load("vogels")
	if err != nil {
		t.Fatal(err)
	}
	net, err := network.Blueprint(network.Step)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := net.Draw(3)
	if err != nil {
		t.Fatal(err)
	}
	state := &kernels.CircuitState{}
	for _, i := range whole.Plastic() {
		s := kernels.PlasticState{Projection: i, Weights: make([]float32, whole.Projections[i].Matrix.Len())}
		for k := range s.Weights {
			s.Weights[k] = float32(k % 7)
		}
		state.Plastic = append(state.Plastic, s)
	}
	want, err := learnedWeights(net, whole, state, true, nil) // which panics if it draws
	if err != nil {
		t.Fatal(err)
	}
	if len(want.reports) == 0 || len(want.charts) != len(want.reports) || len(want.arrays) != 3*len(want.reports) {
		t.Fatalf("%d projections, %d charts, %d arrays", len(want.reports), len(want.charts), len(want.arrays))
	}
	parts, errs := make([]*kernels.Circuit, 2), make([]error, 2)
	var wait sync.WaitGroup
	for rank, g := range group.DryRun(2) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			parts[rank], errs[rank] = net.DrawOn(3, g)
		}()
	}
	wait.Wait()
	for rank, c := range parts {
		if errs[rank] != nil {
			t.Fatal(errs[rank])
		}
		drawn := map[int]int{}
		got, err := learnedWeights(net, c, state, true, func(i int) (*sparse.Matrix, []float64, error) {
			drawn[i]++
			return net.Entries(i, c.Seed)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("rank %d tells or writes other weights than one process", rank)
		}
		for _, i := range c.Plastic() {
			if drawn[i] != 1 {
				t.Errorf("rank %d draws projection %d %d times, want once", rank, i, drawn[i])
			}
		}
	}
}
