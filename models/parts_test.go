package models

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// TestFrozen holds that the gradients of what is learned are the same bits whatever is frozen beside it, on
// the graph and on the scan, and that no other gradients are made.
func TestFrozen(t *testing.T) {
	all := devicetest.Hosts(t, 1)
	for i, v := range variants(t) {
		for _, dev := range all {
			if dev == nil && i%8 != 0 {
				continue // a few, since graphs take long to build
			}
			whole := newFixture(t, v, sizes[1], masked).on(t, tensor.Float32, dev)
			_, want := whole.differentiate(t)()
			for _, frozen := range []string{"cell", "input", "recurrent", "readout", "*_l1", "cell.*[Wg]*"} {
				v := v
				if in, err := whole.net.Parts([]string{frozen}); err != nil || left(whole.net, in) == 0 {
					continue
				}
				v.frozen = []string{frozen}
				y := newFixture(t, v, sizes[1], masked).on(t, tensor.Float32, dev)
				_, got := y.differentiate(t)()
				for p, s := range y.net.Specs() {
					if g, learned := got[s.Name]; learned != s.Learned || learned && y.net.IsFrozen(p) || !learned && whole.net.Specs()[p].Learned != y.net.IsFrozen(p) {
						t.Errorf("%s, %s frozen: gradient of %s: %v, learned %v, frozen %v", v.name, frozen, s.Name, learned, s.Learned, y.net.IsFrozen(p))
					} else if learned && !slices.Equal(g, want[s.Name]) {
						t.Errorf("%s, %s frozen: gradient of %s is %v, want %v", v.name, frozen, s.Name, g, want[s.Name])
					}
				}
			}
		}
	}
}

// left returns how many parameters are learned beside those that are chosen.
func left(n *Network, chosen []bool) (count int) {
	for p, s := range n.Specs() {
		if s.Learned && !chosen[p] {
			count++
		}
	}
	return count
}

// TestParts holds which parameters a name means.
func TestParts(t *testing.T) {
	net, err := Bind("gru", &GRU{}, Dims{2, 3, 1}, Layers(2))
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]string{
		"all":                       "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 weight_ih_l1 weight_hh_l1 bias_ih_l1 bias_hh_l1 weight bias",
		"cell":                      "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 weight_ih_l1 weight_hh_l1 bias_ih_l1 bias_hh_l1",
		"input":                     "weight_ih_l0",
		"recurrent":                 "weight_hh_l0 weight_hh_l1",
		"readout":                   "weight bias",
		"matrices":                  "weight_ih_l0 weight_hh_l0 weight_ih_l1 weight_hh_l1 weight",
		"*_l1":                      "weight_ih_l1 weight_hh_l1 bias_ih_l1 bias_hh_l1",
		"bias_?h_l0,readout.bias":   "bias_ih_l0 bias_hh_l0 bias",
		"cell.bias_hh_l1,recurrent": "weight_hh_l0 weight_hh_l1 bias_hh_l1",
	} {
		in, err := net.Parts(strings.Split(names, ","))
		var got []string
		for p, s := range net.Specs() {
			if in != nil && in[p] {
				got = append(got, s.Name[strings.IndexByte(s.Name, '.')+1:])
			}
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s means %v, error %v, want %s", names, got, err, want)
		}
	}
	for names, says := range map[string]string{"biases": `no parameter "biases", want all, cell,`, "": `no parameter ""`, "[": `no parameter "["`,
		"all": "all parameters are frozen", "cell,readout": "all parameters are frozen"} {
		_, err := Bind("gru", &GRU{}, Dims{2, 3, 1}, Frozen(strings.Split(names, ",")...))
		if !errors.Is(err, ErrPart) || !strings.Contains(err.Error(), says) {
			t.Errorf("with %q frozen: error %v, want %q", names, err, says)
		}
	}
}

// TestStore holds that what Store gives acts as it was asked, and that what cannot act is refused.
func TestStore(t *testing.T) {
	for _, form := range []string{"abs", "relu", "clamp"} {
		w := NewWiring()
		w.Dale, w.DaleForm, w.EIRatio = true, form, 0.5
		net, err := Bind("rnn", &RNN{}, Dims{1, 2, 1}, Wired(w))
		if err != nil {
			t.Fatal(err)
		}
		acting := []float64{0, -0.5, 0.25, 0} // unit 0 excites, unit 1 inhibits, and none itself
		stored, err := net.Store(1, acting)
		for e := range stored {
			if a := net.Acting(1, e, stored[e]); float64(a) != acting[e] {
				t.Errorf("%s: element %d is stored as %v and acts as %v, want %v", form, e, stored[e], a, acting[e])
			}
		}
		if err != nil {
			t.Error(err)
		}
		for _, bad := range [][]float64{{0, 0.5, 0, 0}, {0, 0, -0.25, 0}, {1, 0, 0, 0}, {0, -1e300, 0, 0}} {
			if _, err := net.Store(1, bad); !errors.Is(err, ErrPart) {
				t.Errorf("%s: %v is stored, error %v", form, bad, err)
			}
		}
	}
}
