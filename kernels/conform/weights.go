package conform

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TolScaleGradient bounds the difference of two gradients of a scale, relative to the largest.
// Both sum the same terms in float64, in another order, which differs by some 1e-13; rounded to
// float32 that is the same number or its neighbour, 2⁻²³ away.
const TolScaleGradient = 1.001 / (1 << 23)

// smallest is a weight that the kernels' other arithmetic takes for 0.
const smallest = math.SmallestNonzeroFloat32

// WeightsProblem is a stored matrix with zeros of both signs and the smallest numbers where it
// has room for them, constants with a masked element, a scale and a gradient.
type WeightsProblem struct {
	Config   kernels.WeightsConfig
	W, A, DW *tensor.Dense // A is nil without a scale
}

// NewWeightsProblem draws a matrix [R,C] under three readings, the first and last with rectifier f.
func NewWeightsProblem(R, C int, f kernels.Rectifier, along kernels.Along, constants bool) *WeightsProblem {
	r := rand.New(rand.NewPCG(uint64(R), uint64(C)))
	p := &WeightsProblem{Config: kernels.WeightsConfig{R: R, C: C, Scale: along, Dtype: tensor.Float32, Readings: []kernels.Reading{
		{Rectifier: f, Scaled: along != kernels.Unscaled}, {Rectifier: kernels.Absolute}, {Rectifier: f, Scaled: along == kernels.Columns}}}}
	w := Normals(r, R*C)
	copy(w[R*C/2:], []float32{0, float32(math.Copysign(0, -1)), smallest, -smallest})
	copy(w[R*C/4:], []float32{0, 0, 0, 0})
	for j := range C {
		p.Config.Side = append(p.Config.Side, float64(1-j%2*2))
	}
	p.W, p.DW = kernels.Wrap(w, R, C), kernels.Wrap(Normals(r, 3*R*C), 3*R, C)
	if constants {
		p.Config.Readings[0].Factor = kernels.Wide(Normals(r, R*C))
		p.Config.Readings[0].Factor[R*C/3] = 0
	}
	if n := p.Config.Scales(); n > 0 {
		p.A = kernels.Wrap(Normals(r, n), n)
	}
	return p
}

// Run returns the weights and the packed gradient.
func (p *WeightsProblem) Run(t *testing.T, d kernels.Device, plan kernels.WeightsPlan) (out, grad []float32) {
	t.Helper()
	var a gorgonia.Value
	if p.A != nil {
		a = Put(t, d, p.A)
	}
	w := Put(t, d, p.W)
	v, err := plan.Forward(w, a)
	if err != nil {
		t.Fatal(err)
	}
	g, err := plan.Backward(w, a, Put(t, d, p.DW))
	if err != nil {
		t.Fatal(err)
	}
	return Floats(t, v), Floats(t, g)
}

// Weights wants of a device the bits of the host for the weights and the gradient of stored ones,
// that of the scale but for the order of its sum, and the same bits again in a second run. Sizes
// are within a tile, of one tile and of some with tails.
func Weights(t *testing.T, d, host kernels.Device) {
	t.Helper()
	for _, s := range [][2]int{{1, 1}, {3, 5}, {32, 32}, {33, 100}, {100, 33}} {
		for _, f := range []kernels.Rectifier{kernels.AsIs, kernels.Absolute, kernels.Positive, kernels.Sign} {
			for along := kernels.Unscaled; along <= kernels.Rows; along++ {
				for _, constants := range []bool{false, true} {
					p := NewWeightsProblem(s[0], s[1], f, along, constants)
					checkWeights(t, d, host, p, fmt.Sprintf("%v rectifier %d, scale %d, constants %t", s, f, along, constants))
				}
			}
		}
	}
}

func checkWeights(t *testing.T, d, reference kernels.Device, p *WeightsProblem, name string) {
	t.Helper()
	host, err := reference.NewWeights(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := d.NewWeights(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	want, wantGrad := p.Run(t, nil, host)
	got, grad := p.Run(t, d, plan)
	n := p.Config.R * p.Config.C
	SameBits(t, name+": weights", got, want)
	SameBits(t, name+": gradient of w", grad[:n], wantGrad[:n])
	if len(grad) != len(wantGrad) {
		t.Fatalf("%s: gradient has %d elements, want %d", name, len(grad), len(wantGrad))
	}
	Near(t, name+": gradient of the scale", grad[n:], kernels.Wide(wantGrad[n:]), TolScaleGradient)
	_, again := p.Run(t, d, plan)
	SameBits(t, name+": gradient of a second run", again, grad)
}

// Normals draws n numbers of mean 0 and variance 1.
func Normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
