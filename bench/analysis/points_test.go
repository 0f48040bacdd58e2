package analysis

import (
	"errors"
	"math"
	"math/cmplx"
	"testing"

	"galvani/engine"
	"galvani/engine/dynamics"
	"galvani/models"

	"gonum.org/v1/gonum/mat"
)

const (
	// fixedTolerance bounds the error of fixed points and eigenvalues in float64: rounding, times
	// the condition of small matrices.
	fixedTolerance = 1e-9
	// jacobianTolerance: central differences with a step of 1e-5 are off by about 1e-10, and
	// second derivatives of the gates, which are steep, by some hundred times that.
	jacobianTolerance = 1e-7
	differenceStep    = 1e-5
)

// bound returns the step of a model with its initial parameters, and those by name.
func bound(t *testing.T, model string, cell models.Cell, d models.Dims, seed uint64) (*engine.StepMap, map[string][]float64, *models.Network) {
	t.Helper()
	net, err := models.Bind(model, cell, d)
	if err != nil {
		t.Fatal(err)
	}
	params, err := engine.NewParams[float64](net, seed)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float64{}
	for i, s := range params.Specs() {
		values[s.Name] = params.View(i).Data().([]float64)
	}
	m, err := engine.NewStepMap(net, params, d.I, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, values, net
}

// TestJacobian holds the Jacobian of every model, from the derivative of its graph, to central
// differences.
func TestJacobian(t *testing.T) {
	for _, e := range models.All() {
		t.Run(e.Name, func(t *testing.T) {
			m, _, net := bound(t, e.Name, e.New(), models.Dims{I: 2, H: 4, O: 1}, 1)
			n := m.Dim()
			s := make([]float64, n)
			for i := range s { // off the corners of rectifiers
				s[i] = net.Rest()[i/4] + 0.3 + 0.1*math.Sin(float64(i))
			}
			if err := m.Input([]float64{1, 0.5}); err != nil {
				t.Fatal(err)
			}
			j, err := dynamics.Jacobian(m, s)
			if err != nil {
				t.Fatal(err)
			}
			up, down := make([]float64, n), make([]float64, n)
			for k, was := range s {
				s[k] = was + differenceStep
				err := m.Step(up, s)
				s[k] = was - differenceStep
				if err = errors.Join(err, m.Step(down, s)); err != nil {
					t.Fatal(err)
				}
				s[k] = was
				for i := range n {
					want := (up[i] - down[i]) / (2 * differenceStep)
					if got := j.At(i, k); !(math.Abs(got-want) <= jacobianTolerance*max(1, math.Abs(want))) {
						t.Errorf("∂F_%d/∂s_%d is %v, want %v", i, k, got, want)
					}
				}
			}
			if mat.Norm(j, 1) == 0 {
				t.Error("the Jacobian is 0")
			}
		})
	}
}

// TestLinearRate holds the fixed point of a linear rate network, τ dr/dt = −r + W r + X, to
// (1 − W)⁻¹ X, and the eigenvalues to 1 − α + αλ of those of W, and 0 for the currents, which
// follow at once.
func TestLinearRate(t *testing.T) {
	const h = 4
	c := models.NewRate()
	c.Activation, c.Learn, c.TauS, c.TauR = "linear", "none", 1, 4
	m, p, _ := bound(t, "rate", c, models.Dims{I: 1, H: h, O: 1}, 1)
	// W has the eigenvalues 0.5 and −0.8, and 0.6 ± 0.3i of the block.
	w := []float64{
		0.5, 2, -1, 0.3,
		0, 0.6, -0.3, 1,
		0, 0.3, 0.6, -0.7,
		0, 0, 0, -0.8}
	copy(p["cell.W"], w)
	copy(p["cell.b"], []float64{0.1, -0.2, 0.3, 0})
	copy(p["cell.U"], []float64{1, 0, -2, 0.5})
	input := 0.7
	left, right := mat.NewDense(h, h, nil), mat.NewVecDense(h, nil)
	for i := range h {
		for j := range h {
			left.Set(i, j, -w[i*h+j])
		}
		left.Set(i, i, 1-w[i*h+i])
		right.SetVec(i, p["cell.b"][i]+p["cell.U"][i]*input)
	}
	var want mat.VecDense
	if err := want.SolveVec(left, right); err != nil {
		t.Fatal(err)
	}
	if err := m.Input([]float64{input}); err != nil {
		t.Fatal(err)
	}
	starts := [][]float64{make([]float64, 2*h), {1, 2, 3, 4, 5, 6, 7, 8}}
	points, lost, err := dynamics.Find(t.Context(), m, starts, dynamics.Options{Iterations: 100, Slow: 1e-6, Same: 1e-6})
	if err != nil || len(lost) != 0 || len(points) != 1 {
		t.Fatalf("points %+v, lost %v, error %v; want one", points, lost, err)
	}
	for i, v := range points[0].State { // at the fixed point currents are the rates
		if math.Abs(v-want.AtVec(i%h)) > fixedTolerance {
			t.Errorf("element %d is %v, want %v", i, v, want.AtVec(i%h))
		}
	}
	for i, lambda := range []complex128{complex(0.6, 0.3), complex(0.6, -0.3), 0.5, -0.8} {
		if got, want := points[0].Eigenvalues[i], 0.75+0.25*lambda; cmplx.Abs(got-want) > fixedTolerance {
			t.Errorf("eigenvalue %d is %v, want %v", i, got, want)
		}
	}
	for _, e := range points[0].Eigenvalues[h:] {
		if cmplx.Abs(e) > fixedTolerance {
			t.Errorf("eigenvalue %v, want 0", e)
		}
	}
	if !points[0].Fixed() || !points[0].Stable() {
		t.Error("the point is not fixed and stable")
	}
}

// TestBistableRNN finds the three fixed points of two tanh units that excite each other: both at
// 0, unstable along the diagonal, and both at ±a with a = tanh 2a, stable.
func TestBistableRNN(t *testing.T) {
	m, p, _ := bound(t, "rnn", &models.RNN{}, models.Dims{I: 1, H: 2, O: 1}, 1)
	copy(p["cell.weight_hh_l0"], []float64{1, 1, 1, 1})
	for _, name := range []string{"cell.bias_ih_l0", "cell.bias_hh_l0"} {
		clear(p[name])
	}
	a := 1.0
	for range 200 {
		a = math.Tanh(2 * a)
	}
	var starts [][]float64
	for x := -1.0; x <= 1; x += 0.2 {
		for y := -1.0; y <= 1; y += 0.2 {
			starts = append(starts, []float64{x, y})
		}
	}
	if err := m.Input([]float64{0}); err != nil {
		t.Fatal(err)
	}
	points, _, err := dynamics.Find(t.Context(), m, starts, dynamics.Options{Iterations: 100, Slow: 1e-6, Same: 1e-3})
	if err != nil || len(points) != 3 {
		t.Fatalf("points %+v, error %v; want three", points, err)
	}
	seen := map[float64]bool{}
	for _, point := range points {
		at := 0.0
		if v := point.State[0]; math.Abs(v) > 0.5 {
			at = math.Copysign(a, v)
		}
		seen[at] = true
		if math.Abs(point.State[0]-at) > fixedTolerance || math.Abs(point.State[1]-at) > fixedTolerance {
			t.Errorf("point at %v, want %v", point.State, at)
		}
		if want := 2 * (1 - at*at); cmplx.Abs(point.Eigenvalues[0]-complex(want, 0)) > fixedTolerance || cmplx.Abs(point.Eigenvalues[1]) > fixedTolerance {
			t.Errorf("eigenvalues at %v are %v, want %v and 0", at, point.Eigenvalues, want)
		}
		if point.Stable() != (at != 0) || !point.Fixed() {
			t.Errorf("at %v: stable %v, fixed %v", at, point.Stable(), point.Fixed())
		}
	}
	if len(seen) != 3 {
		t.Errorf("points at %v, want three places", seen)
	}
}
