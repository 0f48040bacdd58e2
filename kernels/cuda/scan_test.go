//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"galvani/kernels"
	"galvani/kernels/conform"
	"galvani/kernels/cpu"
	"galvani/kernels/driver"

	"gorgonia.org/tensor"
)

// available lists the precisions of the first GPU.
func available(t *testing.T) []string {
	t.Helper()
	if d := openGPU(t, Options{}); d.Info().Compute() < tensorCores {
		t.Logf("%s computes in %s only", d.Name(), kernels.Precisions[0])
		return kernels.Precisions[:1]
	}
	return kernels.Precisions
}

// several returns the kinds of some cells, which have parameters of every role, one plane and several, one product
// and several, and steps of different lengths. What does not look into a step is tried on these.
func several() []conform.Variant {
	return slices.DeleteFunc(conform.Kinds(), func(v conform.Variant) bool {
		return !slices.Contains([]string{"rnn", "lstm", "crnn", "cond_ei"}, v.Header)
	})
}

// openCPU opens what a GPU is held to.
func openCPU(t *testing.T) *cpu.Device {
	t.Helper()
	d, err := cpu.OpenISA("portable", 1)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestConforms holds every cell in every precision to the CPU; short, in the first.
func TestConforms(t *testing.T) {
	for i, precision := range available(t) {
		if testing.Short() && i > 0 {
			break
		}
		t.Run(precision, func(t *testing.T) {
			conform.Scan(t, openGPU(t, Options{Precision: precision}), openCPU(t), precision, conform.Tails)
		})
	}
}

// TestNoise holds noise to that of the CPU.
func TestNoise(t *testing.T) {
	conform.Noise(t, openGPU(t, Options{Precision: "fp32"}), openCPU(t))
}

// forced is a layout that a test wants to see.
type forced struct {
	blocks   int // of a cluster
	resident bool
}

// force returns a number of units and limits under which a scan has the wanted layout in both
// directions on a GPU. Limits take away shared memory; the multiprocessors only sway the choice.
func force(t *testing.T, gpu driver.Info, header, precision string, batch int, want forced) (hidden int, l Limits) {
	t.Helper()
	for _, hidden := range []int{70, 150, 40, 24} {
		for _, sms := range []int{gpu.SMs, 1, 132} {
			for shared := float64(gpu.Shared); shared > 1024; shared *= 0.95 {
				l := Limits{SMs: sms, Shared: int(shared) &^ 15, Cluster: want.blocks, Compute: gpu.Compute()}
				f, b, err := planLayout(header, l, precision, batch, hidden)
				if err == nil && f.Resident == want.resident && b.Resident == want.resident &&
					(!want.resident || f.Blocks == want.blocks && b.Blocks == want.blocks) {
					return hidden, l
				}
			}
		}
	}
	t.Fatalf("%s %s B=%d: no limits give %+v", header, precision, batch, want)
	return 0, l
}

// TestLayouts runs cells with recurrent products in one block, in clusters and with weights
// that are read anew at every step.
func TestLayouts(t *testing.T) {
	gpu := openGPU(t, Options{}).Info()
	for _, precision := range available(t) {
		for _, v := range conform.Variants() {
			shared := []string{"rnn/0", "lstm/0", "gru/0", "crnn_simple/1", "cond_ei/split"} // the others share their kernel
			if precision != "fp32" || testing.Short() {
				shared = []string{"lstm/0", "cond_ei/split"} // of several products
			}
			if !slices.Contains(shared, v.Name) {
				continue
			}
			for _, want := range []forced{{1, true}, {2, true}, {4, true}, {1, false}} {
				if want.blocks > gpu.Cluster {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%+v", precision, v.Name, want), func(t *testing.T) {
					s := conform.Sizes{T: 4, B: 5, I: 3, Sequence: true}
					var l Limits
					s.H, l = force(t, gpu, v.Header, precision, s.B, want)
					conform.One(t, openGPU(t, Options{Precision: precision, Limits: &l}), openCPU(t), precision, v, s, 1)
				})
			}
		}
	}
}

// TestOlderGPUs runs the code of GPUs without clusters, and fp32 on those without tensor
// cores for tf32.
func TestOlderGPUs(t *testing.T) {
	s := conform.Sizes{T: 3, B: 3, I: 2, H: 37, Sequence: true}
	gpu := openGPU(t, Options{}).Info()
	l := Limits{SMs: gpu.SMs, Shared: min(gpu.Shared, 96<<10), Cluster: 1}
	for _, c := range []struct {
		compute   int
		precision string
	}{{70, "fp32"}, {80, "tf32"}, {80, "bf16"}} {
		if l.Compute = c.compute; l.Compute > gpu.Compute() {
			continue
		}
		for _, v := range several() {
			t.Run(fmt.Sprintf("%d/%s/%s", c.compute, c.precision, v.Name), func(t *testing.T) {
				conform.One(t, openGPU(t, Options{Precision: c.precision, Limits: &l}), openCPU(t), c.precision, v, s, 2)
			})
		}
	}
	l.Compute = 70
	if _, err := Open(0, Options{Precision: "tf32", Limits: &l}); !errors.Is(err, kernels.ErrNoDevice) {
		t.Errorf("tf32 on compute capability 7.0: %v, want ErrNoDevice", err)
	}
	l.Compute = 61
	if _, err := Open(0, Options{Limits: &l}); !errors.Is(err, kernels.ErrNoDevice) || !strings.Contains(err.Error(), "at least 7.0") {
		t.Errorf("compute capability 6.1: %v, want kernels.ErrNoDevice and what would do", err)
	}
}

