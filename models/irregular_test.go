package models

import (
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// lengthTolerance: a decay over a length is made of a logarithm, and gradients sum in another order.
const lengthTolerance = 1e-12

// irregulars are cells that take the lengths of steps from the mask, and the same cells with steps
// of one length.
func irregulars() (irregular, regular []Cell) {
	for _, kernel := range synapseKernels {
		for _, on := range []bool{true, false} {
			full, simple := NewCRNN(), NewCRNNSimple()
			full.SynKernel, full.Learn, full.Irregular = kernel, "all", on
			simple.SynKernel, simple.Irregular = kernel, on
			if on {
				irregular = append(irregular, full, simple)
			} else {
				regular = append(regular, full, simple)
			}
		}
	}
	return irregular, regular
}

// lasting returns x with a mask that holds one length, on a graph of its own.
func lasting(t *testing.T, x *fixture, length float64, dt tensor.Dtype, dev kernels.Device) *fixture {
	t.Helper()
	y := *x
	e := slices.Repeat([]float64{length}, x.size.T*x.size.B)
	y.seq.Mask = tensor.New(tensor.WithShape(x.size.T, x.size.B), tensor.WithBacking(e))
	return (&y).on(t, dt, dev)
}

// TestStepsOfOne: steps of length 1 give what regular steps give; the scan gives the same bits.
func TestStepsOfOne(t *testing.T) {
	irregular, regular := irregulars()
	s := size{T: 4, B: 2, I: 2, H: 5, O: 2}
	for i, c := range irregular {
		x, y := newFixture(t, variant{cell: c}, s, every), newFixture(t, variant{cell: regular[i]}, s, every)
		x = lasting(t, x, 1, tensor.Float64, nil)
		_, gx := x.differentiate(t)()
		_, gy := y.differentiate(t)()
		near(t, "graph: h", x.h(t), y.h(t), lengthTolerance)
		for name, want := range gy {
			near(t, "graph: gradient of "+name, gx[name], want, lengthTolerance)
		}
		for _, dev := range devicetest.Hosts(t, 2)[1:] {
			x, y := lasting(t, x, 1, tensor.Float32, dev), y.on(t, tensor.Float32, dev)
			_, gx := x.differentiate(t)()
			_, gy := y.differentiate(t)()
			near(t, "scan: h", x.h(t), y.h(t), 0)
			near(t, "scan: final state", x.final(t), y.final(t), 0)
			for name, want := range gy {
				near(t, "scan: gradient of "+name, gx[name], want, 0)
			}
		}
	}
}

// TestLongStep: the traces after a step of length 3 are those after two steps without input and one
// with it, and so are they after no input at all.
func TestLongStep(t *testing.T) {
	irregular, regular := irregulars()
	s := size{T: 3, B: 2, I: 2, H: 3, O: 1}
	for i, c := range irregular {
		short := newFixture(t, variant{cell: regular[i]}, s, 0)
		inputs := short.seq.X.Data().([]float64)
		clear(inputs[:2*s.B*s.I])
		short.run(t)
		long := &fixture{net: newFixture(t, variant{cell: c}, s, 0).net, size: size{T: 1, B: s.B, I: s.I, H: s.H, O: s.O}, values: short.values}
		long.seq = kernels.Sequence{T: 1, B: s.B, I: s.I, State: short.seq.State,
			X: tensor.New(tensor.WithShape(1, s.B, s.I), tensor.WithBacking(inputs[2*s.B*s.I:]))}
		for _, dev := range devicetest.Hosts(t, 2) {
			y := lasting(t, long, 3, tensor.Float64, dev)
			y.run(t)
			near(t, "traces", y.final(t)[s.B*s.H:], short.final(t)[s.B*s.H:], lengthTolerance)
		}
	}
}
