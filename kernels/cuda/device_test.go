//go:build gpu

package cuda

import (
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/cells"
	"galvani/kernels/ptx"
)

// TestLeastCompute wants code of every module for the oldest GPU that Open takes with its precision.
func TestLeastCompute(t *testing.T) {
	least := func(module string) int {
		if strings.HasSuffix(module, "_tf32") || strings.HasSuffix(module, "_bf16") {
			return tensorCores
		}
		return leastCompute
	}
	for _, m := range ptx.Modules() {
		if _, err := ptx.Images(m, least(m)); err != nil {
			t.Error(err)
		}
	}
	for _, cell := range cells.Names() {
		f, err := factsOf(cell)
		if err != nil {
			t.Fatal(err)
		}
		for prec := range kernels.Precisions {
			m := cell + "_" + kernels.Precisions[formatOf(f, prec)]
			if _, err := ptx.Images(m, least(m)); err != nil {
				t.Error(err)
			}
		}
	}
}
