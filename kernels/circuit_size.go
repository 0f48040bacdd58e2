package kernels

import "galvani/kernels/neurons"

// CircuitSize is what the memory of a circuit depends on. It may be known before the connections are
// drawn, with the entries that are expected. All counts are float64, so that none overflows.
type CircuitSize struct {
	Units         float64 // of all populations
	State         float64 // numbers from one step to the next, at most
	Rows, Columns float64 // of all matrices
	Entries       float64 // of all matrices
	Largest       float64 // entries of the largest
	Own, Late     float64 // entries with a weight of their own, and those with a delay
	Plastic       float64 // entries whose weight changes
}

// AddPopulation adds a population.
func (s *CircuitSize) AddPopulation(p Population) {
	units := float64(p.N)
	s.Units += units
	if n, ok := neurons.Of(p.Header); ok {
		s.State += units * float64(len(n.Planes)+2*len(p.Synapses)+1) // and the counts of what arrives
	}
}

// AddProjection adds a projection to and from so many units, with delays of at most so many steps.
func (s *CircuitSize) AddProjection(to, from int, entries float64, delay int) {
	s.Rows, s.Columns = s.Rows+float64(to), s.Columns+float64(from)
	s.State += float64(to) * float64(delay)
	s.Entries += entries
	s.Largest = max(s.Largest, entries)
}

// AddPlasticity adds what the projection that was added last has besides where its weights change.
func (s *CircuitSize) AddPlasticity(to, from int, entries float64) {
	s.State += entries + traces*float64(to+from)
	s.Plastic += entries
}

// traces is how many numbers a device keeps for the trace of a unit, at most.
const traces = 3

// Size returns how large a circuit is that Check takes.
func (c *Circuit) Size() CircuitSize {
	var s CircuitSize
	for _, p := range c.Populations {
		s.AddPopulation(p)
	}
	for _, p := range c.Projections {
		_, delay := p.Delays()
		s.AddProjection(p.Matrix.Rows, p.Matrix.Cols, float64(p.Matrix.Len()), delay)
		if p.Plasticity != nil {
			s.AddPlasticity(p.Matrix.Rows, p.Matrix.Cols, float64(p.Matrix.Len()))
		}
		if n := len(p.Weight); n > 1 {
			s.Own += float64(n)
		}
		if n := len(p.Delay); n > 1 {
			s.Late += float64(n)
		}
	}
	return s
}

// Bytes returns the memory of the circuit itself, on the host: its matrices, with a weight of 8 bytes and a
// delay of 2 where entries have their own, and the potentials that it starts from.
func (s CircuitSize) Bytes() float64 { return 4*(s.Entries+s.Rows) + 8*(s.Own+s.Units) + 2*s.Late }
