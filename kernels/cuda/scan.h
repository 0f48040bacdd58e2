/* scan.h - the time loop on a GPU, written once for every cell (CELL).
 *
 * A group of batch rows is handled by the blocks blockIdx.x = 0.. of grid row blockIdx.y; each
 * owns `slice` units of the group (layout.h). A step is a product of the block's part of W with
 * the operand (h of all units forward, the drive gradients of the next step backward) and then
 * the pointwise step of the cell, one element (row, unit) at a time. A thread keeps its elements
 * over all steps of a launch.
 *
 * With resident weights the block's part of W lies in shared memory for the whole launch, and so
 * does the operand, twice: while step i reads one buffer, the results that step i+1 needs are
 * written to the other one of every block of the group. Within one block a barrier ends the step.
 * In a cluster results are pushed to all blocks and complete bytes on a transaction barrier of
 * the receiver. No barrier says that a buffer is free again, and none is needed:
 *
 *   Block X pushes the operand of step i+1 into buffer (i+1)%2 of block Y. Y last read that
 *   buffer in its product of step i-1. X pushes after it waited for the operand of step i, of
 *   which each block, so Y too, pushed a part, in its step i-1; a thread of Y pushes after the
 *   sync_block that follows the product of step i-1, when all threads of Y have read.
 *
 *   The same order holds for the barriers: X completes bytes for step i+1 when Y pushed for step
 *   i, so after all threads of Y have passed the wait for step i-1, the phase before on that
 *   barrier. The partial sums of step i-1 in Y are read by the time that Y's pushes for step i
 *   have landed, as what is pushed depends on them; Y's own are among those it waits for.
 *
 * Without resident weights a launch makes one step, and the weights and the operand pass through
 * shared memory in chunks of K.
 *
 * Sums have a fixed order: the parts of K in turn, each in increasing k.
 */
#ifndef GALVANI_SCAN_H
#define GALVANI_SCAN_H

#define SCAN_JOIN_(a, b) a##b
#define SCAN_JOIN(a, b) SCAN_JOIN_(a, b)
#define SCAN_NAME(x) SCAN_JOIN(CELL, SCAN_JOIN(_, x))
#define SCAN_QUOTE_(x) #x
#define SCAN_QUOTE(x) SCAN_QUOTE_(x)

#include "gpu.h"
#include "params.h"
#include "layout.h"
#include SCAN_QUOTE(../cells/CELL.h)

#ifdef GALVANI_EMU
#define UNROLL
#define UNROLL_4
#define GPU_MEMBER inline __attribute__((always_inline))
#else
#define UNROLL _Pragma("unroll")
#define UNROLL_4 _Pragma("unroll 4")
#define GPU_MEMBER __device__ __forceinline__
#endif

/* The letters of params.h; X is the drive plane of the axial coupling or -1. */
enum {
	S = SCAN_NAME(STATES),
	P = SCAN_NAME(IN),
	G = SCAN_NAME(REC),
	D = SCAN_NAME(DRIVES),
	X = SCAN_NAME(AXIAL),
	V = SCAN_NAME(VECS),
	PREP = SCAN_NAME(PREP),
	ELAPSED = SCAN_NAME(ELAPSED),
	FIRST = SCAN_NAME(FIRST),
	P1 = P > 0 ? P : 1 /* for arrays */
};

GPU_FN int rec_plane(int g)
{
	(void)g;
	return SCAN_NAME(REC_PLANE)(g);
}

/* is_read tells whether adjoint and replay read drive plane k. Nobody fills the others. */
GPU_FN bool is_read(int k)
{
	return SCAN_NAME(USES_REC) || (k < P && SCAN_NAME(USES_IN));
}

GPU_FN cell_dims scan_dims()
{
	cell_dims d = {S, P, G, D, X, V, PREP};
	return d;
}

struct alignas(16) quad {
	float a, b, c, d;
};

struct alignas(16) words4 {
	unsigned a, b, c, d;
};

/* place is where a block and its thread stand. The threads are `lanes` rows of `width` units;
 * the elements of a thread are `tiles` units, width apart, by `turns` rows, lanes apart. */
struct place {
	int tid, threads, rank, group, blocks, row0, unit0, rows, slice;
	int width, lanes, unit, row, tiles, turns;
};

GPU_FN place place_of(const struct scan_layout &l)
{
	place q;
	q.tid = threadIdx.x;
	q.threads = l.threads;
	q.rank = blockIdx.x;
	q.group = blockIdx.y;
	q.blocks = l.blocks;
	q.rows = l.rows;
	q.slice = l.slice;
	q.row0 = q.group * l.rows;
	q.unit0 = q.rank * l.slice;
	q.width = l.slice < l.threads ? l.slice : l.threads;
	q.lanes = l.threads / q.width;
	q.unit = q.tid % q.width;
	q.row = q.tid / q.width;
	q.tiles = (l.slice + q.width - 1) / q.width;
	q.turns = (l.rows + q.lanes - 1) / q.lanes;
	return q;
}

/* element is one row and unit of a block: within it (row, unit) and in the arrays (b, u). It is
 * present if the block has it, and valid if the arrays have it. All threads of a block step
 * through their elements together. */
struct element {
	int tile, turn, row, unit, b, u;
	bool present, valid;
};

GPU_FN void element_at(element &e, const place &q, int tile, int turn, int B, int H)
{
	e.tile = tile;
	e.turn = turn;
	e.row = q.row + turn * q.lanes;
	e.unit = q.unit + tile * q.width;
	e.b = q.row0 + e.row;
	e.u = q.unit0 + e.unit;
	e.present = q.row < q.lanes && e.row < q.rows && e.unit < q.slice;
	e.valid = e.present && e.b < B && e.u < H;
}

