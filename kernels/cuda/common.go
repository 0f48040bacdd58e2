//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"unsafe"

	"galvani/kernels/driver"
)

// ptr is a device address as the structs of params.h have it.
func ptr(p driver.Ptr) C.ulonglong { return C.ulonglong(p) }

// flag is a condition as C has it.
func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// of turns a launch of launch.h into a shape.
func of(l C.struct_launch) shape {
	return shape{grid: [3]int{int(l.x), int(l.y), int(l.z)}, block: [3]int{int(l.threads), 1, 1}}
}

// layout says how the operands of a product lie in memory; see gemm_params.
type layout int

const (
	nt layout = iota // C [M,N] = A [M,K] Bᵀ, B [N,K]
	nn               // C [M,N] = A [M,K] B [K,N]
	tn               // C [M,N] = Aᵀ B, A [K,M], B [K,N]
)

// product is C = op(A) op(B), added to C with add, plus bias [N] where that is not 0. Rows lie
// lda, ldb and ldc elements apart. With strict a row of A with an element that is not finite gives a row
// of NaN.
type product struct {
	layout        layout
	m, n, k       int
	a, b, c, bias driver.Ptr
	lda, ldb, ldc int
	add, strict   bool
}

// gemm multiplies in the device's precision. Products over a long K (tn) are cut into parts, the
// sums of which lie in partial.
type gemm struct {
	d        *Device
	mul, sum *kernel
	partial  *scratch
}

// gemm returns what products need; sizes are the largest M, N and K of each in layout tn.
func (b *builder) gemm(sizes ...[3]int) *gemm {
	g := &gemm{d: b.d}
	g.mul = b.kernel("gemm", "gemm_"+b.d.Precision())
	most := 0
	for _, s := range sizes {
		if parts := g.parts(s[0], s[1], s[2]); parts > 1 {
			most = max(most, parts*s[0]*s[1])
		}
	}
	g.sum = b.kernel("gemm", "gemm_sum")
	g.partial = b.scratch("partial", most)
	return g
}

func (g *gemm) parts(m, n, k int) int {
	return int(C.gemm_parts(C.int(g.d.limits.SMs), C.int(m), C.int(n), C.int(k)))
}

// do starts a product.
func (g *gemm) do(w *work, x product) {
	p := C.struct_gemm_params{mode: C.int(x.layout), M: C.int(x.m), N: C.int(x.n), K: C.int(x.k), parts: 1,
		add: flag(x.add), strict: flag(x.strict),
		lda: C.longlong(x.lda), ldb: C.longlong(x.ldb), ldc: C.longlong(x.ldc),
		A: ptr(x.a), B: ptr(x.b), C: ptr(x.c), bias: ptr(x.bias)}
	if x.layout == tn {
		p.parts = C.int(g.parts(x.m, x.n, x.k))
		p.partial = ptr(g.partial.ptr)
	}
	w.launch(g.mul, of(C.gemm_launch(p.M, p.N, p.parts)), unsafe.Pointer(&p))
	if p.parts > 1 {
		w.launch(g.sum, of(C.each_launch(C.longlong(x.m)*C.longlong(x.n))), unsafe.Pointer(&p))
	}
}
