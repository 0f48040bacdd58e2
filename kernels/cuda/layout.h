/* layout.h - how a scan is laid out over a GPU, a function of sizes alone. Plain C: read by the
 * kernels and by the Go side. */
#ifndef GALVANI_LAYOUT_H
#define GALVANI_LAYOUT_H

#include "params.h"

#if defined(__CUDACC__) && !defined(GALVANI_EMU)
#define LAYOUT_FN static __device__ __forceinline__
#elif defined(GALVANI_EMU)
#define LAYOUT_FN static inline __attribute__((always_inline, unused))
#else
#define LAYOUT_FN static inline
#endif

/* What a layout depends on besides the sizes. */
struct gpu_limits {
	int sms;	 /* multiprocessors */
	int shared;	 /* most bytes of dynamic shared memory of a block */
	int cluster;	 /* most blocks of a cluster, 1 for none */
	int compute;	 /* compute capability, 70 for 7.0 */
};

/* Macros of a cell header. */
struct cell_dims {
	int states, in, rec, drives, axial, vecs, prep;
};

enum {
	SCAN_THREADS = 256, /* of a block with recurrent products; a scan has at most so many */
	SCAN_CHUNK = 128,    /* units of the operand that a layout without resident weights holds at once */
	SCAN_ROWS = 16,	    /* most rows of a group: 1, 2, 4, 8 or 16 */
	SCAN_OUTPUTS = 128  /* most outputs of a block without resident weights */
};

/* The recurrent product of a block has m outputs (recurrent product and unit forward, unit
 * backward) and an operand of `planes` planes: h forward, the drive gradients of the G products
 * backward. A plane has `words` 32-bit words, a word holds one unit or two as bf16. The operand
 * has ldr rows, ldx words apart: those of the group, and with mma zeros up
 * to a multiple of 8. The K axis (planes and words) is shared by `parts` groups of
 * threads, whose sums [parts,rows,ldp] are added in order. Offsets are bytes into the dynamic
 * shared memory:
 *   weights  the block's rows (backward: columns) of W, see scan.h
 *   operand  [2,ldr,ldx] words, for this step and the next; one of them without resident weights
 *   axial    [2,rows,units] floats, what the axial coupling reads; absent without
 *   partial  the sums; also scratch of one float per thread
 *   barrier  two transaction barriers */
struct scan_parts {
	int planes, m, units, words, ldr, ldx, parts, ldp;
	long long weights, operand, axial, partial, barrier, total;
};

LAYOUT_FN long long layout_up(long long n, long long to) { return (n + to - 1) / to * to; }
LAYOUT_FN long long layout_min(long long a, long long b) { return a < b ? a : b; }
LAYOUT_FN long long layout_max(long long a, long long b) { return a > b ? a : b; }

/* scan_parts_of returns the parts of a block's shared memory for a layout whose rows, blocks,
 * slice, threads and resident are set. */
LAYOUT_FN struct scan_parts scan_parts_of(const struct cell_dims *cell, int prec, int backward,
					  const struct scan_layout *l)
{
	struct scan_parts z;
	int mma = prec != PREC_FP32;
	long long units = l->resident ? (long long)l->blocks * l->slice : (long long)SCAN_CHUNK;
	long long words = mma ? layout_up(prec == PREC_BF16 ? (units + 1) / 2 : units, 16) : layout_up(units, 4);
	long long at = 0, k;
	z.planes = cell->rec == 0 ? 0 : backward ? cell->rec : 1;
	z.m = cell->rec == 0 ? 0 : backward ? l->slice : cell->rec * l->slice;
	z.units = (int)units;
	z.words = (int)words;
	k = l->resident ? z.planes * words : words;
	z.ldr = mma ? (int)layout_up(l->rows, 8) : l->rows;
	z.ldx = (int)(mma && k % 32 == 0 ? k + 16 : k);
	z.ldp = z.m + 4;
	z.parts = 0;
	if (z.m > 0)
		z.parts = (int)layout_max(1, mma ? layout_min(l->threads / 32 / (z.m / 16), k / 16)
						 : layout_min(l->threads / (z.m / 4), k / 8));
	z.weights = at;
	if (z.m > 0)
		at += 4 * k * (mma ? z.m : z.m + 4);
	z.operand = at;
	if (z.m > 0)
		at += 4LL * (l->resident ? 2 : 1) * z.ldr * z.ldx;
	z.axial = at;
	if (cell->axial >= 0 && l->resident)
		at += layout_up(4LL * 2 * l->rows * units, 16);
	z.partial = at;
	at += layout_max(4LL * z.parts * l->rows * z.ldp, 4LL * l->threads);
	z.barrier = at;
	z.total = at + 16;
	return z;
}

/* layout_fits sets groups and shared of a layout and says whether a block can have that much. */
LAYOUT_FN int layout_fits(const struct gpu_limits *gpu, const struct cell_dims *cell, int prec, int backward, int B,
			  struct scan_layout *l)
{
	struct scan_parts z = scan_parts_of(cell, prec, backward, l);
	l->groups = (B + l->rows - 1) / l->rows;
	l->shared = (int)layout_min(z.total, 0x7fffffff);
	return z.total <= gpu->shared && (prec != PREC_FP32 || z.m <= 4 * l->threads);
}

