package neurons

import (
	"embed"
	"strings"

	"galvani/kernels/cells"
)

// Headers is the source of all neurons.
//
//go:embed *.h shared/*.h
var Headers embed.FS

// Cells are the headers that they include.
var Cells = cells.Headers

// Neuron is what a header says of itself.
type Neuron struct {
	Name   string
	Planes []Plane
	Params []Param
	// Above and Below are two parameters, of which the first must be greater.
	Above, Below int
	number       int
}

// Plane is a plane of state.
type Plane struct {
	Name, Unit, Doc string
	Start           float64
}

// Param is a parameter, with the value that it has unless another is given, and its range.
type Param struct {
	Name, Unit, Doc string
	Value, Min, Max float64
}

// Defaults returns the values that the parameters have unless others are given.
func (n Neuron) Defaults() []float64 {
	p := make([]float64, len(n.Params))
	for i, q := range n.Params {
		p[i] = q.Value
	}
	return p
}

// Number is the place of the neuron in list.h.
func (n Neuron) Number() int { return n.number }

// Of returns a neuron by its name; false means that this binary has no kernel for it.
func Of(name string) (Neuron, bool) {
	for _, n := range All() {
		if n.Name == name {
			return n, true
		}
	}
	return Neuron{}, false
}

// About is what the comment at the head of a header tells.
type About struct {
	Doc       string   // what the neuron is, without an article before it and a full stop
	Equations []string // in symbols
	Step      string   // how it is stepped
	Source    string   // empty for none
}

// About reads the comment at the head of the header: its first line, indented equations, sentences, and behind "Source:"
// the source. Of the sentences that on list.h, which is for those who read headers, is left out.
func (n Neuron) About() (a About) {
	text, err := Headers.ReadFile(n.Name + ".h")
	if err != nil {
		return a // of a neuron that is none
	}
	comment, _, _ := strings.Cut(string(text), "*/")
	first, rest, _ := strings.Cut(comment, "\n")
	_, a.Doc, _ = strings.Cut(first, " - ")
	a.Doc = strings.TrimPrefix(strings.TrimSuffix(a.Doc, "."), "the ")
	var words []string
	for line := range strings.SplitSeq(rest, "\n") {
		line = strings.TrimPrefix(line, " *")
		if !strings.HasPrefix(line, "   ") {
			words = append(words, strings.Fields(line)...)
			continue
		}
		for part := range strings.SplitSeq(line, "; ") {
			a.Equations = append(a.Equations, strings.Trim(part, " ;"))
		}
	}
	all, source, _ := strings.Cut(strings.Join(words, " "), "Source: ")
	a.Source = strings.TrimSuffix(source, ".")
	for sentence := range strings.SplitSeq(strings.TrimSpace(all), ". ") {
		if sentence = strings.TrimSuffix(sentence, "."); sentence != "" && !strings.Contains(sentence, "list.h") {
			a.Step += sentence + ". "
		}
	}
	a.Step = strings.TrimSpace(a.Step)
	return a
}
