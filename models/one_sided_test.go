package models

import (
	"fmt"
	"math"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices/devicetest"

	"gorgonia.org/tensor"
)

// oneSidedTolerance bounds the error of a gradient against (4 L(s) - L(2s) - 3 L(0))/2s with s = 1e-5,
// whose truncation, s², and rounding, 1e-16/s, are below 1e-10.
const oneSidedTolerance = 1e-8

// TestOneSidedDerivatives: the gradient of a weight at 0 is the derivative to the side on which its bound
// lets it lie, so that a weight that was clamped to 0 can leave it. The reference is differences of the
// graph's loss in float64.
func TestOneSidedDerivatives(t *testing.T) {
	var all []variant
	for _, form := range []string{"abs", "relu", "clamp"} {
		w := dale()
		w.DaleForm, w.EIRatio, w.RecDensity = form, 0.5, 0.7
		add := func(name string, c Cell) {
			all = append(all, variant{name: name + " " + form, cell: c, wiring: []Wiring{w}})
		}
		for _, shape := range []string{"scalar", "pre", "post", "type"} {
			c := NewCondVarying()
			c.AShape, c.Activation = shape, "tanh"
			add("cond-varying "+shape, c)
		}
		rate := NewRate()
		add("rate", rate)
		add("gru", &GRU{})
	}
	free := NewCondVarying() // |W| and |P| of weights that may have either sign
	free.Activation = "tanh"
	all = append(all, variant{name: "cond-varying", cell: free})
	for _, v := range all {
		x := newFixture(t, v, size{T: 3, B: 2, I: 2, H: 6, O: 2}, every)
		var zeros []zeroWeight
		for _, s := range x.net.Specs() {
			if s.Role != kernels.Rec && s.Name != "cell.P" {
				continue
			}
			for k := 0; k < s.Len(); k += 3 {
				x.values[s.Name][k] = 0
				side := 1.0
				if s.Columns != nil && s.Columns[k%len(s.Columns)].Hi == 0 {
					side = -1
				}
				zeros = append(zeros, zeroWeight{s.Name, k, side})
			}
		}
		loss := x.on(t, tensor.Float64, nil).differentiate(t)
		at := func(z zeroWeight, step float64) float64 {
			x.values[z.name][z.at] = z.side * step
			l, _ := loss()
			x.values[z.name][z.at] = 0
			return l
		}
		here, _ := loss()
		const step = 1e-5
		want := map[string]float64{}
		reached := 0
		for _, z := range zeros {
			d := z.side * (4*at(z, step) - at(z, 2*step) - 3*here) / (2 * step)
			if want[z.String()] = d; d != 0 {
				reached++
			}
		}
		if reached < len(zeros)/3 {
			t.Errorf("%s: %d of %d weights at 0 have a derivative", v.name, reached, len(zeros))
		}
		for _, dev := range devicetest.Hosts(t, 2) {
			_, grads := x.on(t, tensor.Float64, dev).differentiate(t)()
			for _, z := range zeros {
				if got := grads[z.name][z.at]; !(math.Abs(got-want[z.String()]) <= oneSidedTolerance) {
					t.Errorf("%s, scan %t: gradient of %v at 0 is %.10g, want %.10g", v.name, dev != nil, z, got, want[z.String()])
				}
			}
		}
	}
}

// zeroWeight is an element of a parameter that is 0, and the side on which it may lie.
type zeroWeight struct {
	name string
	at   int
	side float64
}

func (z zeroWeight) String() string { return fmt.Sprintf("%s[%d]", z.name, z.at) }
