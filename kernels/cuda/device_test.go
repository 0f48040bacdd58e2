//go:build gpu

package cuda

import (
	"strings"
	"testing"

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
	for _, cell := range Cells() {
		facts, err := cellFacts(cell)
		if err != nil {
			t.Fatal(err)
		}
		for prec := range Precisions {
			m := cell + "_" + Precisions[formatOf(facts, prec)]
			if _, err := ptx.Images(m, least(m)); err != nil {
				t.Error(err)
			}
		}
	}
}
