package compartments

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"galvani/kernels/sparse"
)

// small returns a neuron of two compartments with a channel, a pool, a receptor and two inputs, and its
// parameters.
func small(t *testing.T) (*Neuron, []Param) {
	t.Helper()
	tree, err := sparse.NewTree(2, []int32{0}, []int32{1})
	if err != nil {
		t.Fatal(err)
	}
	of := func(p int, index ...int32) Quantity { return Quantity{Param: p, Index: index} }
	return &Neuron{Dt: 0.1, Substeps: 1, Tree: tree, Area: []float64{100, 50}, Capacity: Fixed(1), Leak: of(0, 0, 1), Rest: Fixed(-65), Axial: of(1, 0),
		Channels: []Channel{{Name: "k", Units: []int32{0, 1}, Density: of(2, 0, 0), Reversal: Fixed(-77), Calcium: true,
			Gates: []Gate{{Name: "n", Power: 4, Kinetics: SteadyConstant, Numbers: []Quantity{Fixed(-50), of(3), Fixed(2)}, Speed: 1}}}},
		Calcium:   &Calcium{Gain: of(4), Rest: Fixed(0), Tau: of(5)},
		Receptors: []Receptor{{Name: "e", Rise: of(6), Decay: of(7), Reversal: Fixed(0)}, {Name: "i", Decay: of(8), Reversal: Fixed(-80)}},
		Inputs:    []Input{{From: 0, Unit: 0, Receptor: -1, Weight: Fixed(1)}, {From: 1, Unit: 1, Receptor: 0, Weight: of(9)}},
	}, []Param{{"leak", 2}, {"axial", 1}, {"g_k", 1}, {"slope", 1}, {"gain", 1}, {"tau", 1}, {"rise", 1}, {"decay", 1}, {"decay_i", 1}, {"w", 1}}
}

// TestCheck refuses what is no neuron, in one line with the place.
func TestCheck(t *testing.T) {
	n, params := small(t)
	if err := n.Check(params, 2); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(n *Neuron){
		"steps of 0 ms":             func(n *Neuron) { n.Dt = 0 },
		"0 in each step":            func(n *Neuron) { n.Substeps = 0 },
		"for a tree of 2 units":     func(n *Neuron) { n.Area = n.Area[:1] },
		"unit 1 has an area of -1":  func(n *Neuron) { n.Area = []float64{1, -1} },
		"the capacity is NaN":       func(n *Neuron) { n.Capacity = Fixed(math.NaN()) },
		"the leak reads element 2":  func(n *Neuron) { n.Leak.Index = []int32{0, 2} },
		"the leak is parameter 10":  func(n *Neuron) { n.Leak.Param = 10 },
		"with places for 1 of 2":    func(n *Neuron) { n.Leak.Index = n.Leak.Index[:1] },
		"the axial conductance is":  func(n *Neuron) { n.Axial.Index = []int32{0, 0} },
		"unit 0 behind 1":           func(n *Neuron) { n.Channels[0].Units = []int32{1, 0} },
		"there is no pool of it":    func(n *Neuron) { n.Calcium = nil },
		"the reversal potential is": func(n *Neuron) { n.Channels[0].Reversal = Fixed(math.Inf(1)) },
		"with 2 numbers":            func(n *Neuron) { n.Channels[0].Gates[0].Numbers = n.Channels[0].Gates[0].Numbers[:2] },
		"the power 9":               func(n *Neuron) { n.Channels[0].Gates[0].Power = 9 },
		"holds back 2 of":           func(n *Neuron) { n.Channels[0].Gates[0].Held = 2 },
		"the speed 0":               func(n *Neuron) { n.Channels[0].Gates[0].Speed = 0 },
		"a rate of form 3":          func(n *Neuron) { n.Channels[0].Gates[0].Forms[1] = 3 },
		"k.n.k is parameter":        func(n *Neuron) { n.Channels[0].Gates[0].Numbers[1].Param = 99 },
		"calcium: tau is NaN":       func(n *Neuron) { n.Calcium.Tau = Fixed(math.NaN()) },
		"receptor e is":             func(n *Neuron) { n.Receptors[0].Decay = Fixed(math.NaN()) },
		"input 1 joins x 2":         func(n *Neuron) { n.Inputs[1].From = 2 },
		"receptor 2; there are":     func(n *Neuron) { n.Inputs[1].Receptor = 2 },
		"the weight of input 0 is":  func(n *Neuron) { n.Inputs[0].Weight = Fixed(1e39) },
		"is recorded, there are 2":  func(n *Neuron) { n.Record = []int32{int32(2 * n.States())} },
		"a factor of 9 numbers":     func(n *Neuron) { n.Base = [][]float64{make([]float64, 9)} },
	} {
		n, params := small(t)
		spoil(n)
		err := n.Check(params, 2)
		if !errors.Is(err, ErrNeuron) || !strings.Contains(fmt.Sprint(err), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestLayoutGradient holds the gradients of parameters to differences of the rows that are made of them,
// also where rise and decay of a receptor are almost or exactly the same.
func TestLayoutGradient(t *testing.T) {
	n, params := small(t)
	l := NewLayout(n, 1, 2, func(int) bool { return true })
	if l.Dims.Rows != int64(l.Rows()) || l.Gates[0].Learns != 1 {
		t.Errorf("%+v, gate %+v", l.Dims, l.Gates[0])
	}
	for _, decay := range []float64{4, 1.0005, 1, 0.3} {
		values := [][]float64{{3e-4, 2e-4}, {0.01}, {0.03}, {9}, {0.005}, {80}, {1}, {decay}, {2}, {0.001}}
		weights := make([]float64, l.Rows())
		for i := range weights {
			weights[i] = math.Cos(float64(3 * i))
		}
		sum := func() (s float64) {
			rows := make([]float64, l.Rows())
			l.Values(values, rows)
			for i, v := range rows {
				s += weights[i] * v
			}
			return s
		}
		grads := make([][]float64, len(values))
		for i, v := range values {
			grads[i] = make([]float64, len(v))
		}
		l.Gradient(values, weights, grads)
		for i, list := range values {
			for k, v := range list {
				e := 1e-5 * math.Abs(v)
				list[k] = v + e
				up := sum()
				list[k] = v - e
				down := sum()
				list[k] = v
				// The sum is near 1000, and its differences err by some 1e-13/e.
				if want := (up - down) / (2 * e); math.Abs(grads[i][k]-want) > 1e-6*math.Abs(want)+1e-12/e {
					t.Errorf("decay %g: gradient of %s[%d] is %g, want %g", decay, params[i].Name, k, grads[i][k], want)
				}
			}
		}
	}
}
