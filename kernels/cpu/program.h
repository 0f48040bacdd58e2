/* program.h - the interface between the Go side and the C loop of programs (../programs/programs.h). */
#ifndef GALVANI_PROGRAM_H
#define GALVANI_PROGRAM_H

#include "../programs/programs.h"
#include "src/scan.h"

/* PROGRAM_PAD is what arrays in state begin at multiples of. */
enum { PROGRAM_PAD = 16 };

struct program_dims {
	long N, steps;
	int ops, arrays;
	long outer;  /* in traces: room for the changes of a weight in a step */
	long room;   /* size of the shared scratch */
	double rate; /* of learning in a step */
};

/* program_steady is a weight [M,K] that reads the same x [K,N] in all steps of a run (programs.Steady): its product with x
 * changes with the weight, and the weight at the end of the run by the sum of all errors. Offsets in the state; a negative
 * product for other weights. */
struct program_steady {
	long product; /* [M,N] */
	long sum;     /* [M,N] */
	long square;  /* x'x, [N,N] */
};

/* program_run_fn does the part of one worker of some steps; all of the team call it at once. Groups are how many of the
 * operations are done together (programs.Group). A P_FOLLOW that is ahead does not copy: its arrays change places. Arrays
 * of the state are [units,N], weights are where the caller has them. With N 1 rows and state are the same memory. */
typedef void program_run_fn(const struct kernels *k, const struct program_dims *d, const struct program_op *ops, const int *groups,
			    const struct program_array *arrays, const struct program_weight *shapes,
			    const struct program_steady *steady, void *const *weights, void *rows, void *state, void *traces, const struct share *w);

program_run_fn program_run_portable, program_run_float64;
#if defined(__x86_64__)
program_run_fn program_run_avx2, program_run_avx512;
#endif

/* program_fire is program_spikes for all instruction sets. */
double program_fire(const struct program_op *o, unsigned long long stream, unsigned long long k, long long silent, double rate);

#endif
