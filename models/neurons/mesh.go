package neurons

import "math"

// point is a diameter at a place along a branch, both in µm.
type point struct{ s, d float64 }

// cylinder returns the path of a branch of one diameter.
func cylinder(length, diameter float64) []point { return []point{{0, diameter}, {length, diameter}} }

// branch is an unbranched neurite in compartments of equal length.
type branch struct {
	parent       int     // an earlier branch; -1 for none
	at           float64 // where along the parent it begins, 0 to 1
	path         []point // s rising from 0; between points the diameter changes evenly
	compartments int
	axial        float64 // Ω·cm
}

func (b *branch) length() float64 { return b.path[len(b.path)-1].s }

// mesh is a tree of compartments. Its units are the compartments of all branches, in order, and then the
// nodes without membrane where branches meet.
type mesh struct {
	Axial    []float64 // [edges], µS
	area     []float64 // [units], µm², 0 of a node
	from, to []int32   // [edges]
	first    []int     // compartment of each branch
	owner    []int     // branch of each compartment
	branches []branch
	node     map[end]int
}

// end is an end of a branch, the near one or the far one.
type end struct {
	branch int
	far    bool
}

// newMesh divides branches. A compartment is its centre, joined by the axial resistances of the halves
// between.
func newMesh(branches []branch) mesh {
	m := mesh{branches: branches, node: map[end]int{}}
	for i := range branches {
		b := &branches[i]
		m.first = append(m.first, len(m.area))
		for k := range b.compartments {
			area, _ := b.between(b.place(2*k), b.place(2*k+2))
			m.area, m.owner = append(m.area, area), append(m.owner, i)
		}
	}
	for i := range branches {
		b := &branches[i]
		for k := 1; k < b.compartments; k++ {
			_, r := b.between(b.place(2*k-1), b.place(2*k+1))
			m.edge(m.first[i]+k-1, m.first[i]+k, 1/r)
		}
		if b.parent >= 0 {
			m.edge(m.joint(b.parent, b.at), m.first[i], m.half(i, false))
		}
	}
	return m
}

// place returns where half compartment k of the branch begins.
func (b *branch) place(k int) float64 { return b.length() * float64(k) / float64(2*b.compartments) }

// joint returns the unit at a place of a branch: a node at its ends, and a compartment between.
func (m *mesh) joint(i int, at float64) int {
	b := &m.branches[i]
	if at > 0 && at < 1 {
		return m.at(i, at)
	}
	e := end{i, at >= 1}
	if !e.far && b.parent >= 0 {
		return m.joint(b.parent, b.at)
	}
	unit, there := m.node[e]
	if !there {
		unit = len(m.area)
		m.area, m.node[e] = append(m.area, 0), unit
		last := m.first[i]
		if e.far {
			last += b.compartments - 1
		}
		m.edge(last, unit, m.half(i, e.far))
	}
	return unit
}

// at returns the compartment at a place of a branch, 0 to 1.
func (m *mesh) at(i int, place float64) int {
	n := m.branches[i].compartments
	return m.first[i] + min(n-1, max(0, int(place*float64(n))))
}

// half returns the conductance of the half compartment at an end of a branch, in µS.
func (m *mesh) half(i int, far bool) float64 {
	b, k := &m.branches[i], 0
	if far {
		k = 2*b.compartments - 1
	}
	_, r := b.between(b.place(k), b.place(k+1))
	return 1 / r
}

func (m *mesh) edge(i, j int, g float64) {
	m.from, m.to, m.Axial = append(m.from, int32(i)), append(m.to, int32(j)), append(m.Axial, g)
}

// between returns the area of the side in µm², and the axial resistance in MΩ, of the cut cones between
// two places of a branch.
func (b *branch) between(from, to float64) (area, resistance float64) {
	for i := 1; i < len(b.path); i++ {
		p, q := b.path[i-1], b.path[i]
		lo, hi := max(from, p.s), min(to, q.s)
		if lo >= hi {
			continue
		}
		slope, length := (q.d-p.d)/(q.s-p.s), hi-lo
		d, e := p.d+slope*(lo-p.s), p.d+slope*(hi-p.s)
		area += math.Pi * (d + e) / 2 * math.Hypot(length, (e-d)/2)
		resistance += b.axial * 1e-2 * length / (math.Pi * d * e / 4)
	}
	return area, resistance
}

// electrotonic returns the length of the branch in length constants at a frequency in Hz, for a capacity
// in µF/cm²: dx/λ with λ = √(d / (4π f R C)).
func (b *branch) electrotonic(hertz, capacity float64) (sum float64) {
	for i := 1; i < len(b.path); i++ {
		p, q := b.path[i-1], b.path[i]
		lambda := 1e5 * math.Sqrt((p.d+q.d)/2/(4*math.Pi*hertz*b.axial*capacity)) // µm
		sum += (q.s - p.s) / lambda
	}
	return sum
}

// divide returns into how many compartments a branch is cut: an odd number, so that one has its centre in
// the middle, in which none is longer than a part of the length constant at 100 Hz, or than longest µm. 0
// is for no limit.
//
// Source: Carnevale and Hines (2006), The NEURON Book, doi:10.1017/CBO9780511541612, for the rule.
func (b *branch) divide(part, longest, capacity float64) int {
	n := 1.0
	if part > 0 {
		n = max(n, b.electrotonic(100, capacity)/part)
	}
	if longest > 0 {
		n = max(n, b.length()/longest)
	}
	return 2*int(math.Ceil((min(n, 4*mostCompartments)-1)/2)) + 1
}
