package main

import (
	"math"
	"math/cmplx"
	"slices"
	"testing"

	"galvani/bench/analysis"
	"galvani/data"
	"galvani/engine"
	"galvani/kernels"
	"galvani/kernels/devices/devicetest"
	"galvani/models"
	"galvani/models/neurons"

	"gonum.org/v1/gonum/mat"
	"gorgonia.org/gorgonia"
)

// asCell is a built-in neuron as a cell of which h is V.
type asCell struct{ c *neurons.Compiled }

func (a asCell) Units() int                                 { return a.c.Neuron.Units() }
func (a asCell) Params(models.Dims) ([]kernels.Spec, error) { return a.c.Params, nil }
func (a asCell) Scan(models.Dims) (kernels.Cell, error) {
	return kernels.Cell{Neuron: &a.c.Neuron, States: a.c.Neuron.States(), Rest: a.c.Rest}, nil
}

func (a asCell) Unroll(k *models.Ops, p *models.Params) models.Step {
	var params []*gorgonia.Node
	for _, s := range a.c.Params {
		params = append(params, p.Named(s.Name))
	}
	return func(x *gorgonia.Node, s []*gorgonia.Node) []*gorgonia.Node {
		_, final := a.c.Steps(k, params, []*gorgonia.Node{x}, s)
		return final
	}
}

