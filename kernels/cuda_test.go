//go:build gpu

package kernels

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"galvani/kernels/cuda"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// openGPU opens the first GPU, or what GALVANI_CUDA_LIBRARY has in its place.
func openGPU(t *testing.T, opt cuda.Options) *cudaDevice {
	t.Helper()
	d, err := openCUDA(0, opt)
	if errors.Is(err, ErrNoDevice) && os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skipf("no GPU (make gpu-test runs this on the emulated driver): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// available lists the precisions of the first GPU.
func available(t *testing.T) []string {
	t.Helper()
	if d := openGPU(t, cuda.Options{}); d.dev.Info().Compute() < 80 {
		t.Logf("%s computes in %s only", d.Name(), Precisions[0])
		return Precisions[:1]
	}
	return Precisions
}

// put returns the counterpart of a tensor on a device with memory of its own, the tensor itself
// for others.
func put(t *testing.T, d Device, v gorgonia.Value) gorgonia.Value {
	t.Helper()
	r, ok := d.(Resident)
	x, dense := v.(*tensor.Dense)
	if !ok || !dense {
		return v
	}
	m, err := r.Mirror(x)
	if err != nil {
		t.Fatal(err)
	}
	return m.View(0, x.Shape()...)
}

func floats(t *testing.T, v gorgonia.Value) []float32 {
	t.Helper()
	if v == nil {
		return nil
	}
	x, err := download(v)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// on returns the problem with its numbers on a device.
func (p *problem) on(t *testing.T, d Device) *problem {
	q := *p
	q.args.X, q.args.State = put(t, d, p.args.X), put(t, d, p.args.State)
	if p.args.Mask != nil {
		q.args.Mask, q.args.Reset = put(t, d, p.args.Mask), put(t, d, p.args.Reset)
	}
	q.args.Params = nil
	for _, v := range p.args.Params {
		q.args.Params = append(q.args.Params, put(t, d, v))
	}
	return &q
}

// solution is what a scan leaves, in float32.
type solution struct{ h, all, final, grad, gradH []float32 }

// solve runs a float32 problem on a device, forward and backward.
func solve(t *testing.T, d Device, p *problem) solution {
	t.Helper()
	q := p.on(t, d)
	plan, err := d.NewScan(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	h, err := plan.Forward(q.args)
	if err != nil {
		t.Fatal(err)
	}
	grad, err := plan.Backward(q.args, put(t, d, p.weight))
	if err != nil {
		t.Fatal(err)
	}
	return solution{floats(t, h), floats(t, plan.H()), floats(t, plan.Final()), floats(t, grad), floats(t, plan.GradH())}
}

// reference runs a float32 problem in float64 on the CPU.
func reference(t *testing.T, p, q *problem) (h, final, grad, gradH []float64) {
	t.Helper()
	d, err := OpenCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.params {
		copyTo64(q.params[i], p.params[i])
	}
	copyTo64(q.args.X.(*tensor.Dense), p.args.X.(*tensor.Dense))
	copyTo64(q.args.State.(*tensor.Dense), p.args.State.(*tensor.Dense))
	copyTo64(q.weight, p.weight)
	q.cfg.KeepGradH = p.cfg.KeepGradH
	plan, err := d.NewScan(q.cfg)
	if err != nil {
		t.Fatal(err)
	}
	hv, err := plan.Forward(q.args)
	if err != nil {
		t.Fatal(err)
	}
	g, err := plan.Backward(q.args, q.weight)
	if err != nil {
		t.Fatal(err)
	}
	if p.cfg.KeepGradH {
		gradH = data[float64](plan.GradH())
	}
	return data[float64](hv), data[float64](plan.Final()), data[float64](g), gradH
}

// conforms holds a scan on a device to the CPU's in float64.
func conforms(t *testing.T, d Device, precision string, v variant, s sizes, seed uint64) {
	t.Helper()
	p := newProblem[float32](v, s, seed)
	p.cfg.KeepGradH = true
	h, final, grad, gradH := reference(t, p, newProblem[float64](v, s, seed))
	got := solve(t, d, p)
	bound := cudaBounds[precision]
	near(t, "h", got.h, h, bound.h)
	near(t, "final", got.final, final, bound.h)
	nearGrad(t, p.cfg, got.grad, grad, bound.grad)
	near(t, "gradient of h", got.gradH, gradH, bound.grad)
}

// conformanceSizes leave tails in every direction.
var conformanceSizes = []sizes{
	{T: 1, B: 1, I: 1, H: 1}, {T: 3, B: 2, I: 1, H: 5, last: true}, {T: 5, B: 9, I: 3, H: 19, sequence: true},
	{T: 4, B: 3, I: 20, H: 33, last: true, sequence: true},
}

// TestCUDAConforms holds every cell in every precision to the CPU.
func TestCUDAConforms(t *testing.T) {
	for _, precision := range available(t) {
		d := openGPU(t, cuda.Options{Precision: precision})
		for _, v := range variants() {
			for i, s := range conformanceSizes {
				t.Run(fmt.Sprintf("%s/%s/%+v", precision, v.name, s), func(t *testing.T) {
					conforms(t, d, precision, v, s, uint64(i))
				})
			}
		}
	}
}

// forced is a layout that a test wants to see.
type forced struct {
	blocks   int // of a cluster
	resident bool
}

// force returns a number of units and limits under which a scan has the wanted layout in both
// directions on a GPU. Limits take away shared memory; the multiprocessors only sway the choice.
func force(t *testing.T, gpu driver.Info, header, precision string, batch int, want forced) (hidden int, l cuda.Limits) {
	t.Helper()
	for _, hidden := range []int{70, 150, 40, 24} {
		for _, sms := range []int{gpu.SMs, 1, 132} {
			for shared := float64(gpu.Shared); shared > 1024; shared *= 0.95 {
				l := cuda.Limits{SMs: sms, Shared: int(shared) &^ 15, Cluster: want.blocks, Compute: gpu.Compute()}
				f, b, err := cuda.PlanLayout(header, l, precision, batch, hidden)
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

// TestCUDALayouts runs cells with recurrent products in one block, in clusters and with weights
// that are read anew at every step.
func TestCUDALayouts(t *testing.T) {
	gpu := openGPU(t, cuda.Options{}).dev.Info()
	for _, precision := range available(t) {
		for _, v := range variants() {
			if v.name != "rnn" && v.name != "lstm" && v.name != "gru" && v.name != "crnn-simple/ema_diff" && v.name != "cond-ei/split" {
				continue // the others share their kernel
			}
			for _, want := range []forced{{1, true}, {2, true}, {4, true}, {1, false}} {
				if want.blocks > gpu.Cluster {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%+v", precision, v.name, want), func(t *testing.T) {
					s := sizes{T: 4, B: 5, I: 3, sequence: true}
					var l cuda.Limits
					s.H, l = force(t, gpu, v.header, precision, s.B, want)
					conforms(t, openGPU(t, cuda.Options{Precision: precision, Limits: &l}), precision, v, s, 1)
				})
			}
		}
	}
}

// TestCUDAOlderGPUs runs the code of GPUs without clusters, and fp32 on those without tensor
// cores for tf32.
func TestCUDAOlderGPUs(t *testing.T) {
	s := sizes{T: 3, B: 3, I: 2, H: 37, sequence: true}
	gpu := openGPU(t, cuda.Options{}).dev.Info()
	l := cuda.Limits{SMs: gpu.SMs, Shared: min(gpu.Shared, 96<<10), Cluster: 1}
	for _, l.Compute = range []int{70, 80} {
		for _, v := range variants() {
			if l.Compute > gpu.Compute() {
				continue
			}
			t.Run(fmt.Sprintf("%d/%s", l.Compute, v.name), func(t *testing.T) {
				conforms(t, openGPU(t, cuda.Options{Limits: &l}), "fp32", v, s, 2)
			})
		}
	}
	l.Compute = 70
	if _, err := openCUDA(0, cuda.Options{Precision: "tf32", Limits: &l}); !errors.Is(err, ErrNoDevice) {
		t.Errorf("tf32 on compute capability 7.0: %v, want ErrNoDevice", err)
	}
	l.Compute = 61
	if _, err := openCUDA(0, cuda.Options{Limits: &l}); !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "at least 7.0") {
		t.Errorf("compute capability 6.1: %v, want ErrNoDevice and what would do", err)
	}
}

// TestCUDADeterministic runs twice on two devices and wants the same bits.
func TestCUDADeterministic(t *testing.T) {
	for _, v := range variants() {
		p := newProblem[float32](v, sizes{T: 6, B: 11, I: 4, H: 40, sequence: true}, 5)
		first := solve(t, openGPU(t, cuda.Options{}), p)
		second := solve(t, openGPU(t, cuda.Options{}), p)
		sameBits(t, v.name+": h", second.h, first.h)
		sameBits(t, v.name+": grad", second.grad, first.grad)
	}
}

// smallChunks makes chunks of the least number of steps.
const smallChunks = 1

// TestCUDAChunks divides a sequence into chunks. Only sums over all steps, the gradients of
// parameters, may differ from one chunk, and those in rounding.
func TestCUDAChunks(t *testing.T) {
	for _, v := range variants() {
		p := newProblem[float32](v, sizes{T: 37, B: 3, I: 2, H: 9, sequence: true}, 7)
		for i := range data[float32](p.args.X) { // keep 37 steps of the literal form finite
			data[float32](p.args.X)[i] *= 0.3
		}
		p.cfg.KeepGradH = true
		whole := solve(t, openGPU(t, cuda.Options{}), p)
		parts := solve(t, openGPU(t, cuda.Options{Chunk: smallChunks}), p)
		sameBits(t, v.name+": h", parts.h, whole.h)
		sameBits(t, v.name+": final", parts.final, whole.final)
		sameBits(t, v.name+": gradient of h", parts.gradH, whole.gradH)
		want := make([]float64, len(whole.grad))
		for i, x := range whole.grad {
			want[i] = float64(x)
		}
		near(t, v.name+": grad", parts.grad, want, tolForward32)
	}
}

// TestCUDASegments holds a scan that recomputes hidden states to one that keeps them.
func TestCUDASegments(t *testing.T) {
	for _, v := range variants() {
		d := openGPU(t, cuda.Options{Chunk: smallChunks})
		p := newProblem[float32](v, sizes{T: 85, B: 2, I: 2, H: 5, last: true, sequence: true}, 9)
		for i := range data[float32](p.args.X) {
			data[float32](p.args.X)[i] *= 0.2
		}
		p.cfg.KeepGradH = true
		whole := solve(t, d, p)
		p.cfg.Memory = 1
		_, err := d.NewScan(p.cfg)
		if !errors.Is(err, ErrMemory) {
			t.Fatalf("%s: memory of 1 byte: %v, want ErrMemory", v.name, err)
		}
		for p.cfg.Memory = 64; err != nil; p.cfg.Memory += 64 {
			_, err = d.NewScan(p.cfg)
		}
		parts := solve(t, d, p)
		for _, r := range []struct {
			name      string
			got, want []float32
		}{{"h", parts.h, whole.h}, {"all h", parts.all, whole.all}, {"final", parts.final, whole.final},
			{"grad", parts.grad, whole.grad}, {"gradient of h", parts.gradH, whole.gradH}} {
			sameBits(t, v.name+": "+r.name, r.got, r.want)
		}
	}
}

// TestCUDAForwardOnly wants the bits of a scan that keeps what Backward needs, in less memory.
func TestCUDAForwardOnly(t *testing.T) {
	for _, v := range variants() {
		d := openGPU(t, cuda.Options{Chunk: smallChunks})
		p := newProblem[float32](v, sizes{T: 85, B: 2, I: 2, H: 5, last: true, sequence: true}, 9)
		for i := range data[float32](p.args.X) {
			data[float32](p.args.X)[i] *= 0.2
		}
		whole := solve(t, d, p)
		p.cfg.ForwardOnly = true
		q := p.on(t, d)
		before := d.Usage().InUse
		plan, err := d.NewScan(p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if segments, _ := plan.(*cudaScan).scan.Segments(); segments < 2 {
			t.Errorf("%s: %d segments, want several", v.name, segments)
		}
		if used := d.Usage().InUse - before; used > 4*int64(len(whole.all)) {
			t.Errorf("%s: %d bytes for a scan whose hidden states have %d", v.name, used, 4*len(whole.all))
		}
		h, err := plan.Forward(q.args)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, v.name+": h", floats(t, h), whole.h)
		sameBits(t, v.name+": all h", floats(t, plan.H()), whole.all)
		sameBits(t, v.name+": final", floats(t, plan.Final()), whole.final)
		if _, err := plan.Backward(q.args, put(t, d, p.weight)); err == nil {
			t.Errorf("%s: went backward", v.name)
		}
	}
}

// TestCUDALongSums takes so many rows that the sums of weight gradients are cut into parts, for
// matrices of one block of rows and of several.
func TestCUDALongSums(t *testing.T) {
	conforms(t, openGPU(t, cuda.Options{}), "fp32", variants()[2], sizes{T: 5, B: 250, I: 2, H: 3}, 15)
}

// TestCUDASeveralParams divides the matrices of a cell into parameters of their own, of which
// some are learned, and wants the gradients of the whole.
func TestCUDASeveralParams(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	for _, v := range variants() {
		p := newProblem[float32](v, sizes{T: 4, B: 130, I: 2, H: 6}, 13) // sums in parts
		whole := solve(t, d, p)
		q := *p
		q.cfg.Params, q.args.Params = nil, nil
		var want []float32
		at, learned := 0, true
		for i, s := range p.cfg.Params {
			x := data[float32](p.args.Params[i])
			half := s
			half.Shape = append([]int(nil), s.Shape...)
			n := s.Shape[0] / 2
			if s.Role == Vec && len(s.Shape) == 1 || n == 0 {
				n = s.Shape[0]
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
				q.cfg.Params = append(q.cfg.Params, part)
				q.args.Params = append(q.args.Params, wrap(x[lo:hi], part.Shape...))
				if learned {
					want = append(want, whole.grad[at+lo:at+hi]...)
				}
				learned = !learned
			}
			at += s.Len()
		}
		sameBits(t, v.name+": h", solve(t, d, &q).h, whole.h)
		sameBits(t, v.name+": grad", solve(t, d, &q).grad, want)
	}
}

// TestCUDARefusesValues hands a plan what is not on its device, or not of its shape.
func TestCUDARefusesValues(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	p := newProblem[float32](variants()[0], sizes{T: 2, B: 2, I: 2, H: 4}, 1)
	plan, err := d.NewScan(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Forward(p.args); err == nil {
		t.Error("took a tensor in host memory")
	}
	q := p.on(t, d)
	if _, err := plan.Backward(q.args, put(t, d, p.weight)); err == nil {
		t.Error("went backward before any forward")
	}
	q.args.X = put(t, d, wrap(make([]float32, 3), 3, 1, 1))
	if _, err := plan.Forward(q.args); !errors.Is(err, ErrShape) {
		t.Errorf("wrong x: %v, want ErrShape", err)
	}
	q = p.on(t, openGPU(t, cuda.Options{}))
	if _, err := plan.Forward(q.args); err == nil {
		t.Error("took arrays of another device")
	}
	for name, spoil := range map[string]func(*ScanConfig){
		"unknown cell":    func(c *ScanConfig) { c.Cell.Header = "nonesuch" },
		"states":          func(c *ScanConfig) { c.Cell.States++ },
		"rest":            func(c *ScanConfig) { c.Cell.Rest = nil },
		"too few vectors": func(c *ScanConfig) { c.Params = c.Params[:2] },
		"float64":         func(c *ScanConfig) { c.Dtype = tensor.Float64 },
	} {
		cfg := p.cfg
		spoil(&cfg)
		if _, err := d.NewScan(cfg); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
}

// TestCUDASelfTestRefuses narrows the bound of the gradients to nothing and wants the device
// refused, with numbers and without memory in use.
// TestCUDANotFiniteSpreads: the scan in each precision, in groups of several rows, and the losses.
func TestCUDANotFiniteSpreads(t *testing.T) {
	for _, precision := range available(t) {
		d := openGPU(t, cuda.Options{Precision: precision})
		for _, v := range variants() {
			for _, bad := range notFinite {
				spreads(t, v, sizes{T: 5, B: 6, I: 3, H: 20}, bad, func(p *problem) (h, grad []float32) {
					s := solve(t, d, p)
					return s.h, s.grad
				})
			}
		}
	}
}

func TestCUDASelfTestRefuses(t *testing.T) {
	d := openGPU(t, cuda.Options{})
	bounds := cudaBounds
	defer func() { cudaBounds = bounds }()
	cudaBounds = map[string]struct{ h, grad float64 }{"fp32": {bounds["fp32"].h, 1e-12}}
	err := selfTest(d)
	if !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), "want at most 1e-12") {
		t.Errorf("bound of 1e-12: %v, want ErrNoDevice and the bound", err)
	}
	if u := d.Usage(); u.InUse != 0 {
		t.Errorf("%d bytes in use after the self test", u.InUse)
	}
}

// TestCUDASelfTest opens a device the way users do.
func TestCUDASelfTest(t *testing.T) {
	for _, precision := range available(t) {
		d, err := OpenCUDA(0, CUDAOptions{Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		if u := d.(Resident).Usage(); u.InUse != 0 || u.High == 0 || u.Total == 0 {
			t.Errorf("%s: usage %+v after the self test, want nothing in use, some before", d.Name(), u)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCUDARepeat repeats a number in every precision, with nothing rounded.
func TestCUDARepeat(t *testing.T) {
	for _, precision := range available(t) {
		d := openGPU(t, cuda.Options{Precision: precision})
		for _, n := range repeats {
			y, dv := repeated(t, d, func(x *tensor.Dense) gorgonia.Value { return put(t, d, x) }, n)
			checkRepeated(t, floats(t, y), floats(t, dv), n)
		}
	}
}
