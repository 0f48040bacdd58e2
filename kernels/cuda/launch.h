/* launch.h - how many blocks and threads each common kernel is launched with, functions of
 * sizes alone. Plain C: read by the kernels and by the Go side. Scans have layout.h.
 *
 * Kernels that go over elements or rows do so in strides of the grid, so that any number of
 * blocks is right for them; the others need exactly the grid given here.
 */
#ifndef GALVANI_LAUNCH_H
#define GALVANI_LAUNCH_H

struct launch {
	int x, y, z; /* blocks */
	int threads; /* per block, in x */
};

enum {
	ELEMENT_THREADS = 256,
	ROW_THREADS = 256, /* a warp per row */
	SUM_THREADS = 256, /* of kernels with one block, and of norm_partial */
	COLUMN_THREADS = 1024,
	GEMM_THREADS = 128,
	GEMM_TILE = 64, /* rows and columns of C per block */
	GEMM_STEP = 16, /* elements of K per step */
	WEIGHTS_THREADS = 256, /* a warp per row of a tile at a time */
	WEIGHTS_TILE = 32, /* rows and columns per block */
	MAX_BLOCKS = 4096, /* of kernels that stride: several waves on every GPU there is */
};

static inline int launch_blocks(long long n, int per_block)
{
	long long blocks = (n + per_block - 1) / per_block;
	if (blocks < 1)
		return 1;
	return blocks < MAX_BLOCKS ? (int)blocks : MAX_BLOCKS;
}

/* each_launch: gemm_sum (n = M*N), update, update_end (n), axial_drives (R*H), edge_sum (E),
 * take (T*B*W), weights (Q*R*C), weights_sum (n). */
static inline struct launch each_launch(long long n)
{
	struct launch l = {launch_blocks(n, ELEMENT_THREADS), 1, 1, ELEMENT_THREADS};
	return l;
}

/* gather_launch: gather, for pieces of which the longest has n elements. */
static inline struct launch gather_launch(int pieces, long long n)
{
	struct launch l = each_launch(n);
	l.y = pieces;
	return l;
}

/* rows_launch: loss_rows and loss_grad, for n rows. */
static inline struct launch rows_launch(int n)
{
	struct launch l = {launch_blocks(n, ROW_THREADS / 32), 1, 1, ROW_THREADS};
	return l;
}

/* sum_launch: loss_sum and norm_sum. */
static inline struct launch sum_launch(void)
{
	struct launch l = {1, 1, 1, SUM_THREADS};
	return l;
}

/* norm_launch: norm_partial over n elements; x is norm_params.blocks. */
static inline struct launch norm_launch(long long n)
{
	long long blocks = (n + 4095) / 4096;
	struct launch l = {blocks < 1 ? 1 : blocks < SUM_THREADS ? (int)blocks : SUM_THREADS, 1, 1, SUM_THREADS};
	return l;
}

/* column_launch: column_sum over m columns. */
static inline struct launch column_launch(int m)
{
	struct launch l = {(m + 31) / 32, 1, 1, COLUMN_THREADS};
	return l;
}

/* edge_parts is a number of parts for edge_partial that fills a GPU of sms multiprocessors, for E
 * edges and R rows; parts are of at least 32 rows. */
static inline int edge_parts(int sms, int E, long long R)
{
	long long columns = (E + ELEMENT_THREADS - 1) / ELEMENT_THREADS;
	long long parts = (4LL * sms + columns - 1) / columns, most = (R + 31) / 32;
	if (parts > most)
		parts = most;
	return parts < 1 ? 1 : parts < 1024 ? (int)parts : 1024;
}

/* edge_launch: edge_partial over E edges in parts. */
static inline struct launch edge_launch(int E, int parts)
{
	struct launch l = {(E + ELEMENT_THREADS - 1) / ELEMENT_THREADS, parts, 1, ELEMENT_THREADS};
	return l;
}

/* gemm_parts is the number of parts that K is cut into, for sums over K whose result has too few
 * tiles to fill a GPU of sms multiprocessors. A part has at least 256 elements of K. 1 where
 * cutting does not help. */
static inline int gemm_parts(int sms, int M, int N, int K)
{
	long long tiles = (long long)((M + GEMM_TILE - 1) / GEMM_TILE) * ((N + GEMM_TILE - 1) / GEMM_TILE);
	long long parts = 4LL * sms / tiles, most = K / 256;
	if (parts > most)
		parts = most;
	return parts < 1 ? 1 : parts < 256 ? (int)parts : 256;
}

/* gemm_share is how many elements of K each part but the last has. */
static inline int gemm_share(int K, int parts)
{
	int share = (int)(((long long)K + parts - 1) / parts);
	return (share + GEMM_STEP - 1) / GEMM_STEP * GEMM_STEP;
}

/* gemm_launch: gemm_fp32, gemm_tf32, gemm_bf16. */
static inline struct launch gemm_launch(int M, int N, int parts)
{
	struct launch l = {(M + GEMM_TILE - 1) / GEMM_TILE, (N + GEMM_TILE - 1) / GEMM_TILE, parts, GEMM_THREADS};
	return l;
}

/* weights_launch: weights_grad. */
static inline struct launch weights_launch(int R, int C)
{
	struct launch l = {(C + WEIGHTS_TILE - 1) / WEIGHTS_TILE, (R + WEIGHTS_TILE - 1) / WEIGHTS_TILE, 1, WEIGHTS_THREADS};
	return l;
}

#endif
