/* program.h - the interface between the Go side and the C loop of programs (kernels.Program). */
#ifndef GALVANI_PROGRAM_H
#define GALVANI_PROGRAM_H

#include "src/scan.h"

/* The kinds and functions of kernels/program.go, in its order. */
enum { P_FOLLOW, P_PRODUCT, P_BACK, P_SOMA, P_RATE, P_ERROR, P_LEARN };
enum { P_IDENTITY, P_RELU, P_TANH, P_SIGMOID, P_SOFTPLUS, P_SOFT_RECTIFIER };

struct program_op {
	int kind, w, bias, to, also, from[3], phi, ahead, learning;
	double by[3], total, part, scale;
};

struct program_array {
	long units;
	long at;   /* in state, [units,N] */
	long rows; /* in rows, [N,units]; negative for one that is not kept */
};

struct program_weight {
	long M, K;
	long trace, outer; /* in traces, [M,K] each; negative for none */
};

/* PROGRAM_PAD is what arrays in state begin at multiples of. */
enum { PROGRAM_PAD = 16 };

struct program_dims {
	long N, steps;
	int ops, arrays;
	double rate; /* of learning in a step */
};

/* program_run_fn does the part of one worker of some steps; all of the team call it at once. With N 1 rows and state
 * are the same memory. */
typedef void program_run_fn(const struct kernels *k, const struct program_dims *d, const struct program_op *ops,
			    const struct program_array *arrays, const struct program_weight *shapes, void *const *weights,
			    void *rows, void *state, void *traces, const struct share *w);

program_run_fn program_run_portable, program_run_float64;
#if defined(__x86_64__)
program_run_fn program_run_avx2, program_run_avx512;
#endif

#endif
