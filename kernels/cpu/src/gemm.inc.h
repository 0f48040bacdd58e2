/* gemm.inc.h - the packed matrix product that everything else here is made of.
 *
 * Operand B is packed (pack.inc.h) into panels of NR columns, [panel][K][NR], zero-padded; the micro-kernel
 * keeps an m x NR tile of C in registers (m <= MR) and reads A by row stride rs and column
 * stride cs, so that the same kernel takes batch rows as they lie (cs = 1) and packed columns
 * (rs = 1). What it multiplies are factors (factors.inc.h); K counts those in tile and product_packed, and
 * numbers where something is packed. Included once per instruction set.
 */

#define NR (NV * VL)

enum { KBLOCK = 256 }; /* rows of a block of weight gradients, whole factors */

/* stream stores past the caches, to an aligned place that is not read soon; stream_end orders such
 * stores before all that follow. */
#if VL == 16
ALWAYS void stream(elem *p, real v) { _mm512_stream_ps(p, (__m512)v); }
ALWAYS void stream_end(void) { _mm_sfence(); }
#elif VL == 8
ALWAYS void stream(elem *p, real v) { _mm256_stream_ps(p, (__m256)v); }
ALWAYS void stream_end(void) { _mm_sfence(); }
#else
ALWAYS void stream(elem *p, real v) { store(p, v); }
ALWAYS void stream_end(void) {}
#endif
ALWAYS long ceil_to(long n, long m) { return (n + m - 1) / m * m; }
ALWAYS long min_l(long a, long b) { return a < b ? a : b; }
/* tile_height returns how many of the rows that are left are in the next tile. Two tiles of half the height
 * take less time than a high one and a flat one, which has too few sums to keep the processor busy. */
ALWAYS int tile_height(long left) { return (int)(left >= 2 * MR ? MR : left > MR ? (left + 1) / 2 : left); }

/* tile: C[m,NR] (+)= A[m,K] B[K,NR]; m and unit (cs == 1) are compile-time constants. A step of k has only the
 * loads and sums that it needs: what else is issued costs as much where another thread shares the core. */
