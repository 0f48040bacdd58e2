//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels/conform"
	"galvani/kernels/cpu"
)

// TestPrograms holds programs on the GPU to those on the CPU.
func TestPrograms(t *testing.T) {
	host, err := cpu.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	conform.Programs(t, openGPU(t, Options{}), host)
}
