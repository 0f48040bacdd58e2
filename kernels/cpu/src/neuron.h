/* neuron.h - the interface between the Go side and the C loops over neurons of compartments. */
#ifndef GALVANI_NEURON_H
#define GALVANI_NEURON_H

/* A neuron runs in blocks of sequences. A row is one number of each sequence of a block, in vectors;
 * places are units in the order of the tree, in which parents come first. Offsets are in rows. */
struct neuron_dims {
	long B, I, U, H;	/* sequences, inputs, places, recorded places */
	long vectors;		/* of a row */
	long substeps;
	int planes, channels, receptors, inputs;
	int second;		/* trapezoidal rule instead of backward Euler */
	int calcium;		/* plane of calcium, 0 for none */
	long rows;		/* of numbers */
	/* Numbers: of places, cap (capacity / dt), leak, rest, axial (to the parent) and 1 / area; of the
	 * pool gain, rest and decay. */
	long cap, leak, rest, axial, area, pool;
	int tree, record;	/* in the index: parents [U], recorded places [H] */
};

struct neuron_gate {
	int kinetics, forms[2], power, plane, numbers, learn;
	long number;		/* the first of its numbers */
	double speed;		/* length of a step times the speed */
};

struct neuron_channel {
	int units, place;	/* in the index: its places [units] */
	int gate, gates, calcium;
	long density, reversal;	/* µS [units], mV */
};

struct neuron_receptor {
	int units, place, plane; /* plane of x; that of y is behind */
	long number;		/* decay of x, decay of y, what x adds to y, peak, reversal; y is left out where there is no rise */
	int rise;
};

struct neuron_input {
	int from, place, receptor;
	long weight;
};

/* The loops for one instruction set. q are the numbers [rows], index the places of all lists. */
struct neuron_kernels {
	int lanes;
	/* scratch returns the rows that forward and backward need. */
	long (*scratch)(const struct neuron_dims *d);
	/* forward runs `steps` steps of the scan. x [T,B,I] begins at the first sequence of the block,
	 * which has `live` of them. s holds the state [planes,U] before; with keep, the states after all
	 * steps are left behind it, otherwise the last in its place. h [T,B,H] may be null. */
	void (*forward)(const struct neuron_dims *d, const struct neuron_channel *channel, const struct neuron_gate *gate,
			const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			const void *q, const void *x, long steps, long live, void *s, int keep, void *h, void *work);
	/* backward goes back over the steps that forward kept. g [planes,U] is the gradient of the state
	 * after them and then before them; gq [rows], in double, is added to. dh [T,B,H] may be null;
	 * gh [T,B,H] and gx [T,B,I], which may be null, are written: the gradients of h and of x. */
	void (*backward)(const struct neuron_dims *d, const struct neuron_channel *channel, const struct neuron_gate *gate,
			 const struct neuron_receptor *receptor, const struct neuron_input *input, const int *index,
			 const void *q, const void *x, long steps, long live, const void *s, const void *dh, void *g,
			 double *gq, void *gh, void *gx, void *work);
};

extern const struct neuron_kernels galvani_neuron_avx512, galvani_neuron_avx2, galvani_neuron_portable,
	galvani_neuron_float64;

#endif