ALWAYS void tile(const int m, const int unit, long K, const elem *A, long rs, long cs, const elem *B,
		 elem *C, long ldc, int add)
{
	real c[MR][NV];
#pragma GCC unroll 16
	for (int i = 0; i < m; i++)
#pragma GCC unroll 8
		for (int v = 0; v < NV; v++)
			c[i][v] = add ? load(C + i * ldc + v * VL) : r_splat(0);
#pragma GCC unroll 4
	for (long k = 0; k < K; k++) {
		real b[NV];
#pragma GCC unroll 8
		for (int v = 0; v < NV; v++)
			b[v] = load(B + k * NR + v * VL);
#pragma GCC unroll 16
		for (int i = 0; i < m; i++) {
			real a = factor_splat(A + i * rs + (unit ? k : k * cs));
#pragma GCC unroll 8
			for (int v = 0; v < NV; v++)
				c[i][v] = MULTIPLY_ADD(c[i][v], a, b[v]);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < m; i++)
#pragma GCC unroll 8
		for (int v = 0; v < NV; v++)
			store(C + i * ldc + v * VL, c[i][v]);
}

#define TILE(m) \
	static __attribute__((noinline, unused)) void tile_rows_##m(long K, const elem *A, long rs, const elem *B, elem *C, long ldc, int add) \
	{ tile(m, 1, K, A, rs, 1, B, C, ldc, add); } \
	static __attribute__((noinline, unused)) void tile_cols_##m(long K, const elem *A, long cs, const elem *B, elem *C, long ldc, int add) \
	{ tile(m, 0, K, A, 1, cs, B, C, ldc, add); }

#if MR == 4
#define EACH_ROWS(X) X(1) X(2) X(3) X(4)
#elif MR == 6
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#elif MR == 8
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#endif
EACH_ROWS(TILE)

/* The tile functions by number of rows. */
typedef void (*tile_fn)(long K, const elem *A, long stride, const elem *B, elem *C, long ldc, int add);
#define ENTRY(m) tile_rows_##m,
static const tile_fn tile_rows[MR + 1] = {0, EACH_ROWS(ENTRY)};
#undef ENTRY
#define ENTRY(m) tile_cols_##m,
static const tile_fn tile_cols[MR + 1] = {0, EACH_ROWS(ENTRY)};
#undef ENTRY
#undef TILE

#include "pack.inc.h"

/* tile_to writes an m x n part of C through the tile function f. */
ALWAYS void tile_to(tile_fn f, int m, long n, long K, const elem *A, long stride, const elem *B,
		    elem *C, long ldc, int add)
{
	if (n >= NR) {
		f(K, A, stride, B, C, ldc, add);
		return;
	}
	elem t[MR * NR];
	f(K, A, stride, B, t, NR, 0);
	for (int i = 0; i < m; i++)
		for (long j = 0; j < n; j++)
			C[i * ldc + j] = (add ? C[i * ldc + j] : 0) + t[i * NR + j];
}

/* product_packed: C[M,N] += A^T B for A packed by pack_cols and B by pack_n (or pack_t), whose
 * panels lie ldb apart. */
static __attribute__((unused)) void product_packed(long M, long N, long K, const elem *A, const elem *B,
						   long ldb, elem *C, long ldc)
{
	for (long j = 0; j < N; j += NR)
		for (long i = 0; i < M; i += MR) {
			int m = (int)min_l(MR, M - i);
			tile_to(tile_cols[m], m, N - j, K, A + i * K, MR, B + j / NR * ldb, C + i * ldc + j, ldc, 1);
		}
}

#ifndef BF16

/* DEPTH is how many columns of A are multiplied at a time, so that C is read and written seldom. MBLOCK is how
 * many rows of A are packed for that: they stay in the second cache while all panels of B pass, and the more
 * there are, the less often B comes from the third. */
enum { DEPTH = 512, MBLOCK = 16 * MR };

/* LEAST is how many rows are worth a pass over all panels of B. */
enum { LEAST = 2 * MR };

/* Where B has no more than SHORT rows, reading C takes longer than reading B: tiles go along rows of C, over as many
 * columns as have panels that stay in the second cache. */
enum { SHORT = 128, SPAN = 32 * NR };

static struct gemm_sizes V(gemm_sizes)(long N)
{
	return (struct gemm_sizes){MBLOCK * DEPTH + 16, ceil_to(N, NR) * DEPTH + 16};
}

/* product_block computes columns j0..j1-1 of rows i0..i1-1 of C for the kb rows of B from k on, which
 * lie packed in bp. */
static void V(product_block)(int mode, long M, long N, long K, long k, long kb, const elem *A, const elem *bp,
			     elem *C, int add, long i0, long i1, long j0, long j1, elem *ap)
{
	int packs = mode == 2 || j1 - j0 > 4 * NR; /* below, rows of A are not read often enough */
	for (; i0 < i1; i0 += MBLOCK) {
		long mb = min_l(MBLOCK, i1 - i0);
		if (mode == 2)
			pack_cols(A + k * M + i0, M, mb, kb, ap);
		else if (packs)
			pack_major(A + i0 * K + k, K, mb, kb, ap);
		long span = packs && kb <= SHORT ? SPAN : NR;
		for (long j = j0; j < j1; j += span)
			for (long i = 0; i < mb; i += MR)
				for (long q = j; q < min_l(j + span, j1); q += NR) {
					int m = (int)min_l(MR, mb - i);
					elem *c = C + (i0 + i) * N + q;
					if (span > NR)
						for (int r = 0; r < m; r++)
							__builtin_prefetch(c + r * N + 2 * NR - 1, 1);
					tile_to(packs ? tile_cols[m] : tile_rows[m], m, j1 - q, kb,
						packs ? ap + i * kb : A + (i0 + i) * K + k, packs ? MR : K, bp + q * kb, c, N, add);
				}
	}
}

/* cut returns where the share of a worker begins of n in whole units. */
ALWAYS long cut(long n, long unit, int worker, int team)
{
	return min_l(n, (n + unit - 1) / unit * worker / team * unit);
}

/* take_rows gives a worker the next rows of M, whole tiles, and returns how many; 0 when all are begun. Shares get
 * smaller towards the end, so that workers end together though one core is slower than another. */
ALWAYS long take_rows(struct team *t, long M, long *from)
{
	long i = __atomic_load_n(&t->begun, __ATOMIC_RELAXED), n;
	do {
		if (i >= M)
			return 0;
		n = min_l(M - i, min_l(MBLOCK, ceil_to((M - i) / (2 * t->size) + LEAST, MR)));
	} while (!__atomic_compare_exchange_n(&t->begun, &i, i + n, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	*from = i;
	return n;
}

static void V(gemm)(int mode, long M, long N, long K, const void *Av, const void *Bv, void *Cv, int add,
		    const struct share *w)
{
	const elem *A = Av, *B = Bv;
	elem *C = Cv, *ap = (elem *)(((size_t)w->work + 63) & ~(size_t)63);
	elem *bp = (elem *)(((size_t)w->shared + 63) & ~(size_t)63);
	int team = w->team->size, rows = M >= N;
	long j0 = cut(N, NR, w->worker, team), j1 = cut(N, NR, w->worker + 1, team);
	for (long k = 0; k < K || k == 0; k += DEPTH) {
		long kb = min_l(DEPTH, K - k);
		/* Without a barrier, the place of a worker's panels must not move with kb. */
		elem *panels = rows ? bp : bp + j0 * (DEPTH - kb);
		if (mode == 0)
			pack_t(B + j0 * K + k, K, j1 - j0, kb, panels + j0 * kb);
		else
			pack_n(B + k * N + j0, N, j1 - j0, kb, panels + j0 * kb);
		if (!rows) {
			V(product_block)(mode, M, N, K, k, kb, A, panels, C, add || k > 0, 0, M, j0, j1, ap);
			continue;
		}
		if (w->worker == 0)
			w->team->begun = 0;
		team_wait(w->team);
		for (long i, n; (n = take_rows(w->team, M, &i)) > 0;)
			V(product_block)(mode, M, N, K, k, kb, A, panels, C, add || k > 0, i, i + n, 0, N, ap);
		team_wait(w->team);
	}
}

#endif

static real V(function)(int f, real x)
{
	switch (f) {
	case 0:
		return r_exp(x);
	case 1:
		return r_sigmoid(x);
	case 2:
		return r_tanh(x);
	case 3:
		return r_softplus(x);
	case 4:
		return r_pow(x, R(0.6));
	default:
		return r_pow(x, R(2.0));
	}
}

static void V(unary)(int f, long n, const void *xv, void *yv)
{
	const elem *x = xv;
	elem *y = yv;
	for (long i = 0; i < n; i += VL) {
		store_n(y + i, V(function)(f, load_n(x + i, n - i)), n - i);
	}
}
