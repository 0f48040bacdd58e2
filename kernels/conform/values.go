package conform

import (
	"fmt"
	"math"
	"testing"

	"galvani/kernels"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Data returns the elements of a tensor in host memory.
func Data[F kernels.Float](v gorgonia.Value) []F { return v.(*tensor.Dense).Data().([]F) }

// Put returns the counterpart of a tensor on a device with memory of its own, and the tensor itself
// for others.
func Put(t testing.TB, d kernels.Device, v gorgonia.Value) gorgonia.Value {
	t.Helper()
	r, ok := d.(kernels.Resident)
	x, dense := v.(*tensor.Dense)
	if !ok || !dense {
		return v
	}
	m, err := r.Mirror(x)
	if err != nil {
		t.Fatal(err)
	}
	return m.View(0, x.Shape()...)
}

// Opened returns a device that is closed when the test ends.
func Opened[D interface{ Close() error }](t testing.TB, d D, err error) D {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Floats waits and returns a copy of the elements of a value on any device, nil for none.
func Floats(t testing.TB, v gorgonia.Value) []float32 {
	t.Helper()
	if v == nil {
		return nil
	}
	x, err := kernels.Download(v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// SameBits wants equal numbers, those that are not a number included.
func SameBits[F kernels.Float](t testing.TB, name string, got, want []F) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if math.Float64bits(float64(got[i])) != math.Float64bits(float64(w)) {
			t.Fatalf("%s[%d] = %g, want %g", name, i, got[i], w)
		}
	}
}

// nearGrad compares packed gradients where they are defined; others it sets to 0.
func nearGrad(t testing.TB, cfg kernels.ScanConfig, got []float32, want []float64, tol float64) {
	t.Helper()
	n := 0
	for _, spec := range cfg.Params {
		for i := range spec.Len() {
			if outside(spec, i) {
				got[n+i], want[n+i] = 0, 0
			}
		}
		n += spec.Len()
	}
	Near(t, "grad", got, want, tol)
}

func copyTo64(dst, src *tensor.Dense) {
	d := Data[float64](dst)
	for i, x := range Data[float32](src) {
		d[i] = float64(x)
	}
}

// Near compares relative to the largest element, or to 1e-5 where that is larger: of numbers near 1, a smaller
// gradient of one unit is what their cancellation leaves, with the rounding of products in tf32 and bf16.
func Near(t testing.TB, name string, got []float32, want []float64, tol float64) {
	t.Helper()
	scale := 1e-5
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if e := math.Abs(float64(got[i])-w) / scale; !(e <= tol) {
			t.Fatalf("%s[%d] = %g, want %g: off by %.2g of the largest", name, i, got[i], w, e)
		}
	}
}

// EachNear compares number by number, up to a tolerance that is relative above 1.
func EachNear(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if m := Mismatch(got, want, tolerance); m != "" {
		t.Fatalf("%s: %s", what, m)
	}
}

// Mismatch describes the first number that EachNear would not take, or is empty.
func Mismatch(got, want []float64, tolerance float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tolerance*max(1, math.Abs(want[i]))) {
			return fmt.Sprintf("element %d is %.17g, want %.17g", i, got[i], want[i])
		}
	}
	return ""
}
