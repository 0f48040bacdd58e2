package meanfield

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// balanced is the network of two populations of the published simulations, with 10 Hz of input.
var balanced = Linear{W: [][]float64{{2, -3}, {9, -5}}, X: []float64{36, 27}}

// threeOf is the network of two excitatory populations and an inhibitory one, with input that differs by 2 d.
func threeOf(d float64) Linear {
	return Linear{W: [][]float64{{0.5, 1.5, -3}, {1.5, 0.5, -3}, {4.5, 4.5, -5}}, X: []float64{3.6 + d, 3.6 - d, 2.7}}
}

func close(a, b []float64, within float64) bool {
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= within) {
			return false
		}
	}
	return len(a) == len(b)
}

func TestBalanced(t *testing.T) {
	r, err := balanced.Balanced()
	if err != nil || !close(r, []float64{99. / 17, 270. / 17}, 1e-12) || !Exists(r) {
		t.Errorf("rates %v, error %v", r, err)
	}
	if silent, err := (Linear{W: balanced.W, X: []float64{0, 0}}).Balanced(); err != nil || math.Signbit(silent[0]) {
		t.Errorf("without input the rates are %v, want 0", silent)
	}
	r, err = threeOf(1).Balanced()
	if err != nil || !close(r, []float64{1.582353, -0.417647, 1.588235}, 5e-7) || Exists(r) {
		t.Errorf("rates %v, error %v", r, err)
	}
	if _, err := (Linear{W: [][]float64{{1, -1}, {2, -2}}, X: []float64{1, 1}}).Balanced(); !errors.Is(err, ErrSingular) {
		t.Errorf("error of a matrix without inverse is %v", err)
	}
}

// TestSemiBalanced: the active set of one and of all, the same rates by following them, and inputs that keep
// e2 silent.
func TestSemiBalanced(t *testing.T) {
	for d, want := range map[float64][]float64{0: {0.582353, 0.582353, 1.588235}, 1: {1.354545, 0, 1.759091}} {
		all, err := threeOf(d).SemiBalanced()
		if err != nil || len(all) != 1 || !close(all[0].Rates, want, 5e-7) || !all[0].Stable {
			t.Fatalf("d = %v: %+v, error %v", d, all, err)
		}
		if d == 1 && (len(all[0].Active) != 2 || math.Abs(all[0].Inputs[1]+0.645455) > 5e-7) {
			t.Errorf("%+v, want e2 silent under the input -0.645455", all[0])
		}
		if r, rests := threeOf(d).Iterate(100000); !rests || !close(r, all[0].Rates, 1e-9) {
			t.Errorf("d = %v: followed to %v, at rest %v", d, r, rests)
		}
	}
	unstable := Linear{W: [][]float64{{3, -3}, {9, -2}}, X: []float64{1, 0}}
	if all, err := unstable.SemiBalanced(); err != nil || len(all) != 1 || all[0].Stable || math.Abs(all[0].Growth-0.5) > 1e-12 {
		t.Errorf("a network with eigenvalues of a real part of 1/2 has %+v, error %v", all, err)
	}
	for name, l := range map[string]Linear{"explosive": {W: [][]float64{{3, -1}, {1, -0.1}}, X: []float64{1, 0}}, "not joined": {W: [][]float64{{0}}, X: []float64{8}}} {
		if r, rests := l.Iterate(1000000); rests || r[0]-r[0] != 0 && name == "not joined" {
			t.Errorf("the %s network comes to rest at %v", name, r)
		}
	}
	if _, err := (Linear{X: make([]float64, 17)}).SemiBalanced(); err == nil {
		t.Error("17 populations are taken")
	}
}

