package neurons

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// stem is an unbranched run of samples of one kind.
type stem struct {
	kind   int
	parent int // an earlier stem, -1 for none
	at     float64
	path   []point
	line   int // of its first sample
}

// grow makes stems of a morphology. A soma of one point, or of three of which two are children of the
// first as far away as its radius, is a cylinder as long as it is wide; neurites are joined to its middle
// and begin at their first points.
//
// Source: the form of three points is that of neuromorpho.org/SomaFormat.html.
func (m *morphology) grow() []stem {
	g := grower{morphology: m}
	main := m.roots[0]
	for _, r := range m.roots {
		if m.samples[r].kind == somaKind {
			main = r
			break
		}
	}
	g.root(main)
	if trees := len(m.roots); trees > 1 {
		if m.samples[main].kind == somaKind {
			m.note("the file holds %d trees; the others are joined to the soma without a length between", trees)
		} else {
			m.note("the file holds %d trees and no soma; the others are joined to the start of the first without a length between", trees)
		}
		for _, r := range m.roots {
			if r == main {
				continue
			}
			if s := m.samples[r]; s.kind == somaKind && len(s.children) > 0 {
				m.note("point %d, in line %d, is of another soma, and only where the neurites from it begin", s.id, s.line)
			}
			g.neurite(r, 0, g.hold)
		}
	}
	return g.stems
}

type grower struct {
	*morphology
	stems []stem
	hold  float64 // where on the first stem other trees are joined
}

// root grows the tree that holds the soma.
func (g *grower) root(root int) {
	s := g.samples[root]
	if s.kind == somaKind {
		if rest, what := g.roundSoma(root); what != "" {
			g.note("the soma, %s, is a cylinder of %.4g µm by %.4g µm; neurites begin at their first points and are joined to its middle", what, 2*s.radius, 2*s.radius)
			g.stems, g.hold = append(g.stems, stem{kind: somaKind, parent: -1, at: 1, path: cylinder(2*s.radius, 2*s.radius), line: s.line}), 0.5
			for _, c := range rest {
				g.neurite(c, 0, 0.5)
			}
			return
		}
	}
	if s.kind == somaKind {
		g.note("the soma, %d points, is as wide at each as the file says; neurites begin at the points of it that they are joined to, as wide as at their own first points, or there where it goes on to both sides", g.count(somaKind))
	}
	if len(s.children) == 0 { // a lone point
		g.stems = append(g.stems, stem{kind: s.kind, parent: -1, at: 1, path: cylinder(2*s.radius, 2*s.radius), line: s.line})
		return
	}
	// The first child goes on from the root; others begin where it begins.
	first, children := len(g.stems), slices.Clone(s.children)
	inside := g.inside(root)
	if inside { // the soma is first
		slices.SortStableFunc(children, func(a, b int) int { return cmp.Compare(g.apart(a), g.apart(b)) })
	}
	for k, c := range children {
		parent, at := -1, 1.0
		if k > 0 {
			parent, at = first, 0
		}
		if inside && g.apart(c) > 0 {
			g.neurite(c, parent, at)
		} else {
			g.follow(c, parent, at, g.begin(root, c))
		}
	}
}

// apart is 0 for a sample of the soma, and 1 for others.
func (g *grower) apart(i int) int {
	if g.samples[i].kind == somaKind {
		return 0
	}
	return 1
}

// inside tells whether a sample is of the soma and not an end of it: a neurite that is joined there leaves the soma on its
// way, and begins at its own first point, as in NEURON (which joins it to the middle of the soma where that does not fork).
func (g *grower) inside(i int) bool {
	s, near := g.samples[i], 0
	if s.kind != somaKind {
		return false
	}
	if s.parent >= 0 && g.samples[s.parent].kind == somaKind {
		near++
	}
	for _, c := range s.children {
		near += 1 - g.apart(c)
	}
	return near > 1
}

// count is how many samples are of a kind.
func (g *grower) count(kind int) (n int) {
	for _, s := range g.samples {
		if s.kind == kind {
			n++
		}
	}
	return n
}

// roundSoma tells whether the soma is one point, or three in the standard form, in words, and returns what
// grows from it.
func (g *grower) roundSoma(root int) (rest []int, what string) {
	s := g.samples[root]
	var soma []int
	for _, c := range s.children {
		if g.samples[c].kind == somaKind {
			soma = append(soma, c)
		} else {
			rest = append(rest, c)
		}
	}
	switch len(soma) {
	case 0:
		return rest, "one point"
	case 2:
		for _, c := range soma {
			p := g.samples[c]
			if math.Abs(distance(s, p)-s.radius) > 0.1*s.radius || slices.ContainsFunc(p.children, func(k int) bool { return g.samples[k].kind == somaKind }) {
				return nil, ""
			}
			rest = append(rest, p.children...)
		}
		return rest, "three points"
	}
	return nil, ""
}

