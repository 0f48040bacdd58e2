//go:build cgo

package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/cpu/pace"

	"gorgonia.org/tensor"
)

// threadCounts are numbers of threads that must make no difference. The first is run twice.
var threadCounts = []int{1, 1, 2, 3, 4, 8}

// TestThreads runs every cell on several numbers of threads and wants the same bits of outputs,
// states and all gradients.
func TestThreads(t *testing.T) {
	for _, v := range conform.Kinds() {
		for i, s := range []conform.Sizes{
			{T: 50, B: 21, I: 4, H: 40}, {T: 9, B: 2, I: 3, H: 5, Sequence: true},
			{T: 40, B: 35, I: 2, H: 17, Last: true, Sequence: true}, {T: 11, B: 48, I: 131, H: 33},
			{T: 3, B: 131, I: 1, H: 7}, {T: 6, B: 1, I: 2, H: 20, Last: true}, {T: 22, B: 32, I: 2, H: 32}, // two groups of rows, as the one of 48
		} {
			for _, isa := range []string{Best(), bf16} {
				if Supported(isa) && (isa != bf16 || i < 4) {
					t.Run(fmt.Sprintf("%s/%d/%s", v.Name, i, precisionOf(isa)), func(t *testing.T) { checkThreads[float32](t, isa, v, s) })
				}
			}
			if i < 2 {
				t.Run(fmt.Sprintf("%s/%d/fp64", v.Name, i), func(t *testing.T) { checkThreads[float64](t, Best(), v, s) })
			}
		}
	}
}

func checkThreads[F kernels.Float](t *testing.T, isa string, v conform.Variant, s conform.Sizes) {
	p := conform.NewProblem[F](v, s, 5)
	conform.Calm[F](p, 0.3)
	p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState = true, true, true
	for _, short := range []bool{false, true} { // of memory
		p.Cfg.Memory = 0
		if short {
			p.Cfg.Memory = leastMemory(t, isa, p.Cfg)
		}
		var want map[string][]F
		for i, threads := range append(slices.Clone(threadCounts), 8) {
			d := openScans(t, isa, threads)
			if i == len(threadCounts) { // of many, one does all
				d.tempo.pace = pace.New(true, pace.Round)
			}
			plan, h, g := p.Run(t, d)
			got := map[string][]F{"output": conform.Data[F](h), "gradient": conform.Data[F](g), "final": conform.Data[F](plan.Final()),
				"gradient of h": conform.Data[F](plan.GradH()), "h": conform.Data[F](plan.H())}
			if want == nil {
				want = got
				for i, x := range got["gradient"] {
					if math.IsNaN(float64(x)) {
						t.Fatalf("gradient %d is not a number: its bits tell nothing", i)
					}
				}
			}
			for name := range want {
				conform.SameBits(t, fmt.Sprintf("memory %d: %d threads: %s", p.Cfg.Memory, threads, name), got[name], want[name])
			}
		}
	}
}

// TestTempo wants an update to last from the first Forward behind a Backward to the next, however many scans there are.
func TestTempo(t *testing.T) {
	m := newTempo()
	updates := 0
	for ; !m.alone(); updates++ {
		if updates > pace.First {
			t.Fatal("one thread alone was never tried")
		}
		for range 3 { // scans
			m.forward()
		}
		m.backward()
		m.backward()
	}
	if want := pace.First - pace.Tried + 1; updates != want {
		t.Errorf("one thread was tried after %d updates, want %d", updates, want)
	}
	var none *tempo
	none.forward()
	none.backward()
	if none.alone() {
		t.Error("no tempo has one thread alone")
	}
}

// leastMemory returns what a scan asks for at least; 0 if it keeps nothing beside its output.
func leastMemory(t *testing.T, isa string, cfg kernels.ScanConfig) int64 {
	t.Helper()
	cfg.Memory = 1
	_, err := openScans(t, isa, 1).NewScan(cfg)
	if !errors.Is(err, kernels.ErrMemory) {
		if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	least, err := wanted(err)
	if err != nil {
		t.Fatal(err)
	}
	return least
}

// TestLinearThreads runs products on several numbers of threads and wants the same bits.
func TestLinearThreads(t *testing.T) {
	for _, cfg := range []kernels.LinearConfig{
		{N: 1, K: 3, M: 2}, {N: 200, K: 1, M: 1}, {N: 1000, K: 70, M: 4}, {N: 130, K: 33, M: 50}, {N: 700, K: 16, M: 17}, {N: 3000, K: 129, M: 20}, {N: 70, K: 300, M: 150},
	} {
		cfg.Dtype = tensor.Float32
		r := rand.New(rand.NewPCG(3, 4))
		draw := func(shape ...int) *tensor.Dense {
			b := make([]float32, tensor.Shape(shape).TotalSize())
			for i := range b {
				b[i] = float32(r.NormFloat64())
			}
			return kernels.Wrap(b, shape...)
		}
		x, w, b, dy := draw(cfg.N, cfg.K), draw(cfg.M, cfg.K), draw(cfg.M), draw(cfg.N, cfg.M)
		var want [][]float32
		for _, threads := range threadCounts {
			dev := opened(t, threads)
			plan, err := dev.NewLinear(cfg)
			if err != nil {
				t.Fatal(err)
			}
			y, err := plan.Forward(x, w, b)
			if err != nil {
				t.Fatal(err)
			}
			dx, dp, err := plan.Backward(x, w, dy)
			if err != nil {
				t.Fatal(err)
			}
			got := [][]float32{conform.Data[float32](y), conform.Data[float32](dx), conform.Data[float32](dp)}
			if want == nil {
				want = got
			}
			for i, name := range []string{"y", "dx", "dw and db"} {
				conform.SameBits(t, fmt.Sprintf("%+v: %d threads: %s", cfg, threads, name), got[i], want[i])
			}
		}
	}
}
