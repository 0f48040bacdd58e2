/* program.h - the parameter of the kernel of programs, as those of params.h are, and its launch. */
#ifndef GALVANI_CUDA_PROGRAM_H
#define GALVANI_CUDA_PROGRAM_H

#include "params.h"
#include "../programs/programs.h"

enum {
	PROGRAM_THREADS = 256,
	PROGRAM_TILE = 32, /* rows and columns of a tile of a product */
	PROGRAM_FEW = 8,   /* patterns below which products have no tiles */
};

/* program: some steps of a program of layers (programs.h), launched together with one barrier of all blocks behind
 * every operation. Arrays are [N,units] in the state, with at in numbers. The word of arrived is 0 at the start; steps
 * times ops times blocks stay below 2^32. */
struct program_params {
	int N, steps, ops;
	double rate; /* of learning in a step */
	ARRAY(const struct program_op) op;
	ARRAY(const struct program_array) array;
	ARRAY(const struct program_weight) weight;
	ARRAY(float) weights;
	ARRAY(float) state;
	ARRAY(float) traces;
	ARRAY(unsigned) arrived;
};

#endif