/* element_next goes on to the next element, and after the last to the first. */
GPU_FN void element_next(element &e, const place &q, int B, int H)
{
	int turn = e.turn + 1, tile = e.tile;
	if (turn == q.turns) {
		turn = 0;
		tile = tile + 1 == q.tiles ? 0 : tile + 1;
	}
	element_at(e, q, tile, turn, B, H);
}

/* room is the dynamic shared memory of a block, in the parts of scan_parts. */
struct room {
	scan_parts z;
	int resident, rows, k; /* k: words of an operand row that hold something */
	unsigned *weights, *operand;
	float *axial, *partial;
#ifdef GPU_CLUSTER
	gpu_barrier *barrier;
#endif
};

template <int PREC> GPU_FN room room_of(const struct scan_layout &l, int backward)
{
	const cell_dims dims = scan_dims();
	char *base = dynamic_shared();
	room m;
	m.z = scan_parts_of(&dims, PREC, backward, &l);
	m.resident = l.resident;
	m.rows = l.rows;
	m.k = l.resident ? m.z.planes * m.z.words : m.z.words;
	m.weights = (unsigned *)(base + m.z.weights);
	m.operand = (unsigned *)(base + m.z.operand);
	m.axial = (float *)(base + m.z.axial);
	m.partial = (float *)(base + m.z.partial);
#ifdef GPU_CLUSTER
	m.barrier = (gpu_barrier *)(base + m.z.barrier);
#endif
	return m;
}

GPU_FN unsigned *operand_row(const room &m, int buffer, int row)
{
	return m.operand + (buffer * m.z.ldr + row) * m.z.ldx;
}

GPU_FN float *axial_row(const room &m, int buffer, int row)
{
	return m.axial + (buffer * m.rows + row) * m.z.units;
}

/* as_word turns the value of unit k, or those of units 2k and 2k+1, into a word of a product. */
template <int PREC, class Value> GPU_FN unsigned as_word(int k, Value value)
{
#ifdef GPU_MMA
	if constexpr (PREC == PREC_TF32)
		return round_tf32(value(k));
	else if constexpr (PREC == PREC_BF16)
		return bf16_pack(value(2 * k), value(2 * k + 1));
	else
#endif
		return float_bits(value(k));
}

/* line is n numbers `step` apart, or n times the same number. Beyond n there are zeros. */
struct line {
	const float *at; /* or null */
	long long step;
	float fill;
	int n;

	GPU_MEMBER float operator()(int k) const { return k < n ? at ? at[k * step] : fill : 0; }
};

/* fill_fp32 and fill_mma write the weights for `planes` planes of the operand from plane0 on, units from
 * k0 on. Numbers are loaded in batches, so that a thread waits once for several.
 *
 * Without mma they are [k][m+4] floats: threads read four neighbours in m at once, and the 4 keep
 * writes along k from meeting in one bank. */
template <class Source>
GPU_FN void fill_fp32(const room &m, const place &q, const Source &source, int plane0, int planes, int k0)
{
	const int batch = 4, M = m.z.m, words = m.z.words;
	int warps = q.threads / 32, warp = q.tid / 32, lane = q.tid % 32;
	int slow = Source::along_k ? M : words, fast = Source::along_k ? words : M;
	float *to = (float *)m.weights;
	for (int plane = 0; plane < planes; plane++, to += words * (M + 4))
		for (int i = warp; i < slow; i += batch * warps)
			for (int j = lane; j < fast; j += batch * 32) {
				float v[batch][batch];
				UNROLL
				for (int a = 0; a < batch; a++)
					UNROLL
					for (int b = 0; b < batch; b++) {
						int o = i + a * warps, k = j + b * 32;
						bool in = o < slow && k < fast;
						if (!Source::along_k) {
							int t = o;
							o = k;
							k = t;
						}
						v[a][b] = in ? source.weights(o, plane0 + plane)(k0 + k) : 0;
					}
				UNROLL
				for (int a = 0; a < batch; a++)
					UNROLL
					for (int b = 0; b < batch; b++) {
						int o = i + a * warps, k = j + b * 32;
						if (o < slow && k < fast)
							to[Source::along_k ? k * (M + 4) + o : o * (M + 4) + k] = v[a][b];
					}
			}
}

/* fill_mma: with mma they are in the order in which the lanes of a warp need them as operand a: [m/16][k/16]
 * [2][32 lanes][4] words. The k of a fragment are words 4c, 4c+1 (first of two) and 4c+2, 4c+3
 * (second) of 16, c the lane modulo 4, so that a lane reads its part of operand b for two
 * fragments as 4 neighbours. */
template <int PREC, class Source>
GPU_FN void fill_mma(const room &m, const place &q, const Source &source, int plane0, int planes, int k0)
{
	int words = m.z.words, per = words / 16, steps = planes * per, tiles = m.z.m / 16;
	int warps = q.threads / 32, lane = q.tid % 32, g = lane / 4, c = lane % 4;
	for (int i = q.tid / 32; i < tiles * steps; i += warps) {
		int tile = i / steps, step = i % steps, plane = step / per, k = step % per * 16 + 4 * c;
		line low = source.weights(tile * 16 + g, plane0 + plane);
		line high = source.weights(tile * 16 + g + 8, plane0 + plane);
		unsigned v[4][2];
		UNROLL
		for (int j = 0; j < 4; j++) {
			v[j][0] = as_word<PREC>(k + j, [&](int unit) { return low(k0 + unit); });
			v[j][1] = as_word<PREC>(k + j, [&](int unit) { return high(k0 + unit); });
		}
		words4 first = {v[0][0], v[0][1], v[1][0], v[1][1]}, second = {v[2][0], v[2][1], v[3][0], v[3][1]};
		words4 *to = (words4 *)m.weights + i * 64 + lane;
		to[0] = first;
		to[32] = second;
	}
}

