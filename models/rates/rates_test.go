package rates

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/kernels/sparse"
)

// matrix returns units with the weights W, rates for inputs in mV, that the constant input x reaches; a projection for
// each column, and a population for each unit. params are those of Unit.
func matrix(t *testing.T, step float64, w [][]float64, x []float64, params map[string]float64) *kernels.Circuit {
	t.Helper()
	unit := Unit()
	p := unit.Defaults()
	for name, v := range params {
		i := slices.IndexFunc(unit.Params, func(q neurons.Param) bool { return q.Name == name })
		if i < 0 {
			t.Fatal("no parameter ", name)
		}
		p[i] = v
	}
	c := &kernels.Circuit{Step: step}
	one, err := sparse.Whole(1).AllToAll(1, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range w {
		c.Populations = append(c.Populations, kernels.Population{Name: string(rune('a' + i)), Header: Header, N: 1, Params: p, Synapses: []float64{step}})
		c.Currents = append(c.Currents, kernels.Current{Population: i, Last: math.MaxInt64, Amplitude: x[i]})
		for j := range w {
			c.Projections = append(c.Projections, kernels.Projection{From: j, To: i, Matrix: one, Weight: []float64{1000 * w[i][j]}, Delay: []uint16{1}})
		}
	}
	return c
}

// after returns the rates after some steps.
func after(t *testing.T, c *kernels.Circuit, steps int) []float64 {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(steps); err != nil {
		t.Fatal(err)
	}
	return p.Means()
}

func near(t *testing.T, what string, got, want []float64, within float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > within {
			t.Errorf("%s: the rates are %v, want %v within %g", what, got, want, within)
			return
		}
	}
}

// TestFixedPoints: linear units come to (1-W)^-1 X, and units of a growing gain to the semi-balanced rates.
func TestFixedPoints(t *testing.T) {
	// (1-W) r = X with W = (0.2, -0.5; 0.3, -0.4) and X = (1, -3): r = (1/1.27) (1.4 X1 - 0.5 X2, 0.3 X1 + 0.8 X2).
	c := matrix(t, 0.1, [][]float64{{0.2, -0.5}, {0.3, -0.4}}, []float64{1, -3}, map[string]float64{"r_min": -1e9})
	// A float32 does not see a change by (f - r) step/tau below half of its last digit.
	near(t, "linear", after(t, c, 5000), []float64{2.9 / 1.27, -2.1 / 1.27}, 1e-5)
	w := [][]float64{{0.5, 1.5, -3}, {1.5, 0.5, -3}, {4.5, 4.5, -5}}
	want := []float64{1.354545, 0, 1.759091}
	last := math.Inf(1)
	for _, g := range []float64{10, 100, 1000} {
		// Of a gain g the rates are off by about r/g; the step is short against tau over the gain.
		got := after(t, matrix(t, 0.1/g, w, []float64{4.6, 2.6, 2.7}, map[string]float64{"gain": g}), int(20000*math.Sqrt(g)))
		off := 0.0
		for i := range got {
			off = max(off, math.Abs(got[i]-want[i]))
		}
		if off > 8/g || off >= last {
			t.Errorf("of gain %g the rates are %v, want %v", g, got, want)
		}
		last = off
	}
}

// TestSigmoid: units whose f is a sigmoid come to rates at which r = f(W r + X), from r_min to r_max.
func TestSigmoid(t *testing.T) {
	w := [][]float64{{0.4, -0.8}, {1.2, -0.5}}
	for _, x := range [][]float64{{0, 0}, {12, -3}, {500, 500}, {-500, -500}} {
		r := after(t, matrix(t, 1, w, x, map[string]float64{"tau": 5, "theta": 6, "width": 8, "r_min": 2, "r_max": 50}), 500)
		var want []float64
		for i, row := range w {
			want = append(want, 2+48/(1+math.Exp(-(row[0]*r[0]+row[1]*r[1]+x[i]-6)/8)))
		}
		near(t, "sigmoids", r, want, 1e-4)
		if x[0] == 500 && r[0] < 49.999 || x[0] == -500 && r[0] > 2.001 {
			t.Errorf("under inputs of %g mV the rates are %v", x[0], r)
		}
	}
}

// TestRecurrent: with time constants of a step a step is that of a vanilla recurrent network, bit for bit.
func TestRecurrent(t *testing.T) {
	w, x := [][]float64{{0.5, -0.25}, {1, -0.5}}, []float64{1, 0.5}
	c := matrix(t, 1, w, x, map[string]float64{"tau": 1, "power": 2, "gain": 0.5, "theta": 0.25, "r_max": 40})
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r := []float64{0, 0}
	for n := range 20 {
		next := make([]float64, 2)
		for i := range w {
			in := x[i] + float64(float32(1000*w[i][0]*(r[0]/1000)+1000*w[i][1]*(r[1]/1000)))
			next[i] = float64(float32(min(40, 0.5*math.Pow(max(0, in-0.25), 2))))
		}
		if r = next; n < 2 && r[0] == 0 {
			t.Fatal("no rate")
		}
		if _, err := p.Run(1); err != nil {
			t.Fatal(err)
		}
		near(t, "a recurrent network", p.Means(), r, 0)
	}
}

