/* neuron.h - a neuron of compartments as the devices read it: compartments.Layout in C. */
#ifndef GALVANI_NEURON_H
#define GALVANI_NEURON_H

/* A row is one number of each sequence; places are units in the order of the tree, in which parents come
 * first. Offsets are in rows. */
struct neuron_dims {
	long B, I, U, H;	/* sequences, inputs, places, recorded places */
	long substeps;
	int planes, channels, receptors, inputs;
	int second;		/* trapezoidal rule instead of backward Euler */
	int calcium;		/* plane of calcium, 0 for none */
	long rows;		/* of numbers */
	/* Of places: cap (capacity / dt), leak, rest, axial (to the parent) and 1 / area; of the pool what a
	 * current adds, rest and what a step leaves. */
	long cap, leak, rest, axial, area, pool;
	int tree, record;	/* in the index: parents [U], recorded places [H] */
};

struct neuron_gate {
	int kinetics, forms[2], power, plane, numbers, learn;
	long number;		/* the first of its numbers */
	double speed;		/* length of a step times the speed */
	double through;		/* part of the gradient by V, or by calcium, that goes through the gate */
};

struct neuron_channel {
	int units, place;	/* in the index: its places [units] */
	int gate, gates, calcium;
	long density, reversal;	/* uS [units], mV */
};

struct neuron_receptor {
	int units, place, plane; /* plane of x; that of y is behind */
	long number;		/* decay of x, decay of y, what x adds to y, factor, reversal; no y where there is no rise */
	int rise;
};

struct neuron_input {
	int from, place, receptor;
	long weight;
};

#endif
