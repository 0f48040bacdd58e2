//go:build gpu

package devices

import (
	"errors"
	"os"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/cuda"
)

func openGPU(t *testing.T, precision string) *cuda.Device {
	t.Helper()
	d, err := cuda.Open(0, cuda.Options{Precision: precision})
	if errors.Is(err, cuda.ErrPrecision) || errors.Is(err, kernels.ErrNoDevice) && os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skipf("no such GPU (make gpu-test runs this on the emulated driver): %v", err)
	}
	return conform.Opened(t, d, err)
}

// TestSelfTestRefuses narrows the bound of the gradients to nothing and wants the device refused, with
// numbers and without memory in use.
func TestSelfTestRefuses(t *testing.T) {
	d := openGPU(t, "fp32")
	bound := kernels.Rounding("fp32")
	bound.Grad = 1e-12
	if err := selfTest(d, bound); !errors.Is(err, kernels.ErrNoDevice) || !strings.Contains(err.Error(), "want at most 1e-12") {
		t.Errorf("bound of 1e-12: %v, want ErrNoDevice and the bound", err)
	}
	if u := d.Usage(); u.InUse != 0 {
		t.Errorf("%d bytes in use after the self test", u.InUse)
	}
}

// TestSelfTest opens a device the way users do, in every precision.
func TestSelfTest(t *testing.T) {
	for _, precision := range kernels.Precisions {
		t.Run(precision, func(t *testing.T) {
			openGPU(t, precision)
			d, err := OpenCUDA(0, precision)
			if err != nil {
				t.Fatal(err)
			}
			if u := d.Usage(); u.InUse != 0 || u.High == 0 || u.Total == 0 {
				t.Errorf("%s: usage %+v after the self test, want nothing in use, some before", d.Name(), u)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
