package models

import (
	"errors"
	"fmt"

	"galvani/engine/infile"
	"galvani/kernels"
	"galvani/models/unitfile"
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
		from, to, values, err := unitfile.Edges(f, h, g)
		if err != nil {
			return nil, nil, fmt.Errorf("models: graph %s: %w: %w", kind, err, ErrGraph)
		}
		return &kernels.Axial{I: from, J: to}, values, nil
	}
	if len(a.I) == 0 {
		return nil, nil, nil
	}
	return a, full(len(a.I), g), nil
}
