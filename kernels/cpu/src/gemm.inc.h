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

/* panels is B of a job in one pass over a part of K, packed. */
struct panels {
	elem *at;
	long kb; /* rows; negative for none */
};

/* pass_of returns how many rows of B a job has in the pass from k on; none are one pass, too. */
ALWAYS long pass_of(const struct gemm_job *o, long k) { return k < o->K ? min_l(DEPTH, o->K - k) : k ? -1 : 0; }

/* packed_once reports whether the panels of two jobs are the same. */
ALWAYS int packed_once(const struct gemm_job *a, const struct gemm_job *b)
{
	return a->B == b->B && a->N == b->N && a->K == b->K && (a->mode == 0) == (b->mode == 0);
}

/* take_rows gives a worker the next rows of one of n jobs, whole tiles, and returns how many; 0 when all are begun. Shares get
 * smaller towards the end, so that workers end together though one core is slower than another. */
ALWAYS long take_rows(struct team *t, const struct gemm_job *list, const struct panels *p, int n, int *job, long *from)
{
	long all = __atomic_load_n(&t->begun, __ATOMIC_RELAXED), rows;
	do {
		long i = all;
		int o = 0;
		while (o < n && (p[o].kb < 0 || i >= list[o].M))
			i -= p[o].kb < 0 ? 0 : list[o].M, o++;
		if (o == n)
			return 0;
		double row = (double)list[o].N * (double)(p[o].kb + 1), left = (double)(list[o].M - i) * row;
		for (int later = o + 1; later < n; later++)
			if (p[later].kb >= 0)
				left += (double)list[later].M * (double)list[later].N * (double)(p[later].kb + 1);
		rows = min_l(list[o].M - i, min_l(MBLOCK, ceil_to((long)(left / (2 * t->size * row)) + LEAST, MR)));
		*job = o, *from = i;
	} while (!__atomic_compare_exchange_n(&t->begun, &all, all + rows, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return rows;
}

/* some_jobs does jobs whose panels fit the shared scratch together. */
static void V(some_jobs)(const struct gemm_job *list, int n, const struct share *w)
{
	elem *ap = (elem *)(((size_t)w->work + 63) & ~(size_t)63), *bp = (elem *)(((size_t)w->shared + 63) & ~(size_t)63);
	int team = w->team->size, job;
	long deepest = 1;
	for (int o = 0; o < n; o++)
		deepest = list[o].K > deepest ? list[o].K : deepest;
	for (long k = 0; k < deepest; k += DEPTH) {
		struct panels p[GEMM_JOBS];
		elem *next = bp;
		for (int o = 0; o < n; o++) {
			const struct gemm_job *g = &list[o];
			const elem *B = g->B;
			long N = g->N, kb = pass_of(g, k), j0 = cut(N, NR, w->worker, team), j1 = cut(N, NR, w->worker + 1, team);
			int same = 0;
			while (same < o && !packed_once(&list[same], g))
				same++;
			p[o] = same < o ? p[same] : (struct panels){next, kb};
			if (same < o || kb < 0)
				continue;
			next += ceil_to(N, NR) * kb;
			if (g->mode == 0)
				pack_t(B + j0 * g->K + k, g->K, j1 - j0, kb, p[o].at + j0 * kb);
			else
				pack_n(B + k * N + j0, N, j1 - j0, kb, p[o].at + j0 * kb);
		}
		if (w->worker == 0)
			w->team->begun = 0;
		team_wait(w->team);
		for (long i, rows; (rows = take_rows(w->team, list, p, n, &job, &i)) > 0;) {
			const struct gemm_job *g = &list[job];
			V(product_block)(g->mode, g->M, g->N, g->K, k, p[job].kb, g->A, p[job].at, g->C, g->add || k > 0, i, i + rows, 0, g->N, ap);
		}
		team_wait(w->team);
	}
}

static void V(gemms)(const struct gemm_job *list, int n, long room, const struct share *w)
{
	while (n > 0) {
		int some = 0;
		for (long used = 16; some < n && some < GEMM_JOBS; some++) {
			int same = 0;
			while (same < some && !packed_once(&list[same], &list[some]))
				same++;
			used += same < some ? 0 : ceil_to(list[some].N, NR) * pass_of(&list[some], 0);
			if (some > 0 && used > room)
				break;
		}
		V(some_jobs)(list, some, w);
		list += some, n -= some;
	}
}

static void V(gemm)(int mode, long M, long N, long K, const void *Av, const void *Bv, void *Cv, int add,
		    const struct share *w)
{
	if (M >= N) {
		struct gemm_job job = {mode, add, M, N, K, Av, Bv, Cv};
		V(some_jobs)(&job, 1, w);
		return;
	}
	const elem *A = Av, *B = Bv;
	elem *C = Cv, *ap = (elem *)(((size_t)w->work + 63) & ~(size_t)63);
	elem *bp = (elem *)(((size_t)w->shared + 63) & ~(size_t)63);
	int team = w->team->size;
	long j0 = cut(N, NR, w->worker, team), j1 = cut(N, NR, w->worker + 1, team);
	for (long k = 0; k < K || k == 0; k += DEPTH) {
		long kb = min_l(DEPTH, K - k);
		/* Without a barrier, the place of a worker's panels must not move with kb. */
		elem *panels = bp + j0 * (DEPTH - kb);
		if (mode == 0)
			pack_t(B + j0 * K + k, K, j1 - j0, kb, panels + j0 * kb);
		else
			pack_n(B + k * N + j0, N, j1 - j0, kb, panels + j0 * kb);
		V(product_block)(mode, M, N, K, k, kb, A, panels, C, add || k > 0, 0, M, j0, j1, ap);
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
