package models

import (
	"errors"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
)

// plain returns the variant without Dale's law and masks.
func plain(v variant) variant {
	v.wiring = nil
	if c, ok := v.cell.(*CondVarying); ok && c.AShape == "type" {
		pre := *c
		pre.AShape = "pre"
		v.cell = &pre
	}
	return v
}

// effective returns what acts in a network by name, after rounding its parameters to float32.
func effective(t *testing.T, x *fixture) map[string]Array {
	t.Helper()
	var stored [][]float32
	for _, s := range x.net.Specs() {
		v := make([]float32, s.Len())
		for i, w := range x.values[s.Name] {
			v[i] = float32(w)
			x.values[s.Name][i] = float64(v[i])
		}
		stored = append(stored, v)
	}
	list, err := x.net.Effective(stored)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Array{}
	for _, a := range list {
		byName[a.Name] = a
	}
	return byName
}

// TestWhatActsIsAll holds that a network without Dale's law and masks whose parameters are the
// weights that act gives the logits of the network that they were taken from.
func TestWhatActsIsAll(t *testing.T) {
	s := size{T: 3, B: 2, I: 2, H: 6, O: 2}
	for _, v := range variants(t) {
		t.Run(v.name, func(t *testing.T) {
			x := newFixture(t, v, s, every)
			acts := effective(t, x)
			x.run(t)
			y := newFixture(t, plain(v), s, every)
			copy(y.seq.X.Data().([]float64), x.seq.X.Data().([]float64))
			copy(y.seq.State.Data().([]float64), x.seq.State.Data().([]float64))
			for _, spec := range y.net.Specs() {
				a, ok := acts[spec.Name]
				if !ok { // A of each unit in place of one of each type
					e, i := acts["cell.A_E"].Values[0], acts["cell.A_I"].Values[0]
					a.Values = slices.Repeat([]float32{e}, s.H)
					for u := x.net.Excitatory(); u < s.H; u++ {
						a.Values[u] = i
					}
				}
				if len(a.Values) != spec.Len() {
					t.Fatalf("%s has %d elements, want %d", spec.Name, len(a.Values), spec.Len())
				}
				for k, w := range a.Values {
					y.values[spec.Name][k] = float64(w)
				}
			}
			y.run(t)
			near(t, "logits", numbers(y.logits), numbers(x.logits), 1e-12) // rounding of float64
		})
	}
}

// TestConductancesAct holds the weights of conductances to |W| times A.
func TestConductancesAct(t *testing.T) {
	for _, v := range variants(t) {
		c, ok := v.cell.(*CondVarying)
		if !ok {
			continue
		}
		const h = 6
		x := newFixture(t, v, size{T: 1, B: 1, I: 2, H: h, O: 1}, 0)
		acts := effective(t, x)
		w := acts["cell.W"].Values
		for e := range w {
			i, j := e/h, e%h
			var a, got float32
			switch c.AShape {
			case "scalar":
				a = acts["cell.A"].Values[0]
			case "pre":
				a = acts["cell.A"].Values[j]
			case "post":
				a = acts["cell.A"].Values[i]
			case "type":
				a = acts["cell.A_E"].Values[0]
				if j >= x.net.Excitatory() {
					a = acts["cell.A_I"].Values[0]
				}
				got = acts["cell.|W|A_I"].Values[e]
			}
			if got += acts["cell.|W|A"].Values[e]; got != float32(math.Abs(float64(w[e])))*a {
				t.Fatalf("%s: conductance of %d on %d is %v, want |%v| times %v", v.name, j, i, got, w[e], a)
			}
		}
	}
}

