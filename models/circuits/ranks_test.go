package circuits

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"galvani/engine/group"
	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// drawnOn draws a network on ranks that are goroutines.
func drawnOn(b *Blueprint, seed uint64, ranks int) (all []*kernels.Circuit, errs []error) {
	all, errs = make([]*kernels.Circuit, ranks), make([]error, ranks)
	var wait sync.WaitGroup
	for i, g := range group.DryRun(ranks) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			all[i], errs[i] = b.DrawOn(seed, g)
		}()
	}
	wait.Wait()
	return all, errs
}

// everyRule joins two populations by every rule, with weights and delays of every form.
func everyRule() *Blueprint {
	const n, m = 300, 190
	b := &Blueprint{Step: 0.1}
	for _, p := range []kernels.Population{{Name: "a", N: n}, {Name: "b", N: m}, {Name: "c", N: n}, {Name: "d", N: 2 * m}} {
		p.Synapses = []float64{5}
		b.Populations = append(b.Populations, Population{Population: p})
	}
	one, spread, far := Spread{A: 1}, Spread{Form: Normal, A: 1, B: 0.5}, Spread{Form: Uniform, A: 0.1, B: 3}
	edges := sparse.OneToOne(n).Only(70, 280)
	list := make([]float64, edges.Len())
	for k := range list {
		list[k] = random.New(1).Uniform(uint64(k))
	}
	few := func(k int) Connection {
		return Connection{From: 0, To: 2, Rule: MeanInDegree, Entries: k, Weight: spread, Delay: far}
	}
	b.Connections = []Connection{
		{From: 0, To: 1, P: 0.1, Weight: one, Delay: one},
		{From: 0, To: 0, P: 0.2, Weight: spread, Delay: far},
		{From: 0, To: 0, P: 0.2, Autapses: true, Weight: Spread{Form: Lognormal, A: -1, B: 0.5}, Delay: one},
		{From: 1, To: 1, Rule: InDegree, Degree: 7, Weight: one, Delay: far},
		{From: 1, To: 0, Rule: MeanInDegree, Entries: 900, Weight: spread, Delay: far},
		{From: 1, To: 0, Rule: AllToAll, Weight: one, Delay: one},
		{From: 0, To: 2, Rule: OneToOne, Weight: far, Delay: far},
		{From: 0, To: 2, Rule: Edges, Edges: edges, Weight: given(list), Delay: one},
		{From: 3, To: 1, Rule: Digits, Degree: 2, Weight: one, Delay: one},
		few(0), few(1), few(2),
	}
	for i := range b.Connections {
		b.Connections[i].stream = fmt.Sprint("connection ", i)
	}
	return b
}

// TestDrawOn: what 2, 3 and 4 ranks draw is what each of them has of the network that one draws, and none has more.
func TestDrawOn(t *testing.T) {
	nets := map[string]*Blueprint{"every rule": everyRule(), "vogels": load(t, "vogels", "n=600"), "microcircuit": load(t, "microcircuit", "scale=0.01")}
	nets["drawn again"] = load(t, "balanced", "n=300")
	nets["drawn again"].Regenerate()
	for name, b := range nets {
		whole, err := b.Draw(5)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{2, 3, 4} {
			all, errs := drawnOn(b, 5, n)
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			most := b.SizeOn(n)
			for rank, c := range all {
				if !reflect.DeepEqual(c.Populations, whole.Populations) {
					t.Errorf("%s: rank %d of %d has other populations", name, rank, n)
				}
				entries := 0.0
				for i, p := range c.Projections {
					want := whole.Projections[i].Shared(rank, n)
					p.Matrix.Col, want.Matrix.Col = append([]int32{}, p.Matrix.Col...), append([]int32{}, want.Matrix.Col...) // nil where empty
					if !reflect.DeepEqual(p.Matrix, want.Matrix) || !slices.Equal(p.Weight, want.Weight) || !slices.Equal(p.Delay, want.Delay) || !reflect.DeepEqual(p.Share, want.Share) {
						t.Errorf("%s: rank %d of %d: projection %d has %d entries, %d weights, %d delays and the share %+v, want %d, %d, %d and %+v", name, rank, n, i,
							p.Matrix.Len(), len(p.Weight), len(p.Delay), p.Share, want.Matrix.Len(), len(want.Weight), len(want.Delay), want.Share)
					}
					if p.Len() != whole.Projections[i].Len() {
						t.Errorf("%s: %d ranks have %d entries of projection %d, want %d", name, n, p.Len(), i, whole.Projections[i].Len())
					}
					if p.Plasticity == nil {
						entries += float64(p.Matrix.Len())
					}
				}
				if entries > most.Entries+6*math.Sqrt(most.Entries) {
					t.Errorf("%s: rank %d of %d has %g entries, and %g at most are expected", name, rank, n, entries, most.Entries)
				}
			}
		}
	}
}

// TestDrawOnFails: all ranks hear of what one cannot draw.
func TestDrawOnFails(t *testing.T) {
	b := everyRule()
	b.Connections[3].Degree = 1000
	_, errs := drawnOn(b, 1, 2)
	for rank, err := range errs {
		if !errors.Is(err, sparse.ErrShape) || !strings.Contains(err.Error(), "1000 connections to each unit") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}