// TestSpikes holds units that spike to the CPU.
func TestSpikes(t *testing.T) { conform.Spikes(t, openGPU(t, Options{}), openCPU(t)) }

func TestInputGradients(t *testing.T) { conform.InputGradients(t, openGPU(t, Options{})) }

// TestDeterministic runs twice on two devices and wants the same bits.
func TestDeterministic(t *testing.T) {
	for _, v := range several() {
		p := conform.NewProblem[float32](v, conform.Sizes{T: 6, B: 11, I: 4, H: 40, Sequence: true}, 5)
		first := conform.Solve(t, openGPU(t, Options{}), p)
		second := conform.Solve(t, openGPU(t, Options{}), p)
		conform.SameBits(t, v.Name+": h", second.H, first.H)
		conform.SameBits(t, v.Name+": grad", second.Grad, first.Grad)
	}
}

// smallChunks makes chunks of the least number of steps.
const smallChunks = 1

// TestChunks divides a sequence into chunks. Only sums over all steps, the gradients of
// parameters, may differ from one chunk, and those in rounding.
func TestChunks(t *testing.T) {
	for _, v := range conform.Kinds() {
		p := conform.NewProblem[float32](v, conform.Sizes{T: 37, B: 3, I: 2, H: 9, Sequence: true}, 7)
		conform.Calm[float32](p, 0.3)
		p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState = true, true, true
		whole := conform.Solve(t, openGPU(t, Options{}), p)
		parts := conform.Solve(t, openGPU(t, Options{Chunk: smallChunks}), p)
		conform.SameBits(t, v.Name+": h", parts.H, whole.H)
		conform.SameBits(t, v.Name+": final", parts.Final, whole.Final)
		conform.SameBits(t, v.Name+": gradient of h", parts.GradH, whole.GradH)
		conform.SameBits(t, v.Name+": gradient of the state", parts.GradState, whole.GradState)
		conform.Near(t, v.Name+": gradient of x", parts.GradX, kernels.Wide(whole.GradX), kernels.Rounding("fp32").H)
		want := make([]float64, len(whole.Grad))
		for i, x := range whole.Grad {
			want[i] = float64(x)
		}
		conform.Near(t, v.Name+": grad", parts.Grad, want, kernels.Rounding("fp32").H)
	}
}

// TestSegments holds a scan that recomputes hidden states to one that keeps them.
func TestSegments(t *testing.T) {
	kinds := conform.Kinds()
	if testing.Short() {
		kinds = several()
	}
	for _, v := range kinds {
		d := openGPU(t, Options{Chunk: smallChunks})
		p := conform.NewProblem[float32](v, conform.Sizes{T: 85, B: 2, I: 2, H: 5, Last: true, Sequence: true}, 9)
		conform.Calm[float32](p, 0.2)
		p.Cfg.KeepGradH, p.Cfg.GradX, p.Cfg.GradState = true, true, true
		whole := conform.Solve(t, d, p)
		p.Cfg.Memory = 1
		_, err := d.NewScan(p.Cfg)
		if !errors.Is(err, kernels.ErrMemory) {
			t.Fatalf("%s: memory of 1 byte: %v, want ErrMemory", v.Name, err)
		}
		for p.Cfg.Memory = 64; err != nil; p.Cfg.Memory += 64 {
			_, err = d.NewScan(p.Cfg)
		}
		parts := conform.Solve(t, d, p)
		parts.Same(t, v.Name, whole)
	}
}