// TestStack: with time constants of a step a feed-forward stack of rectified units is, after a step for each layer, the
// forward pass of a multilayer perceptron, bit for bit.
func TestStack(t *testing.T) {
	layers := [][][]float64{{{0.5, -1.25}, {-0.75, 2}, {1.5, 0.3}}, {{0.7, 0.2, -0.4}, {0.1, -0.9, 0.6}}}
	w := make([][]float64, 7)
	for i := range w {
		w[i] = make([]float64, 7)
	}
	first, at := 0, 2
	x := []float64{1.1, 0.7, 0, 0, 0, 0, 0}
	want := []float64{float64(float32(1.1)), float64(float32(0.7))}
	r := want
	for _, layer := range layers {
		next := make([]float64, len(layer))
		for i, row := range layer {
			sum := 0.0
			for j, v := range row {
				w[at+i][first+j] = v
				sum += 1000 * v * (r[j] / 1000)
			}
			next[i] = float64(float32(max(0, float64(float32(sum)))))
		}
		first, at, r = at, at+len(layer), next
		want = append(want, next...)
	}
	near(t, "a stack", after(t, matrix(t, 1, w, x, map[string]float64{"tau": 1}), 3), want, 0)
	if slices.Max(want[5:]) == 0 {
		t.Error("nothing comes out of the stack")
	}
}

// additive is isp-additive with a rate of 1/100 per ms.
func additive(eta float64) *kernels.Plasticity {
	q := kernels.Pairing{Tau: 200, Jump: 1. / 200}
	return &kernels.Plasticity{Sign: -1, Most: kernels.NoBound, Source: q, Target: q, Pre: kernels.Change{A: -0.02, B: 1, C: eta}, Post: kernels.Change{B: 1, C: eta}}
}

// TestLearning: the drift of a rule is that of its rates, the units come to the rate that the rule has, and a network
// that goes on from a state is the one without a stop.
func TestLearning(t *testing.T) {
	rule := additive(3)
	if got, want := Drift(rule, 7, 0.004, 0.025), 2*3*0.004*(0.025-0.01); math.Abs(got-want) > 1e-15 {
		t.Errorf("the drift is %v, want %v", got, want)
	}
	rule.Source.Nearest = true
	if got, want := Drift(rule, 7, 0.004, 0.025), 3*(0.004*(0.025-0.02)+0.025*0.004/(1+0.8)); math.Abs(got-want) > 1e-15 {
		t.Errorf("the drift with the last spike alone is %v, want %v", got, want)
	}
	c := matrix(t, 1, [][]float64{{0.2, -0.5}, {0.4, -0.1}}, []float64{30, 20}, nil)
	c.Projections[1].Plasticity, c.Projections[3].Plasticity = additive(8000), additive(8000)
	c.Probes = []kernels.Probe{{Population: 1}}
	whole, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	a, err := whole.Run(20000)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "inhibition that learns", whole.Means(), []float64{10, 10}, 1e-3)
	s, _ := whole.State()
	if got := c.WeightsNow(s, 1)[0]; math.Abs(got+2200) > 0.5 { // 30 + 0.2·10 + w·10/1000 = 10
		t.Errorf("the weight is %v, want -2200", got)
	}
	var v []float32
	stops, err := New(c)
	for _, steps := range []int{7, 1996, 17997} {
		if err != nil {
			t.Fatal(err)
		}
		r, e := stops.Run(steps)
		if e != nil {
			t.Fatal(e)
		}
		v = append(v, r.V[0]...)
		s, _ := stops.State()
		if stops, err = New(c); err == nil {
			err = stops.SetState(s)
		}
	}
	if !slices.Equal(v, a.V[0]) {
		t.Error("a network with stops has other rates")
	}
}

// TestRefused: what is no network of rates is refused in one line, and a rate that explodes is told with its population.
func TestRefused(t *testing.T) {
	w, x := [][]float64{{0.5, -1}, {1, -1}}, []float64{1, 1}
	for want, change := range map[string]func(*kernels.Circuit){
		"beside rate units":      func(c *kernels.Circuit) { c.Populations[1].Header = "lif" },
		"no rate":                func(c *kernels.Circuit) { c.Populations[1].Header = kernels.Trains },
		"conductances":           func(c *kernels.Circuit) { c.Populations[1].Reversals = []float64{-80} },
		"0 parameters, want 7":   func(c *kernels.Circuit) { c.Populations[1].Params = nil },
		"time constant 0.5 ms":   func(c *kernels.Circuit) { c.Populations[1].Params = []float64{0.5, 1, 0, 1, 0, 1, 0} },
		"tau is -1 ms":           func(c *kernels.Circuit) { c.Populations[1].Params = []float64{-1, 1, 0, 1, 0, 1, 0} },
		"no r_max":               func(c *kernels.Circuit) { c.Populations[1].Params = []float64{10, 1, 0, 1, 0, Unbounded, 2} },
		"beside a gain":          func(c *kernels.Circuit) { c.Populations[1].Params = []float64{10, 3, 0, 1, 0, 50, 2} },
		"projection 2 has delay": func(c *kernels.Circuit) { c.Projections[2].Delay = []uint16{2} },
	} {
		c := matrix(t, 1, w, x, nil)
		change(c)
		if _, err := New(c); !errors.Is(err, kernels.ErrShape) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	p, err := New(matrix(t, 1, w, x, nil))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := p.State()
	s.Populations[0].Planes[0][0] = float32(math.Inf(1))
	if err := p.SetState(s); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("error of an infinite rate is %v", err)
	}
	c := matrix(t, 1, w, x, nil)
	c.Projections[0].Weight = []float64{1e38}
	if p, err = New(c); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(1000); !errors.Is(err, kernels.ErrNotFinite) || !strings.Contains(err.Error(), `population "a"`) {
		t.Errorf("error of a rate that explodes is %v", err)
	}
}
