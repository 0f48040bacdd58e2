//go:build cgo

package cpu

/*
#include "src/neuron_kernels.h"

static void gate_table(const struct neuron_kernels *k, const struct neuron_gate *gate, const double *numbers, int per, int reach, long stride, float *table)
{
	k->table(gate, numbers, per, reach, stride, table);
}
*/
import "C"

import (
	"slices"

	"galvani/kernels/compartments"
)

// Gates whose numbers are the same for all sequences, and not learned, go by a table: src/table.inc.h. Whether a gate
// does depends on the neuron alone and not on sequences, steps or threads, so that these change no bit.

// A table reaches to ±reachTable mV and has perSlope rows, in powers of two, within the steepest slope of its gates: k mV of V/k. Its
// polynomials then are off by less than 1e-7, their slopes by 1e-5 of the largest. Gates with less than 1/steepest mV go
// without.
const (
	reachTable = 128
	perSlope   = 12
	steepest   = 1.0
)

// usualRows is the rows of a table of gates with slopes from 3 to 6 mV.
const usualRows = 2*reachTable*4 + 1

// neuronTable is a struct neuron_plan of neuron_kernels.h, and the table.
type neuronTable struct {
	plan    []int32
	rows    []float32
	numbers []float64 // of the gates in it, of which it is made
}

// planHead is how many numbers of a plan are before those of channels.
const planHead = 5

// newNeuronTable returns a plan without a table.
func newNeuronTable(l *compartments.Layout) neuronTable {
	d := &l.Dims
	plan := []int32{flag32(l.Each()), 0, 1, 0, 0}
	for bit, at := range []int64{d.Capacity, d.Leak, d.Rest, d.Axial} {
		plan[1] |= flag32(l.Learned(at, d.U)) << bit
	}
	for _, c := range l.Channels {
		plan = append(plan, -1, flag32(l.Learned(c.Density, int64(c.Units)))|flag32(l.Learned(c.Reversal, 1))<<1)
	}
	return neuronTable{plan: plan}
}

// make makes the table anew where the numbers of gates are others than those before. Rows are those of a sequence.
func (t *neuronTable) make(l *compartments.Layout, rows []float64) {
	var gates []int // in the table
	var numbers []float64
	slope := 0.0
	for i, c := range l.Channels {
		first := len(gates)
		for g := range int(c.Gates) {
			gates = append(gates, int(c.Gate)+g)
		}
		sharp, ok := l.Steepness(int(c.Gate), int(c.Gates), rows)
		if ok = ok && c.Gates > 0 && sharp <= steepest; !ok {
			gates = gates[:first]
			t.plan[planHead+2*i] = -1
			continue
		}
		t.plan[planHead+2*i] = int32(first)
		slope = max(slope, sharp)
	}
	for _, g := range gates {
		gate := &l.Gates[g]
		numbers = append(numbers, rows[gate.Row:gate.Row+int64(gate.Numbers)]...)
	}
	if slices.Equal(numbers, t.numbers) {
		return
	}
	per := int32(1)
	for float64(per) < perSlope*slope {
		per *= 2
	}
	reach, stride := reachTable*per, len(gates)*8
	t.numbers, t.rows = numbers, aligned[float32](int(2*reach+1)*stride)
	t.plan[2], t.plan[3], t.plan[4] = per, reach, int32(len(gates))
	double := pickNeuron("float64")
	for i, g := range gates {
		gate := &l.Gates[g]
		C.gate_table(double, (*C.struct_neuron_gate)(ptr(l.Gates[g:])), doubles(rows[gate.Row:]), C.int(per), C.int(reach), C.long(stride), (*C.float)(ptr(t.rows[i*8:])))
	}
}

func flag32(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
