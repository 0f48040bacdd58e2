//go:build cgo

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// two returns a configuration for matrices [2,3].
func two(scale kernels.Along, readings ...kernels.Reading) kernels.WeightsConfig {
	return kernels.WeightsConfig{R: 2, C: 3, Readings: readings, Scale: scale}
}

// TestWeights: the sign of a column, the mask of an element and a scale along each axis.
func TestWeights(t *testing.T) {
	dev := openTest(t)
	w := []float64{-1, 2, 3, 4, -5, 0}
	factor := []float64{1, 0, -1, 1, 1, -1}
	for _, c := range []struct {
		cfg  kernels.WeightsConfig
		a    []float64
		want []float64
	}{
		{two(kernels.Unscaled, kernels.Reading{}), nil, w},
		{two(kernels.Unscaled, kernels.Reading{Rectifier: kernels.Absolute, Factor: factor}), nil, []float64{1, 0, -3, 4, 5, 0}},
		{two(kernels.Unscaled, kernels.Reading{Rectifier: kernels.Positive}), nil, []float64{0, 2, 3, 4, 0, 0}},
		{two(kernels.Unscaled, kernels.Reading{Rectifier: kernels.Sign}), nil, []float64{-1, 1, 1, 1, -1, 0}},
		{two(kernels.Whole, kernels.Reading{Scaled: true}), []float64{3}, []float64{-3, 6, 9, 12, -15, 0}},
		{two(kernels.Columns, kernels.Reading{Scaled: true}), []float64{1, 10, 100}, []float64{-1, 20, 300, 4, -50, 0}},
		{two(kernels.Rows, kernels.Reading{Scaled: true}, kernels.Reading{Rectifier: kernels.Absolute}), []float64{1, 10}, []float64{-1, 2, 3, 40, -50, 0, 1, 2, 3, 4, 5, 0}},
	} {
		g := gorgonia.NewGraph()
		var a *gorgonia.Node
		if c.a != nil {
			a = conform.Node(g, kernels.Wrap(c.a, len(c.a)), "a")
		}
		out, err := kernels.Weights(dev, conform.Node(g, kernels.Wrap(w, 2, 3), "w"), a, c.cfg)
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

func openTest(t *testing.T) kernels.Device {
	t.Helper()
	dev := opened(t, 1)
	t.Cleanup(func() { dev.Close() })
	return dev
}

func TestWeightsGradients(t *testing.T) {
	dev := openTest(t)
	r := rand.New(rand.NewPCG(1, 1))
	const R, C = 3, 4
	factor := conform.Normal(r, R*C).Data().([]float64)
	factor[5] = 0
	for _, f := range []kernels.Rectifier{kernels.AsIs, kernels.Absolute, kernels.Positive, kernels.Sign} {
		for scale := kernels.Unscaled; scale <= kernels.Rows; scale++ {
			cfg := kernels.WeightsConfig{R: R, C: C, Scale: scale, Readings: []kernels.Reading{{Rectifier: f, Factor: factor, Scaled: scale > kernels.Unscaled},
				{Rectifier: kernels.Absolute, Scaled: scale == kernels.Columns}}}
			t.Run(fmt.Sprint(f, scale), func(t *testing.T) {
				w := conform.Normal(r, R, C)
				var scales *tensor.Dense
				if n := cfg.Scales(); n > 0 {
					scales = conform.Normal(r, n)
				}
				of := func(wn, an *gorgonia.Node) (*gorgonia.Node, error) {
					out, err := kernels.Weights(dev, wn, an, cfg)
					if err != nil {
						return nil, err
					}
					return conform.Weigh(out)
				}
				conform.Gradient(t, w, func(x *gorgonia.Node) (*gorgonia.Node, error) {
					if scales == nil {
						return of(x, nil)
					}
					return of(x, conform.Input(x, "a", scales))
				})
				if scales != nil {
					conform.Gradient(t, scales, func(x *gorgonia.Node) (*gorgonia.Node, error) {
						return of(conform.Input(x, "w", w), x)
					})
				}
			})
		}
	}
}

func TestWeightsRefuses(t *testing.T) {
	dev := openTest(t)
	g := gorgonia.NewGraph()
	w, a := conform.Node(g, kernels.Wrap(make([]float64, 6), 2, 3), "w"), conform.Node(g, kernels.Wrap(make([]float64, 3), 3), "a")
	for _, c := range []struct {
		a   *gorgonia.Node
		cfg kernels.WeightsConfig
	}{
		{nil, kernels.WeightsConfig{R: 3, C: 2, Readings: make([]kernels.Reading, 1)}},
		{nil, two(kernels.Unscaled)},
		{nil, two(kernels.Unscaled, make([]kernels.Reading, kernels.MaxReadings+1)...)},
		{nil, two(kernels.Unscaled, kernels.Reading{Factor: make([]float64, 5)})},
		{nil, kernels.WeightsConfig{R: 2, C: 3, Readings: make([]kernels.Reading, 1), Side: make([]float64, 2)}},
		{nil, two(kernels.Unscaled, kernels.Reading{Scaled: true})},
		{a, two(kernels.Unscaled, kernels.Reading{})},
		{nil, two(kernels.Columns, kernels.Reading{})},
		{a, two(kernels.Rows, kernels.Reading{})},
	} {
		if _, err := kernels.Weights(dev, w, c.a, c.cfg); err == nil {
			t.Errorf("%+v with scale %v was taken", c.cfg, c.a)
		}
	}
}

// TestWeightsAtZero: at 0 a rectifier has the derivative of the side on which its column may lie.
func TestWeightsAtZero(t *testing.T) {
	w := []float64{0, 0, math.Copysign(0, -1), math.Copysign(0, -1), -2, 3}
	for _, c := range []struct {
		f    kernels.Rectifier
		side []float64
		want []float64
	}{
		{kernels.AsIs, nil, []float64{1, 1, 1, 1, 1, 1}},
		{kernels.Absolute, nil, []float64{1, 1, 1, 1, -1, 1}},
		{kernels.Absolute, []float64{1, -1}, []float64{1, -1, 1, -1, -1, 1}},
		{kernels.Positive, nil, []float64{1, 1, 1, 1, 0, 1}},
		{kernels.Positive, []float64{1, -1}, []float64{1, 0, 1, 0, 0, 1}},
		{kernels.Sign, []float64{1, -1}, []float64{0, 0, 0, 0, 0, 0}},
	} {
		plan, err := newWeights(kernels.WeightsConfig{R: 3, C: 2, Readings: []kernels.Reading{{Rectifier: c.f}}, Side: c.side, Dtype: tensor.Float64})
		if err != nil {
			t.Fatal(err)
		}
		grad, err := plan.Backward(kernels.Wrap(w, 3, 2), nil, kernels.Wrap([]float64{1, 1, 1, 1, 1, 1}, 3, 2))
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
	for _, f := range []kernels.Rectifier{kernels.AsIs, kernels.Absolute, kernels.Positive} {
		plan, err := newWeights(kernels.WeightsConfig{R: 1, C: 3, Readings: []kernels.Reading{{Rectifier: f}}, Dtype: tensor.Float64})
		if err != nil {
			t.Fatal(err)
		}
		v, err := plan.Forward(kernels.Wrap([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}, 1, 3), nil)
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
