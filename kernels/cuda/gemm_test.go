//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/conform"
)

// openGPU opens the first GPU, or what GALVANI_CUDA_LIBRARY has in its place.
func openGPU(t *testing.T, opt Options) *Device {
	t.Helper()
	d, err := Open(0, opt)
	if errors.Is(err, kernels.ErrNoDevice) && os.Getenv("GALVANI_CUDA_LIBRARY") == "" {
		t.Skipf("no GPU (make gpu-test runs this on the emulated driver): %v", err)
	}
	return conform.Opened(t, d, err)
}

// productBounds are the errors of a sum of products relative to the sum of their absolute values.
// Rounding both factors to u = 2⁻¹¹ (tf32) or 2⁻⁹ (bf16) gives 2u and less than 1% more; the sums
// in float32 are of at most a few hundred elements, whose errors mostly cancel.
var productBounds = map[string]float64{"fp32": 1e-6, "tf32": 2.02 / (1 << 11), "bf16": 2.02 / (1 << 9)}

// matrixCase is one product and how many numbers lie between the rows of its matrices.
type matrixCase struct {
	layout    layout
	m, n, k   int
	add, bias bool
	gap       int
}

// matrices holds the operands of a case on the host.
type matrices struct {
	a, b, c, bias []float32
	lda, ldb, ldc int
}

func (mc matrixCase) matrices(r *rand.Rand) matrices {
	rowsA, colsA, rowsB, colsB := mc.m, mc.k, mc.k, mc.n
	if mc.layout == tn {
		rowsA, colsA = mc.k, mc.m
	}
	if mc.layout == nt {
		rowsB, colsB = mc.n, mc.k
	}
	x := matrices{lda: colsA + mc.gap, ldb: colsB + mc.gap, ldc: mc.n + mc.gap}
	x.a, x.b, x.c = conform.Normals(r, rowsA*x.lda), conform.Normals(r, rowsB*x.ldb), conform.Normals(r, mc.m*x.ldc)
	if mc.bias {
		x.bias = conform.Normals(r, mc.n)
	}
	return x
}

// element returns element (i, j) of the result in float64, and the sum of the absolute values of
// its terms.
func (mc matrixCase) element(x matrices, i, j int) (sum, size float64) {
	term := func(v float64) {
		sum += v
		size += math.Abs(v)
	}
	for k := range mc.k {
		a, b := i*x.lda+k, k*x.ldb+j
		if mc.layout == tn {
			a = k*x.lda + i
		}
		if mc.layout == nt {
			b = j*x.ldb + k
		}
		term(float64(x.a[a]) * float64(x.b[b]))
	}
	if mc.add {
		term(float64(x.c[i*x.ldc+j]))
	}
	if mc.bias {
		term(float64(x.bias[j]))
	}
	return sum, size
}

// run multiplies on the device and returns C.
func (mc matrixCase) run(d *Device, x matrices) ([]float32, error) {
	p := product{layout: mc.layout, m: mc.m, n: mc.n, k: mc.k, add: mc.add, lda: x.lda, ldb: x.ldb, ldc: x.ldc}
	var g *gemm
	err := d.build("product", func(b *builder) {
		g = b.gemm([3]int{mc.m, mc.n, mc.k})
		p.a, p.b, p.c, p.bias = upload(b, x.a), upload(b, x.b), upload(b, x.c), upload(b, x.bias)
	})
	if err != nil {
		return nil, err
	}
	got := make([]float32, len(x.c))
	d.queue("product", func(w *work) { g.do(w, p) })
	return got, d.download(unsafe.Pointer(&got[0]), p.c, int64(len(got))*4)
}

// TestProducts compares products with sums in float64: all layouts, with and without what is
// added, sizes below, at and above those of a tile, a long K in parts. What lies between the
// rows stays as it is.
func TestProducts(t *testing.T) {
	cases := []matrixCase{{layout: tn, m: 33, n: 40, k: 1000, add: true, gap: 1}, {layout: tn, m: 5, n: 70, k: 800, bias: true}}
	for _, l := range []layout{nt, nn, tn} {
		cases = append(cases,
			matrixCase{layout: l, m: 1, n: 1, k: 1},
			matrixCase{layout: l, m: 64, n: 64, k: 16, add: true},
			matrixCase{layout: l, m: 65, n: 63, k: 17, bias: true, gap: 3},
			matrixCase{layout: l, m: 3, n: 130, k: 49, add: true, bias: true})
	}
	for _, precision := range kernels.Precisions {
		d := openGPU(t, Options{Precision: precision})
		for i, mc := range cases {
			t.Run(fmt.Sprintf("%s/%d", precision, i), func(t *testing.T) {
				x := mc.matrices(rand.New(rand.NewPCG(1, uint64(i))))
				got, err := mc.run(d, x)
				if err != nil {
					t.Fatal(err)
				}
				mc.check(t, x, got, productBounds[precision])
			})
		}
	}
}

// check compares every element of C, and what lies between its rows.
func (mc matrixCase) check(t *testing.T, x matrices, got []float32, bound float64) {
	t.Helper()
	for i, y := range got {
		row, col := i/x.ldc, i%x.ldc
		if col >= mc.n {
			if y != x.c[i] {
				t.Fatalf("%+v: between the rows %d lies %v, want %v", mc, row, y, x.c[i])
			}
			continue
		}
		if want, size := mc.element(x, row, col); !(math.Abs(float64(y)-want) <= bound*size) {
			t.Fatalf("%+v: C[%d,%d] is %v, want %v within %.1e of %v", mc, row, col, y, want, bound, size)
		}
	}
}
