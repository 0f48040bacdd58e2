//go:build gpu

package cuda

import (
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
)

func TestLinear(t *testing.T) {
	for _, precision := range available(t) {
		conform.Linear(t, openGPU(t, Options{Precision: precision}), kernels.Rounding(precision).H)
	}
}

func TestLinearBack(t *testing.T) {
	for _, precision := range available(t) {
		conform.LinearBack(t, openGPU(t, Options{Precision: precision}), kernels.Rounding(precision).H)
	}
}

func TestLoss(t *testing.T)           { conform.Loss(t, openGPU(t, Options{})) }
func TestBadLabel(t *testing.T)       { conform.BadLabel(t, openGPU(t, Options{})) }
func TestUpdate(t *testing.T)         { conform.Update(t, conform.Steps(openGPU(t, Options{}))) }
func TestSums(t *testing.T)           { conform.Sums(t, openGPU(t, Options{})) }
func TestRefusedUpdates(t *testing.T) { conform.RefusedUpdates(t, openGPU(t, Options{})) }
func TestReports(t *testing.T)        { conform.Reports(t, openGPU(t, Options{})) }
func TestMirror(t *testing.T)         { conform.Mirror(t, openGPU(t, Options{})) }
func TestSamples(t *testing.T)        { conform.Samples(t, openGPU(t, Options{})) }
func TestFork(t *testing.T)           { conform.Fork(t, openGPU(t, Options{})) }
func TestValue(t *testing.T)          { conform.Value(t, openGPU(t, Options{})) }
