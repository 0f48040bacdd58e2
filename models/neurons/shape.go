package neurons

import (
	"math"
	"slices"
	"strconv"

	"galvani/engine/setting"
)

// shape reads the sections, or a morphology, and divides them.
func (r *reader) shape() {
	sections := r.list("section")
	m := r.sub("morphology")
	if r.doc.err != nil {
		return
	}
	var branches []branch
	switch has := len(m.values) > 0; {
	case has && len(sections) > 0:
		m.fail("", "stands beside [[section]] tables; delete one or the other")
	case has:
		branches = r.morphology(m)
	case len(sections) == 0:
		r.fail("", "has no shape; add a [[section]] with name, length and diameter, or a [morphology] with a file")
	default:
		branches = r.cylinders(sections)
	}
	m.done()
	if r.doc.err != nil {
		return
	}
	total := 0
	for _, b := range branches {
		if total += b.compartments; total > mostCompartments {
			r.fail("", "has more than %d compartments; divide it less finely", mostCompartments)
			return
		}
	}
	n := r.n
	n.mesh = newMesh(branches)
	if r.sizes(); r.doc.err != nil {
		return
	}
	n.kind = make([]int, len(n.mesh.area))
	for u, i := range n.mesh.owner {
		n.kind[u] = n.Sections[i].Region
	}
	for i, g := range n.Regions {
		if !slices.ContainsFunc(n.Sections, func(p Piece) bool { return p.Region == i }) {
			(&table{doc: r.doc, path: "region." + g.Name}).fail("", "has no section; delete it, or let one be of it")
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
			r.fail("", "has a compartment of %.4g µm² in section %s, want %g to %g; look at lengths, diameters and units", a, r.n.Sections[i].Name, 1/mostArea, mostArea)
			return
		}
	}
	for _, g := range m.Axial {
		if !(g > 0 && g <= math.MaxFloat32) {
			r.fail("", "has neighbours with %.4g µS between them; look at lengths, diameters and axial resistivities", g)
			return
		}
	}
}

// cylinders reads sections of one diameter.
func (r *reader) cylinders(sections []*table) []branch {
	n := r.n
	var branches []branch
	for _, t := range sections {
		p := Piece{Name: t.name("name"), Parent: -1}
		t.known = append(t.known, "region", "parent", "at")
		if slices.ContainsFunc(n.Sections, func(other Piece) bool { return other.Name == p.Name }) {
			t.fail("name", "is %q, as that of a section before; give each a name of its own", p.Name)
		}
		key := "name"
		if t.has("region") {
			key = "region"
		}
		p.Region = r.region(t, key, t.words("region", p.Name))
		at := 1.0
		if t.has("parent") {
			p.Parent = t.section("parent", n.Sections)
			at = t.number("at", 1, 0, 1)
		} else if len(n.Sections) > 0 {
			t.fail("", "has no parent; name the section that it is joined to, such as parent = %q", n.Sections[0].Name)
		}
		p.Length, p.Diameter = t.must("length", length, aboveZero), t.must("diameter", length, aboveZero)
		b := branch{parent: p.Parent, at: at, path: cylinder(p.Length, p.Diameter)}
		if t.doc.err == nil {
			b.axial = n.Regions[p.Region].Axial
			p.Compartments = r.division(t, &b, n.Regions[p.Region])
			b.compartments = p.Compartments
		}
		t.done()
		n.Sections, branches = append(n.Sections, p), append(branches, b)
		if len(n.Sections) > 1 || p.Compartments > 1 {
			r.axial(t, n.Sections)
		}
		if t.doc.err != nil {
			return nil
		}
	}
	return branches
}

// axial refuses sections that are joined without a resistance.
func (r *reader) axial(t *table, sections []Piece) {
	for _, s := range sections {
		if g := r.n.Regions[s.Region]; g.Axial == 0 {
			(&table{doc: t.doc, path: "region." + g.Name}).fail("", "has no axial, and section %q has neighbours; add one, such as axial = %q", s.Name, "100 ohm cm")
		}
	}
}

// region returns the number of a region.
func (r *reader) region(t *table, key, name string) int {
	var known []string
	for i, g := range r.n.Regions {
		if g.Name == name {
			return i
		}
		known = append(known, g.Name)
	}
	t.fail(key, "is an %s; a region is a table [region.NAME]", setting.Unknown("region", name, known))
	return 0
}

// division reads how a section is cut: into a number of compartments, or by d_lambda and longest.
func (r *reader) division(t *table, b *branch, g Region) int {
	if t.has("compartments") {
		return t.integer("compartments", 1, 1, mostCompartments)
	}
	t.known = append(t.known, "compartments")
	return t.rule(b, g, 0)
}

// rule divides by d_lambda, the longest part of a length constant at 100 Hz, and longest, a length. Otherwise
// is what d_lambda is where it is not given, 0 for no such limit.
func (t *table) rule(b *branch, g Region, otherwise float64) int {
	part, longest := t.number("d_lambda", otherwise, 1e-3, 10), t.quantity("longest", length, 0, aboveZero)
	if t.doc.err != nil {
		return 1
	}
	if part > 0 && b.axial == 0 {
		t.fail("d_lambda", "needs the axial resistivity of region %s; add one, such as axial = %s", g.Name, strconv.Quote("100 ohm cm"))
		return 1
	}
	return min(b.divide(part, longest, g.Capacity), mostCompartments+1)
}
