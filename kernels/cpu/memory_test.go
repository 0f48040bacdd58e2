//go:build cgo

package cpu

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
)

// runTwice runs forward and backward again and again, with a look at h between, and wants the
// same bits each time.
func runTwice[F kernels.Float](t *testing.T, p *conform.Problem, plan kernels.ScanPlan) conform.Solution[F] {
	t.Helper()
	var r conform.Solution[F]
	for again := range 2 {
		out, err := plan.Forward(p.Args)
		if err != nil {
			t.Fatal(err)
		}
		early := slices.Clone(conform.Data[F](plan.H()))
		for range 1 + again { // a second Backward finds other segments in the buffers
			grad, err := plan.Backward(p.Args, p.Weight)
			if err != nil {
				t.Fatal(err)
			}
			now := conform.Solution[F]{H: slices.Clone(conform.Data[F](out)), Final: slices.Clone(conform.Data[F](plan.Final())),
				Grad: slices.Clone(conform.Data[F](grad)), All: slices.Clone(conform.Data[F](plan.H()))}
			if v := plan.GradH(); v != nil {
				now.GradH = slices.Clone(conform.Data[F](v))
			}
			conform.SameBits(t, "h before and after backward", now.All, early)
			if r.H != nil {
				now.Same(t, "again", r)
			}
			r = now
		}
	}
	return r
}

// TestMemoryKeepsBits gives every cell less and less memory, down to what is refused, and
// wants the bits of a run with all it needs. How a scan is divided depends on the numbers of planes of a
// cell: some of them take more shapes than one, if not short.
func TestMemoryKeepsBits(t *testing.T) {
	for _, v := range conform.Kinds() {
		for i, s := range []conform.Sizes{
			{T: 160, B: 35, I: 2, H: 5, Last: true},                  // 10 chunks of 16 at least
			{T: 333, B: 17, I: 3, H: 11, Last: true, Sequence: true}, // the last chunk is short
			{T: 1290, B: 2, I: 1, H: 3, Last: true, Sequence: true},  // 11 chunks of 128
			{T: 700, B: 17, I: 1, H: 4, Sequence: true},              // h is the output
			{T: 130, B: 17, I: 150, H: 9, Last: true},                // drives are kept where they can be
			{T: 333, B: 24, I: 3, H: 16, Last: true},                 // two groups of rows
		} {
			if i != 1 && (testing.Short() || !slices.Contains([]string{"rnn", "lstm", "crnn"}, v.Header)) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d/float32", v.Name, i), func(t *testing.T) { checkMemory[float32](t, v, s) })
			if i == 1 || i == 4 { // how a scan is divided is the same code for both types
				t.Run(fmt.Sprintf("%s/%d/float64", v.Name, i), func(t *testing.T) { checkMemory[float64](t, v, s) })
			}
		}
	}
}

func checkMemory[F kernels.Float](t *testing.T, v conform.Variant, s conform.Sizes) {
	p := conform.NewProblem[F](v, s, 3)
	conform.Calm[F](p, 0.3)
	for _, threads := range []int{1, 3} {
		p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState = threads == 3, threads == 3, threads == 3
		p.Cfg.Memory = 0
		plan := newPlan(t, p.Cfg, threads)
		if keeps := plan.(*Scan[F]).Keeps(); keeps != (v.Header == "crnn" || v.Header == "crnn_simple" || s.I > 100 && v.Header != "rnn") {
			t.Errorf("keeps drives: %v", keeps) // all adjoints but that of rnn read drives; crnn has axial coupling, crnn_simple keeps little
		}
		want := runTwice[F](t, p, plan)
		for _, g := range want.Grad {
			if math.IsNaN(float64(g)) {
				t.Fatal("a gradient is not a number: its bits tell nothing")
			}
		}
		most := 1 // segments so far; a division into as many is seldom another one
		for p.Cfg.Memory = int64(s.T * s.B * s.H * 8); p.Cfg.Memory > 0; p.Cfg.Memory = p.Cfg.Memory * 2 / 3 {
			dev := opened(t, threads)
			plan, err := dev.NewScan(p.Cfg)
			if errors.Is(err, kernels.ErrMemory) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := plan.(*Scan[F]).Segments(); n > most {
				most = n
				runTwice[F](t, p, plan).Same(t, fmt.Sprintf("%d segments", n), want)
			}
		}
		// With outputs at every step a cell of one state plane keeps nothing beside them.
		if most < 3 && (s.Last || p.Cfg.Cell.States > 1) {
			t.Errorf("%d threads: at most %d segments, want 3 or more", threads, most)
		}
	}
}

func newPlan(t *testing.T, cfg kernels.ScanConfig, threads int) kernels.ScanPlan {
	t.Helper()
	plan, err := opened(t, threads).NewScan(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// opened returns the CPU.
func opened(t testing.TB, threads int) *Device {
	t.Helper()
	dev, err := Open(threads)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// TestMemoryRefuses asks for less than any division into segments needs.
func TestMemoryRefuses(t *testing.T) {
	p := conform.NewProblem[float32](conform.VariantOf("rnn/0"), conform.Sizes{T: 1000, B: 4, I: 2, H: 8, Last: true}, 1)
	dev := opened(t, 1)
	p.Cfg.Memory = 1000
	_, err := dev.NewScan(p.Cfg)
	// A chunk of 128 steps and 8 states of 4x8 numbers; two chunks and 4 states are more.
	const want = "kernels: scan: not enough memory: T=1000 B=4 H=8 keeps 128000 bytes for backward, at least 17408 with recomputation, " +
		"and may keep 1000"
	if !errors.Is(err, kernels.ErrMemory) || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	p.Cfg.Memory = 17408
	if _, err := dev.NewScan(p.Cfg); err != nil {
		t.Errorf("with the least memory: %v", err)
	}
}

// TestForwardOnlyKeepsBits holds that a plan that keeps next to nothing gives the same outputs.
func TestForwardOnlyKeepsBits(t *testing.T) {
	p := conform.NewProblem[float32](conform.VariantOf("lstm/0"), conform.Sizes{T: 333, B: 17, I: 3, H: 19, Last: true, Sequence: true}, 3)
	dev := opened(t, 2)
	var want [3][]float32
	for _, only := range []bool{false, true} {
		p.Cfg.ForwardOnly = only
		plan, err := dev.NewScan(p.Cfg)
		if err != nil {
			t.Fatal(err)
		}
		out, err := plan.Forward(p.Args)
		if err != nil {
			t.Fatal(err)
		}
		got := [3][]float32{slices.Clone(conform.Data[float32](out)), slices.Clone(conform.Data[float32](plan.Final())), conform.Data[float32](plan.H())}
		for i, name := range []string{"output", "final", "h"} {
			if only {
				conform.SameBits(t, name, got[i], want[i])
			}
		}
		want = got
		if segments := plan.(*Scan[float32]).Segments(); (segments > 1) != only {
			t.Errorf("forward only %v: %d segments", only, segments)
		}
	}
}
