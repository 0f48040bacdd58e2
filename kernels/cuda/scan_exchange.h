/* scan_exchange.h - how the blocks of a group hand each other the operand of the next step; scan.h says
 * why two buffers are enough. */
#ifndef GALVANI_SCAN_EXCHANGE_H
#define GALVANI_SCAN_EXCHANGE_H

#include "scan_product.h"

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

#endif
