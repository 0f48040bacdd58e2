//go:build cgo

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// two returns a configuration for matrices [2,3].
func two(scale Along, readings ...Reading) WeightsConfig {
	return WeightsConfig{R: 2, C: 3, Readings: readings, Scale: scale}
}

// TestWeights: the sign of a column, the mask of an element and a scale along each axis.
func TestWeights(t *testing.T) {
	dev := openTestCPU(t)
	w := []float64{-1, 2, 3, 4, -5, 0}
	factor := []float64{1, 0, -1, 1, 1, -1}
	for _, c := range []struct {
		cfg  WeightsConfig
		a    []float64
		want []float64
	}{
		{two(Unscaled, Reading{}), nil, w},
		{two(Unscaled, Reading{Rectifier: Absolute, Factor: factor}), nil, []float64{1, 0, -3, 4, 5, 0}},
		{two(Unscaled, Reading{Rectifier: Positive}), nil, []float64{0, 2, 3, 4, 0, 0}},
		{two(Whole, Reading{Scaled: true}), []float64{3}, []float64{-3, 6, 9, 12, -15, 0}},
		{two(Columns, Reading{Scaled: true}), []float64{1, 10, 100}, []float64{-1, 20, 300, 4, -50, 0}},
		{two(Rows, Reading{Scaled: true}, Reading{Rectifier: Absolute}), []float64{1, 10}, []float64{-1, 2, 3, 40, -50, 0, 1, 2, 3, 4, 5, 0}},
	} {
		g := gorgonia.NewGraph()
		var a *gorgonia.Node
		if c.a != nil {
			a = input(g, wrap(c.a, len(c.a)), "a")
		}
		out, err := Weights(dev, input(g, wrap(w, 2, 3), "w"), a, c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		vm := gorgonia.NewTapeMachine(g)
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Close()
		if got := out.Value().Data().([]float64); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.cfg, got, c.want)
		}
	}
}

func openTestCPU(t *testing.T) Device {
	t.Helper()
	dev, err := OpenCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

func TestWeightsGradients(t *testing.T) {
	dev := openTestCPU(t)
	r := rand.New(rand.NewPCG(1, 1))
	const R, C = 3, 4
	factor := normal(r, R*C).Data().([]float64)
	factor[5] = 0
	for _, f := range []Rectifier{AsIs, Absolute, Positive} {
		for scale := Unscaled; scale <= Rows; scale++ {
			cfg := WeightsConfig{R: R, C: C, Scale: scale, Readings: []Reading{{Rectifier: f, Factor: factor, Scaled: scale > Unscaled},
				{Rectifier: Absolute, Scaled: scale == Columns}}}
			t.Run(fmt.Sprint(f, scale), func(t *testing.T) {
				w := normal(r, R, C)
				var scales *tensor.Dense
				if n := cfg.scales(); n > 0 {
					scales = normal(r, n)
				}
				of := func(wn, an *gorgonia.Node) (*gorgonia.Node, error) {
					out, err := Weights(dev, wn, an, cfg)
					if err != nil {
						return nil, err
					}
					return weigh(out)
				}
				checkGradient(t, w, func(x *gorgonia.Node) (*gorgonia.Node, error) {
					if scales == nil {
						return of(x, nil)
					}
					return of(x, bind(x, "a", scales))
				})
				if scales != nil {
					checkGradient(t, scales, func(x *gorgonia.Node) (*gorgonia.Node, error) {
						return of(bind(x, "w", w), x)
					})
				}
			})
		}
	}
}

func TestWeightsRefuses(t *testing.T) {
	dev := openTestCPU(t)
	g := gorgonia.NewGraph()
	w, a := input(g, wrap(make([]float64, 6), 2, 3), "w"), input(g, wrap(make([]float64, 3), 3), "a")
	for _, c := range []struct {
		a   *gorgonia.Node
		cfg WeightsConfig
	}{
		{nil, WeightsConfig{R: 3, C: 2, Readings: make([]Reading, 1)}},
		{nil, two(Unscaled)},
		{nil, two(Unscaled, make([]Reading, MaxReadings+1)...)},
		{nil, two(Unscaled, Reading{Factor: make([]float64, 5)})},
		{nil, WeightsConfig{R: 2, C: 3, Readings: make([]Reading, 1), Side: make([]float64, 2)}},
		{nil, two(Unscaled, Reading{Scaled: true})},
		{a, two(Unscaled, Reading{})},
		{nil, two(Columns, Reading{})},
		{a, two(Rows, Reading{})},
	} {
		if _, err := Weights(dev, w, c.a, c.cfg); err == nil {
			t.Errorf("%+v with scale %v was taken", c.cfg, c.a)
		}
	}
}

// TestWeightsAtZero: at 0 a rectifier has the derivative of the side on which its column may lie.
func TestWeightsAtZero(t *testing.T) {
	w := []float64{0, 0, math.Copysign(0, -1), math.Copysign(0, -1), -2, 3}
	for _, c := range []struct {
		f    Rectifier
		side []float64
		want []float64
	}{
		{AsIs, nil, []float64{1, 1, 1, 1, 1, 1}},
		{Absolute, nil, []float64{1, 1, 1, 1, -1, 1}},
		{Absolute, []float64{1, -1}, []float64{1, -1, 1, -1, -1, 1}},
		{Positive, nil, []float64{1, 1, 1, 1, 0, 1}},
		{Positive, []float64{1, -1}, []float64{1, 0, 1, 0, 0, 1}},
	} {
		plan, err := newWeights(WeightsConfig{R: 3, C: 2, Readings: []Reading{{Rectifier: c.f}}, Side: c.side, Dtype: tensor.Float64})
		if err != nil {
			t.Fatal(err)
		}
		grad, err := plan.Backward(wrap(w, 3, 2), nil, wrap([]float64{1, 1, 1, 1, 1, 1}, 3, 2))
		if err != nil {
			t.Fatal(err)
		}
		if got := grad.Data().([]float64); !slices.Equal(got, c.want) {
			t.Errorf("rectifier %v, sides %v: derivatives %v, want %v", c.f, c.side, got, c.want)
		}
	}
}

// TestWeightsKeepNaN: a stored weight that is not finite makes one that is not.
func TestWeightsKeepNaN(t *testing.T) {
	for _, f := range []Rectifier{AsIs, Absolute, Positive} {
		plan, err := newWeights(WeightsConfig{R: 1, C: 3, Readings: []Reading{{Rectifier: f}}, Dtype: tensor.Float64})
		if err != nil {
			t.Fatal(err)
		}
		v, err := plan.Forward(wrap([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}, 1, 3), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range v.Data().([]float64) {
			if w-w == 0 {
				t.Errorf("rectifier %v makes %v", f, v.Data())
			}
		}
	}
}