template <int PREC, class Source>
GPU_FN void fill_weights(const room &m, const place &q, const Source &source, int plane0, int planes, int k0)
{
	if constexpr (PREC == PREC_FP32)
		fill_fp32(m, q, source, plane0, planes, k0);
	else
		fill_mma<PREC>(m, q, source, plane0, planes, k0);
}

/* fill_operand writes the operand of a launch's first step. */
template <int PREC, class Source>
GPU_FN void fill_operand(const room &m, const place &q, const Source &source, int plane0, int planes, int k0)
{
	int words = m.z.words, lane = q.tid % 32;
	for (int i = q.tid / 32; i < m.z.ldr * planes; i += q.threads / 32) {
		int row = i / planes, plane = i % planes;
		line from = source.operand(row, plane0 + plane);
		unsigned *to = operand_row(m, 0, row) + plane * words;
		UNROLL_4
		for (int k = lane; k < words; k += 32)
			to[k] = as_word<PREC>(k, [&](int unit) { return from(k0 + unit); });
	}
}

GPU_FN void sync_group(const place &q)
{
#ifdef GPU_CLUSTER
	if (q.blocks > 1) {
		sync_cluster();
		return;
	}
#endif
	(void)q;
	sync_block();
}

/* open_room fills a room with resident weights for the first step. The other buffer is cleared:
 * of its words those beyond the units of the group stay 0. */
template <int PREC, class Source> GPU_FN void open_room(const room &m, const place &q, const Source &source)
{
	if (!m.resident)
		return;
	if (G > 0) {
		fill_weights<PREC>(m, q, source, 0, m.z.planes, 0);
		fill_operand<PREC>(m, q, source, 0, m.z.planes, 0);
		for (int i = q.tid; i < m.z.ldr * m.z.ldx; i += q.threads)
			operand_row(m, 1, 0)[i] = 0;
	}
	if (X >= 0)
		for (int i = q.tid; i < m.rows * m.z.units; i += q.threads)
			axial_row(m, 0, 0)[i] = source.operand(i / m.z.units, m.z.planes)(i % m.z.units);
#ifdef GPU_CLUSTER
	if (q.blocks > 1 && q.tid == 0) {
		barrier_init(m.barrier);
		barrier_init(m.barrier + 1);
		barrier_init_done();
	}
#endif
	sync_group(q);
}

/* each_chunk calls add for all of K, with a chunk of weights and operand in shared memory. */
template <int PREC, class Source, class Add>
GPU_FN void each_chunk(const room &m, const place &q, const Source &source, int H, Add add)
{
	if (m.resident) {
		add();
		return;
	}
	for (int plane = 0; plane < m.z.planes; plane++)
		for (int k0 = 0; k0 < H; k0 += SCAN_CHUNK) {
			fill_weights<PREC>(m, q, source, plane, 1, k0);
			fill_operand<PREC>(m, q, source, plane, 1, k0);
			sync_block();
			add();
			sync_block();
		}
}

/* reach is the words from..to-1 of an operand row that a run of outputs has weights for. */
struct reach {
	int from, to;
};

/* reach_of returns that of n outputs from o on, which belong to one recurrent matrix; `per` units are
 * in a word. Chunks are taken whole. */
template <class Source> GPU_FN reach reach_of(const room &m, const Source &source, int o, int n, int per)
{
	reach all = {0, m.k};
	return m.resident ? source.columns(o, n, m.z.words, per) : all;
}

/* first_of returns the first of part, part + parts, ... that is from at least. */
GPU_FN int first_of(int part, int parts, int from)
{
	return from <= part ? part : part + (from - part + parts - 1) / parts * parts;
}

/* product_fp32: a thread sums 4 outputs for all rows over its part of K. Neighbouring threads have
 * outputs of one matrix, and so as much to do. */
template <int ROWS, class Source>
GPU_FN void product_fp32(const room &m, const place &q, const Source &source, int H, int buffer)
{
	int tiles = m.z.m / 4, per = q.slice / 4, ldw = m.z.m + 4;
	int tile = q.tid / (per * m.z.parts) * per + q.tid % per, part = q.tid / per % m.z.parts;
	bool busy = tile < tiles;
	reach r = {0, 0};
	if (busy)
		r = reach_of(m, source, 4 * tile, 4, 1);
	float sum[ROWS][4] = {};
	each_chunk<PREC_FP32>(m, q, source, H, [&] {
		const float *w = (const float *)m.weights + 4 * tile;
		const float *x = (const float *)operand_row(m, buffer, 0);
		for (int k = 4 * first_of(part, m.z.parts, r.from / 4); busy && k < r.to; k += 4 * m.z.parts) {
			quad w0 = *(const quad *)(w + k * ldw), w1 = *(const quad *)(w + (k + 1) * ldw);
			quad w2 = *(const quad *)(w + (k + 2) * ldw), w3 = *(const quad *)(w + (k + 3) * ldw);
			UNROLL
			for (int r = 0; r < ROWS; r++) {
				quad h = *(const quad *)(x + r * m.z.ldx + k);
				float *s = sum[r];
				s[0] += w0.a * h.a, s[1] += w0.b * h.a, s[2] += w0.c * h.a, s[3] += w0.d * h.a;
				s[0] += w1.a * h.b, s[1] += w1.b * h.b, s[2] += w1.c * h.b, s[3] += w1.d * h.b;
				s[0] += w2.a * h.c, s[1] += w2.b * h.c, s[2] += w2.c * h.c, s[3] += w2.d * h.c;
				s[0] += w3.a * h.d, s[1] += w3.b * h.d, s[2] += w3.c * h.d, s[3] += w3.d * h.d;
			}
		}
	});
	if (!busy)
		return;
	UNROLL
	for (int r = 0; r < ROWS; r++) {
		quad s = {sum[r][0], sum[r][1], sum[r][2], sum[r][3]};
		*(quad *)(m.partial + (part * ROWS + r) * m.z.ldp + 4 * tile) = s;
	}
}

