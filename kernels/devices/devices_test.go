package devices

import (
	"errors"
	"testing"

	"galvani/kernels"
)

// TestOpenRefuses wants an error that a caller can tell for every name that is no device.
func TestOpenRefuses(t *testing.T) {
	for _, name := range []string{"", "auto", "gpu", "cuda:", "cuda:x", "cuda:1000", "cpu:0", "CPU", "cuda:-1"} {
		if d, err := Open(name, Options{}); !errors.Is(err, kernels.ErrNoDevice) || d != nil {
			t.Errorf("%q: %v, %v, want ErrNoDevice and no device", name, d, err)
		}
		if Known(name) != (name == "auto") {
			t.Errorf("Known(%q) is %t", name, Known(name))
		}
	}
}

// TestIndex reads the number of a GPU.
func TestIndex(t *testing.T) {
	for name, want := range map[string]int{"cuda": 0, "cuda:0": 0, "cuda:7": 7, "cuda:999": 999} {
		if got := Index(name); !Known(name) || got != want {
			t.Errorf("%s is GPU %d, want %d", name, got, want)
		}
	}
}

// TestOpenCPU wants the CPU under its name, or why there is none.
func TestOpenCPU(t *testing.T) {
	d, err := Open("cpu", Options{Threads: 3})
	if errors.Is(err, kernels.ErrNoDevice) {
		if d != nil {
			t.Error("there is no device, and there is one")
		}
		return // built without cgo
	}
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if again, err := OpenCPU(3); err != nil || again.Name() != d.Name() {
		t.Errorf("Open gives %s, OpenCPU %v, %v", d.Name(), again, err)
	}
}
