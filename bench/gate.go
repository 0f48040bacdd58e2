package bench

import (
	"errors"
	"fmt"
	"math"

	"galvani/kernels"
)

// gateTolerance bounds the deviation of what is timed from float64, relative to the largest
// element of each tensor: the bound of the house for gradients in float32.
const gateTolerance = 1e-4

// gateSteps is the length of the sequence on the unrolled graph, whose nodes grow with it.
const gateSteps = 8

// ErrWrong means that something computes wrong numbers, so that its time means nothing.
var ErrWrong = errors.New("wrong numbers, not timed")

// gate holds the scan of a model at the shape that will be timed to the same scan in float64,
// states and gradients, and the whole network on the device, over a few steps, to the unrolled
// graph in float64. It returns the largest relative deviation.
//
// Errors: ErrWrong.
func gate(model string, s Shape, dev kernels.Device) (float64, error) {
	single, err := newProblem[float32](model, s)
	if err != nil {
		return 0, err
	}
	double, err := newProblem[float64](model, s)
	if err != nil {
		return 0, err
	}
	h, params, err := single.results(dev)
	if err != nil {
		return 0, err
	}
	h64, exact, err := double.results(dev)
	if err != nil {
		return 0, err
	}
	pairs := []pair{{"h", convert[float64](h), h64}}
	for i, p := range params {
		if p.Learned {
			got, want := convert[float64](p.grad), exact[i].grad
			within(p.Spec, got)
			within(p.Spec, want)
			pairs = append(pairs, pair{"gradient of " + p.Name, got, want})
		}
	}
	few := s
	few.T = min(s.T, gateSteps)
	short, err := networkPairs(model, few, dev, nil)
	if err != nil {
		return 0, err
	}
	return judge(model, s, dev, gateTolerance, append(pairs, short...))
}

// within sets to 0 what no scan needs to compute: the gradient of entries that are always zero.
func within(s kernels.Spec, grad []float64) {
	for k := range grad {
		if s.Supports == nil {
			return
		}
		columns := s.Supports[k*len(s.Supports)/len(grad)]
		if j := k % s.Shape[1]; j < columns[0] || j >= columns[1] {
			grad[k] = 0
		}
	}
}

// gateBounds are the largest deviations of a network in a precision from float64, of
// h, logits and gradients alike. Rounding the weights alone to the 11 and 8 bits of tf32 and
// bf16 makes deviations of up to 1.2e-3 and 7.3e-3 at T of 200 and 1000, H of 64 and 256, over
// all cells; states are rounded too, which leaves a factor of two for other shapes. fp16, which only
// peers have, has the bits of tf32.
var gateBounds = map[string]float64{"fp32": gateTolerance, "tf32": 5e-3, "fp16": 5e-3, "bf16": 3e-2}

// gateIn holds the network on a device that computes in a precision, at the shape that will be timed, to the CPU in float64.
//
// Errors: ErrWrong, kernels.ErrMemory.
func gateIn(precision, model string, s Shape, dev, cpu kernels.Device) (float64, error) {
	pairs, err := networkPairs(model, s, dev, cpu)
	if err != nil {
		return 0, err
	}
	return judge(model, s, dev, gateBounds[precision], pairs)
}

// judge returns the largest deviation of all pairs.
//
// Errors: ErrWrong where it is above the tolerance.
func judge(model string, s Shape, dev kernels.Device, tolerance float64, pairs []pair) (float64, error) {
	worst, name := 0.0, ""
	for _, p := range pairs {
		if d := deviation(p.got, p.want); !(d <= worst) {
			worst, name = d, p.name
		}
	}
	if !(worst <= tolerance) {
		return worst, fmt.Errorf("bench: %s T=%d B=%d I=%d H=%d on %s: %s deviates by %.2g from float64, want at most %g: %w",
			model, s.T, s.B, s.I, s.H, dev.Name(), name, worst, tolerance, ErrWrong)
	}
	return worst, nil
}

// pair is a tensor and what it should be.
type pair struct {
	name      string
	got, want []float64
}

// deviation returns the largest difference, relative to the largest element that is wanted;
// NaN where anything is not finite.
func deviation(got, want []float64) float64 {
	diff, size := 0.0, 0.0
	for i, w := range want {
		d := math.Abs(got[i] - w)
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.NaN()
		}
		diff, size = max(diff, d), max(size, math.Abs(w))
	}
	if diff == 0 {
		return 0
	}
	return diff / size
}

// networkPairs runs the whole network on the device and, in float64, on the reference; nil is the
// unrolled graph.
func networkPairs(model string, s Shape, dev, reference kernels.Device) ([]pair, error) {
	got, err := runNetwork[float32](model, s, dev)
	if err != nil {
		return nil, err
	}
	want, err := runNetwork[float64](model, s, reference)
	if err != nil {
		return nil, err
	}
	pairs := make([]pair, len(want))
	for i, name := range []string{"h of the network", "logits", "gradient of the network"} {
		pairs[i] = pair{name, got[i], want[i]}
	}
	return pairs, nil
}

// runNetwork returns h, logits and the packed gradient of one batch.
func runNetwork[F kernels.Float](model string, s Shape, dev kernels.Device) (r [3][]float64, err error) {
	g, err := newGraph[F](model, s, dev, true)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if err := g.Run(); err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	h, logits := make([]F, s.T*s.B*s.H), make([]F, s.B*outputs)
	grad, err := g.Grad()
	if err := errors.Join(err, g.H(h), g.Logits(logits)); err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	return [3][]float64{convert[float64](h), convert[float64](logits), convert[float64](grad)}, nil
}