#ifdef GPU_MMA
template <int PREC> GPU_FN void mma(float *d, const unsigned *a, const unsigned *b)
{
	if constexpr (PREC == PREC_TF32)
		mma_tf32(d, a, b);
	else
		mma_bf16(d, a, b);
}

/* product_mma: a warp sums 16 outputs for N times 8 rows over its part of K, in two chains. */
template <int PREC, int N, class Source>
GPU_FN void product_mma(const room &m, const place &q, const Source &source, int H, int buffer)
{
	int warps = q.threads / 32, tiles = m.z.m / 16, steps = m.k / 16;
	int warp = q.tid / 32, lane = q.tid % 32, g = lane / 4, c = lane % 4;
	for (int job = 0; job < tiles * m.z.parts; job += warps) {
		int tile = (job + warp) % tiles, part = (job + warp) / tiles;
		bool busy = part < m.z.parts;
		reach r = {0, 0};
		if (busy)
			r = reach_of(m, source, 16 * tile, 16, PREC == PREC_BF16 ? 2 : 1);
		float even[N][4] = {}, odd[N][4] = {};
		each_chunk<PREC>(m, q, source, H, [&] {
			const unsigned *w = m.weights + tile * steps * 256 + 4 * lane;
			const unsigned *x = operand_row(m, buffer, g) + 4 * c;
			for (int step = first_of(part, m.z.parts, r.from / 16); busy && 16 * step < r.to;
			     step += m.z.parts) {
				words4 w0 = *(const words4 *)(w + step * 256), w1 = *(const words4 *)(w + step * 256 + 128);
				unsigned a0[4] = {w0.a, w0.b, w0.c, w0.d}, a1[4] = {w1.a, w1.b, w1.c, w1.d};
				UNROLL
				for (int i = 0; i < N; i++) {
					words4 h = *(const words4 *)(x + 8 * i * m.z.ldx + step * 16);
					unsigned b0[2] = {h.a, h.b}, b1[2] = {h.c, h.d};
					mma<PREC>(even[i], a0, b0);
					mma<PREC>(odd[i], a1, b1);
				}
			}
		});
		if (!busy)
			continue;
		UNROLL
		for (int i = 0; i < 4 * N; i++) {
			int row = i / 4 * 8 + 2 * c + i % 2, o = tile * 16 + g + i / 2 % 2 * 8;
			if (row < m.rows)
				m.partial[(part * m.rows + row) * m.z.ldp + o] = even[i / 4][i % 4] + odd[i / 4][i % 4];
		}
	}
}
#endif

/* product leaves the partial sums of the recurrent product and waits for all threads. */
template <int PREC, class Source>
GPU_FN void product(const room &m, const place &q, const Source &source, int H, int buffer)
{
	if (G == 0)
		return;
#ifdef GPU_MMA
	if constexpr (PREC != PREC_FP32)
		if (m.rows > 8)
			product_mma<PREC, 2>(m, q, source, H, buffer);
		else
			product_mma<PREC, 1>(m, q, source, H, buffer);
	else
#endif
		if (m.rows == 1)
			product_fp32<1>(m, q, source, H, buffer);
		else if (m.rows == 2)
			product_fp32<2>(m, q, source, H, buffer);
		else if (m.rows == 4)
			product_fp32<4>(m, q, source, H, buffer);
		else if (m.rows == 8)
			product_fp32<8>(m, q, source, H, buffer);
		else
			product_fp32<16>(m, q, source, H, buffer);
	sync_block();
}

/* product_sum returns output o of the product for a row. */
GPU_FN float product_sum(const room &m, int row, int o)
{
	const float *at = m.partial + row * m.z.ldp + o;
	float sum = at[0];
	for (int part = 1; part < m.z.parts; part++)
		sum += at[part * m.rows * m.z.ldp];
	return sum;
}

/* axial_sum returns sum_j g_ij x_j over the neighbours j of a unit. */
template <class Source>
GPU_FN float axial_sum(const room &m, const Source &source, const axial_params &ax, int buffer, int row, int u)
{
	float sum = 0;
	for (int k = ax.start[u]; k < ax.start[u + 1]; k++) {
		int j = ax.unit[k];
		float x = m.resident ? axial_row(m, buffer, row)[j] : source.operand(row, m.z.planes)(j);
		sum += ax.g[ax.edge[k]] * x;
	}
	return sum;
}

#ifdef GPU_CLUSTER
/* push_words pushes the words of four threads, whose places differ in the bits `bit` and 2*bit of
 * their number, to all blocks of the cluster. The threads that hold these words (4 or, where two
 * threads share one, 8) divide the blocks among themselves. */
