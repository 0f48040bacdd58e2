package fit

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/engine/infile"
	"galvani/engine/npz"
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

// signals are what a file holds: numbers by name, all of one length, and where it has number k of them.
type signals struct {
	names  []string
	values [][]float64
	where  func(k int) string
}

// ReadRecording reads a CSV file with a line of names, or an NPZ file with arrays of these names. They are
// time or time_ms; voltage for the first record of the neuron, or v_PLACE_mv for that of a place, both also with
// other units (infile.Heading); current for its first input that is a current, or input_NAME of one compartment, in what 1 of it is or in a
// unit of currents. Row k holds V at its time and the input of the step before it, as
// simulate writes them. An array of an input may have one element less, and then begins with the first step.
// The arrays v_mv [records,T+1] and input [inputs,T], as simulate writes them, hold all records and inputs.
//
// Errors: ErrRecording with file, line or element, and name.
func ReadRecording(file string, text []byte, n *neurons.Neuron) (*Recording, error) {
	read := readCSV
	if bytes.HasPrefix(text, []byte(npz.Magic)) {
		read = readNPZ
	}
	s, err := read(text, n)
	if err == nil {
		var r *Recording
		if r, err = s.recording(n); err == nil {
			r.Name = file
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: %w: %w", file, err, ErrRecording)
}

// readCSV returns the columns of a table.
func readCSV(text []byte, _ *neurons.Neuron) (*signals, error) {
	t, err := infile.ParseTable(text)
	if err != nil {
		return nil, err
	}
	if len(t.Rows) < 4 {
		return nil, fmt.Errorf("has %d rows, want one of names and at least three of numbers", len(t.Rows))
	}
	s := &signals{names: t.Rows[0], values: make([][]float64, len(t.Rows[0])), where: func(k int) string { return fmt.Sprintf("line %d", t.Line(k+1)) }}
	for k, row := range t.Rows[1:] {
		for i, text := range row {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %s is %q, want a finite number", s.where(k), s.names[i], text)
			}
			s.values[i] = append(s.values[i], v)
		}
	}
	return s, nil
}

// readNPZ returns the arrays of a file, those of several records or inputs one by one.
func readNPZ(text []byte, n *neurons.Neuron) (*signals, error) {
	arrays, err := npz.Read(text)
	if err != nil {
		return nil, err
	}
	s := &signals{where: func(k int) string { return fmt.Sprintf("element %d", k) }}
	most := 0
	for _, t := range arrays {
		v := t.Numbers()
		switch {
		case t.Name == "spikes_ms": // follow from V
		case t.Name == "v_mv" || t.Name == "input":
			names := recordNames(n)
			if t.Name == "input" {
				names = inputNames(n)
			}
			if len(t.Shape) != 2 || t.Shape[0] != len(names) {
				return nil, fmt.Errorf("%s has the shape %v, want %d rows", t.Name, t.Shape, len(names))
			}
			for i, name := range names {
				s.names, s.values = append(s.names, name), append(s.values, v[i*t.Shape[1]:(i+1)*t.Shape[1]])
			}
		case len(t.Shape) != 1:
			return nil, fmt.Errorf("%s has the shape %v, want one dimension", t.Name, t.Shape)
		default:
			s.names, s.values = append(s.names, t.Name), append(s.values, v)
		}
	}
	for _, v := range s.values {
		most = max(most, len(v))
	}
	for i, v := range s.values {
		if len(v) == most-1 && (s.names[i] == "current" || strings.HasPrefix(s.names[i], "input_")) {
			s.values[i] = append([]float64{0}, v...)
		}
		if len(s.values[i]) != most {
			return nil, fmt.Errorf("%s has %d elements, want %d as others have", s.names[i], len(v), most)
		}
	}
	if most < 3 {
		return nil, fmt.Errorf("has %d elements, want at least three", most)
	}
	return s, nil
}

// mostNumber is the largest number of a recording.
const mostNumber = 1e30

// recording puts the signals where they belong.
func (s *signals) recording(n *neurons.Neuron) (*Recording, error) {
	r := &Recording{V: make([][]float64, len(n.Records))}
	if len(s.values) == 0 {
		return nil, errors.New("is empty")
	}
	times, found := make([]float64, len(s.values[0])), 0
	for range times {
		r.Input = append(r.Input, make([]float64, n.Columns()))
	}
	taken := map[signal]string{}
	for i, name := range s.names {
		is, size, err := columnOf(n, name)
		if err != nil {
			return nil, err
		}
		if before, ok := taken[is]; ok {
			return nil, fmt.Errorf("has %q and %q, which are the same; leave one out", before, name)
		}
		taken[is] = name
		put := r.column(n, is, times)
		for k, v := range s.values[i] {
			v *= size
			if !(math.Abs(v) <= mostNumber) {
				return nil, fmt.Errorf("%s: %s is %g, want a finite number, of at most %g in magnitude", s.where(k), name, v, mostNumber)
			}
			put(k, v)
		}
	}
	for _, v := range r.V {
		if v != nil {
			found++
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("there is no voltage; name it voltage or %s", recordNames(n)[0])
	}
	if _, ok := taken[signal{kind: timeSignal}]; !ok {
		return nil, errors.New("there is no time; add one in ms, as time_ms")
	}
	r.Step = times[1] - times[0]
	if !(r.Step > 0) {
		return nil, fmt.Errorf("%s: time goes from %.6g to %.6g ms, want one that rises in equal steps", s.where(1), times[0], times[1])
	}
	for k := 1; k < len(times); k++ {
		if d := times[k] - times[k-1]; math.Abs(d-r.Step) > 1e-3*r.Step {
			return nil, fmt.Errorf("%s: a step of %.6g ms after steps of %.6g ms; resample to equal steps", s.where(k), d, r.Step)
		}
	}
	r.Step = (times[len(times)-1] - times[0]) / float64(len(times)-1)
	return r, r.plausible(n, taken[signal{kind: timeSignal}])
}

// plausible refuses what looks like times in s under a name without a unit, and voltages in V.
func (r *Recording) plausible(n *neurons.Neuron, time string) error {
	if unit := strings.TrimSpace(time); strings.EqualFold(unit, "time") && r.Step <= 2e-4 {
		return fmt.Errorf("%s has steps of %.6g, which as ms are those of %.3g MHz; name it time_s if they are seconds, and time_ms if they are not", time, r.Step, 1e-3/r.Step)
	}
	for i, v := range r.V {
		if v != nil && math.Abs(n.Start) > 10 && !slices.ContainsFunc(v, func(x float64) bool { return math.Abs(x) > 1 }) {
			return fmt.Errorf("the voltages lie between %.4g and %.4g mV, and those of the neuron begin at %g mV; name them v_%s_v if they are in V", slices.Min(v), slices.Max(v), n.Start, n.Records[i].Name)
		}
	}
	return nil
}

// columns are the names that a recording of the neuron may have.
func columns(n *neurons.Neuron) []string {
	list := slices.Concat([]string{"time_ms", "voltage"}, recordNames(n), []string{"current"})
	for i, name := range inputNames(n) {
		if len(n.Inputs[i].Units) == 1 {
			list = append(list, name)
		}
	}
	return list
}

// recordNames and inputNames name the records and inputs of a neuron as simulate does.
func recordNames(n *neurons.Neuron) (list []string) {
	for _, r := range n.Records {
		list = append(list, "v_"+r.Name+"_mv")
	}
	return list
}

func inputNames(n *neurons.Neuron) (list []string) {
	for _, in := range n.Inputs {
		list = append(list, "input_"+in.Name)
	}
	return list
}

// signal is what a column is of: the times, or the record or the input of a number.
type signal struct {
	kind   signalKind
	number int
}

type signalKind int

const (
	timeSignal signalKind = iota
	voltageSignal
	inputSignal
)

// columnOf tells what the column of a name is of, and what its numbers are times, to be in ms, mV and what 1 of an input is. Names are those of
// columns, or others of the same with units of their own, such as "Time (s)" and voltage_v.
func columnOf(n *neurons.Neuron, name string) (is signal, size float64, err error) {
	unknown := fmt.Errorf("%q is none of %s; time may also be in s or us, voltage in v and currents in pA, nA and so on, as in time_s, \"Voltage (V)\" and \"Current (pA)\"", name, strings.Join(columns(n), ", "))
	if i := slices.Index(inputNames(n), name); i >= 0 && len(n.Inputs[i].Units) == 1 {
		return signal{inputSignal, i}, 1, nil
	}
	if i := slices.Index(recordNames(n), name); i >= 0 {
		return signal{voltageSignal, i}, 1, nil
	}
	of, size := infile.Heading(name, "ms")
	if of == "time" {
		is = signal{timeSignal, 0}
	} else if of, size = infile.Heading(name, "mV"); of == "voltage" {
		is = signal{voltageSignal, 0}
	} else if i := slices.IndexFunc(recordNames(n), func(known string) bool { return strings.EqualFold(known, of+"_mv") }); i >= 0 {
		is = signal{voltageSignal, i}
	} else if i := currentOf(n, name); i >= 0 {
		if size, err = neurons.CurrentSize(name, n.One(i)); err != nil {
			return is, 0, err
		}
		return signal{inputSignal, i}, size, nil
	} else {
		return is, 0, unknown
	}
	if math.IsNaN(size) {
		return is, 0, unknown
	}
	return is, size, nil
}

// currentOf returns the input of one compartment that a column in a unit of its own, such as "Current (pA)" and current_pa for the
// first that is a current, is of, -1 for none.
func currentOf(n *neurons.Neuron, name string) int {
	of, _ := infile.Heading(name, "nA")
	i := slices.IndexFunc(inputNames(n), func(known string) bool { return strings.EqualFold(known, of) })
	if of == "current" {
		i = slices.IndexFunc(n.Inputs, func(in neurons.Input) bool { return in.Receptor < 0 })
	}
	if i < 0 || i >= len(n.Inputs) || len(n.Inputs[i].Units) != 1 {
		return -1
	}
	return i
}

// column returns what takes the numbers of a column.
func (r *Recording) column(n *neurons.Neuron, is signal, times []float64) func(int, float64) {
	switch is.kind {
	case timeSignal:
		return func(k int, v float64) { times[k] = v }
	case voltageSignal:
		r.V[is.number] = make([]float64, len(times))
		return func(k int, v float64) { r.V[is.number][k] = v }
	}
	return func(k int, v float64) { r.Input[k][n.Column(is.number)] = v }
}