/* layout_cost is a model of the cycles that all rows take for one step, with resident weights:
 * the product (an FMA pipe of 128 lanes, or shared memory giving 128 bytes per cycle, whichever
 * is slower), the pointwise step at 150 cycles per round, the latency of the exchange and its
 * bytes at 20 per cycle, times how often all multiprocessors are filled. Clusters do not fill a
 * GPU, as each lies within one part of it: one less than would fit by number. The numbers choose
 * between layouts of which each is right. */
LAYOUT_FN double layout_cost(const struct gpu_limits *gpu, const struct cell_dims *cell, int prec, int backward,
			     const struct scan_layout *l)
{
	struct scan_parts z = scan_parts_of(cell, prec, backward, l);
	double k = (double)z.planes * z.words, fma = l->rows, load = 4 + l->rows / 4.0;
	double product = z.m * k / 128 * (prec != PREC_FP32 ? 4 : fma > load ? fma : load);
	double point = 150.0 * layout_up((long long)l->slice * l->rows, l->threads) / l->threads;
	double exchange = l->blocks == 1 ? 130 : 300 + 4 * l->rows * k * (1 - 1.0 / l->blocks) / 20;
	int at_once = (int)layout_max(1, l->blocks == 1 ? gpu->sms : gpu->sms / l->blocks - 1);
	int waves = (l->groups + at_once - 1) / at_once;
	return waves * (product + point + exchange);
}

/* layout_alone is the layout of a cell without recurrent products: one block per group, with
 * as few rows as keep one group per multiprocessor. */
LAYOUT_FN int layout_alone(const struct gpu_limits *gpu, const struct cell_dims *cell, int backward, int B, int H,
			   struct scan_layout *out)
{
	int found = 0;
	for (int rows = SCAN_ROWS; rows >= 1; rows /= 2) {
		struct scan_layout l = {rows, 1, 0, (int)layout_up(H, 4), 0, 1, 0};
		l.threads = (int)layout_min(SCAN_THREADS, layout_up((long long)l.slice * rows, 32));
		if (!layout_fits(gpu, cell, PREC_FP32, backward, B, &l) || (found && l.groups > gpu->sms))
			continue;
		*out = l;
		found = 1;
	}
	return found;
}

/* layout_stream is the layout without resident weights: rows as many as the batch has, slices as
 * small as give every multiprocessor two blocks, but with no fewer than 32 outputs. */
LAYOUT_FN int layout_stream(const struct gpu_limits *gpu, const struct cell_dims *cell, int prec, int B, int H,
			    int backward, int unit, struct scan_layout *out)
{
	int per = backward || cell->rec == 0 ? 1 : cell->rec;
	struct scan_layout l = {1, 1, 0, (int)layout_max(unit, layout_up(32 / per, unit)), SCAN_THREADS, 0, 0};
	while (l.rows < SCAN_ROWS && l.rows < B)
		l.rows *= 2;
	while (l.rows > 1 && !layout_fits(gpu, cell, prec, backward, B, &l))
		l.rows /= 2;
	if (!layout_fits(gpu, cell, prec, backward, B, &l))
		return -1;
	do {
		l.blocks = (H + l.slice - 1) / l.slice;
		*out = l;
		l.slice *= 2;
	} while (l.slice * per <= SCAN_OUTPUTS && (long long)out->blocks * out->groups > 2LL * gpu->sms &&
		 layout_fits(gpu, cell, prec, backward, B, &l));
	return 0;
}

/* scan_layout chooses the layout of CELL_forward (or CELL_backward) for B rows and H units. It
 * returns 0, or -1 where no layout fits: mma needs compute capability 8.0.
 *
 * Weights stay resident if a slice of them fits into shared memory, in one block or in a cluster
 * of 2, 4 or 8; among such layouts layout_cost chooses. Otherwise every step is a launch of its
 * own that reads the weights from L2. Slices are multiples of 16 units with mma and of 4 without. */
LAYOUT_FN int scan_layout(const struct gpu_limits *gpu, const struct cell_dims *cell, int prec, int B, int H,
			  int backward, struct scan_layout *out)
{
	int mma = prec != PREC_FP32 && cell->rec > 0, unit = mma ? 16 : 4, found = 0;
	double best = 0;
	if (prec != PREC_FP32 && gpu->compute < 80)
		return -1;
	if (cell->rec == 0 && layout_alone(gpu, cell, backward, B, H, out))
		return 0;
	for (int blocks = 1; cell->rec > 0 && blocks <= 8 && (blocks == 1 || blocks <= gpu->cluster); blocks *= 2)
		for (int rows = 1; rows <= SCAN_ROWS; rows *= 2) {
			struct scan_layout l = {rows, blocks, 0, (int)layout_up((H + blocks - 1) / blocks, unit),
						SCAN_THREADS, 1, 0};
			if (!layout_fits(gpu, cell, prec, backward, B, &l))
				continue;
			double cost = layout_cost(gpu, cell, prec, backward, &l);
			if (found && cost >= best)
				continue;
			*out = l;
			best = cost;
			found = 1;
		}
	if (found)
		return 0;
	return layout_stream(gpu, cell, prec, B, H, backward, unit, out);
}

#endif
