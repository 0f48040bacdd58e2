/* layers.h - the parameters of the kernels of layers.cu, as those of params.h are. They stand apart, so that
 * other modules are left as they are. N rows of H or U elements are those of T steps of B sequences, [T*B,H]. */
#ifndef GALVANI_LAYERS_H
#define GALVANI_LAYERS_H

#include "params.h"
#include "launch.h"

/* layer_norm: z = (x - mean) / sqrt(variance + eps) and y = gain z + bias of each row; a warp per row. layer_norm_back:
 * dx of each row. layer_norm_columns: what a part of the rows adds to the gradients of gain and bias, in double;
 * layer_norm_sum adds the parts in order. */
struct layer_norm_params {
	int N, H, parts;
	double eps;
	ARRAY(const float) x, gain, bias; /* [N,H], [H], [H] */
	ARRAY(float) z, y;		  /* [N,H] */
	ARRAY(double) inverse;		  /* [N] 1 / sqrt(variance + eps) */
	ARRAY(const float) dy;		  /* [N,H] */
	ARRAY(float) dx;		  /* [N,H] */
	ARRAY(double) partial;		  /* [parts,2,H] */
	ARRAY(float) grad;		  /* [2,H] of gain, then of bias */
};

/* dropout: to = 0 where number h of the stream of row n is below most, and keep times from elsewhere. */
struct dropout_params {
	int N, H, B;
	float most, keep;
	unsigned long long key, first; /* of the run; the number of its first sequence */
	ARRAY(const float) from;
	ARRAY(float) to;
};

/* sequence_ends: how many steps each sequence has, up to the last where the mask is not 0. reverse: the steps of each
 * sequence from the last to the first, those behind its end as they are. */
struct reverse_params {
	int T, B, H;
	ARRAY(const float) mask; /* [T,B] */
	ARRAY(int) end;		 /* [B], or null for T */
	ARRAY(const float) from; /* [T*B,H] */
	ARRAY(float) to;
};

/* copy_rows: N rows of H elements, which lie from_row and to_row apart. */
struct copy_rows_params {
	int N, H;
	long long from_row, to_row;
	ARRAY(const float) from;
	ARRAY(float) to;
};

/* add: to = a + b, n elements each. */
struct add_params {
	long long n;
	ARRAY(const float) a, b;
	ARRAY(float) to;
};

/* pad: to = n elements of from at place `at` among zeros, `all` in all. */
struct pad_params {
	long long at, n, all;
	ARRAY(const float) from;
	ARRAY(float) to;
};

/* Penalties of weights (rates is 0: N*U - less elements w) or of rates (x is h, rows that mask leaves out do not count).
 * penalty_columns: what a part of the rows adds to the sums of |x|, x^2, x and (x - x of the step before)^2 of each column,
 * in double. penalty_sum (one block): adds the parts in order, and makes of them means, counts and terms.
 * penalty_grad: grad plus the gradient of the terms. */
struct penalty_params {
	int N, U, B, parts, rates;
	long long all;			   /* elements */
	double l1, l2;			   /* of weights or rates */
	double target_l2, target, change;
	ARRAY(const float) x;		   /* [all] */
	ARRAY(const float) mask;	   /* [N] or null */
	ARRAY(double) partial;		   /* [parts,4,U] */
	ARRAY(double) mean;		   /* [U] */
	ARRAY(double) count;		   /* rows that count, and pairs of rows that follow each other; 1 for 0 */
	ARRAY(float) terms;		   /* [6] in the order of kernels.Penalty */
	ARRAY(const float) grad;	   /* [all] */
	ARRAY(float) out;		   /* [all] */
};

/* row_parts is the number of parts that rows are divided into for sums of columns. */
static inline int row_parts(int N)
{
	int parts = N / 256;
	return parts < 1 ? 1 : parts < 64 ? parts : 64;
}

/* columns_launch: layer_norm_columns and penalty_columns, over U columns in parts. */
static inline struct launch columns_launch(int U, int parts)
{
	struct launch l = {(U + 31) / 32, parts, 1, COLUMN_THREADS};
	return l;
}

#endif
