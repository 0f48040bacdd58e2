//go:build gpu

package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels/cuda"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// tolScaleGradient bounds the difference of two gradients of a scale, relative to the largest.
// Both sum the same terms in float64, in another order, which differs by some 1e-13; rounded to
// float32 that is the same number or its neighbour, 2⁻²³ away.
const tolScaleGradient = 1.001 / (1 << 23)

// smallest is a weight that the kernels' other arithmetic takes for 0.
const smallest = math.SmallestNonzeroFloat32

// weightsProblem is a stored matrix with zeros of both signs and the smallest numbers where it
// has room for them, constants with a masked element, a scale and a gradient.
type weightsProblem struct {
	cfg      WeightsConfig
	w, a, dW *tensor.Dense
}

func newWeightsProblem(R, C int, f Rectifier, along Along, constants bool) *weightsProblem {
	r := rand.New(rand.NewPCG(uint64(R), uint64(C)))
	p := &weightsProblem{cfg: WeightsConfig{R: R, C: C, Scale: along, Dtype: tensor.Float32, Readings: []Reading{
		{Rectifier: f, Scaled: along != Unscaled}, {Rectifier: Absolute}, {Rectifier: f, Scaled: along == Columns}}}}
	w := draw(r, R*C)
	copy(w[R*C/2:], []float32{0, float32(math.Copysign(0, -1)), smallest, -smallest})
	copy(w[R*C/4:], []float32{0, 0, 0, 0})
	for j := range C {
		p.cfg.Side = append(p.cfg.Side, float64(1-j%2*2))
	}
	p.w, p.dW = wrap(w, R, C), wrap(draw(r, 3*R*C), 3*R, C)
	if constants {
		p.cfg.Readings[0].Factor = doubles(draw(r, R*C))
		p.cfg.Readings[0].Factor[R*C/3] = 0
	}
	if n := p.cfg.scales(); n > 0 {
		p.a = wrap(draw(r, n), n)
	}
	return p
}

// run returns the weights and the packed gradient.
func (p *weightsProblem) run(t *testing.T, d Device, plan WeightsPlan) (out, grad []float32) {
	t.Helper()
	var a gorgonia.Value
	if p.a != nil {
		a = put(t, d, p.a)
	}
	w := put(t, d, p.w)
	v, err := plan.Forward(w, a)
	if err != nil {
		t.Fatal(err)
	}
	g, err := plan.Backward(w, a, put(t, d, p.dW))
	if err != nil {
		t.Fatal(err)
	}
	return floats(t, v), floats(t, g)
}

// TestCUDAWeights wants the bits of the host for the weights and the gradient of stored ones,
// that of the scale but for the order of its sum, and the same bits again in a second run. Sizes
// are within a tile, of one tile and of some with tails.
func TestCUDAWeights(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	for _, s := range [][2]int{{1, 1}, {3, 5}, {32, 32}, {33, 100}, {100, 33}} {
		for _, f := range []Rectifier{AsIs, Absolute, Positive} {
			for along := Unscaled; along <= Rows; along++ {
				for _, constants := range []bool{false, true} {
					p := newWeightsProblem(s[0], s[1], f, along, constants)
					checkWeights(t, d, p, fmt.Sprintf("%v rectifier %d, scale %d, constants %t", s, f, along, constants))
				}
			}
		}
	}
}

func checkWeights(t *testing.T, d *cudaDevice, p *weightsProblem, name string) {
	t.Helper()
	host, err := newWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := d.NewWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	want, wantGrad := p.run(t, nil, host)
	got, grad := p.run(t, d, plan)
	n := p.cfg.R * p.cfg.C
	sameBits(t, name+": weights", got, want)
	sameBits(t, name+": gradient of w", grad[:n], wantGrad[:n])
	if len(grad) != len(wantGrad) {
		t.Fatalf("%s: gradient has %d elements, want %d", name, len(grad), len(wantGrad))
	}
	near(t, name+": gradient of the scale", grad[n:], doubles(wantGrad[n:]), tolScaleGradient)
	_, again := p.run(t, d, plan)
	sameBits(t, name+": gradient of a second run", again, grad)
}

// TestCUDAWeightsInGraph takes the gradient of a sum of weights through a graph: Field cuts those
// of w and of the scale out of one array on the device.
func TestCUDAWeightsInGraph(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	p := newWeightsProblem(7, 9, Absolute, Columns, true)
	host, err := newWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, want := p.run(t, nil, host)
	g := gorgonia.NewGraph()
	w, a, dW := input(g, put(t, d, p.w), "w"), input(g, put(t, d, p.a), "a"), input(g, put(t, d, p.dW), "dW")
	out, err := Weights(d, w, a, p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	grads, err := gorgonia.Backpropagate(gorgonia.Nodes{out}, gorgonia.Nodes{dW}, gorgonia.Nodes{w, a})
	if err != nil {
		t.Fatal(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	n := p.cfg.R * p.cfg.C
	sameBits(t, "gradient of w", floats(t, grads[0].Value()), want[:n])
	near(t, "gradient of the scale", floats(t, grads[1].Value()), doubles(want[n:]), tolScaleGradient)
}

func TestCUDAWeightsRefuses(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	for _, cfg := range []WeightsConfig{
		{R: 2, C: 3, Readings: make([]Reading, 1), Dtype: tensor.Float64},
		{R: 0, C: 3, Readings: make([]Reading, 1), Dtype: tensor.Float32},
		{R: 2, C: 3, Readings: []Reading{{Factor: make([]float64, 5)}}, Dtype: tensor.Float32},
	} {
		if _, err := d.NewWeights(cfg); !errors.Is(err, ErrShape) {
			t.Errorf("%+v: %v, want %v", cfg, err, ErrShape)
		}
	}
	p := newWeightsProblem(2, 3, AsIs, Columns, false)
	plan, err := d.NewWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w, short := put(t, d, p.w), put(t, d, wrap(make([]float32, 2), 2))
	if _, err := plan.Forward(w, short); !errors.Is(err, ErrShape) {
		t.Errorf("a scale of 2 for 3 columns: %v, want %v", err, ErrShape)
	}
	if _, err := plan.Backward(w, put(t, d, p.a), short); !errors.Is(err, ErrShape) {
		t.Errorf("a gradient of 2 for weights [2,3]: %v, want %v", err, ErrShape)
	}
	if _, err := plan.Forward(p.w, put(t, d, p.a)); err == nil {
		t.Error("weights in host memory were taken")
	}
}