GPU_FN void push_words(unsigned *at, unsigned word, int bit, int tid, bool present, int blocks, gpu_barrier *barrier)
{
	bool high = tid & bit, higher = tid & 2 * bit;
	int w = (int)word, other = shuffle_xor(w, bit);
	int lo = high ? other : w, hi = high ? w : other;
	int lo2 = shuffle_xor(lo, 2 * bit), hi2 = shuffle_xor(hi, 2 * bit);
	float a = bits_float(higher ? lo2 : lo), b = bits_float(higher ? hi2 : hi);
	float c = bits_float(higher ? lo : lo2), d = bits_float(higher ? hi : hi2);
	if (present)
		for (int rank = tid % (4 * bit); rank < blocks; rank += 4 * bit)
			push(at, rank, a, b, c, d, barrier);
}
#endif

/* send gives the value of unit u to an operand row x of every block of the group. All threads of
 * a warp call it together; neighbours in u are neighbouring threads. */
template <int PREC>
GPU_FN void send(const room &m, const place &q, int buffer, unsigned *x, int u, float v, bool present)
{
	unsigned word = float_bits(v);
	int at = u;
#ifdef GPU_MMA
	if constexpr (PREC == PREC_TF32)
		word = round_tf32(v);
	if constexpr (PREC == PREC_BF16) {
		float other = shuffle_xor(v, 1);
		word = q.tid % 2 ? bf16_pack(other, v) : bf16_pack(v, other);
		at = u / 2;
	}
#endif
#ifdef GPU_CLUSTER
	if (q.blocks > 1) {
		push_words(x + at / 4 * 4, word, PREC == PREC_BF16 ? 2 : 1, q.tid, present, q.blocks, m.barrier + buffer);
		return;
	}
#endif
	(void)m, (void)buffer;
	if (present && (PREC != PREC_BF16 || q.tid % 2 == 0))
		x[at] = word;
}

/* exchange_begin, before the product of step i of a launch: waits for the operand of step i, and
 * announces that of step i+1. exchange_end, after all that the step sends. */
template <int PREC> GPU_FN void exchange_begin(const room &m, const place &q, int i, int n)
{
#ifdef GPU_CLUSTER
	if (q.blocks > 1) {
		if (i > 0)
			barrier_wait(m.barrier + i % 2, (i - 1) / 2 % 2);
		if (q.tid == 0 && i + 1 < n) {
			int bytes = (PREC == PREC_BF16 ? 2 : 4) * m.z.planes + (X >= 0 ? 4 : 0);
			barrier_expect(m.barrier + (i + 1) % 2, (unsigned)(bytes * m.rows * m.z.units));
		}
	}
#endif
	(void)m, (void)q, (void)i, (void)n;
}

GPU_FN void exchange_end(const room &m, const place &q, int i, int n)
{
	if (!m.resident)
		return;
	if (i + 1 == n)
		sync_group(q);
	else if (q.blocks == 1)
		sync_block();
}

/* is_reset and is_held read the arrays reset and mask [T,B], or null, at a step and row. */
GPU_FN bool is_reset(const float *reset, int t, int B, int b) { return reset && reset[(long long)t * B + b] != 0; }
GPU_FN bool is_held(const float *mask, int t, int B, int b) { return mask && mask[(long long)t * B + b] == 0; }

/* step_consts is the constants of the cell at one step of a row: a copy where its steps may differ in
 * length (shared/cell.h). */
struct step_consts {
	const float *all;
	float own[ELAPSED >= 0 ? MAX_CONSTS : 1];

	GPU_MEMBER const float *at(float elapsed)
	{
		if (ELAPSED < 0)
			return all;
		UNROLL
		for (int k = 0; k < (ELAPSED >= 0 ? MAX_CONSTS : 1); k++)
			own[k] = k == (int)ELAPSED ? elapsed : all[k];
		return own;
	}
};

/* elapsed_at returns the length of step t of row b for step_consts. */
GPU_FN float elapsed_at(const float *consts, const float *mask, int t, int B, int b)
{
	if (ELAPSED < 0)
		return 0;
	float fixed = consts[ELAPSED >= 0 ? (int)ELAPSED : 0];
	return mask && fixed != 0 ? mask[(long long)t * B + b] : fixed;
}

/* load_prep loads the prepared planes of a unit. */
GPU_FN void load_prep(const float *prep, int H, const element &e, float *out)
{
	UNROLL
	for (int k = 0; k < PREP; k++)
		out[k] = e.u < H ? prep[(long long)k * H + e.u] : 0;
}

struct forward_source {
	static constexpr bool along_k = true; /* neighbours in memory are neighbours in k */
	const forward_params &p;
	int row0, unit0;

	/* columns is the reach of outputs o..o+n-1 over operand rows of planes of `words` words, with
	 * `per` units in a word. */
	GPU_MEMBER reach columns(int o, int, int, int per) const
	{
		int g = o / p.layout.slice;
		reach r = {p.columns.lo[g] / per, (p.columns.hi[g] + per - 1) / per};
		return r;
	}

	/* weights are those of output o along the units of the operand, operand is a row of it. */
	GPU_MEMBER line weights(int o, int) const
	{
		int g = o / p.layout.slice, u = unit0 + o % p.layout.slice;
		line w = {p.wrec + ((long long)g * p.H + u) * p.H, 1, 0, u < p.H ? p.H : 0};
		return w;
	}

	GPU_MEMBER line operand(int row, int) const
	{
		int b = row0 + row;
		bool in = row < p.layout.rows && b < p.B, rest = in && is_reset(p.reset, p.t0, p.B, b);
		line x = {rest ? nullptr : p.h + (long long)b * p.H, 1, p.rest[0], in ? p.H : 0};
		return x;
	}
};

