/* neuron_kernels.h - the interface between the Go side and the C loops over neurons of compartments. */
#ifndef GALVANI_NEURON_KERNELS_H
#define GALVANI_NEURON_KERNELS_H

#include "../../compartments/neuron.h"

/* How a neuron runs here. The numbers of a table are explained in table.inc.h. */
struct neuron_plan {
	int own;	/* sequences have numbers of their own: rows are [lanes], otherwise one vector */
	int learns;	/* LEARN_CAP and so on of step.h: gradients that are wanted */
	int per, reach, gates; /* of the table: rows per mV, the last row, and gates */
	struct {
		int first, learns; /* gate of the table, -1 for none; gradients that are wanted where there is one */
	} channel[];
};

enum { LEARN_DENSITY = 1, LEARN_REVERSAL = 2 };

/* The loops for one instruction set. A neuron runs in blocks of sequences, a row of `vectors` vectors.
 * q are the numbers [rows], index the places of all lists. */
struct neuron_kernels {
	int lanes;
	int tables; /* are used */
	/* scratch returns the vectors that forward and backward need, with a mask a state and a row besides. */
	long (*scratch)(const struct neuron_dims *d, long vectors);
	/* forward runs `steps` steps of the scan. x [T,B,I] begins at the first sequence of the block,
	 * which has `live` of them; mask [T,B] may be null. s holds the state [planes,U] before; with factors [steps of
	 * integration, U], which are filled in, the states after all steps are left behind it, otherwise the last in its place. h
	 * [T,B,H] may be null. */
	void (*forward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			const struct neuron_plan *plan, const float *table, const void *q, const void *x, const void *mask, long steps, long live, void *s, void *factors, void *h, void *work);
	/* backward goes back over the steps of which forward kept states and factors. g [planes,U] is the gradient of the state
	 * after them and then before them; gq [rows], in double, is added to. dh [T,B,H] may be null;
	 * gh [T,B,H] and gx [T,B,I], which may be null, are written: the gradients of h and of x. */
	void (*backward)(const struct neuron_dims *d, long vectors, const struct neuron_channel *channel, const struct neuron_gate *gate,
			 const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			 const struct neuron_plan *plan, const float *table, const void *q, const void *x, const void *mask, long steps, long live, const void *s, const void *factors, const void *dh, void *g,
			 double *gq, void *gh, void *gx, void *work);
	/* table fills in a gate of a table, of which rows have so many floats, from its numbers in float64.
	 * That for float64 alone has it. */
	void (*table)(const struct neuron_gate *gate, const double *numbers, int per, int reach, long stride, float *table);
};

extern const struct neuron_kernels galvani_neuron_avx2, galvani_neuron_portable,
	galvani_neuron_float64;

#endif
