package neurons

import (
	"fmt"
	"math"
	"slices"
)

// Neuron is a neuron as a file describes it. Potentials are in mV, times in ms, lengths in µm, densities in
// S/cm², capacities in µF/cm², resistivities in Ω·cm, concentrations in mM.
type Neuron struct {
	Name, Doc, Source string
	File              string // where it stands
	Start             float64
	Temperature       float64 // degC
	Dt                float64 // of a step where none is asked for
	Threshold         float64 // V that counts as a spike when crossed upwards
	Counts            bool    // crossings of a threshold that the file has, whatever the membrane is
	Regions           []Region
	Sections          []Piece
	Channels          []Channel // Name is what the neuron calls them
	Calcium           *Pool
	Receptors         []Receptor
	Inputs            []Input
	// Records are what a trace shows; spikes are those of the first.
	Records []Record
	// Notes say what was assumed of a morphology.
	Notes []string

	mesh    mesh
	kind    []int              // region of each unit; that of a node is 0
	written map[string]Written // by the name of a number
}

// Region is a part of a neuron with one membrane.
type Region struct {
	Name                        string
	Capacity, Leak, Rest, Axial float64
	Densities                   map[string]float64 // of the channels in it
	Reversals                   map[string]float64 // of channels that have one of their own in it
}

// Reversal returns the reversal potential of a channel in a region.
func (n *Neuron) Reversal(region int, c Channel) float64 {
	if own, ok := n.Regions[region].Reversals[c.Name]; ok {
		return own
	}
	return c.Reversal
}

// ByRegion tells whether the reversal potential of a channel is a number of each region, as one region has its own.
func (n *Neuron) ByRegion(channel string) bool {
	return slices.ContainsFunc(n.Regions, func(r Region) bool {
		_, own := r.Reversals[channel]
		return own
	})
}

// Piece is an unbranched section.
type Piece struct {
	Name             string
	Region           int
	Parent           int // -1 for none
	Length, Diameter float64
	Compartments     int
}

// Pool is calcium below the membrane: ca' = −Gain·i_Ca − (ca − Rest)/Tau.
type Pool struct{ Gain, Rest, Tau, Start float64 }

// Receptor is a kind of synapse; a Rise of 0 is for an exponential.
type Receptor struct {
	Name                  string
	Rise, Decay, Reversal float64
}

// Input is what may be put into compartments: a current into one, or events of a receptor.
type Input struct {
	Name     string
	Receptor int     // -1 for a current
	Units    []int   // one of a current; each has a column of the input of a scan
	Weight   float64 // nA, or µS for each event
	Delay    float64 // ms from an event to its effect
	Per      string  // what 1 of the input is, as the file says it
	Facets   *Facets // whose events come here, nil for none
	Noise    *Noise  // events that come without a cause, nil for none
}

// Record is a compartment whose V is recorded.
type Record struct {
	Name string
	Unit int
}

// Compartments returns the number of compartments, and Nodes that of the points where sections meet.
func (n *Neuron) Compartments() int { return len(n.mesh.owner) }

// Nodes returns the number of nodes without membrane.
func (n *Neuron) Nodes() int { return len(n.mesh.area) - len(n.mesh.owner) }

// Fires tells a neuron that has spikes from one whose membrane is passive, without a gate in any channel.
func (n *Neuron) Fires() bool {
	return n.Counts || slices.ContainsFunc(n.Channels, func(c Channel) bool { return len(c.Gates) > 0 })
}

// Spikes returns the spikes of a trace of the neuron in ms, those of the first place; none of a passive one.
func (n *Neuron) Spikes(t *Trace) []float64 {
	if !n.Fires() {
		return []float64{}
	}
	return t.Crossings(0, n.Threshold)
}

// Area returns the area of the membrane of a region in µm².
func (n *Neuron) Area(region int) (sum float64) {
	for u := range n.mesh.owner {
		if n.kind[u] == region {
			sum += n.mesh.area[u]
		}
	}
	return sum
}

// Places returns a name for each compartment: its section, and its place in it where there are several.
func (n *Neuron) Places() []string {
	names := make([]string, n.Compartments())
	for u, i := range n.mesh.owner {
		names[u] = n.Sections[i].Name
		if many := n.Sections[i].Compartments; many > 1 {
			names[u] += fmt.Sprintf("[%d]", u-n.mesh.first[i])
		}
	}
	return names
}

// Input returns the number of the input of a name, that of the first for an empty one, and -1 for none.
func (n *Neuron) Input(name string) int {
	for i, in := range n.Inputs {
		if in.Name == name || name == "" {
			return i
		}
	}
	return -1
}

// Columns returns how many numbers a step of the neuron takes in: one for each compartment of each input, and
// one at least.
func (n *Neuron) Columns() int { return max(1, n.Column(len(n.Inputs))) }

// Column returns the first column of an input.
func (n *Neuron) Column(input int) (at int) {
	for _, in := range n.Inputs[:input] {
		at += len(in.Units)
	}
	return at
}

// steady returns the start of a gate: its steady state at the start of the neuron.
func (n *Neuron) steady(g Gate) float64 {
	at := n.Start
	if g.follows() {
		at = n.Calcium.Start
	}
	if x := g.Steady(at); !math.IsNaN(x) {
		return x
	}
	return 0
}
