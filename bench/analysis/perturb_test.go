package analysis

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/models"
)

// wired returns a network of 12 units with every third connection missing.
func wired(t *testing.T, form string) *models.Network {
	t.Helper()
	w := models.NewWiring()
	w.RecDensity, w.EIRatio = 0.6, 0.5
	if w.Dale = form != "masks alone"; w.Dale {
		w.DaleForm = form
	}
	net, err := models.Bind("rnn", &models.RNN{}, models.Dims{I: 2, H: 12, O: 3}, models.Wired(w))
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// stored draws parameters whose weights act as the same numbers in all forms of Dale's law. What
// is stored where there is no connection is junk.
func stored(net *models.Network, junk float32) [][]float32 {
	r := rand.New(rand.NewPCG(3, 0))
	var list [][]float32
	for p, s := range net.Specs() {
		v := make([]float32, s.Len())
		for e := range v {
			x := 0.2 + math.Abs(r.NormFloat64())
			at, exists := net.Stored(p, e, x)
			if exists && net.Acting(p, e, at) == 0 { // the unit inhibits
				at, _ = net.Stored(p, e, -x)
			}
			if !exists {
				at = junk
			}
			v[e] = at
		}
		list = append(list, v)
	}
	return list
}

// acting returns the weights that act, behind each other.
func acting(t *testing.T, net *models.Network, params [][]float32) []float32 {
	t.Helper()
	tensors, err := Acting(net, params)
	if err != nil {
		t.Fatal(err)
	}
	var all []float32
	for _, x := range tensors {
		v, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

var forms = []string{"abs", "relu", "clamp", "masks alone"}

// TestNoiseIsOnWhatActs holds that values which are stored for connections that do not exist have no
// part in the noise on weights, neither in its size nor in what it changes, and that it keeps the
// signs of Dale's law.
func TestNoiseIsOnWhatActs(t *testing.T) {
	units := []int{0, 3, 4, 8, 11}
	seed := uint64(5)
	p := Perturbation{Kind: WeightNoise, Strength: 0.7, Seed: &seed}
	for _, form := range forms {
		net := wired(t, form)
		before := acting(t, net, stored(net, 0))
		var first []float32
		for _, junk := range []float32{0, 1000, -1000} {
			params := stored(net, junk)
			if !slices.Equal(acting(t, net, params), before) {
				t.Fatalf("%s: %v where there is no connection acts", form, junk)
			}
			changed, err := Change(net, params, p, units, true)
			if err != nil {
				t.Fatal(err)
			}
			after := acting(t, net, changed)
			if first == nil {
				first = after
			}
			if !slices.Equal(after, first) {
				t.Errorf("%s: noise on weights changes with what is stored where there is no connection", form)
			}
			if slices.Equal(after, before) {
				t.Errorf("%s: noise changes nothing", form)
			}
			for i, w := range after {
				if before[i] == 0 && w != 0 || form != "masks alone" && net.Specs()[1].Role == kernels.Rec && recurrent(net, i) && w*before[i] < 0 {
					t.Fatalf("%s: weight %d was %v and is %v", form, i, before[i], w)
				}
			}
		}
	}
}

// recurrent reports whether element i of all parameters behind each other is of a recurrent matrix.
func recurrent(net *models.Network, i int) bool {
	for _, s := range net.Specs() {
		if i < s.Len() {
			return s.Role == kernels.Rec
		}
		i -= s.Len()
	}
	return false
}

// TestFormsOfDaleArePerturbedAlike holds that networks with the same weights are the same after
// every kind of perturbation, however the weights are stored.
func TestFormsOfDaleArePerturbedAlike(t *testing.T) {
	units := []int{1, 2, 6, 9}
	for _, p := range []Perturbation{NewPerturbation(WeightNoise, 0.4, units, 9), NewPerturbation(Silence, 0.5, units, 9),
		NewPerturbation(Scale, 1.7, units, 9)} {
		var first []float32
		for _, form := range forms[:3] {
			net := wired(t, form)
			changed, err := Change(net, stored(net, 0), p, units, true)
			if err != nil {
				t.Fatal(err)
			}
			got := acting(t, net, changed)
			if first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Errorf("%s: other weights with form %s than with %s", p.Kind, form, forms[0])
			}
		}
	}
}

// TestSizeOfNoise holds the standard deviation of the noise to the root mean square of the weights
// that act and are chosen.
func TestSizeOfNoise(t *testing.T) {
	net, err := models.Bind("rnn", &models.RNN{}, models.Dims{I: 1, H: 200, O: 1})
	if err != nil {
		t.Fatal(err)
	}
	var params [][]float32
	for _, s := range net.Specs() {
		params = append(params, slices.Repeat([]float32{3}, s.Len()))
	}
	seed := uint64(1)
	changed, err := Change(net, params, Perturbation{Kind: WeightNoise, Strength: 0.5, Seed: &seed}, []int{5, 7, 9, 100}, false)
	if err != nil {
		t.Fatal(err)
	}
	n, squares := 0, 0.0
	for p, v := range changed {
		for e, w := range v {
			if d := float64(w - params[p][e]); d != 0 {
				n++
				squares += d * d
			}
		}
	}
	// Four columns without the diagonal; the error of a standard deviation from 796 is 2.5 %.
	if sd := math.Sqrt(squares / float64(n)); n != 4*199 || math.Abs(sd-1.5) > 0.15 {
		t.Errorf("%d weights with noise of %v, want 796 with 1.5", n, sd)
	}
	if _, err := Change(net, params, Perturbation{Kind: Scale}, []int{200}, true); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a unit that there is not: error %v", err)
	}
	if _, err := Change(net, params, Perturbation{Kind: "other"}, nil, true); err == nil {
		t.Error("an unknown perturbation was taken")
	}
}

// TestDraw holds that a larger part holds a smaller one of the same seed, and what needs no seed.
func TestDraw(t *testing.T) {
	units := []int{2, 3, 5, 7, 11, 13, 17, 19}
	var before []int
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		some := Draw(units, part, 4)
		if len(some) != int(part*8) || !slices.IsSorted(some) {
			t.Errorf("part %g is %v", part, some)
		}
		for _, u := range before {
			if !slices.Contains(some, u) {
				t.Errorf("part %g, %v, lacks %d of a smaller one", part, some, u)
			}
		}
		before = some
	}
	if slices.Equal(Draw(units, 0.5, 1), Draw(units, 0.5, 2)) {
		t.Error("two seeds draw the same half")
	}
	for _, tt := range []struct {
		kind     Kind
		strength float64
		drawn    bool
	}{{Silence, 1, false}, {Silence, 0.5, true}, {Silence, 0, false}, {Scale, 2, false}, {WeightNoise, 0, false}, {StateNoise, 1, true}} {
		if p := NewPerturbation(tt.kind, tt.strength, units, 1); (p.Seed != nil) != tt.drawn {
			t.Errorf("%s %g has the seed %v", tt.kind, tt.strength, p.Seed)
		}
	}
}
