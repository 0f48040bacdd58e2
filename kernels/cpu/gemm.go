//go:build cgo

package cpu

/*
#include "src/scan.h"

static void gemm(const struct kernels *k, int mode, long M, long N, long K, const void *A, const void *B,
		 void *C, int add, int worker, struct team *team, void *work, void *shared)
{
	struct share w = {0, 0, worker, team, work, shared};
	k->gemm(mode, M, N, K, A, B, C, add, &w);
}
static struct gemm_sizes gemm_sizes(const struct kernels *k, long N) { return k->gemm_sizes(N); }
*/
import "C"

import (
	"galvani/kernels"
	"galvani/kernels/pages"
)

import "fmt"

// Layout says how the operands of a product lie in memory, all row-major.
type Layout int

const (
	// NT is C [M,N] = A [M,K] · Bᵀ, B [N,K].
	NT Layout = iota
	// NN is C [M,N] = A [M,K] · B [K,N].
	NN
	// TN is C [M,N] = Aᵀ · B, A [K,M], B [K,N].
	TN
)

// Gemm multiplies matrices with the packed kernel of an instruction set. Its result does not
// depend on the number of threads. Not safe for concurrent use.
type Gemm[F kernels.Float] struct {
	k       *C.struct_kernels
	most    int // columns
	workers []gemmWorker[F]
	shared  []F
	team    []C.struct_team // one
	tempo   *tempo
}

type gemmWorker[F kernels.Float] struct {
	number int
	work   []F
}

// threadWork is how many multiply-adds are worth the hand-over to another thread.
const threadWork = 1 << 20

// NewGemm allocates scratch for products with up to n columns on a number of threads.
func NewGemm[F kernels.Float](isa string, threads, n int) (*Gemm[F], error) {
	g := &Gemm[F]{k: pick(isa), most: n, workers: make([]gemmWorker[F], max(1, threads))}
	if g.k == nil {
		return nil, fmt.Errorf("cpu: this machine has no %s", isa)
	}
	size := C.gemm_sizes(g.k, C.long(n))
	g.shared = pages.Make[F](int(size.shared))
	for i := range g.workers {
		g.workers[i] = gemmWorker[F]{i, pages.Make[F](int(size.work))}
	}
	g.team = make([]C.struct_team, 1)
	return g, nil
}

// Do computes C = op(A)·op(B), or adds to C. N is at most the columns that NewGemm was given.
func (g *Gemm[F]) Do(l Layout, m, n, k int, a, b, c []F, add bool) {
	if n > g.most {
		panic(fmt.Sprintf("cpu: a product of %d columns, want at most %d", n, g.most))
	}
	team := min(len(g.workers), max(1, m*n*k/threadWork))
	if g.tempo.alone() {
		team = 1
	}
	g.team[0] = newTeam(team, team)
	Each(g.workers[:team], func(w *gemmWorker[F]) {
		C.gemm(g.k, C.int(l), C.long(m), C.long(n), C.long(k), ptr(a), ptr(b), ptr(c), flag(add), C.int(w.number),
			&g.team[0], ptr(w.work), ptr(g.shared))
	})
}
