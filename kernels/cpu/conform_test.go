//go:build cgo

package cpu

import (
	"errors"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"

	"gorgonia.org/tensor"
)

func open(t *testing.T, threads int) *Device { return openISA(t, Best(), threads) }

func openISA(t *testing.T, isa string, threads int) *Device {
	t.Helper()
	d, err := OpenISA(isa, threads)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// here returns the instruction sets that this machine has.
func here(t *testing.T) []string { return supported(t, ISAs) }

// scansHere returns those that it has of scans.
func scansHere(t *testing.T) []string { return append(here(t), supported(t, []string{bf16})...) }

func supported(t *testing.T, isas []string) (list []string) {
	for _, isa := range isas {
		if Supported(isa) {
			list = append(list, isa)
		} else {
			t.Logf("%s: not on this machine", isa)
		}
	}
	return list
}

func TestAdjoint(t *testing.T)             { conform.Adjoint(t, open(t, 2)) }
func TestAdjointAcrossChunks(t *testing.T) { conform.AdjointAcrossChunks(t, open(t, 2)) }
func TestAdjointCanFail(t *testing.T)      { conform.AdjointCanFail(t, open(t, 1)) }
func TestCarriedState(t *testing.T)        { conform.CarriedState(t, open(t, 2)) }
func TestInputGradients(t *testing.T)      { conform.InputGradients(t, open(t, 2)) }
func TestNoise(t *testing.T)               { conform.Noise(t, open(t, 2), open(t, 1)) }
func TestSpikes(t *testing.T)              { conform.Spikes(t, open(t, 2), open(t, 1)) }
func TestGradH(t *testing.T)               { conform.GradH(t, open(t, 2)) }
func TestRefuses(t *testing.T)             { conform.Refuses(t, open(t, 1)) }

// openScans opens a device with scans in an instruction set.
func openScans(t *testing.T, isa string, threads int) *Device {
	t.Helper()
	if isa != bf16 {
		return openISA(t, isa, threads)
	}
	d, err := OpenPrecision("bf16", threads)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// precisionOf returns the precision of an instruction set.
func precisionOf(isa string) string {
	if isa == bf16 {
		return "bf16"
	}
	return "fp32"
}

// TestOpenPrecision wants a device or a reason.
func TestOpenPrecision(t *testing.T) {
	for _, precision := range append([]string{"", "fp64"}, kernels.Precisions...) {
		d, err := OpenPrecision(precision, 1)
		switch {
		case precision == "" || precision == "fp32" || precision == "bf16" && Supported(bf16):
			if err != nil || (d.scans == bf16) != (precision == "bf16") {
				t.Errorf("%q: %+v, %v", precision, d, err)
			}
		case !errors.Is(err, kernels.ErrNoDevice) || !strings.Contains(err.Error(), precision):
			t.Errorf("%q: %v", precision, err)
		}
	}
}

// TestNotFinite takes every instruction set.
func TestNotFinite(t *testing.T) {
	for _, isa := range scansHere(t) {
		d := openScans(t, isa, 2)
		t.Run(isa, func(t *testing.T) {
			conform.NotFinite(t, d, conform.Variants(), conform.Sizes{T: 7, B: 9, I: 5, H: 19}, tensor.Float32, tensor.Float64)
		})
	}
}

func TestRepeat(t *testing.T) {
	conform.Repeat(t, nil)
	conform.Repeat(t, open(t, 2))
}

// TestLinear takes every instruction set.
func TestLinear(t *testing.T) {
	for _, isa := range here(t) {
		d := openISA(t, isa, 2)
		conform.Linear(t, d, 4e-6) // a sum of 700 products is off by about 700^½ roundings of 6e-8
	}
}

func TestLinearBack(t *testing.T) {
	conform.LinearBack(t, nil, 1e-6)
	conform.LinearBack(t, open(t, 2), 1e-6)
}

// TestInstructionSets holds every float32 kernel to the float64 one, on shapes that leave tails in
// every direction of their blocks and workers, and odd numbers where a factor has two. TestThreads wants the same bits of one worker.
func TestInstructionSets(t *testing.T) {
	shapes := []conform.Sizes{
		{T: 3, B: 1, I: 1, H: 1}, {T: 9, B: 19, I: 5, H: 67, Sequence: true},
		{T: 40, B: 33, I: 30, H: 32}, {T: 6, B: 7, I: 70, H: 33, Last: true},
		{T: 22, B: 24, I: 9, H: 48}, // two groups of rows
	}
	for _, isa := range scansHere(t) {
		d := openScans(t, isa, 3)
		if isa == bf16 { // kernels.Rounding is of a few steps
			shapes[2].T, shapes[4].T = 6, 6
		}
		t.Run(isa, func(t *testing.T) { conform.Scan(t, d, d, precisionOf(isa), shapes) })
	}
}
