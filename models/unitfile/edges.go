package unitfile

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"galvani/engine/infile"
)

// Edges reads an edge list over h units: one edge a line, "i j" or "i j g" with unit numbers from 0
// and a conductance, g where it is left out. Text from # on is a comment. Edge e joins from[e] and
// to[e] with the conductance values[e].
//
// Errors: those of r, or an error with the line: a unit out of range, an edge to itself, an edge given
// twice (in either direction), a conductance that is negative or not finite, no edges.
func Edges(r io.Reader, h int, g float64) (from, to []int32, values []float64, err error) {
	seen := map[[2]int]bool{}
	err = infile.Lines(r, mostText, func(n int, text string) error {
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
		from, to = append(from, int32(i)), append(to, int32(j))
		values = append(values, value)
		return nil
	})
	if err == nil && len(values) == 0 {
		err = errors.New("no edges; for no coupling set graph = \"none\"")
	}
	if err != nil {
		return nil, nil, nil, err
	}
	return from, to, values, nil
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