// pointsOf finds the slow points of a built-in neuron in steps of 1 ms without input, and returns the step too, which reads
// two inputs and none of the second.
func pointsOf(t *testing.T, name string) (*analysis.Points, *engine.StepMap, neurons.Compiled) {
	t.Helper()
	n, err := neurons.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Inputs) > 2 { // a current and a synapse
		all := n.Clone()
		all.Inputs = []neurons.Input{n.Inputs[0], n.Inputs[2]}
		n = all
	}
	c, err := n.Compile(neurons.Options{Dt: 0.025, Substeps: 40})
	if err != nil {
		t.Fatal(err)
	}
	c.Neuron.Record = nil
	about, err := data.Lookup("adding")
	if err != nil {
		t.Fatal(err)
	}
	settings := about.New().(*data.Adding)
	settings.Steps, settings.TrainSize, settings.TestSize = 7, 8, 8
	task, err := settings.Open(data.Env{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	net, err := models.Bind("as a cell: "+name, asCell{c}, models.Dims{I: task.I, O: task.O})
	if err != nil {
		t.Fatal(err)
	}
	params, err := engine.NewParams[float32](net, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := analysis.Subject{Net: net, Task: task, Params: params, Device: devicetest.CPU(t, 1), Batch: 8}
	p, err := s.SlowPoints(t.Context(), analysis.PointOptions{Sequences: 8, Starts: 6, Noise: 0.1, Same: 0.01, Slow: 1e-4, Iterations: 200, Seed: 1},
		func(*analysis.Walk) ([]float64, error) { return make([]float64, task.I), nil })
	if err != nil {
		t.Fatal(err)
	}
	wide, err := engine.Widen(net, params)
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewStepMap(net, wide, task.I, 1, s.Device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return p, m, *c
}

// TestRestingState: the neuron of Hodgkin and Huxley has one slow point, which is its rest, with the eigenvalues that
// differences of its steps have.
func TestRestingState(t *testing.T) {
	p, m, _ := pointsOf(t, "hh")
	if len(p.List) != 1 || len(p.Lost) != 0 || !p.List[0].Fixed || !p.List[0].Stable {
		t.Fatalf("points %+v, %d lost; want one that is fixed and stable", p.List, len(p.Lost))
	}
	found := p.List[0]
	s := slices.Concat(found.State...)
	for i, want := range []float64{-64.9964, 0.052955, 0.595994, 0.317732} { // V, m, h, n
		if math.Abs(s[i]-want) > 1e-4*max(1, math.Abs(want)) {
			t.Errorf("element %d of the state is %v, want %v", i, s[i], want)
		}
	}
	unit := []float64{1e-3, 1e-5, 1e-5, 1e-5}
	holdEigenvalues(t, found.Eigenvalues, byDifferences(t, m, s, unit), 1e-7)
}

// byDifferences returns the eigenvalues of the Jacobian by central differences, which are of a size of their own for each
// element; it leaves out those of size 0.
func byDifferences(t *testing.T, m *engine.StepMap, s, size []float64) []complex128 {
	t.Helper()
	var which []int
	for k, u := range size {
		if u > 0 {
			which = append(which, k)
		}
	}
	j := mat.NewDense(len(which), len(which), nil)
	for col, k := range which {
		up, down := slices.Clone(s), slices.Clone(s)
		up[k], down[k] = s[k]+size[k], s[k]-size[k]
		for _, side := range [][]float64{up, down} {
			if err := m.Step(side, side); err != nil {
				t.Fatal(err)
			}
		}
		for row, i := range which {
			j.Set(row, col, (up[i]-down[i])/(2*size[k]))
		}
	}
	var e mat.Eigen
	if !e.Factorize(j, mat.EigenNone) {
		t.Fatal("no eigenvalues")
	}
	return e.Values(nil)
}

// holdEigenvalues holds that each of the wanted ones is found.
func holdEigenvalues(t *testing.T, found [][2]float64, all []complex128, tolerance float64) {
	t.Helper()
	if len(found) != len(all) {
		t.Fatalf("%d eigenvalues, want %d", len(found), len(all))
	}
	for _, want := range all {
		if !slices.ContainsFunc(found, func(v [2]float64) bool { return cmplx.Abs(complex(v[0], v[1])-want) < tolerance }) {
			t.Errorf("eigenvalues are %v, want %v among them", found, want)
		}
	}
}

// TestRestOfLGMD: from disturbed states that it visits, with what events have left on the way, the LGMD is found at rest. Its potentials
// and calcium there are those that scipy.optimize.root finds of the equations of its file with all gates at their steady
// states, in float64; another root that it finds has the zone at −56.4 mV.
func TestRestOfLGMD(t *testing.T) {
	p, m, c := pointsOf(t, "lgmd")
	if len(p.Lost) != 0 || len(p.List) == 0 {
		t.Fatalf("%d points, %d starts lost; want all to end at some", len(p.List), len(p.Lost))
	}
	stable := 0
	for _, found := range p.List {
		v := found.State[0]
		if !found.Fixed || math.Abs(v[0]+65.4264047) > 1e-5 && math.Abs(v[0]+56.3560741) > 1e-5 {
			t.Errorf("q %g with the zone at %v mV, want a fixed point at -65.4264 or -56.3561", found.Q, v[0])
		}
		if !found.Stable {
			continue
		}
		stable++
		var potentials []float64 // of compartments
		for u, area := range c.Neuron.Area {
			if area > 0 {
				potentials = append(potentials, v[u])
			}
		}
		for i, want := range []float64{-65.4264047, -65.3039350, -65.2669609, -65.2286791, -65.1910645, -65.1626616, -65.1414204, -65.1272886, -65.1202314} {
			if math.Abs(potentials[i]-want) > 1e-6 {
				t.Errorf("V[%d] is %v mV, want %v", i, potentials[i], want)
			}
		}
		if ca := found.State[1+c.Neuron.Gates()][0]; math.Abs(ca-2.01862365e-3) > 1e-10 {
			t.Errorf("calcium is %v mM, want 2.01862365e-3", ca)
		}
		s, size := slices.Concat(found.State...), make([]float64, 0, m.Dim())
		moves := c.Neuron.Trees()
		for i := range s {
			u := 1e-4 // mV and conductances
			if plane := i / c.Neuron.Units(); plane > 0 && plane <= 1+c.Neuron.Gates() {
				u = 1e-7
			}
			if moves[i] < 0 {
				u = 0
			}
			size = append(size, u)
		}
		holdEigenvalues(t, found.Eigenvalues, byDifferences(t, m, s, size), 1e-4) // differences of a matrix with eigenvalues close together
	}
	if stable != 1 {
		t.Errorf("%d stable points, want 1", stable)
	}
}

// TestCableEigenvalues: a passive cable rests at the potential of its leak, with the eigenvalues of a chain: each step of
// integration leaves 1/(1 + dt (leak + 4 axial sin²(kπ/2N))/capacity) of the k-th cosine.
func TestCableEigenvalues(t *testing.T) {
	p, _, c := pointsOf(t, "cable")
	if len(p.List) != 1 || len(p.Lost) != 0 || !p.List[0].Fixed || !p.List[0].Stable {
		t.Fatalf("points %+v, %d lost; want one that is fixed and stable", p.List, len(p.Lost))
	}
	for i, v := range p.List[0].State[0] {
		if math.Abs(v+65) > 1e-6 {
			t.Errorf("V[%d] rests at %v mV, want -65", i, v)
		}
	}
	const axial = math.Pi * 1e-8 / (4 * 150 * 3e-4) * 1e6 // µS, of a diameter of 1 µm and a length of 3 µm
	capacity, leak, n := c.Neuron.Area[0]*1e-5, c.Neuron.Area[0]*1e-2*1e-4, len(c.Neuron.Area)
	for k := range n {
		sin := math.Sin(float64(k) * math.Pi / float64(2*n))
		want := math.Pow(1/(1+c.Neuron.Dt*(leak+4*axial*sin*sin)/capacity), float64(c.Neuron.Substeps))
		if got := p.List[0].Eigenvalues[k]; math.Abs(got[0]-want) > 1e-6 || math.Abs(got[1]) > 1e-6 {
			t.Errorf("eigenvalue %d is %v, want %v", k, got, want)
		}
	}
}
