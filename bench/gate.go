package bench

import (
	"errors"
	"fmt"
	"math"

	"galvani/engine"
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
	h, g, err := single.results(dev)
	if err != nil {
		return 0, err
	}
	h64, g64, err := double.results(dev)
	if err != nil {
		return 0, err
	}
	pairs := []pair{{"h", convert[float64](h), h64}}
	at := 0
	for _, p := range single.cfg.Params {
		if p.Learned {
			n := p.Len()
			pairs = append(pairs, pair{"gradient of " + p.Name, convert[float64](g[at : at+n]), g64[at : at+n]})
			at += n
		}
	}
	short, err := networkPairs(model, s, dev)
	if err != nil {
		return 0, err
	}
	worst, name := 0.0, ""
	for _, p := range append(pairs, short...) {
		if d := deviation(p.got, p.want); !(d <= worst) {
			worst, name = d, p.name
		}
	}
	if !(worst <= gateTolerance) {
		return worst, fmt.Errorf("bench: %s T=%d B=%d I=%d H=%d on %s: %s deviates by %.2g from float64, want at most %g: %w",
			model, s.T, s.B, s.I, s.H, dev.Name(), name, worst, gateTolerance, ErrWrong)
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

// networkPairs runs a few steps of the whole network on the device and on the unrolled graph.
func networkPairs(model string, s Shape, dev kernels.Device) ([]pair, error) {
	s.T = min(s.T, gateSteps)
	got, err := runNetwork[float32](model, s, dev)
	if err != nil {
		return nil, err
	}
	want, err := runNetwork[float64](model, s, nil)
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
func runNetwork[F engine.Float](model string, s Shape, dev kernels.Device) ([3][]float64, error) {
	var r [3][]float64
	g, err := newGraph[F](model, s, dev)
	if err != nil {
		return r, err
	}
	defer g.Close()
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
