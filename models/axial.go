package models

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"galvani/engine/infile"
	"galvani/kernels"
)

// ErrGraph means that an edge list does not describe an axial graph.
var ErrGraph = errors.New("bad axial graph")

// axialGraph returns the graph of the axial coupling over h units and the conductance of each
// edge. Kind is none, ring, tree (unit i hangs on unit (i−1)/2) or the name of an edge-list
// file; g is the conductance of edges that name none. A graph without edges is nil.
func axialGraph(kind string, h int, g float64) (*kernels.Axial, []float64, error) {
	a := &kernels.Axial{}
	join := func(i, j int) { a.I, a.J = append(a.I, int32(i)), append(a.J, int32(j)) }
	switch kind {
	case "none":
	case "ring":
		for i := 1; i < h; i++ {
			join(i-1, i)
		}
		if h > 2 {
			join(h-1, 0)
		}
	case "tree":
		for i := 1; i < h; i++ {
			join((i-1)/2, i)
		}
	default:
		f, err := infile.Open(kind)
		if err != nil {
			return nil, nil, fmt.Errorf("models: graph %q is not ring, tree or none, nor a file that can be read: %w", kind, err)
		}
		defer f.Close()
		a, values, err := ParseEdges(f, h, g)
		if err != nil {
			return nil, nil, fmt.Errorf("models: graph %s: %w", kind, err)
		}
		return a, values, nil
	}
	if len(a.I) == 0 {
		return nil, nil, nil
	}
	return a, full(len(a.I), g), nil
}

// ParseEdges reads an edge list over h units: one edge a line, "i j" or "i j g" with unit
// numbers from 0 and a conductance, g where it is left out. Text from # on is a comment.
//
// Errors: ErrGraph, with the line, for anything else: a unit out of range, an edge to itself,
// an edge given twice (in either direction), a conductance that is negative or not finite.
func ParseEdges(r io.Reader, h int, g float64) (*kernels.Axial, []float64, error) {
	a := &kernels.Axial{}
	var values []float64
	seen := map[[2]int]bool{}
	err := infile.Lines(r, mostText, func(n int, text string) error {
		text, _, _ = strings.Cut(text, "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			return nil
		}
		i, j, value, err := parseEdge(fields, h, g)
		if err == nil && seen[[2]int{min(i, j), max(i, j)}] {
			err = fmt.Errorf("units %d and %d are joined already", i, j)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		seen[[2]int{min(i, j), max(i, j)}] = true
		a.I, a.J = append(a.I, int32(i)), append(a.J, int32(j))
		values = append(values, value)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, ErrGraph)
	}
	if len(values) == 0 {
		return nil, nil, fmt.Errorf("no edges; for no coupling set graph = \"none\": %w", ErrGraph)
	}
	return a, values, nil
}

// parseEdge reads one line, already cut into fields.
func parseEdge(fields []string, h int, g float64) (i, j int, value float64, err error) {
	if len(fields) < 2 || len(fields) > 3 {
		return 0, 0, 0, fmt.Errorf("%d fields, want \"i j\" or \"i j g\"", len(fields))
	}
	var ends [2]int
	for n := range ends {
		u, err := strconv.Atoi(fields[n])
		if err != nil || u < 0 || u >= h {
			return 0, 0, 0, fmt.Errorf("unit %.40q, want a number from 0 to %d", fields[n], h-1)
		}
		ends[n] = u
	}
	if ends[0] == ends[1] {
		return 0, 0, 0, fmt.Errorf("unit %d is joined to itself", ends[0])
	}
	if len(fields) == 3 {
		g, err = strconv.ParseFloat(fields[2], 64)
		if err != nil || !(g >= 0) || g > math.MaxFloat32 {
			return 0, 0, 0, fmt.Errorf("conductance %.40q, want a number of at least 0 that float32 holds", fields[2])
		}
	}
	return ends[0], ends[1], g, nil
}
