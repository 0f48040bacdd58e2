/* transpose.inc.h - a small matrix the other way round. The including file has elem and VL. */
#ifndef GALVANI_TRANSPOSE_H
#define GALVANI_TRANSPOSE_H

#define TRANSPOSE_FN static inline __attribute__((always_inline, unused))

/* transpose writes the first LANES columns of LANES rows, ld apart, as rows of out, step apart. */
#if VL >= 8
#define LANES 8
typedef elem row8 __attribute__((vector_size(32)));
typedef int bits8 __attribute__((vector_size(32)));
typedef row8 row8_u __attribute__((aligned(sizeof(elem)), may_alias));
TRANSPOSE_FN void transpose(const elem *in, long ld, elem *out, long step)
{
	row8 r[8], s[8];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		r[i] = *(const row8_u *)(in + i * ld);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) { /* rows i and i + 4 */
		s[i] = __builtin_shuffle(r[i], r[i + 4], (bits8){0, 1, 2, 3, 8, 9, 10, 11});
		s[i + 4] = __builtin_shuffle(r[i], r[i + 4], (bits8){4, 5, 6, 7, 12, 13, 14, 15});
	}
	/* s[i] has columns 0..3 of rows i and i + 4, s[i + 4] columns 4..7 */
#pragma GCC unroll 2
	for (int q = 0; q < 8; q += 4) {
		row8 a = __builtin_shuffle(s[q], s[q + 1], (bits8){0, 8, 1, 9, 4, 12, 5, 13});
		row8 b = __builtin_shuffle(s[q], s[q + 1], (bits8){2, 10, 3, 11, 6, 14, 7, 15});
		row8 c = __builtin_shuffle(s[q + 2], s[q + 3], (bits8){0, 8, 1, 9, 4, 12, 5, 13});
		row8 d = __builtin_shuffle(s[q + 2], s[q + 3], (bits8){2, 10, 3, 11, 6, 14, 7, 15});
		*(row8_u *)(out + q * step) = __builtin_shuffle(a, c, (bits8){0, 1, 8, 9, 4, 5, 12, 13});
		*(row8_u *)(out + (q + 1) * step) = __builtin_shuffle(a, c, (bits8){2, 3, 10, 11, 6, 7, 14, 15});
		*(row8_u *)(out + (q + 2) * step) = __builtin_shuffle(b, d, (bits8){0, 1, 8, 9, 4, 5, 12, 13});
		*(row8_u *)(out + (q + 3) * step) = __builtin_shuffle(b, d, (bits8){2, 3, 10, 11, 6, 7, 14, 15});
	}
}
#else
#define LANES 1
TRANSPOSE_FN void transpose(const elem *in, long ld, elem *out, long step) { *out = *in; }
#endif

#endif