// TestCircle: rates are linear between borders and continuous across them, and the active sets are those of the borders that
// the equations give: e2 falls silent where its balanced rate reaches 0, that is where the input of e1 exceeds that of e2 by
// so much that 0.582353 = d, and the other way round.
func TestCircle(t *testing.T) {
	const n, radius = 3600, 3.
	circle, err := threeOf(0).Circle(0, 1, radius, n)
	if err != nil {
		t.Fatal(err)
	}
	for k, s := range circle {
		a, b, c := circle[(k+n-1)%n], circle[k], circle[(k+1)%n]
		if s.Number != 1 || !s.Stable {
			t.Fatalf("%+v", s)
		}
		for i, r := range s.Rates {
			if step := math.Abs(c.Rates[i] - r); step > 4*radius*2*math.Pi/n {
				t.Errorf("at %v degrees rate %d moves by %v", s.Degrees, i, step)
			}
			// Linear in the stimulus: on a circle the second difference is that of the circle about a fixed value.
			if slices.Equal(a.Active, b.Active) && slices.Equal(b.Active, c.Active) && slices.Contains(b.Active, i) {
				middle := (a.Rates[i] + c.Rates[i]) / 2
				chord := Linear{W: threeOf(0).W, X: slices.Clone(threeOf(0).X)}
				angle := 2 * math.Pi * float64(k) / n
				chord.X[0] += radius * math.Cos(angle) * math.Cos(2*math.Pi/n)
				chord.X[1] += radius * math.Sin(angle) * math.Cos(2*math.Pi/n)
				fixed, err := chord.SemiBalanced()
				if err != nil || len(fixed) != 1 || math.Abs(fixed[0].Rates[i]-middle) > 1e-9 {
					t.Fatalf("at %v degrees the rates are not linear in the stimulus: %v, %+v", s.Degrees, middle, fixed)
				}
			}
		}
	}
	arcs := Arcs(circle)
	sets, width := map[string]bool{}, 0.0
	for _, a := range arcs {
		sets[fmt.Sprint(a.Active)] = true
		width += a.To - a.From
	}
	if !sets["[0 2]"] || !sets["[1 2]"] || !sets["[0 1 2]"] || math.Abs(width-360) > 1e-9 {
		t.Errorf("arcs %+v", arcs)
	}
	// Without a stimulus the balanced rates are 0.582353 for e1 and e2, and d moves them apart by d each.
	for _, a := range arcs {
		if edge := a.To * math.Pi / 180; fmt.Sprint(a.Active) == "[0 1 2]" {
			balanced, err := Linear{W: threeOf(0).W, X: []float64{3.6 + radius*math.Cos(edge), 3.6 + radius*math.Sin(edge), 2.7}}.Balanced()
			if err != nil || math.Abs(min(balanced[0], balanced[1])) > 0.01 {
				t.Errorf("at %v degrees, where one falls silent, the balanced rates are %v, error %v", a.To, balanced, err)
			}
		}
	}
	for _, bad := range [][3]int{{0, 0, 5}, {0, 3, 5}, {-1, 0, 5}, {0, 1, 0}, {0, 1, 1 << 17}} {
		if _, err := threeOf(0).Circle(bad[0], bad[1], 1, bad[2]); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// TestTheorem: for every W that obeys Dale's law there is an input X > 0 with a negative balanced rate: the sum
// of the columns of an excitatory and an inhibitory population, as r = -e_k + ρ e_i.
func TestTheorem(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		n := 2 + rng.IntN(5)
		excitatory := 1 + rng.IntN(n-1)
		l := Linear{W: make([][]float64, n), X: make([]float64, n)}
		k, i, rho := rng.IntN(excitatory), excitatory+rng.IntN(n-excitatory), 0.1+2*rng.Float64()
		for a := range n {
			l.W[a] = make([]float64, n)
			for b := range n {
				if l.W[a][b] = 0.1 + 5*rng.Float64(); b >= excitatory {
					l.W[a][b] *= -1
				}
			}
			l.X[a] = l.W[a][k] - rho*l.W[a][i]
			if !(l.X[a] > 0) {
				t.Fatalf("the input %v is not above 0", l.X)
			}
		}
		r, err := l.Balanced()
		if errors.Is(err, ErrSingular) {
			continue // of a matrix that has no balanced state to begin with
		}
		want := make([]float64, n)
		want[k], want[i] = -1, rho
		if !close(r, want, 1e-6) || Exists(r) {
			t.Fatalf("W = %v, X = %v: the rates are %v, want %v", l.W, l.X, r, want)
		}
	}
}

// TestRates holds rates to the formula of the LIF neuron and to quadratures that were made apart.
func TestRates(t *testing.T) {
	lif := Neuron{Tau: 15, EL: -72, Vth: -55, Vre: -75}
	for input, want := range map[float64]float64{18: 21.8972, 23: 45.4648, 28: 64.3444, 33: 82.2101, 38: 99.6438, 16.9: 0} {
		if got := lif.Rate(input); math.Abs(got-want) > 5e-5 {
			t.Errorf("LIF, %v mV: %v Hz, want %v", input, got, want)
		}
	}
	eif := Neuron{Tau: 15, EL: -72, VT: -55, DT: 4, Vth: 10, Vre: -75}
	for input, want := range map[float64]float64{13.1: 2.4044, 13.4: 4.9076, 14.4: 9.6366, 19.4: 24.0974, 12.9: 0} {
		if got := eif.Rate(input); math.Abs(got-want) > 1e-4 {
			t.Errorf("EIF, %v mV: %v Hz, want %v", input, got, want)
		}
	}
	sharp := Neuron{Tau: 15, EL: -72, VT: -55, DT: 0.01, Vth: -54, Vre: -75}
	if got, want := sharp.Rate(23), lif.Rate(23); math.Abs(got/want-1) > 0.01 {
		t.Errorf("an EIF neuron of a sharp rise fires at %v Hz, want %v as the LIF neuron", got, want)
	}
}
