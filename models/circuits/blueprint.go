package circuits

import (
	"fmt"

	"galvani/kernels"
	"galvani/kernels/random"
	"galvani/kernels/sparse"
)

// Blueprint is a network before its connections are drawn.
type Blueprint struct {
	Populations []kernels.Population
	Connections []Connection
}

// Connection is a projection that connects each pair of units with probability P, independently.
type Connection struct {
	From, To, Synapse int
	P                 float64
	Weight            float64 // mV·ms
	Delay             int     // steps
}

// Draw draws the connections for a seed, each from the stream of its populations' names, with steps of a
// length in ms.
//
// Errors: those of sparse.Probability.
func (b *Blueprint) Draw(step float64, seed uint64) (*kernels.Circuit, error) {
	c := &kernels.Circuit{Step: step, Seed: seed, Populations: b.Populations}
	for _, q := range b.Connections {
		from, to := b.Populations[q.From], b.Populations[q.To]
		name := from.Name + " to " + to.Name
		m, err := sparse.Probability(to.N, from.N, q.P, true, random.New(seed).Named(name))
		if err != nil {
			return nil, fmt.Errorf("circuits: %s: %w", name, err)
		}
		c.Projections = append(c.Projections, kernels.Projection{From: q.From, To: q.To, Synapse: q.Synapse, Matrix: m,
			Weight: []float64{q.Weight}, Delay: []int{q.Delay}})
	}
	return c, nil
}

// Size returns how large the circuit will be, its entries as they are expected.
func (b *Blueprint) Size() kernels.CircuitSize {
	var s kernels.CircuitSize
	for _, p := range b.Populations {
		s.AddPopulation(p)
	}
	for _, q := range b.Connections {
		from, to := b.Populations[q.From].N, b.Populations[q.To].N
		s.AddProjection(to, from, q.P*float64(from)*float64(to), q.Delay)
	}
	return s
}
