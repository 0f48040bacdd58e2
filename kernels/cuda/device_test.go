//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels/ptx"
)

// TestLeastCompute wants code of every module for the oldest GPU that Open takes.
func TestLeastCompute(t *testing.T) {
	for _, m := range ptx.Modules() {
		if _, err := ptx.Module(m, leastCompute); err != nil {
			t.Error(err)
		}
	}
	for _, cell := range Cells() {
		if _, err := ptx.Module(cell, leastCompute); err != nil {
			t.Error(err)
		}
	}
}