/* forward_input is what an element reads from global memory at one step. */
struct forward_input {
	float drive[P1], state[S], elapsed;
	bool held, reset, reset_next;
};

/* forward_early loads what no earlier step writes, forward_late the state. */
GPU_FN void forward_early(const forward_params &p, const element &e, int s, forward_input &in)
{
	if (s >= p.n || !e.valid)
		return;
	int t = p.t0 + s;
	const float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	UNROLL
	for (int k = 0; k < P; k++)
		in.drive[k] = drive[(long long)k * p.H];
	in.held = is_held(p.mask, t, p.B, e.b);
	in.elapsed = elapsed_at(p.consts, p.mask, t, p.B, e.b);
	in.reset = is_reset(p.reset, t, p.B, e.b);
	in.reset_next = s + 1 < p.n && is_reset(p.reset, t + 1, p.B, e.b);
}

GPU_FN void forward_late(const forward_params &p, const element &e, int s, forward_input &in)
{
	if (s >= p.n || !e.valid)
		return;
	UNROLL
	for (int k = 0; k < S; k++) {
		const float *from = k == 0 ? p.h + (long long)s * p.B * p.H : p.carry + (long long)(k - 1) * p.B * p.H;
		in.state[k] = in.reset ? p.rest[k] : from[(long long)e.b * p.H + e.u];
	}
}

/* forward_point makes the step of one valid element and returns the operand of the next step. */
GPU_FN float forward_point(const forward_params &p, const room &m, const forward_source &source, const element &e,
			   int s, const forward_input &in, const float *prep)
{
	float drive[D], next[S];
	UNROLL
	for (int k = 0; k < D; k++)
		drive[k] = k < P ? in.drive[k < P ? k : 0] : 0;
	if constexpr (X >= 0)
		drive[X] = axial_sum(m, source, p.axial, s % 2, e.row, e.u);
	UNROLL
	for (int g = 0; g < G; g++)
		drive[rec_plane(g)] += product_sum(m, e.row, g * p.layout.slice + e.unit);
	step_consts consts = {p.consts, {}};
	SCAN_NAME(step)(consts.at(in.elapsed), prep, drive, in.state, next);
	UNROLL
	for (int k = 0; k < S; k++) {
		float *to = k == 0 ? p.h + (long long)(s + 1) * p.B * p.H : p.carry + (long long)(k - 1) * p.B * p.H;
		if (in.held)
			next[k] = in.state[k];
		to[(long long)e.b * p.H + e.u] = next[k];
	}
	return in.reset_next ? p.rest[0] : next[0];
}

template <int PREC> GPU_FN void scan_forward(const forward_params &p)
{
	const place q = place_of(p.layout);
	const room m = room_of<PREC>(p.layout, 0);
	const forward_source source = {p, q.row0, q.unit0};
	open_room<PREC>(m, q, source);

	float prep[PREP];
	element e;
	forward_input in = {};
	element_at(e, q, 0, 0, p.B, p.H);
	load_prep(p.prep, p.H, e, prep);
	forward_early(p, e, 0, in);
	forward_late(p, e, 0, in);
	for (int s = 0; s < p.n; s++) {
		int to = (s + 1) % 2;
		exchange_begin<PREC>(m, q, s, p.n);
		product<PREC>(m, q, source, p.H, s % 2);
		for (int i = 0; i < q.tiles * q.turns; i++) {
			element f = e;
			forward_input early = {};
			element_next(f, q, p.B, p.H);
			int fs = i + 1 < q.tiles * q.turns ? s : s + 1;
			forward_early(p, f, fs, early);
			if (q.tiles > 1 && e.turn == 0)
				load_prep(p.prep, p.H, e, prep);
			float h = 0;
			if (e.valid)
				h = forward_point(p, m, source, e, s, in, prep);
			if (s + 1 < p.n) {
				if (G > 0)
					send<PREC>(m, q, to, operand_row(m, to, e.row), e.u, h, e.present);
				if (X >= 0)
					send<PREC_FP32>(m, q, to, (unsigned *)axial_row(m, to, e.row), e.u, h, e.present);
			}
			e = f;
			in = early;
			forward_late(p, e, fs, in);
		}
		exchange_end(m, q, s, p.n);
	}
}

struct backward_source {
	static constexpr bool along_k = false;
	const backward_params &p;
	int row0, unit0;

	/* columns: outputs are units, and planes of the operand the matrices that have their columns. */
	GPU_MEMBER reach columns(int o, int n, int words, int) const
	{
		reach r = {G * words, 0};
		UNROLL
		for (int g = G - 1; g >= 0; g--)
			if (p.columns.lo[g] < unit0 + o + n && p.columns.hi[g] > unit0 + o)
				r.from = g * words;
		UNROLL
		for (int g = 0; g < G; g++)
			if (p.columns.lo[g] < unit0 + o + n && p.columns.hi[g] > unit0 + o)
				r.to = (g + 1) * words;
		return r;
	}

	GPU_MEMBER line weights(int o, int plane) const
	{
		int u = unit0 + o;
		line w = {p.wrec + (long long)plane * p.H * p.H + u, p.H, 0, u < p.H ? p.H : 0};
		return w;
	}

