/* circuit.h - the interface between the Go side and the C loop of circuits. */
#ifndef GALVANI_CIRCUIT_H
#define GALVANI_CIRCUIT_H

#include "../../wiring/plastic.h"
#include "../../wiring/wiring.h"
#include "../src/team.h"

/* run is some steps of a circuit. */
struct run {
	int populations, projections, plastics, probes, workers;
	int rank, ranks; /* each has a range of the words of every population, which its workers share */
	long steps, words;
	long batch;	 /* steps whose spikes reach nobody before the next ones: the shortest delay, or fewer */
	long from;	 /* of several ranks: step to go on with, where they have exchanged the spikes of the batch before */
	unsigned long long first; /* number of the first step */
	const struct wiring_population *population;
	const struct wiring_synapse *synapse;
	const struct wiring_projection *projection;
	const struct wiring_plastic *plastic;
	const struct wiring_probe *probe;
	float *state;
	const float *weights;
	const int *ints;
	const unsigned long long *bits;
	const float *in;		/* [steps, populations], constant currents */
	unsigned long long *spikes;	/* [steps, words]; those of sources are there before */
	float *v;			/* [probes, steps] */
};

/* circuit_run_fn does the part of one worker of some steps; all of the team call it at once. Of several ranks it
 * delivers the spikes of the batch before `from` and does the steps of the next one. */
typedef void circuit_run_fn(const struct run *r, int worker, struct team *team);

/* It is compiled for each instruction set, with the same bits. */
circuit_run_fn circuit_run_portable;
#if defined(__x86_64__)
circuit_run_fn circuit_run_avx2, circuit_run_avx512;
#endif

#endif
