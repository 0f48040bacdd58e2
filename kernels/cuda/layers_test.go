//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels/conform"
)

// TestRows holds what stands between layers, and penalties, to the host.
func TestRows(t *testing.T) { conform.Rows(t, openGPU(t, Options{})) }
