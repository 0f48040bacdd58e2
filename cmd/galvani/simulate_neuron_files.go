package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"galvani/engine/chart"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/models/neurons"
)

// write leaves the trace as CSV and NPZ, where files are asked for, and as pictures.
func (f *neuronFlags) write(n *neurons.Neuron, r *neuronTrace) error {
	if f.out != "" {
		if err := writeFile(f.out+".csv", func(w io.Writer) error { return writeTraceCSV(w, n, r.trace) }); err != nil {
			return err
		}
		if err := writeFile(f.out+".npz", func(w io.Writer) error { return npz.Write(w, traceArrays(r)) }); err != nil {
			return err
		}
	}
	return f.draw(r, func() picture {
		trace := traceChart(n, r)
		if r.Stimulus != nil {
			return r.Stimulus.panels(trace, r.Spikes[0], r.Milliseconds)
		}
		return trace
	})
}

// draw writes a picture under the name of --out. Without one it goes to the folder of the runs for those who read the
// report, where it may be missing.
func (f *neuronFlags) draw(r *neuronTrace, of func() picture) error {
	if f.out != "" {
		return writeChart(f.out, of())
	}
	if f.asJSON {
		return nil
	}
	name := filepath.Join(defaultRunKeys().RunsDir, "simulate-"+r.Neuron)
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = writeChart(name, of())
	}
	if r.picture = fmt.Sprintf("The picture is %s.png and .svg; --out NAME writes the numbers, too", name); err != nil {
		r.picture = fmt.Sprintf("There is no picture: %v; --out NAME writes one elsewhere", err)
	}
	return nil
}

// writeTraceCSV writes a row for each step: time, V of each place at its end, and each input during it. The
// first row is the start, without inputs.
func writeTraceCSV(w io.Writer, n *neurons.Neuron, t *neurons.Trace) error {
	b := bufio.NewWriter(w)
	b.WriteString("time_ms")
	for _, name := range t.Places {
		fmt.Fprintf(b, ",v_%s_mv", name)
	}
	for _, in := range n.Inputs {
		fmt.Fprintf(b, ",input_%s", in.Name)
	}
	for k := range t.V[0] {
		fmt.Fprint(b, "\n", msText(float64(k)*t.Dt))
		for _, v := range t.V {
			fmt.Fprintf(b, ",%.9g", v[k])
		}
		for _, x := range t.Input {
			if k == 0 {
				b.WriteString(",0")
			} else {
				fmt.Fprintf(b, ",%.6g", x[k-1])
			}
		}
	}
	b.WriteString("\n")
	return b.Flush()
}

// traceArrays are the arrays of the NPZ file: time [T+1], v [places,T+1], input [inputs,T] and spikes.
func traceArrays(r *neuronTrace) []safetensors.Tensor {
	array := func(name string, rows [][]float64, flat bool) safetensors.Tensor {
		t := safetensors.Tensor{Name: name, DType: safetensors.F64, Shape: []int{len(rows), 0}}
		for _, row := range rows {
			t.Shape[1] = len(row)
			for _, x := range row {
				t.Data = binary.LittleEndian.AppendUint64(t.Data, math.Float64bits(x))
			}
		}
		if flat {
			t.Shape = t.Shape[1:]
		}
		return t
	}
	time := make([]float64, len(r.trace.V[0]))
	for k := range time {
		time[k] = float64(k) * r.trace.Dt
	}
	return []safetensors.Tensor{array("time_ms", [][]float64{time}, true), array("v_mv", r.trace.V, false),
		array("input", r.trace.Input, false), array("spikes_ms", r.Spikes, true)}
}

// chartSteps is how many parts the time of a chart has at most; of each part the least and the most V are
// drawn, so that no spike is lost.
const chartSteps = 2000

func traceChart(n *neurons.Neuron, r *neuronTrace) chart.Lines {
	c := chart.Lines{Title: "Membrane potential of " + n.Name, XLabel: "time (ms)", YLabel: "V (mV)"}
	var inputs []string
	for _, in := range n.Inputs {
		if text := r.Inputs[in.Name]; text != "" {
			inputs = append(inputs, in.Name+": "+text)
		}
	}
	c.Subtitle = strings.Join(inputs, "; ")
	for i, name := range r.Places {
		v := r.trace.V[i]
		s := chart.Series{Name: name, Hue: i + 1}
		add := func(k int) {
			s.X, s.Y = append(s.X, float64(k)*r.trace.Dt), append(s.Y, v[k])
		}
		part := max(1, len(v)/chartSteps)
		for from := 0; from < len(v); from += part {
			lo, hi := from, from
			for k := from; k < min(from+part, len(v)); k++ {
				if v[k] < v[lo] {
					lo = k
				}
				if v[k] > v[hi] {
					hi = k
				}
			}
			add(min(lo, hi))
			if lo != hi {
				add(max(lo, hi))
			}
		}
		c.Series = append(c.Series, s)
	}
	c.FirstOnTop = !r.reset // its spikes are told
	if r.reset && len(r.Spikes[0]) > 0 {
		s := chart.Series{Name: "spikes", X: r.Spikes[0], Hue: 2, Scatter: true}
		for range s.X {
			s.Y = append(s.Y, n.Threshold)
		}
		c.Series = append(c.Series, s)
	}
	return c
}
