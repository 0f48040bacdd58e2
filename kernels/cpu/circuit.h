/* circuit.h - the interface between the Go side and the C loop of circuits. Arrays lie in one array of
 * floats and one of integers, at the offsets that are named; none holds a pointer. */
#ifndef GALVANI_CIRCUIT_H
#define GALVANI_CIRCUIT_H

#include "src/team.h"

struct circuit_population {
	int neuron;	   /* of list.h, or -1 for sources */
	int synapses;	   /* how many, from synapse `synapse` on */
	long synapse;
	long units, first, words; /* units; words of 64 spikes in a row of spikes */
	long state;	   /* [planes, 64 words] floats */
	unsigned long long key, threshold; /* of sources */
	float consts[16];
};

struct circuit_synapse {
	long current;	   /* [64 words] floats */
	long ring, slots;  /* [slots, 64 words] floats: what arrives in the steps to come */
	float decay;
};

/* The entries by their source: those of source j in the range of worker w are at
 * cut[w][j] <= k < cut[w+1][j]. */
struct circuit_projection {
	long from, to, synapse;
	long sources;
	long cut;	   /* [workers + 1, sources] integers */
	long target;	   /* [entries] integers */
	long weight, weights; /* floats; weights is 1 where every entry has one, 0 where all have the first */
	long delay, delays;   /* integers, likewise */
};

struct circuit_probe {
	long population, unit;
};

struct circuit_dims {
	int populations, projections, probes, workers;
	long steps, words;
	unsigned long long first; /* number of the first step */
};

/* circuit_run does the part of one worker of some steps; all of the team call it at once. in is the
 * constant current [steps, populations], spikes is [steps, words], v [probes, steps]. */
void circuit_run(const struct circuit_dims *d, const struct circuit_population *population,
		 const struct circuit_synapse *synapse, const struct circuit_projection *projection,
		 const struct circuit_probe *probe, float *f, const int *ix, const float *in,
		 unsigned long long *spikes, float *v, int worker, struct team *team);

#endif
