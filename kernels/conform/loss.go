package conform

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"

	"gorgonia.org/tensor"
)

// Loss holds both losses to the host's, with rows that do not count.
func Loss(t *testing.T, d kernels.Resident) {
	t.Helper()
	for _, kind := range []kernels.LossKind{kernels.SoftmaxCrossEntropy, kernels.MeanSquaredError} {
		for _, s := range [][2]int{{1, 1}, {7, 3}, {300, 45}} {
			cfg := kernels.LossConfig{Kind: kind, N: s[0], O: s[1]}
			r := rand.New(rand.NewPCG(uint64(s[0]), 2))
			x := kernels.Wrap(Normals(r, cfg.N*cfg.O), cfg.N, cfg.O)
			target, weight := kernels.Wrap(Normals(r, cfg.Target().TotalSize()), cfg.Target()...), kernels.Wrap(Normals(r, cfg.N), cfg.N)
			for i := range cfg.N {
				weight.Data().([]float32)[i] = float32(r.IntN(3))
				if kind == kernels.SoftmaxCrossEntropy {
					target.Data().([]float32)[i] = float32(r.IntN(cfg.O))
				}
			}
			weight.Data().([]float32)[0] = 1
			host, err := kernels.NewHostLoss(nil, cfg, tensor.Float32)
			if err != nil {
				t.Fatal(err)
			}
			want, err := host.Forward(x, target, weight)
			if err != nil {
				t.Fatal(err)
			}
			wantX, err := host.Backward(x, target, weight, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := d.NewLoss(cfg)
			if err != nil {
				t.Fatal(err)
			}
			xv, tv, wv := Put(t, d, x), Put(t, d, target), Put(t, d, weight)
			got, err := plan.Forward(xv, tv, wv)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%v %v", kind, s)
			value := float64(want.Data().(float32))
			Near(t, name, Floats(t, got), []float64{value}, kernels.Rounding("fp32").H)
			sums, err := got.(kernels.Measured).Sums()
			if err != nil {
				t.Fatal(err)
			}
			checkSums(t, name, cfg, x, target, weight, sums, value)
			dx, err := plan.Backward(xv, tv, wv, 0.5)
			if err != nil {
				t.Fatal(err)
			}
			Near(t, name+": dx", Floats(t, dx), kernels.Wide(Data[float32](wantX)), kernels.Rounding("fp32").H)
		}
	}
}

// checkSums counts again on the host.
func checkSums(t *testing.T, name string, cfg kernels.LossConfig, x, target, weight *tensor.Dense, got kernels.LossSums, mean float64) {
	t.Helper()
	var want kernels.LossSums
	for n, w := range Data[float32](weight) {
		want.Weight += float64(w)
		if w == 0 || cfg.Kind == kernels.MeanSquaredError {
			continue
		}
		row := Data[float32](x)[n*cfg.O : (n+1)*cfg.O]
		want.Count++
		if slices.Index(row, slices.Max(row)) == int(Data[float32](target)[n]) {
			want.Correct++
		}
	}
	if got.Weight != want.Weight || got.Correct != want.Correct || got.Count != want.Count ||
		math.Abs(got.Loss/got.Weight-mean) > kernels.Rounding("fp32").H*math.Abs(mean) {
		t.Errorf("%s: sums %+v, want %+v and a mean of %g", name, got, want, mean)
	}
}

// BadLabel wants the row of a label that is no class.
func BadLabel(t *testing.T, d kernels.Resident) {
	t.Helper()
	plan, err := d.NewLoss(kernels.LossConfig{N: 3, O: 2})
	if err != nil {
		t.Fatal(err)
	}
	v, err := plan.Forward(Put(t, d, kernels.Wrap(make([]float32, 6), 3, 2)), Put(t, d, kernels.Wrap([]float32{0, 0.5, 1}, 3)), Put(t, d, kernels.Wrap([]float32{1, 1, 1}, 3)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.(kernels.Measured).Sums(); err == nil || !strings.Contains(err.Error(), "row 1: label 0.5") {
		t.Errorf("label 0.5: %v, want an error that names row and label", err)
	}
}