// TestForwardOnly wants the bits of a scan that keeps what Backward needs, in less memory.
func TestForwardOnly(t *testing.T) {
	for _, v := range several() {
		d := openGPU(t, Options{Chunk: smallChunks})
		p := conform.NewProblem[float32](v, conform.Sizes{T: 85, B: 2, I: 2, H: 5, Last: true, Sequence: true}, 9)
		conform.Calm[float32](p, 0.2)
		whole := conform.Solve(t, d, p)
		p.Cfg.ForwardOnly = true
		q := p.On(t, d)
		before := d.Usage().InUse
		plan, err := d.NewScan(p.Cfg)
		if err != nil {
			t.Fatal(err)
		}
		if segments, _ := plan.(*Scan).Segments(); segments < 2 {
			t.Errorf("%s: %d segments, want several", v.Name, segments)
		}
		// Beside what it needs of the states it keeps a copy of x, with noise.
		if used, most := d.Usage().InUse-before, 4*int64(len(whole.All)+p.Cfg.T*p.Cfg.B*p.Cfg.I); used > most {
			t.Errorf("%s: %d bytes for a scan whose hidden states and inputs have %d", v.Name, used, most)
		}
		h, err := plan.Forward(q.Args)
		if err != nil {
			t.Fatal(err)
		}
		conform.SameBits(t, v.Name+": h", conform.Floats(t, h), whole.H)
		conform.SameBits(t, v.Name+": all h", conform.Floats(t, plan.H()), whole.All)
		conform.SameBits(t, v.Name+": final", conform.Floats(t, plan.Final()), whole.Final)
		if _, err := plan.Backward(q.Args, conform.Put(t, d, p.Weight)); err == nil {
			t.Errorf("%s: went backward", v.Name)
		}
	}
}

// TestLongSums takes so many rows that the sums of weight gradients are cut into parts, for
// matrices of one block of rows and of several.
func TestLongSums(t *testing.T) {
	conform.One(t, openGPU(t, Options{}), openCPU(t), "fp32", conform.VariantOf("lstm/0"), conform.Sizes{T: 5, B: 250, I: 2, H: 3}, 15)
}

// TestSeveralParams divides the matrices of a cell into parameters of their own, of which
// some are learned, and wants the gradients of the whole.
func TestSeveralParams(t *testing.T) {
	d := openGPU(t, Options{})
	for _, v := range several() {
		p := conform.NewProblem[float32](v, conform.Sizes{T: 4, B: 130, I: 2, H: 6}, 13) // sums in parts
		whole := conform.Solve(t, d, p)
		q := *p
		q.Cfg.Params, q.Args.Params = nil, nil
		var want []float32
		at, learned := 0, true
		for i, s := range p.Cfg.Params {
			x := conform.Data[float32](p.Args.Params[i])
			half := s
			half.Shape = append([]int(nil), s.Shape...)
			n := s.Shape[0] / 2
			if s.Role == kernels.Vec && len(s.Shape) == 1 || n == 0 {
				n = s.Shape[0]
			}
			if s.Supports != nil {
				n = max(1, n/6) * 6 // whole matrices, of which each has a support
			}
			for row := 0; row < s.Shape[0]; row += n {
				half.Shape[0] = min(n, s.Shape[0]-row)
				part := half
				part.Shape = append([]int(nil), half.Shape...)
				if s.Supports != nil {
					part.Supports = s.Supports[row/6 : (row+part.Shape[0])/6]
				}
				width := s.Len() / s.Shape[0]
				lo, hi := row*width, (row+part.Shape[0])*width
				part.Learned = learned
				q.Cfg.Params = append(q.Cfg.Params, part)
				q.Args.Params = append(q.Args.Params, kernels.Wrap(x[lo:hi], part.Shape...))
				if learned {
					want = append(want, whole.Grad[at+lo:at+hi]...)
				}
				learned = !learned
			}
			at += s.Len()
		}
		got := conform.Solve(t, d, &q)
		conform.SameBits(t, v.Name+": h", got.H, whole.H)
		conform.SameBits(t, v.Name+": grad", got.Grad, want)
	}
}

// TestRefuses hands plans what they cannot be made of or run with: also what is not on their device,
// and what a GPU has no kernels for.
func TestRefuses(t *testing.T) {
	d := openGPU(t, Options{})
	conform.Refuses(t, d)
	p := conform.NewProblem[float32](conform.VariantOf("rnn/0"), conform.Sizes{T: 2, B: 2, I: 2, H: 4}, 1)
	plan, err := d.NewScan(p.Cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Forward(p.Args); err == nil {
		t.Error("took a tensor in host memory")
	}
	if _, err := plan.Forward(p.On(t, openGPU(t, Options{})).Args); err == nil {
		t.Error("took arrays of another device")
	}
	p.Cfg.Dtype = tensor.Float64
	if _, err := d.NewScan(p.Cfg); !errors.Is(err, kernels.ErrShape) {
		t.Errorf("float64: %v, want ErrShape", err)
	}
}

// TestNotFinite takes each precision, in groups of several rows. Precisions differ in the products alone, so that
// the forms of a cell are tried in one.
func TestNotFinite(t *testing.T) {
	for _, precision := range available(t) {
		cells := several()
		if precision == "fp32" {
			cells = conform.Variants()
		}
		t.Run(precision, func(t *testing.T) {
			conform.NotFinite(t, openGPU(t, Options{Precision: precision}), cells, conform.Sizes{T: 5, B: 6, I: 3, H: 20}, tensor.Float32)
		})
	}
}

// TestRepeat repeats a number in every precision, with nothing rounded.
func TestRepeat(t *testing.T) {
	for _, precision := range available(t) {
		d := openGPU(t, Options{Precision: precision})
		conform.Repeat(t, d)
	}
}
