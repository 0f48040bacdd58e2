//go:build cgo

package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestBounded runs 10 000 random charged RNNs of eight compartments for 1000 steps with inputs
// up to 100 times their usual size. With the exp and implicit steps no voltage may leave the
// range of the reversal potentials, because every new voltage is a weighted mean of the old
// one and of the reversal potentials; with the literal signs of the notes nearly all of 1000 leave.
//
// The networks are one scan: units in rings of eight that nothing else joins.
func TestBounded(t *testing.T) {
	const (
		size, steps, inputs = 8, 1000, 4
		eMin, eMax          = -1, 1
		// slack is a rounding error: the mean is computed as a + (b - a)·w in float32.
		slack = 1e-6
	)
	dev := opened(t, 0)
	for _, c := range []struct {
		name       string
		nets       int
		step, sign float64
		escapes    func(share float64) bool
		want       string
	}{
		{"exp", 10000, 0, 1, func(share float64) bool { return share == 0 }, "none"},
		{"implicit", 10000, 1, 1, func(share float64) bool { return share == 0 }, "none"},
		{"literal", 1000, 2, -1, func(share float64) bool { return share >= 0.95 }, "at least 95 %"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nets, units := c.nets, c.nets*size
			r := rand.New(rand.NewPCG(2, uint64(c.step)))
			fill := func(n int, f func(i int) float64) []float32 {
				b := make([]float32, n)
				for i := range b {
					b[i] = float32(f(i))
				}
				return b
			}
			uniform := func(lo, hi float64) func(int) float64 {
				return func(int) float64 { return lo + (hi-lo)*r.Float64() }
			}
			vec := fill(19*units, func(i int) float64 {
				switch plane := i / units; {
				case plane < 2: // gamma
					return r.Float64()
				case plane < 4, plane >= 6 && plane < 8: // w_m, w_n
					return 3 + r.NormFloat64()
				case plane < 10: // b_m, b_n
					return 0.5 * r.NormFloat64()
				case plane == 10, plane == 15: // E of the first channel, E_exc
					return eMax
				case plane == 11, plane == 16: // E of the second channel, E_inh
					return eMin
				case plane == 12: // g_L
					return uniform(0.02, 0.1)(0)
				case plane == 13: // E_L
					return -0.5
				case plane == 14: // C_m
					return 1
				case plane == 17: // tau_s
					return 5
				}
				return 20 // tau_l
			})
			g := &kernels.Axial{}
			for n := 0; n < units; n += size {
				for i := range size {
					g.I, g.J = append(g.I, int32(n+i)), append(g.J, int32(n+(i+1)%size))
				}
			}
			cfg := kernels.ScanConfig{T: steps, B: 1, I: inputs, H: units, Dtype: tensor.Float32,
				Cell: kernels.Cell{Header: "crnn", States: 5, Rest: make([]float64, 5),
					Consts: []float64{1, c.step, c.sign, 2}, Axial: g},
				Params: []kernels.Spec{
					{Name: "U", Role: kernels.In, Shape: []int{2 * units, inputs}},
					{Name: "vectors", Role: kernels.Vec, Shape: []int{19, units}},
					{Name: "g_axial", Role: kernels.Edge, Shape: []int{units}},
				}}
			plan, err := dev.NewScan(cfg)
			if err != nil {
				t.Fatal(err)
			}
			h, err := plan.Forward(kernels.ScanArgs{
				X:     kernels.Wrap(fill(steps*inputs, uniform(0, 100)), steps, 1, inputs),
				State: kernels.Wrap(append(fill(units, uniform(eMin, eMax)), make([]float32, 4*units)...), 5, 1, units),
				Params: []gorgonia.Value{kernels.Wrap(fill(2*units*inputs, uniform(0, 1)), 2*units, inputs),
					kernels.Wrap(vec, 19, units), kernels.Wrap(fill(units, uniform(0, 0.3)), units)},
			})
			if err != nil {
				t.Fatal(err)
			}
			left := make([]bool, nets)
			lo, hi := math.Inf(1), math.Inf(-1)
			for i, v := range conform.Data[float32](h) {
				lo, hi = math.Min(lo, float64(v)), math.Max(hi, float64(v)) // NaN stays NaN
				if !(v >= eMin-slack && v <= eMax+slack) {
					left[i%units/size] = true
				}
			}
			n := 0
			for _, l := range left {
				if l {
					n++
				}
			}
			t.Logf("%d of %d networks leave [%d, %d]; voltages from %g to %g", n, nets, eMin, eMax, lo, hi)
			if !c.escapes(float64(n) / float64(nets)) {
				t.Errorf("%d networks leave, want %s", n, c.want)
			}
		})
	}
}
