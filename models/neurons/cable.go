package neurons

import (
	"errors"
	"fmt"
	"math"

	"galvani/kernels/sparse"
)

// ErrCable marks sections or a membrane that describe no cable.
var ErrCable = errors.New("bad cable")

// Membrane is what all compartments share.
type Membrane struct {
	Capacity float64 // µF/cm²
	Leak     float64 // S/cm²
	Axial    float64 // resistivity of the inside, Ω·cm
}

// Section is an unbranched cylinder in compartments of equal length.
type Section struct {
	Parent           int     // the section to whose far end it is joined, an earlier one; -1 for none
	Length, Diameter float64 // µm
	Compartments     int
}

// Cable is a passive neuron: compartments on a tree with a leak to rest, sealed at all ends,
//
//	c_i dv_i/dt = −l_i v_i + Σ_j g_ij (v_j − v_i) + I_i .
//
// A compartment is its centre, joined by the axial resistances of the halves between. Where several
// sections meet, and at the end of each that has others, lies a node without membrane, so that halves
// meet there exactly. Units are the compartments of all sections, in order, and then the nodes.
//
// Voltages are in mV from rest, currents in nA, conductances in µS, capacities in nF, time in ms.
//
// Source: Rall (1959), doi:10.1016/0014-4886(59)90046-9, for the equations; Hines (1984),
// doi:10.1016/0020-7101(84)90008-4, for the solver.
type Cable struct {
	Capacity []float64 // c [units], 0 of a node
	Leak     []float64 // l [units], 0 of a node

	mesh
	membrane  Membrane
	sections  []Section
	tree      sparse.Tree
	rest, off []float64 // scratch, in the order of the tree
	side      []float64
}

// NewCable divides sections into compartments.
//
// Errors: ErrCable for sizes that are not positive and finite, or a parent that comes later.
func NewCable(m Membrane, sections []Section) (*Cable, error) {
	if !positive(m.Capacity, m.Leak, m.Axial) || len(sections) == 0 {
		return nil, fmt.Errorf("neurons: membrane %+v with %d sections, want positive numbers and a section: %w", m, len(sections), ErrCable)
	}
	c := &Cable{membrane: m, sections: sections}
	branches := make([]branch, len(sections))
	for i, s := range sections {
		if !positive(s.Length, s.Diameter) || s.Compartments < 1 || s.Parent < -1 || s.Parent >= i {
			return nil, fmt.Errorf("neurons: section %d is %+v, want positive sizes and an earlier parent: %w", i, s, ErrCable)
		}
		branches[i] = branch{parent: s.Parent, at: 1, path: cylinder(s.Length, s.Diameter), compartments: s.Compartments, axial: m.Axial}
	}
	c.mesh = newMesh(branches)
	for _, area := range c.area {
		c.Capacity, c.Leak = append(c.Capacity, m.Capacity*area*1e-5), append(c.Leak, m.Leak*area*1e-2)
	}
	var err error
	if c.tree, err = sparse.NewTree(len(c.Leak), c.from, c.to); err != nil {
		return nil, fmt.Errorf("neurons: %w", err)
	}
	c.rest, c.off, c.side = make([]float64, len(c.Leak)), make([]float64, len(c.Leak)), make([]float64, len(c.Leak))
	return c, nil
}

// positive tells whether all numbers are positive and finite.
func positive(numbers ...float64) bool {
	for _, x := range numbers {
		if !(x > 0) || math.IsInf(x, 1) {
			return false
		}
	}
	return true
}

// Units returns the number of compartments and nodes.
func (c *Cable) Units() int { return len(c.Leak) }

// At returns the unit of compartment k of a section.
func (c *Cable) At(section, k int) int { return c.first[section] + k }

// Lambda returns the length constant of a section, in µm: √(d / (4 R_i g_L)).
func (c *Cable) Lambda(section int) float64 {
	return 1e4 * math.Sqrt(c.sections[section].Diameter*1e-4/(4*c.membrane.Axial*c.membrane.Leak))
}

// solve solves (capacity/dt + leak + axial) v = b in place, capacities left out for an infinite dt.
// The matrix is symmetric, so the adjoint of a step is the same solve.
func (c *Cable) solve(dt float64, b []float64) {
	t := &c.tree
	for k, u := range t.Unit {
		c.rest[k], c.side[k] = c.Capacity[u]/dt+c.Leak[u], b[u]
		if e := t.Edge[k]; e >= 0 {
			c.off[k] = c.Axial[e]
		}
	}
	t.Solve(c.rest, c.off, c.side)
	for k, u := range t.Unit {
		b[u] = c.side[k]
	}
}

// Steady returns the voltages [units] that a constant current [units] leads to.
func (c *Cable) Steady(current []float64) []float64 {
	v := append([]float64(nil), current...)
	c.solve(math.Inf(1), v)
	return v
}

// Run steps from the voltages v0 [units] by backward Euler, with a current [units] for each step, and
// returns the voltages before the first and after each step. It is stable for any dt, and of first
// order in it.
func (c *Cable) Run(dt float64, v0 []float64, current [][]float64) [][]float64 {
	v := [][]float64{append([]float64(nil), v0...)}
	for t, in := range current {
		next := append([]float64(nil), in...)
		for u := range next {
			next[u] += c.Capacity[u] / dt * v[t][u]
		}
		c.solve(dt, next)
		v = append(v, next)
	}
	return v
}

// Gradient is that of a number that depends on the voltages of a run.
type Gradient struct {
	First   []float64   // of v0 [units]
	Current [][]float64 // of the current of each step
	Leak    []float64   // [units]
	Axial   []float64   // [edges]
}

// Adjoint returns the gradient of a number whose derivatives by the voltages v of a Run are dv, of the
// same shape.
func (c *Cable) Adjoint(dt float64, v, dv [][]float64) Gradient {
	steps := len(v) - 1
	g := Gradient{Current: make([][]float64, steps), Leak: make([]float64, c.Units()), Axial: make([]float64, len(c.Axial))}
	carry := append([]float64(nil), dv[steps]...)
	for t := steps - 1; t >= 0; t-- {
		c.solve(dt, carry) // now that of the right side
		g.Current[t] = append([]float64(nil), carry...)
		after := v[t+1]
		for u, x := range carry {
			g.Leak[u] -= x * after[u]
		}
		for e := range g.Axial {
			i, j := c.from[e], c.to[e]
			g.Axial[e] -= (carry[i] - carry[j]) * (after[i] - after[j])
		}
		for u := range carry {
			carry[u] = carry[u]*c.Capacity[u]/dt + dv[t][u]
		}
	}
	g.First = carry
	return g
}
