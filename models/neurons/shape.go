package neurons

import (
	"math"
	"slices"
	"strconv"

	"galvani/engine/setting"
	"galvani/models/description"
)

// shape reads the sections, or a morphology, and divides them.
func (r *reader) shape() {
	sections := r.list("section")
	m := r.sub("morphology")
	if r.Err() != nil {
		return
	}
	var branches []branch
	switch has := !m.Empty(); {
	case has && len(sections) > 0:
		m.Fail("", "stands beside [[section]] tables; delete one or the other")
	case has:
		branches = r.morphology(m)
	case len(sections) == 0:
		r.Fail("", "has no shape; add a [[section]] with name, length and diameter, or a [morphology] with a file")
	default:
		branches = r.cylinders(sections)
	}
	m.Done()
	if r.Err() != nil {
		return
	}
	total := 0
	for _, b := range branches {
		if total += b.compartments; total > mostCompartments {
			r.Fail("", "has more than %d compartments; divide it less finely", mostCompartments)
			return
		}
	}
	n := r.n
	n.mesh = newMesh(branches)
	if r.sizes(); r.Err() != nil {
		return
	}
	n.kind = make([]int, len(n.mesh.area))
	for u, i := range n.mesh.owner {
		n.kind[u] = n.Sections[i].Region
	}
	for i, g := range n.Regions {
		if !slices.ContainsFunc(n.Sections, func(p Piece) bool { return p.Region == i }) {
			r.At("region."+g.Name).Fail("", "has no section; delete it, or let one be of it")
		}
	}
}

// mostArea is the largest area of a compartment in µm², as package compartments has it.
const mostArea = 1e12

// sizes refuses what is so large or small that numbers of it run over.
func (r *reader) sizes() {
	m := &r.n.mesh
	for u, i := range m.owner {
		if a := m.area[u]; !(a >= 1/mostArea && a <= mostArea) {
			r.Fail("", "has a compartment of %.4g µm² in section %s, want %g to %g; look at lengths, diameters and units", a, r.n.Sections[i].Name, 1/mostArea, mostArea)
			return
		}
	}
	for _, g := range m.Axial {
		if !(g > 0 && g <= math.MaxFloat32) {
			r.Fail("", "has neighbours with %.4g µS between them; look at lengths, diameters and axial resistivities", g)
			return
		}
	}
}

// cylinders reads sections of one diameter, or of one that changes evenly from end to end.
func (r *reader) cylinders(sections []table) []branch {
	n := r.n
	var branches []branch
	for _, t := range sections {
		p := Piece{Name: t.Name("name"), Parent: -1}
		t.Spend("region", "parent", "at", "end_diameter")
		if slices.ContainsFunc(n.Sections, func(other Piece) bool { return other.Name == p.Name }) {
			t.Fail("name", "is %q, as that of a section before; give each a name of its own", p.Name)
		}
		key := "name"
		if t.Has("region") {
			key = "region"
		}
		p.Region = r.region(t, key, t.Words("region", p.Name), t.Has("region"))
		at := 1.0
		if t.Has("parent") {
			p.Parent = t.section("parent", n.Sections)
			at = t.Number("at", 1, 0, 1)
		} else if len(n.Sections) > 0 {
			t.Fail("", "has no parent; name the section that it is joined to, such as parent = %q", n.Sections[0].Name)
		}
		p.Length, p.Diameter = t.Must("length", length, description.AboveZero), t.Must("diameter", length, description.AboveZero)
		b := branch{parent: p.Parent, at: at, path: cylinder(p.Length, p.Diameter)}
		if t.Has("end_diameter") {
			b.path[1].d = t.Must("end_diameter", length, description.AboveZero)
			p.Diameter = b.mean()
		}
		if t.Err() == nil {
			b.axial = n.Regions[p.Region].Axial
			p.Compartments = r.division(t, &b, n.Regions[p.Region])
			b.compartments = p.Compartments
		}
		t.Done()
		n.Sections, branches = append(n.Sections, p), append(branches, b)
		if len(n.Sections) > 1 || p.Compartments > 1 {
			r.axial(t, n.Sections)
		}
		if t.Err() != nil {
			return nil
		}
	}
	return branches
}

// axial refuses sections that are joined without a resistance.
func (r *reader) axial(t table, sections []Piece) {
	for _, s := range sections {
		if g := r.n.Regions[s.Region]; g.Axial == 0 {
			t.At("region."+g.Name).Fail("", "has no axial, and section %q has neighbours; add one, such as axial = %q", s.Name, "100 ohm cm")
		}
	}
}

// region returns the number of a region. One that no table is of is as [membrane] says; where it is named by itself, and
// others have tables, that is a slip of the pen.
func (r *reader) region(t table, key, name string, named bool) int {
	var known []string
	for i, g := range r.n.Regions {
		if g.Name == name {
			return i
		}
		known = append(known, g.Name)
	}
	if r.common != nil && (r.tables == 0 || !named) {
		g := *r.common
		g.Name, g.Densities = name, map[string]float64{}
		r.n.Regions = append(r.n.Regions, g)
		return len(r.n.Regions) - 1
	}
	remedy := "a region is a table [region.NAME]"
	if !named {
		remedy += ", and [membrane] with capacity, leak and rest is that of all without one"
	}
	t.Fail(key, "is of an %s; %s", setting.Unknown("region", name, known), remedy)
	return 0
}

// division reads how a section is cut: into a number of compartments, or by d_lambda and longest.
func (r *reader) division(t table, b *branch, g Region) int {
	if t.Has("compartments") {
		return t.Integer("compartments", 1, 1, mostCompartments)
	}
	t.Spend("compartments")
	return t.rule(b, g, 0)
}

// rule divides by d_lambda, the longest part of a length constant at 100 Hz, and longest, a length. Otherwise
// is what d_lambda is where it is not given, 0 for no such limit.
func (t table) rule(b *branch, g Region, otherwise float64) int {
	part, longest := t.Number("d_lambda", otherwise, 1e-3, 10), t.Quantity("longest", length, 0, description.AboveZero)
	if t.Err() != nil {
		return 1
	}
	if part > 0 && b.axial == 0 {
		t.Fail("d_lambda", "needs the axial resistivity of region %s; add one, such as axial = %s", g.Name, strconv.Quote("100 ohm cm"))
		return 1
	}
	return min(b.divide(part, longest, g.Capacity), mostCompartments+1)
}
