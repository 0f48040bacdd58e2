/* programs.h - a program of layers as the loops of the devices read it, the C half of package programs. Arrays are
 * at offsets of the state, weights and traces at offsets of theirs. Nothing holds a pointer.
 */
#ifndef GALVANI_PROGRAMS_H
#define GALVANI_PROGRAMS_H

/* The kinds and functions of kernels/program.go, in its order. */
enum { P_FOLLOW, P_PRODUCT, P_BACK, P_SOMA, P_RATE, P_ERROR, P_LEARN, P_TIMES, P_EMIT, P_JITTER, P_TICK };
enum { P_IDENTITY, P_RELU, P_TANH, P_SIGMOID, P_SOFTPLUS, P_SOFT_RECTIFIER };

/* Weights and arrays are negative for none. The second line is of P_EMIT and P_JITTER (kernels.Spikes). */
struct program_op {
	int kind, w, bias, to, also, from[3], phi, ahead, learning;
	int size, refractory, delay, slots, history, clock, pad;
	unsigned long long key;
	double by[3], total, part, scale, mean;
};

struct program_array {
	long long units;
	long long at;	/* in the state */
	long long rows; /* in the rows that the caller sees, [N,units]; negative for one that is not kept */
};

struct program_weight {
	long long M, K;
	long long at;	 /* in all weights, [M,K] */
	long long trace; /* in the traces, [M,K]; negative for none */
};

/* The sizes that package programs reckons with. */
typedef char program_sizes[sizeof(struct program_op) == 136 && sizeof(struct program_array) == 24 && sizeof(struct program_weight) == 32 ? 1 : -1];

#endif
