package neurons

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
)

// sample is one point of a morphology.
type sample struct {
	line, id, kind, parent int // parent is the place among the samples, -1 for a root
	at                     [3]float64
	radius                 float64
	begins                 float64 // radius at the beginning of a section that it is the first point of, 0 for that of the point before
	children               []int
}

// Kinds of samples.
const (
	somaKind = 1
	axonKind = 2
)

// kindNames are the regions that the kinds of samples stand for.
var kindNames = map[int]string{0: "undefined", somaKind: "soma", axonKind: "axon", 3: "dendrite", 4: "apical"}

// kindName returns the region of a kind.
func kindName(kind int) string {
	if name, ok := kindNames[kind]; ok {
		return name
	}
	return fmt.Sprintf("type%d", kind)
}

// morphology is what an SWC file holds, in µm, with what was assumed of it.
type morphology struct {
	samples []sample
	roots   []int
	notes   []string
}

// longestLine bounds a line of an SWC file.
const longestLine = 1 << 12

// thickest is the median radius from which on a file is taken to be in nanometres: no neurite is 60 µm thick.
const thickest = 30

// readSWC reads lines of id, kind, x, y, z, radius and parent, with # before comments. Unit is um, nm, or
// empty to tell by the radii.
//
// Errors: *Mistake with the line: a number missing or wrong, an id twice, a parent that is not there, a
// radius that is not positive, a cycle.
func readSWC(file string, text []byte, unit string) (*morphology, error) {
	m := &morphology{}
	place := map[int]int{} // by id
	wrong := func(line int, format string, args ...any) error {
		return &Mistake{File: file, Line: line, What: fmt.Sprintf(format, args...)}
	}
	text, err := infile.Plain(text)
	if err != nil {
		return nil, &Mistake{File: file, What: err.Error()}
	}
	err = infile.Lines(bytes.NewReader(text), longestLine, func(n int, line string) error {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			return nil
		}
		s, err := parseSample(fields)
		if err != nil {
			return wrong(n, "%v", err)
		}
		if before, twice := place[s.id]; twice {
			return wrong(n, "point %d is there already, in line %d; give each point a number of its own", s.id, m.samples[before].line)
		}
		s.line, place[s.id] = n, len(m.samples)
		m.samples = append(m.samples, s)
		return nil
	})
	if err != nil {
		if _, is := err.(*Mistake); is {
			return nil, err
		}
		return nil, &Mistake{File: file, What: err.Error()}
	}
	if len(m.samples) == 0 {
		return nil, &Mistake{File: file, What: "has no point; want lines of number, kind, x, y, z, radius and parent"}
	}
	for i := range m.samples {
		s := &m.samples[i]
		if s.parent < 0 {
			m.roots = append(m.roots, i)
			continue
		}
		parent, ok := place[s.parent]
		if !ok {
			return nil, wrong(s.line, "point %d has parent %d, which is not in the file; want one that is, or -1 for a root", s.id, s.parent)
		}
		s.parent = parent
		m.samples[parent].children = append(m.samples[parent].children, i)
	}
	if s := m.cyclic(); s != nil {
		return nil, wrong(s.line, "point %d is its own ancestor; want a tree, with parent -1 at its root", s.id)
	}
	m.scale(unit)
	m.merge()
	return m, nil
}

// parseSample reads the seven fields of a line.
func parseSample(fields []string) (s sample, err error) {
	if len(fields) < 7 {
		return s, fmt.Errorf("has %d fields, want number, kind, x, y, z, radius and parent", len(fields))
	}
	whole := func(i int, name string, lo int) int {
		n, bad := strconv.ParseInt(fields[i], 10, 32)
		if x, floats := strconv.ParseFloat(fields[i], 64); bad != nil && floats == nil && x == math.Trunc(x) && math.Abs(x) < 1<<31 {
			n, bad = int64(x), nil // as some programs write them
		}
		if err == nil && (bad != nil || n < int64(lo)) {
			err = fmt.Errorf("%s is %q, want a whole number from %d on", name, fields[i], lo)
		}
		return int(n)
	}
	s.id, s.kind, s.parent = whole(0, "number", 0), whole(1, "kind", 0), whole(6, "parent", -1)
	for i, x := range []*float64{&s.at[0], &s.at[1], &s.at[2], &s.radius} {
		var bad error
		*x, bad = strconv.ParseFloat(fields[2+i], 64)
		if err == nil && (bad != nil || !(math.Abs(*x) <= 1e12)) {
			err = fmt.Errorf("%s is %q, want a finite number", [4]string{"x", "y", "z", "radius"}[i], fields[2+i])
		}
	}
	switch {
	case err != nil:
	case s.parent == s.id:
		err = fmt.Errorf("point %d is its own parent; want another, or -1 for a root", s.id)
	case !(s.radius > 0):
		err = fmt.Errorf("radius is %s, want more than 0; measure it, or take that of the neighbours", fields[5])
	}
	return s, err
}

// cyclic returns a sample that no root leads to, nil where there is none.
func (m *morphology) cyclic() *sample {
	seen := make([]bool, len(m.samples))
	todo := slices.Clone(m.roots)
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], m.samples[i].children...)
		seen[i] = true
	}
	if i := slices.Index(seen, false); i >= 0 {
		return &m.samples[i]
	}
	return nil
}

// scale converts the samples to µm.
func (m *morphology) scale(unit string) {
	radii := make([]float64, len(m.samples))
	for i, s := range m.samples {
		radii[i] = s.radius
	}
	slices.Sort(radii)
	median := radii[len(radii)/2]
	switch {
	case unit == "" && median >= thickest:
		m.note("lengths are taken as nanometres, since the median radius is %.4g; say unit = \"um\" if they are not", median)
		unit = "nm"
	case unit == "":
		m.note("lengths are taken as micrometres, since the median radius is %.4g", median)
	}
	if unit == "nm" {
		for i := range m.samples {
			s := &m.samples[i]
			s.radius *= 1e-3
			for k := range s.at {
				s.at[k] *= 1e-3
			}
		}
	}
}

// merge leaves out samples that lie on their parents. Programs repeat the point of a fork at the beginning of each section
// behind it, with the radius there, which is kept. (NEURON keeps both, and counts the ring between the two radii as membrane.)
func (m *morphology) merge() {
	merged := 0
	for i := range m.samples {
		s := &m.samples[i]
		if s.parent < 0 || distance(*s, m.samples[s.parent]) > 0 || s.kind != m.samples[s.parent].kind {
			continue
		}
		merged++
		p := &m.samples[s.parent]
		p.children = slices.DeleteFunc(p.children, func(c int) bool { return c == i })
		p.children = append(p.children, s.children...)
		for _, c := range s.children {
			m.samples[c].parent, m.samples[c].begins = s.parent, s.radius
		}
		s.children = nil
	}
	if merged > 0 {
		m.note("points that lie on their parents are left out: %d", merged)
	}
}

func (m *morphology) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

func distance(a, b sample) float64 {
	return math.Hypot(math.Hypot(a.at[0]-b.at[0], a.at[1]-b.at[1]), a.at[2]-b.at[2])
}