	/* operand is a drive gradient of step t0+n, as far as it flows into h before that step.
	 * Plane G is that of the axial coupling. */
	GPU_MEMBER line operand(int row, int plane) const
	{
		int b = row0 + row, t = p.t0 + p.n;
		bool in = row < p.layout.rows && b < p.B && t < p.T && !is_reset(p.reset, t, p.B, b);
		plane = plane < G ? rec_plane(plane) : (int)X;
		line x = {p.drives + (((long long)p.n * p.B + b) * D + plane) * p.H, 1, 0, in ? p.H : 0};
		return x;
	}
};

/* backward_input is what an element reads at one step: drives, states before and after it, and
 * the gradients that reach the state after it, without products. */
struct backward_input {
	float drive[D], before[S], after[S], dh, grad[S], elapsed;
	bool held, reset;
};

GPU_FN void backward_early(const backward_params &p, const element &e, int s, backward_input &in)
{
	if (s < 0 || !e.valid)
		return;
	int t = p.t0 + s;
	long long BH = (long long)p.B * p.H, at = (long long)e.b * p.H + e.u;
	const float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	in.held = is_held(p.mask, t, p.B, e.b);
	in.elapsed = elapsed_at(p.consts, p.mask, t, p.B, e.b);
	in.reset = is_reset(p.reset, t, p.B, e.b);
	UNROLL
	for (int k = 0; k < D; k++)
		in.drive[k] = is_read(k) ? drive[(long long)k * p.H] : 0;
	UNROLL
	for (int k = 0; k < S; k++) {
		const float *from = k == 0 ? p.h + s * BH : p.extra + ((long long)s * (S - 1) + k - 1) * BH;
		in.before[k] = in.reset ? p.rest[k] : from[at];
		in.after[k] = from[(k == 0 ? 1 : S - 1) * BH + at];
	}
	in.dh = p.last ? t == p.T - 1 ? p.dh[at] : 0 : p.dh[t * BH + at];
}

GPU_FN void backward_late(const backward_params &p, const element &e, int s, backward_input &in)
{
	if (s < 0 || !e.valid)
		return;
	UNROLL
	for (int k = 0; k < S; k++)
		in.grad[k] = p.grad[((long long)k * p.B + e.b) * p.H + e.u];
}

/* adjoint_step calls the adjoint with a constant for learn, so that gp stays in registers. */
GPU_FN void adjoint_step(const backward_params &p, const float *prep, const backward_input &in, float *gs, float *gd,
			 float *gp)
{
	step_consts of = {p.consts, {}};
	const float *consts = of.at(in.elapsed);
	if (p.learn == 2)
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 2);
	else if (p.learn == 1)
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 1);
	else
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 0);
}

/* backward_point makes the adjoint step of one valid element. It leaves the drive gradients in
 * gd, 0 for a row that is held, and adds to gp. */
GPU_FN void backward_point(const backward_params &p, const room &m, const backward_source &source, const element &e,
			   int s, backward_input &in, const float *prep, float *gd, float *gp)
{
	int buffer = (p.n - 1 - s) % 2;
	long long at = (long long)e.b * p.H + e.u;
	float gs[S];
	in.grad[0] += in.dh;
	if (G > 0)
		in.grad[0] += product_sum(m, e.row, e.unit);
	if (X >= 0)
		in.grad[0] += axial_sum(m, source, p.axial, buffer, e.row, e.u);
	if (p.gh)
		p.gh[(long long)(p.t0 + s) * p.B * p.H + at] = in.grad[0];
	if (in.held) {
		UNROLL
		for (int k = 0; k < S; k++)
			gs[k] = in.grad[k];
		UNROLL
		for (int k = 0; k < D; k++)
			gd[k] = 0;
	} else {
		adjoint_step(p, prep, in, gs, gd, gp);
	}
	UNROLL
	for (int k = 0; k < S; k++)
		p.grad[(long long)k * p.B * p.H + at] = in.reset ? 0 : gs[k];
	float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	UNROLL
	for (int k = 0; k < D; k++)
		drive[(long long)k * p.H] = gd[k];
}

/* add_gp adds the gradients of prepared planes that the threads of a unit hold, in the order of
 * the threads, to those of the group. All threads call it; none uses m.partial any more. */
GPU_FN void add_gp(const backward_params &p, const room &m, const place &q, const element &e, const float *gp)
{
	float *out = p.gp + (long long)q.group * PREP * p.H + e.u;
	int planes = p.learn == 0 ? 0 : p.learn == 1 ? (int)FIRST : (int)PREP;
	UNROLL
	for (int k = 0; k < PREP; k++) {
		if (k >= planes)
			continue;
		sync_block();
		m.partial[q.tid] = gp[k];
		sync_block();
		if (q.row != 0 || e.unit >= q.slice || e.u >= p.H)
			continue;
		float sum = m.partial[q.tid];
		for (int row = 1; row < q.lanes; row++)
			sum += m.partial[row * q.width + q.tid];
		out[(long long)k * p.H] += sum;
	}
}

/* load_gp and store_gp keep gp in global memory between the steps of a thread with many units. */
GPU_FN void load_gp(const backward_params &p, const place &q, const element &e, float *gp)
{
	const float *from = p.gp + (long long)q.group * PREP * p.H + e.u;
	UNROLL
	for (int k = 0; k < PREP; k++)
		gp[k] = p.learn && e.unit < q.slice && e.u < p.H ? from[(long long)k * p.H] : 0;
}

GPU_FN void store_gp(const backward_params &p, const place &q, const element &e, const float *gp)
{
	float *to = p.gp + (long long)q.group * PREP * p.H + e.u;
	UNROLL
	for (int k = 0; k < PREP; k++)
		if (p.learn && e.unit < q.slice && e.u < p.H)
			to[(long long)k * p.H] = gp[k];
}

