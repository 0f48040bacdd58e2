/* circuit.h - the interface between the Go side and the C loop of circuits. */
#ifndef GALVANI_CIRCUIT_H
#define GALVANI_CIRCUIT_H

#include "../../wiring/plastic.h"
#include "../../wiring/wiring.h"
#include "turns.h"

/* counted is a synapse that one projection alone acts on, whose entries all have one weight and one delay: what is due
 * in a step is a number of spikes times the weight. A worker keeps these numbers of its units as bytes where they fit,
 * and says for each slot of the ring, in a table of its own, what it did: nothing is due, bytes, or numbers of the ring
 * as of all other synapses. */
struct counted {
	long long at;	/* [slots, room_of] bytes, -1 of a synapse that is not counted */
	long long how;	/* [slots] of the table of each worker */
	long long most; /* spikes in a step that no byte is too small for */
	float weight;
};

enum { DUE_NONE, DUE_BYTES, DUE_FLOATS };

/* spread is kernels.Spread, of numbers whose form is a constant of it. */
struct spread {
	int form, table; /* where its tables of powers begin, of SPREAD_LOGNORMAL: Spread.Powers, high and low */
	double a, b;
};

enum { SPREAD_SAME, SPREAD_UNIFORM, SPREAD_NORMAL, SPREAD_LOGNORMAL };

/* POWERS_BELOW and POWERS_HIGH are powersBelow and powersHigh of package kernels. */
enum { POWERS_BELOW = 132, POWERS_HIGH = 264 };

/* drawn is kernels.Drawn of a projection: how the entries of a source are drawn. */
struct drawn {
	int on, autapses, counts; /* on is 0 of a projection whose entries are kept; counts, of one weight and one delay */
	int out;		  /* of several entries of each source: their numbers in the table of integers, else -1 */
	int in;			  /* sources of each unit, 0 of others */
	int guide, threshold, thresholds; /* Gaps: in the table of integers and in that of thresholds */
	int most;		  /* the longest delay */
	unsigned long long key;
	double jump, step;	  /* what a weight of 1 adds, and ms */
	struct spread weight, delay;
};

/* range is some words of a population, lo to hi - 1. */
struct range {
	long lo, hi;
};

/* run is some steps of a circuit, as one part sees them. */
struct run {
	int populations, projections, plastics, probes, worker, workers; /* worker is whose part it is */
	int rank, ranks; /* each has a range of the words of every population, which its workers share */
	long steps, words;
	long apart, room; /* numbers that a part has behind those of its units in an array of a population, and of all parts */
	long batch;	 /* steps whose spikes reach nobody before the next ones: the shortest delay, or fewer */
	long from;	 /* of several ranks: step to go on with, where they have exchanged the spikes of the batch before */
	unsigned long long first; /* number of the first step */
	const struct wiring_population *population;
	const struct wiring_synapse *synapse;
	const struct wiring_projection *projection;
	const struct wiring_plastic *plastic;
	const struct wiring_probe *probe;
	const struct counted *counted; /* of each synapse */
	const struct drawn *drawn;     /* of each projection */
	const unsigned long long *threshold;
	const int *list;
	const double *power; /* tables of powers */
	unsigned char *bytes, *how, *calm;
	long hows, calms; /* of a worker */
	int *bad;  /* set to 1 where some V is not finite at the end */
	float *state;
	const float *weights;
	const int *ints;
	const unsigned short *brief;
	const unsigned long long *bits;
	const float *in;		/* [steps, populations], constant currents */
	unsigned long long *spikes;	/* [steps, words]; those of sources are there before */
	float *v;			/* [probes, steps] */
	const struct range *own;	/* of each population, what the part has of it; the loop fills in this and what follows */
	struct turn *told;		/* of each part, with the spikes of a step in its message; 0 where there are none */
	int phase;
};

/* circuit_run_fn does some steps; all workers call it at once. Of several ranks it delivers the spikes of the batch before
 * `from` and does the steps of the next one. */
typedef void circuit_run_fn(struct run *r, struct turns *turns, struct turn *turn);

/* It is compiled for each instruction set, with the same bits. */
circuit_run_fn circuit_run_portable;
#if defined(__x86_64__)
circuit_run_fn circuit_run_avx2, circuit_run_avx512;
#endif

#endif
