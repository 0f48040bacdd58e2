package conform

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
)

// tolAdjoint bounds the relative error of a float64 adjoint against central differences
// with step 1e-5: truncation h² and rounding eps/h are both near 1e-10.
const tolAdjoint = 1e-6

// differenceSteps are those of central differences. A difference over a kink of a rectified function is that of neither
// side, which a shorter step does not reach; a wrong adjoint is off by the same with all of them.
var differenceSteps = []float64{1e-5, 1e-6, 1e-7}

// value returns the functional of the output of a forward run.
func value[F kernels.Float](t *testing.T, p *Problem, plan kernels.ScanPlan) float64 {
	t.Helper()
	h, err := plan.Forward(p.Args)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	w := Data[F](p.Weight)
	for i, x := range Data[F](h) {
		sum += float64(x) * float64(w[i])
	}
	return sum
}

// gradient runs a problem there and back, and returns its plan and a copy of the packed gradient.
func gradient(t *testing.T, dev kernels.Device, p *Problem) (kernels.ScanPlan, []float64) {
	t.Helper()
	plan, _, g := p.Run(t, dev)
	return plan, slices.Clone(Data[float64](g))
}

// checkAdjoint compares the packed gradient with central differences of the elements that
// pick selects, and returns the largest relative error.
func checkAdjoint(t *testing.T, dev kernels.Device, p *Problem, pick func(i int) bool) float64 {
	t.Helper()
	plan, grad := gradient(t, dev, p)
	scale := 1e-3 // of a gradient: below it errors count absolutely
	for _, x := range grad {
		scale = max(scale, math.Abs(x))
	}
	k, worst := 0, 0.0
	for n, param := range p.differentiated() {
		x, spec := Data[float64](param), kernels.Spec{Name: "x or state"}
		if n < len(p.Params) {
			spec = p.Cfg.Params[n]
		}
		for i := range x {
			if pick(k) && !outside(spec, i) {
				want, err := 0.0, math.Inf(1)
				for _, step := range differenceSteps {
					if err > tolAdjoint {
						want = difference(t, p, plan, &x[i], step)
						err = math.Abs(grad[k]-want) / max(math.Abs(want), 0.01*scale)
					}
				}
				worst = max(worst, err)
				if err > tolAdjoint {
					t.Errorf("%s[%d]: gradient %.9g, differences %.9g", spec.Name, i, grad[k], want)
				}
			}
			k++
		}
	}
	if k != len(grad) {
		t.Errorf("the gradient has %d elements, want %d", len(grad), k)
	}
	return worst
}

// difference returns the central difference of the functional over a number, which it leaves as it was.
func difference(t *testing.T, p *Problem, plan kernels.ScanPlan, x *float64, step float64) float64 {
	t.Helper()
	old := *x
	*x = old + step
	up := value[float64](t, p, plan)
	*x = old - step
	down := value[float64](t, p, plan)
	*x = old
	return (up - down) / (2 * step)
}

// differentiated returns the tensors of which Backward gives the gradients, in its order.
func (p *Problem) differentiated() []gorgonia.Value {
	list := append([]gorgonia.Value(nil), p.Args.Params...)
	if p.Cfg.GradX {
		list = append(list, p.Args.X)
	}
	if p.Cfg.GradState {
		list = append(list, p.Args.State)
	}
	return list
}

// Adjoint holds the gradients of a device that computes in float64 to central differences: every
// cell, every parameter, x and the first state, in shapes with dimensions of 1, 2 and odd.
func Adjoint(t *testing.T, dev kernels.Device) {
	for _, v := range Variants() {
		for i, s := range []Sizes{
			{T: 1, B: 1, I: 1, H: 1}, {T: 2, B: 1, I: 2, H: 3}, {T: 3, B: 2, I: 1, H: 5, Last: true},
			{T: 5, B: 3, I: 3, H: 7, Sequence: true}, {T: 4, B: 5, I: 2, H: 2, Last: true, Sequence: true},
		} {
			t.Run(fmt.Sprintf("%s/%+v", v.Name, s), func(t *testing.T) {
				p := NewProblem[float64](v, s, uint64(i))
				p.Cfg.GradX, p.Cfg.GradState = true, i != 1
				checkAdjoint(t, dev, p, func(int) bool { return true })
			})
		}
	}
}

// AdjointAcrossChunks is Adjoint for a sequence longer than a time chunk and a batch of several
// workers, in every kind of cell.
func AdjointAcrossChunks(t *testing.T, dev kernels.Device) {
	for _, v := range Kinds() {
		t.Run(v.Name, func(t *testing.T) {
			p := NewProblem[float64](v, Sizes{T: 71, B: 35, I: 2, H: 5, Sequence: true}, 7)
			p.Cfg.GradX, p.Cfg.GradState = true, true
			if !v.Bounded() { // the rounding of large numbers would hide the derivative
				Calm[float64](p, 0.05)
			}
			checkAdjoint(t, dev, p, func(i int) bool { return i%3 == 0 && i < p.Cfg.Learned() || i%211 == 0 })
		})
	}
}

// AdjointCanFail plants a fault, one sign in the gradient, and wants Adjoint's bound to see it.
func AdjointCanFail(t *testing.T, dev kernels.Device) {
	p := NewProblem[float64](VariantOf("rnn/0"), Sizes{T: 3, B: 2, I: 2, H: 3}, 1)
	plan, grad := gradient(t, dev, p)
	want := difference(t, p, plan, &Data[float64](p.Params[0])[0], differenceSteps[0])
	if flipped := -grad[0]; math.Abs(flipped-want) < tolAdjoint*math.Abs(want) {
		t.Fatalf("flipped gradient %g passes for %g", flipped, want)
	}
}