// neurite grows from a sample that begins a neurite: its path begins there, and where that would be all
// of it, at its parent.
func (g *grower) neurite(i, parent int, at float64) {
	s := g.samples[i]
	if len(s.children) == 0 {
		path := cylinder(2*s.radius, 2*s.radius)
		if s.parent >= 0 && distance(s, g.samples[s.parent]) > 0 {
			path = cylinder(distance(s, g.samples[s.parent]), 2*s.radius)
		}
		g.stems = append(g.stems, stem{kind: s.kind, parent: parent, at: at, path: path, line: s.line})
		return
	}
	for _, c := range s.children {
		g.follow(c, parent, at, g.begin(i, c))
	}
}

// begin is the first point of a path from a sample to its child. A neurite of the soma keeps its own diameter; one that
// leaves a neurite of another kind, such as an axon a dendrite, begins with the diameter there, as in NEURON.
func (g *grower) begin(from, to int) point {
	if a, b := g.samples[from].kind, g.samples[to].kind; a != b && (a == somaKind || b == somaKind) {
		return point{0, 2 * g.samples[to].radius}
	}
	if r := g.samples[to].begins; r > 0 {
		return point{0, 2 * r}
	}
	return point{0, 2 * g.samples[from].radius}
}

// follow grows the stem through sample i, whose path begins at its parent, and those behind it.
func (g *grower) follow(i, parent int, at float64, begin point) {
	type task struct {
		i, parent int
		at        float64
		begin     point
	}
	todo := []task{{i, parent, at, begin}}
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		st := stem{kind: g.samples[t.i].kind, parent: t.parent, at: t.at, path: []point{t.begin}, line: g.samples[t.i].line}
		at := t.i
		for {
			s := g.samples[at]
			st.path = append(st.path, point{st.path[len(st.path)-1].s + distance(s, g.samples[s.parent]), 2 * s.radius})
			if len(s.children) != 1 || g.samples[s.children[0]].kind != s.kind {
				break
			}
			at = s.children[0]
		}
		here := len(g.stems)
		g.stems = append(g.stems, st)
		inside := g.inside(at)
		for _, c := range slices.Backward(g.samples[at].children) {
			if inside && g.apart(c) > 0 {
				g.neurite(c, here, 1)
			} else {
				todo = append(todo, task{c, here, 1, g.begin(at, c)})
			}
		}
	}
}

// morphology reads an SWC file, and which region is meant by which kind of its points.
func (r *reader) morphology(t table) []branch {
	if !t.Need("file", strconv.Quote("cell.swc")) {
		return nil
	}
	file, unit := t.Words("file", ""), ""
	if t.Has("unit") {
		unit = []string{"um", "nm"}[t.OneOf("unit", []string{"um", "nm"})]
	}
	t.Spend("unit", "types")
	text, err := r.open(file)
	if err != nil {
		t.Fail("file", "cannot be read: %v", err)
		return nil
	}
	m, err := readSWC(file, text, unit)
	if err != nil {
		t.Put(err)
		return nil
	}
	types := t.sub("types")
	regions := map[int]int{}
	stems := m.grow()
	counts := map[int]int{}
	for _, s := range stems {
		counts[s.kind]++
	}
	var branches []branch
	seen := map[int]int{}
	for _, s := range stems {
		region, ok := regions[s.kind]
		if !ok {
			key := strconv.Itoa(s.kind)
			where, at, named := t, "file", types.Has(key)
			if named {
				where, at = types, key
			}
			if region = r.region(where, at, types.Words(key, kindName(s.kind)), named); t.Err() != nil {
				t.Err().(*Mistake).What += fmt.Sprintf("; %s has points of kind %d in line %d", file, s.kind, s.line)
				return nil
			}
			regions[s.kind] = region
		}
		p := Piece{Name: kindName(s.kind), Region: region, Parent: s.parent, Length: s.path[len(s.path)-1].s}
		if counts[s.kind] > 1 {
			p.Name += strconv.Itoa(seen[s.kind])
		}
		seen[s.kind]++
		b := branch{parent: s.parent, at: s.at, path: s.path, axial: r.n.Regions[region].Axial}
		if !(p.Length > 0) {
			t.Put(&Mistake{File: file, Line: s.line, What: "begins a section without a length; move the point away from its parent, or delete it"})
			return nil
		}
		p.Diameter = b.mean()
		b.compartments = t.rule(&b, r.n.Regions[region], usualPart)
		if t.Err() != nil {
			return nil
		}
		p.Compartments = b.compartments
		r.n.Sections, branches = append(r.n.Sections, p), append(branches, b)
	}
	for _, key := range types.Names() {
		if n, err := strconv.Atoi(key); err != nil || counts[n] == 0 {
			types.Fail(key, "is no kind of point in %s; delete it", file)
		}
	}
	if len(branches) > 1 || branches[0].compartments > 1 {
		r.axial(t, r.n.Sections)
	}
	if !t.Has("d_lambda") {
		m.note("compartments are at most %g of the length constant at 100 Hz, the usual d_lambda", usualPart)
	}
	r.n.Notes = m.notes
	return branches
}

// usualPart is d_lambda where a file gives none.
const usualPart = 0.1

// mean returns the mean diameter along a branch.
func (b *branch) mean() (d float64) {
	for i := 1; i < len(b.path); i++ {
		d += (b.path[i].s - b.path[i-1].s) * (b.path[i].d + b.path[i-1].d) / 2
	}
	return d / b.length()
}