// TestStoredActs holds that Stored is the inverse of Acting, and keeps signs and bounds.
func TestStoredActs(t *testing.T) {
	for _, v := range variants(t) {
		x := newFixture(t, v, size{T: 1, B: 1, I: 2, H: 6, O: 2}, 0)
		dale := len(v.wiring) > 0 && v.wiring[0].Dale
		for p, s := range x.net.Specs() {
			for e, w := range x.values[s.Name] {
				acts := x.net.Acting(p, e, float32(w))
				back, ok := x.net.Stored(p, e, float64(acts))
				if again := x.net.Acting(p, e, back); again != acts {
					t.Fatalf("%s: element %d of %s acts as %v, and as %v stored again", v.name, e, s.Name, acts, again)
				}
				if !ok && (acts != 0 || len(v.wiring) == 0) {
					t.Fatalf("%s: element %d of %s acts as %v, but does not exist", v.name, e, s.Name, acts)
				}
				if !dale || s.Role != kernels.Rec || acts == 0 {
					continue
				}
				turned, _ := x.net.Stored(p, e, -float64(acts))
				if got := x.net.Acting(p, e, turned); got != 0 {
					t.Fatalf("%s: element %d of %s, which acts as %v, was turned round to %v", v.name, e, s.Name, acts, got)
				}
			}
		}
	}
}

// TestConstants holds mask and signs of the wiring to the weights that act.
func TestConstants(t *testing.T) {
	const h = 6
	for _, v := range variants(t) {
		x := newFixture(t, v, size{T: 1, B: 1, I: 1, H: h, O: 2}, 0)
		fixed := map[string][]int8{}
		x.net.Constants(func(name string, shape []int, values []int8) {
			n := 1
			for _, d := range shape {
				n *= d
			}
			if n != len(values) {
				t.Errorf("%s: %s has %d elements, its shape is %v", v.name, name, len(values), shape)
			}
			fixed[name] = values
		})
		if len(v.wiring) == 0 {
			if len(fixed) > 0 {
				t.Errorf("%s: a network without wiring has %v", v.name, fixed)
			}
			continue
		}
		for p, s := range x.net.Specs() {
			for e := range s.Len() {
				_, exists := x.net.Stored(p, e, 1)
				i, j := e/h%h, e%h
				switch {
				case s.Role == kernels.Rec && !(s.Leak && i == j):
					l, _ := x.net.layerOf(p)
					if mask := fixed[suffixed("wiring.mask", l.number)]; (mask[i*h+j] == 1) != exists {
						t.Errorf("%s: mask %v of unit %d on %d, exists: %v", v.name, mask[i*h+j], j, i, exists)
					}
					sign := int8(1)
					if v.wiring[0].Dale {
						sign = fixed["wiring.sign"][j]
					}
					if s.Leak {
						sign = -sign
					}
					w := x.net.Acting(p, e, float32(x.values[s.Name][e]))
					if v.wiring[0].Dale && w*float32(sign) < 0 {
						t.Errorf("%s: weight %v of unit %d, sign %d", v.name, w, j, sign)
					}
				case s.Name == readoutWeight && fixed["wiring.readout"] != nil:
					if seen := fixed["wiring.readout"][j]; (seen == 1) != exists {
						t.Errorf("%s: the read-out sees unit %d: %v, exists: %v", v.name, j, seen, exists)
					}
				}
			}
		}
	}
}

// TestTimeConstantsAct holds the time constants of rate units, before learning, to their settings.
func TestTimeConstantsAct(t *testing.T) {
	for _, form := range []string{"softplus", "sigmoid"} {
		c := NewRate()
		c.Dt, c.TauS, c.TauR, c.TauForm, c.Learn = 0.5, 3, 40, form, "tau_r"
		n, err := Bind("rate", c, Dims{1, 2, 1})
		if err != nil {
			t.Fatal(err)
		}
		var stored [][]float32
		for _, s := range n.Specs() {
			stored = append(stored, slices.Repeat([]float32{float32(s.Init.A)}, s.Len()))
		}
		list, err := n.Effective(stored)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]float64{"cell.tau_s": 3, "cell.tau_r": 40} {
			at := slices.IndexFunc(list, func(a Array) bool { return a.Name == name })
			if at < 0 || len(list[at].Values) != 2 || math.Abs(float64(list[at].Values[1])-want) > 1e-5*want {
				t.Errorf("%s: %s is %+v, want %v", form, name, list, want)
			}
		}
		if _, err := n.Effective(stored[1:]); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("too few parameters: error %v", err)
		}
	}
}