template <int PREC> GPU_FN void scan_backward(const backward_params &p)
{
	const place q = place_of(p.layout);
	const room m = room_of<PREC>(p.layout, 1);
	const backward_source source = {p, q.row0, q.unit0};
	open_room<PREC>(m, q, source);

	float prep[PREP], gp[PREP] = {};
	element e;
	backward_input in = {};
	element_at(e, q, 0, 0, p.B, p.H);
	load_prep(p.prep, p.H, e, prep);
	backward_early(p, e, p.n - 1, in);
	backward_late(p, e, p.n - 1, in);
	for (int i = 0; i < p.n; i++) {
		int s = p.n - 1 - i, to = (i + 1) % 2;
		exchange_begin<PREC>(m, q, i, p.n);
		product<PREC>(m, q, source, p.H, i % 2);
		for (int j = 0; j < q.tiles * q.turns; j++) {
			element f = e;
			backward_input early = {};
			element_next(f, q, p.B, p.H);
			int fs = j + 1 < q.tiles * q.turns ? s : s - 1;
			backward_early(p, f, fs, early);
			if (q.tiles > 1 && e.turn == 0) {
				load_prep(p.prep, p.H, e, prep);
				load_gp(p, q, e, gp);
			}
			float gd[D] = {};
			if (e.valid)
				backward_point(p, m, source, e, s, in, prep, gd, gp);
			if (q.tiles > 1 && e.turn == q.turns - 1)
				store_gp(p, q, e, gp);
			if (s > 0) {
				UNROLL
				for (int g = 0; g < G; g++)
					send<PREC>(m, q, to, operand_row(m, to, e.row) + g * m.z.words, e.u,
						   in.reset ? 0 : gd[rec_plane(g)], e.present);
				if constexpr (X >= 0)
					send<PREC_FP32>(m, q, to, (unsigned *)axial_row(m, to, e.row), e.u,
							in.reset ? 0 : gd[X], e.present);
			}
			e = f;
			in = early;
			backward_late(p, e, fs, in);
		}
		exchange_end(m, q, i, p.n);
	}
	if (q.tiles == 1)
		add_gp(p, m, q, e, gp);
}

GPU_FN long long scan_index() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

/* raw_planes loads the raw planes of unit u; plane V is the sum of the conductances of its edges. */
GPU_FN void raw_planes(const device_array<const float> *raw, const axial_params &ax, long long u, double *out)
{
	for (int k = 0; k < V; k++)
		out[k] = raw[k][u];
	out[V] = 0;
	if (X >= 0)
		for (int k = ax.start[u]; k < ax.start[u + 1]; k++)
			out[V] += ax.g[ax.edge[k]];
}

GPU_FN void scan_prepare(const prepare_params &p)
{
	long long u = scan_index();
	if (u >= p.H)
		return;
	double raw[V + 1], prep[PREP];
	raw_planes(p.raw, p.axial, u, raw);
	SCAN_NAME(prepare)(p.consts, raw, prep);
	for (int k = 0; k < PREP; k++)
		p.prep[(long long)k * p.H + u] = (float)prep[k];
}

GPU_FN void scan_unprepare(const unprepare_params &p)
{
	long long u = scan_index();
	if (u >= p.H)
		return;
	double raw[V + 1], prep[PREP], gprep[PREP], graw[V + 1] = {};
	raw_planes(p.raw, p.axial, u, raw);
	SCAN_NAME(prepare)(p.consts, raw, prep);
	for (int k = 0; k < PREP; k++) {
		gprep[k] = 0;
		for (int group = 0; group < p.groups; group++)
			gprep[k] += p.gp[((long long)group * PREP + k) * p.H + u];
	}
	SCAN_NAME(prepare_adjoint)(p.consts, raw, prep, gprep, graw);
	for (int k = 0; k < V; k++)
		if (p.graw[k])
			p.graw[k][u] = (float)graw[k];
	if (X >= 0 && p.gsum)
		p.gsum[u] = (float)graw[V];
}

GPU_FN void scan_replay(const replay_params &p)
{
	long long at = scan_index(), BH = (long long)p.B * p.H;
	if (S == 1 || at >= BH)
		return;
	int b = (int)(at / p.H), u = (int)(at % p.H);
	float prep[PREP], state[S], next[S], drive[D];
	for (int k = 0; k < PREP; k++)
		prep[k] = p.prep[(long long)k * p.H + u];
	for (int k = 1; k < S; k++) {
		next[k] = p.border[(k - 1) * BH + at];
		p.extra[(k - 1) * BH + at] = next[k];
	}
	for (int s = 0; s < p.n; s++) {
		bool reset = is_reset(p.reset, p.t0 + s, p.B, b);
		state[0] = reset ? p.rest[0] : p.h[s * BH + at];
		for (int k = 1; k < S; k++)
			state[k] = reset ? p.rest[k] : next[k];
		for (int k = 0; k < D; k++)
			drive[k] = is_read(k) ? p.drives[(((long long)s * p.B + b) * D + k) * p.H + u] : 0;
		step_consts consts = {p.consts, {}};
		SCAN_NAME(step)(consts.at(elapsed_at(p.consts, p.mask, p.t0 + s, p.B, b)), prep, drive, state, next);
		for (int k = 1; k < S; k++) {
			if (is_held(p.mask, p.t0 + s, p.B, b))
				next[k] = state[k];
			p.extra[((long long)(s + 1) * (S - 1) + k - 1) * BH + at] = next[k];
		}
	}
}

#endif
