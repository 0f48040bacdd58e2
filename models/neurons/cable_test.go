package neurons

import (
	"errors"
	"math"
	"testing"

	"galvani/kernels/random"
)

// rall is a dendrite of 300 µm: λ = 408.2483 µm, R∞ = 779.697 MΩ, R_in = 1245.479 MΩ.
var rall = Membrane{Capacity: 1, Leak: 1e-4, Axial: 150}

func one(n int) []Section { return []Section{{Parent: -1, Length: 300, Diameter: 1, Compartments: n}} }

func newCable(t *testing.T, m Membrane, sections []Section) *Cable {
	t.Helper()
	c, err := NewCable(m, sections)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func relative(got, want float64) float64 { return math.Abs(got/want - 1) }

// TestRall: 0.02 nA into one end. At compartment centres the voltage is that of the sealed cable,
// V₀ cosh((L−x)/λ)/cosh(L/λ) with V₀ = I R∞ coth(L/λ), to second order in the length of a compartment.
func TestRall(t *testing.T) {
	const current, length = 0.02, 300.0
	last := math.Inf(1)
	for _, n := range []int{100, 200, 400} {
		c := newCable(t, rall, one(n))
		lambda := c.Lambda(0)
		if relative(lambda, 408.2483) > 1e-6 {
			t.Fatalf("λ is %v µm", lambda)
		}
		in := make([]float64, c.Units())
		in[0] = current
		worst := 0.0
		for k, v := range c.Steady(in) {
			x := (float64(k) + 0.5) * length / float64(n)
			want := 24.9096 * math.Cosh((length-x)/lambda) / math.Cosh(length/lambda)
			worst = max(worst, relative(v, want))
		}
		if !(worst <= 1e-4) { // the bound of a mesh of 100; V₀ is given to six digits
			t.Errorf("%d compartments: off by %v", n, worst)
		}
		v := c.Steady(in)
		// The input resistance at the end, half a compartment before the first centre.
		resistance := v[0]/current + 1/c.half(0, false)
		if e := relative(resistance, 1245.479); !(e < last/3 && e < 1e-4) {
			t.Errorf("%d compartments: input resistance is %v MΩ, off by %v after %v", n, resistance, e, last)
		} else {
			last = e
		}
	}
}

// TestBranches: a tree whose branches keep Σ d^{3/2} and the electrotonic lengths is one cylinder
// (Rall 1962), and so is its mesh, node for node.
func TestBranches(t *testing.T) {
	const n = 40
	thin := math.Pow(0.5, 2.0/3) // two of them have 1^{3/2}
	thinner := thin * thin
	tree := newCable(t, rall, []Section{
		{-1, 100, 1, n}, {0, 100 * math.Sqrt(thin), thin, n}, {0, 100 * math.Sqrt(thin), thin, n},
		{2, 100 * math.Sqrt(thinner), thinner, n}, {2, 100 * math.Sqrt(thinner), thinner, n}, {1, 100 * math.Sqrt(thin), thin, n},
	})
	whole := newCable(t, rall, one(3*n))
	in, into := make([]float64, tree.Units()), make([]float64, whole.Units())
	in[0], into[0] = 0.02, 0.02
	got, want := tree.Steady(in), whole.Steady(into)
	for k := range n {
		for section, from := range []int{0, n, n, 2 * n, 2 * n, 2 * n} {
			// Section 5 is as thick as its parent: it is a cylinder with it, as the others are together.
			if e := relative(got[tree.At(section, k)], want[from+k]); e > 1e-10 {
				t.Fatalf("section %d, compartment %d: off by %v", section, k, e)
			}
		}
	}
}

// TestDecay: an even voltage leaks away by backward Euler steps of the membrane's time constant.
func TestDecay(t *testing.T) {
	const dt, steps = 0.5, 20
	c := newCable(t, rall, []Section{{-1, 50, 2, 3}, {0, 40, 1, 2}, {0, 60, 0.5, 4}})
	v0, still := make([]float64, c.Units()), make([][]float64, steps)
	for u := range v0 {
		v0[u] = 7
	}
	for i := range still {
		still[i] = make([]float64, c.Units())
	}
	want := 7 / math.Pow(1+dt/10, steps) // τ = C/g = 10 ms
	for u, v := range c.Run(dt, v0, still)[steps] {
		if relative(v, want) > 1e-12 {
			t.Errorf("unit %d is at %v, want %v", u, v, want)
		}
	}
}

// TestAdjoint holds the gradient by currents, first voltages, leaks and axial conductances to central
// differences.
func TestAdjoint(t *testing.T) {
	const dt, steps = 0.7, 6
	c := newCable(t, rall, []Section{{-1, 50, 2, 3}, {0, 40, 1, 2}, {0, 60, 0.5, 3}, {2, 30, 0.4, 1}})
	r := random.New(3)
	draw := uint64(0)
	numbers := func() []float64 {
		x := make([]float64, c.Units())
		for u := range x {
			draw++
			x[u] = r.Normal(draw)
		}
		return x
	}
	v0, current, weight := numbers(), make([][]float64, steps), [][]float64{numbers()}
	for i := range current {
		current[i] = numbers()
		weight = append(weight, numbers())
	}
	value := func() (sum float64) {
		for i, v := range c.Run(dt, v0, current) {
			for u := range v {
				sum += weight[i][u] * v[u]
			}
		}
		return sum
	}
	g := c.Adjoint(dt, c.Run(dt, v0, current), weight)
	check := func(what string, x, got []float64) {
		t.Helper()
		for i, old := range x {
			h := 1e-5 * max(1e-3, math.Abs(old))
			x[i] = old + h
			up := value()
			x[i] = old - h
			want := (up - value()) / (2 * h)
			x[i] = old
			if math.Abs(got[i]-want) > 1e-5*max(1, math.Abs(want)) {
				t.Errorf("%s %d: gradient %.9g, differences %.9g", what, i, got[i], want)
			}
		}
	}
	check("first voltage", v0, g.First)
	check("current", current[2], g.Current[2])
	check("last current", current[steps-1], g.Current[steps-1])
	check("axial conductance", c.Axial, g.Axial)
	nodes := 0
	for u := range c.Leak {
		if c.Capacity[u] == 0 {
			nodes++
		}
	}
	if nodes != 2 {
		t.Errorf("%d nodes, want 2", nodes)
	}
	check("leak", c.Leak, g.Leak)
}

func TestBadCables(t *testing.T) {
	for name, sections := range map[string][]Section{
		"none": nil, "length": {{-1, 0, 1, 3}}, "diameter": {{-1, 1, math.NaN(), 3}}, "compartments": {{-1, 1, 1, 0}},
		"own parent": {{0, 1, 1, 1}}, "parent": {{-2, 1, 1, 1}}, "endless": {{-1, math.Inf(1), 1, 1}},
	} {
		if _, err := NewCable(rall, sections); !errors.Is(err, ErrCable) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := NewCable(Membrane{1, 0, 1}, one(1)); !errors.Is(err, ErrCable) {
		t.Errorf("no leak: error is %v", err)
	}
}
