// Package devicetest opens the CPU for tests and closes it when they end.
//
// It imports the contract (kernels) and kernels/devices. Only tests import it.
package devicetest

import (
	"errors"
	"testing"

	"galvani/kernels"
	"galvani/kernels/devices"
)

// CPU returns the CPU. It skips the test in a binary without cgo, which has none.
func CPU(t testing.TB, threads int) kernels.Device {
	t.Helper()
	dev := CPUOrNil(t, threads)
	if dev == nil {
		t.Skip("this binary has no fused scan: it was built without cgo")
	}
	return dev
}

// CPUOrNil returns the CPU, and nil, which stands for the unrolled graph, in a binary without cgo.
func CPUOrNil(t testing.TB, threads int) kernels.Device {
	t.Helper()
	dev, err := devices.OpenCPU(threads)
	if errors.Is(err, kernels.ErrNoDevice) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}

// Hosts returns nil, which stands for the unrolled graph, and behind it the CPU where there is one.
func Hosts(t testing.TB, threads int) []kernels.Device {
	t.Helper()
	if dev := CPUOrNil(t, threads); dev != nil {
		return []kernels.Device{nil, dev}
	}
	t.Log("the scan is left out: this binary was built without cgo")
	return []kernels.Device{nil}
}
