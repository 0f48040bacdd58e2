/* scan_product.h - the product of a step of scan.h with the weights of a block, and the sum over axial
 * neighbours: filling shared memory, then partial sums in a fixed order. */
#ifndef GALVANI_SCAN_PRODUCT_H
#define GALVANI_SCAN_PRODUCT_H

#include "scan_place.h"

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

/* line is n numbers `step` apart. Beyond n there are zeros. */
struct line {
	const float *at;
	long long step;
	int n;

	GPU_MEMBER float operator()(int k) const { return k < n ? at[k * step] : 0; }
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

#endif
