package fit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"galvani/models/neurons"
)

// ErrRecording marks a file that is no recording.
var ErrRecording = errors.New("bad recording")

// Recording is what was put into a neuron and what it did, at equal steps.
type Recording struct {
	Name  string
	Step  float64 // ms
	Input [][]float64
	// V [records][T] is the potential of each record of the neuron, nil for one that was not recorded.
	V [][]float64
}

// Steps returns how many steps there are between the first sample and the last.
func (r *Recording) Steps() int { return len(r.Input) - 1 }

// ReadRecording reads a CSV file with a line of names. Columns are time or time_ms; voltage for the first
// record of the neuron, or v_PLACE_mv for that of a place; current for its first input, or input_NAME of one
// compartment. Row
// k holds V at its time and the input of the step before it, as simulate writes them.
//
// Errors: ErrRecording with file, line and column.
func ReadRecording(file string, text []byte, n *neurons.Neuron) (*Recording, error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s: %w", file, fmt.Sprintf(format, args...), ErrRecording)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, bad("%v", err)
	}
	if len(rows) < 4 {
		return nil, bad("has %d lines, want one of names and at least three of numbers", len(rows))
	}
	r := &Recording{Name: file, V: make([][]float64, len(n.Records))}
	var put []func(row int, v float64)
	times, found := make([]float64, len(rows)-1), 0
	for range times {
		r.Input = append(r.Input, make([]float64, n.Columns()))
	}
	for _, name := range rows[0] {
		f := column(r, n, strings.TrimSpace(name), times)
		if f == nil {
			return nil, bad("line 1: column %q is none of %s", name, strings.Join(columns(n), ", "))
		}
		put = append(put, f)
	}
	for _, v := range r.V {
		if v != nil {
			found++
		}
	}
	if found == 0 {
		return nil, bad("line 1: there is no voltage; name its column voltage or v_%s_mv", n.Records[0].Name)
	}
	for k, row := range rows[1:] {
		for i, s := range row {
			v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 1e30 {
				return nil, bad("line %d: %s is %q, want a finite number", k+2, rows[0][i], s)
			}
			put[i](k, v)
		}
	}
	r.Step = times[1] - times[0]
	if !(r.Step > 0) {
		return nil, bad("line 2: time does not rise; add a column time in ms")
	}
	for k := 1; k < len(times); k++ {
		if d := times[k] - times[k-1]; math.Abs(d-r.Step) > 1e-3*r.Step {
			return nil, bad("line %d: a step of %g ms after steps of %g ms; resample to equal steps", k+2, d, r.Step)
		}
	}
	r.Step = (times[len(times)-1] - times[0]) / float64(len(times)-1)
	return r, nil
}

// columns are the names that a recording of the neuron may have.
func columns(n *neurons.Neuron) []string {
	list := []string{"time_ms", "voltage"}
	for _, r := range n.Records {
		list = append(list, "v_"+r.Name+"_mv")
	}
	list = append(list, "current")
	for _, in := range n.Inputs {
		if len(in.Units) == 1 {
			list = append(list, "input_"+in.Name)
		}
	}
	return list
}

// column returns what takes the numbers of a column, nil for an unknown one.
func column(r *Recording, n *neurons.Neuron, name string, times []float64) func(int, float64) {
	voltage := func(i int) func(int, float64) {
		r.V[i] = make([]float64, len(times))
		return func(k int, v float64) { r.V[i][k] = v }
	}
	input := func(i int) func(int, float64) { return func(k int, v float64) { r.Input[k][n.Column(i)] = v } }
	switch {
	case name == "time" || name == "time_ms":
		return func(k int, v float64) { times[k] = v }
	case name == "voltage" || name == "voltage_mv":
		return voltage(0)
	case name == "current" && len(n.Inputs) > 0:
		return input(0)
	}
	for i, p := range n.Records {
		if name == "v_"+p.Name+"_mv" {
			return voltage(i)
		}
	}
	for i, in := range n.Inputs {
		if name == "input_"+in.Name && len(in.Units) == 1 {
			return input(i)
		}
	}
	return nil
}
