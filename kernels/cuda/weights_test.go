//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

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
	cfg      kernels.WeightsConfig
	w, a, dW *tensor.Dense
}

func newWeightsProblem(R, C int, f kernels.Rectifier, along kernels.Along, constants bool) *weightsProblem {
	r := rand.New(rand.NewPCG(uint64(R), uint64(C)))
	p := &weightsProblem{cfg: kernels.WeightsConfig{R: R, C: C, Scale: along, Dtype: tensor.Float32, Readings: []kernels.Reading{
		{Rectifier: f, Scaled: along != kernels.Unscaled}, {Rectifier: kernels.Absolute}, {Rectifier: f, Scaled: along == kernels.Columns}}}}
	w := normals(r, R*C)
	copy(w[R*C/2:], []float32{0, float32(math.Copysign(0, -1)), smallest, -smallest})
	copy(w[R*C/4:], []float32{0, 0, 0, 0})
	for j := range C {
		p.cfg.Side = append(p.cfg.Side, float64(1-j%2*2))
	}
	p.w, p.dW = kernels.Wrap(w, R, C), kernels.Wrap(normals(r, 3*R*C), 3*R, C)
	if constants {
		p.cfg.Readings[0].Factor = kernels.Wide(normals(r, R*C))
		p.cfg.Readings[0].Factor[R*C/3] = 0
	}
	if n := p.cfg.Scales(); n > 0 {
		p.a = kernels.Wrap(normals(r, n), n)
	}
	return p
}

// run returns the weights and the packed gradient.
func (p *weightsProblem) run(t *testing.T, d kernels.Device, plan kernels.WeightsPlan) (out, grad []float32) {
	t.Helper()
	var a gorgonia.Value
	if p.a != nil {
		a = conform.Put(t, d, p.a)
	}
	w := conform.Put(t, d, p.w)
	v, err := plan.Forward(w, a)
	if err != nil {
		t.Fatal(err)
	}
	g, err := plan.Backward(w, a, conform.Put(t, d, p.dW))
	if err != nil {
		t.Fatal(err)
	}
	return conform.Floats(t, v), conform.Floats(t, g)
}

// TestWeights wants the bits of the host for the weights and the gradient of stored ones,
// that of the scale but for the order of its sum, and the same bits again in a second run. Sizes
// are within a tile, of one tile and of some with tails.
func TestWeights(t *testing.T) {
	d := openGPU(t, Options{})
	for _, s := range [][2]int{{1, 1}, {3, 5}, {32, 32}, {33, 100}, {100, 33}} {
		for _, f := range []kernels.Rectifier{kernels.AsIs, kernels.Absolute, kernels.Positive, kernels.Sign} {
			for along := kernels.Unscaled; along <= kernels.Rows; along++ {
				for _, constants := range []bool{false, true} {
					p := newWeightsProblem(s[0], s[1], f, along, constants)
					checkWeights(t, d, p, fmt.Sprintf("%v rectifier %d, scale %d, constants %t", s, f, along, constants))
				}
			}
		}
	}
}

func checkWeights(t *testing.T, d *Device, p *weightsProblem, name string) {
	t.Helper()
	host, err := openCPU(t).NewWeights(p.cfg)
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
	conform.SameBits(t, name+": weights", got, want)
	conform.SameBits(t, name+": gradient of w", grad[:n], wantGrad[:n])
	if len(grad) != len(wantGrad) {
		t.Fatalf("%s: gradient has %d elements, want %d", name, len(grad), len(wantGrad))
	}
	conform.Near(t, name+": gradient of the scale", grad[n:], kernels.Wide(wantGrad[n:]), tolScaleGradient)
	_, again := p.run(t, d, plan)
	conform.SameBits(t, name+": gradient of a second run", again, grad)
}

// TestWeightsInGraph takes the gradient of a sum of weights through a graph: Field cuts those
// of w and of the scale out of one array on the device.
func TestWeightsInGraph(t *testing.T) {
	d := openGPU(t, Options{})
	p := newWeightsProblem(7, 9, kernels.Absolute, kernels.Columns, true)
	host, err := openCPU(t).NewWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, want := p.run(t, nil, host)
	g := gorgonia.NewGraph()
	w, a, dW := conform.Node(g, conform.Put(t, d, p.w), "w"), conform.Node(g, conform.Put(t, d, p.a), "a"), conform.Node(g, conform.Put(t, d, p.dW), "dW")
	out, err := kernels.Weights(d, w, a, p.cfg)
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
	conform.SameBits(t, "gradient of w", conform.Floats(t, grads[0].Value()), want[:n])
	conform.Near(t, "gradient of the scale", conform.Floats(t, grads[1].Value()), kernels.Wide(want[n:]), tolScaleGradient)
}

func TestWeightsRefuses(t *testing.T) {
	d := openGPU(t, Options{})
	for _, cfg := range []kernels.WeightsConfig{
		{R: 2, C: 3, Readings: make([]kernels.Reading, 1), Dtype: tensor.Float64},
		{R: 0, C: 3, Readings: make([]kernels.Reading, 1), Dtype: tensor.Float32},
		{R: 2, C: 3, Readings: []kernels.Reading{{Factor: make([]float64, 5)}}, Dtype: tensor.Float32},
	} {
		if _, err := d.NewWeights(cfg); !errors.Is(err, kernels.ErrShape) {
			t.Errorf("%+v: %v, want %v", cfg, err, kernels.ErrShape)
		}
	}
	p := newWeightsProblem(2, 3, kernels.AsIs, kernels.Columns, false)
	plan, err := d.NewWeights(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w, short := conform.Put(t, d, p.w), conform.Put(t, d, kernels.Wrap(make([]float32, 2), 2))
	if _, err := plan.Forward(w, short); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a scale of 2 for 3 columns: %v, want %v", err, kernels.ErrShape)
	}
	if _, err := plan.Backward(w, conform.Put(t, d, p.a), short); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("a gradient of 2 for weights [2,3]: %v, want %v", err, kernels.ErrShape)
	}
	if _, err := plan.Forward(p.w, conform.Put(t, d, p.a)); err == nil {
		t.Error("weights in host memory were taken")
	}
}
