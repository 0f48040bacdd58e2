package kernels

import "galvani/kernels/neurons"

// CircuitSize is what the memory and the work of a circuit depend on. It may be known before the connections are
// drawn, with the entries that are expected. All counts are float64, so that none overflows.
type CircuitSize struct {
	Units         float64 // of all populations
	State         float64 // numbers from one step to the next, at most
	Arrays        float64 // that these are in, each with a number of every unit of a population
	Rows, Columns float64 // of all matrices
	Entries       float64 // of all matrices
	Largest       float64 // entries of the largest
	Own, Late     float64 // entries with a weight of their own, and those with a delay
	Plastic       float64 // entries whose weight changes
	Drawn         float64 // entries that are drawn again in each step
	Step          float64 // ms
	Shortest      float64 // delay in steps, 0 without projections
}

// usualRate is the rate in Hz by which Work reckons with spikes before any is known.
const usualRate = 10

// Work returns how many steps of units, and spikes that arrive at one, there are between two moments at which the units have
// to know of each other's spikes: in as many steps as the shortest delay has, or in one where weights change.
func (s CircuitSize) Work() float64 {
	steps := max(1, s.Shortest)
	if s.Plastic > 0 {
		steps = 1
	}
	return steps * (s.Units + (s.Entries+s.Drawn)*usualRate*s.Step/1000)
}

// AddPopulation adds a population.
func (s *CircuitSize) AddPopulation(p Population) {
	units := float64(p.N)
	s.Units += units
	if n, ok := neurons.Of(p.Header); ok {
		arrays := float64(len(n.Planes) + 2*len(p.Synapses) + 1) // and the counts of what arrives
		s.State, s.Arrays = s.State+units*arrays, s.Arrays+arrays
	}
}

// AddProjection adds a projection to and from so many units, with delays of so many steps, 0 of none.
func (s *CircuitSize) AddProjection(to, from int, entries float64, shortest, longest int) {
	s.Rows, s.Columns = s.Rows+float64(to), s.Columns+float64(from)
	s.State, s.Arrays = s.State+float64(to)*float64(longest), s.Arrays+float64(longest)
	if shortest > 0 && (s.Shortest == 0 || float64(shortest) < s.Shortest) {
		s.Shortest = float64(shortest)
	}
	s.Entries += entries
	s.Largest = max(s.Largest, entries)
}

// AddPlasticity adds what the projection that was added last has besides where its weights change.
func (s *CircuitSize) AddPlasticity(to, from int, entries float64) {
	s.State, s.Arrays = s.State+entries+traces*float64(to+from), s.Arrays+2*traces
	s.Plastic += entries
}

// traces is how many numbers a device keeps for the trace of a unit, at most.
const traces = 3

// Size returns how large a circuit is that Check takes.
func (c *Circuit) Size() CircuitSize {
	s := CircuitSize{Step: c.Step}
	for _, p := range c.Populations {
		s.AddPopulation(p)
	}
	for _, p := range c.Projections {
		shortest, longest := p.Delays()
		s.AddProjection(p.Matrix.Rows, p.Matrix.Cols, float64(p.Matrix.Len()), shortest, longest)
		if p.Drawn != nil {
			s.Drawn += p.Drawn.Expected
		}
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
