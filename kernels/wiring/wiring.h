/* wiring.h - a circuit as the loops of the devices read it, the C half of package wiring. All arrays are
 * at offsets of four: the state and the weights (floats), the integers, and the bits (64 in a word). Nothing
 * holds a pointer.
 * Units are filled up to words of 64, as the spikes of a step are a row of words. */
#ifndef GALVANI_WIRING_H
#define GALVANI_WIRING_H

struct wiring_population {
	long long neuron;		/* of list.h, or -1 for sources, whose spikes are given */
	long long units, first, words;	/* units, and their words in a row of spikes */
	long long synapse, synapses;	/* how many, from synapse `synapse` on */
	long long state;		/* [planes, 64 words] of the state */
	float consts[16];
};

struct wiring_synapse {
	long long current;	/* [64 words] of the state */
	long long ring, slots;	/* [slots, 64 words] of the state: slot n % slots arrives in step n */
	long long conductance;	/* 1 where the state is one, and adds state (reversal - V) */
	float decay, reversal;
};

/* The entries by their source, those of a source by rising target, and those of one target as in the
 * matrix. Those of source j into the range of worker w are at cut[w][j] <= k < cut[w+1][j]. */
struct wiring_projection {
	long long from, to, synapse;
	long long sources;
	long long cut;		   /* [workers + 1, sources] integers */
	long long target;	   /* [entries] integers, or -1 where they are brief */
	long long brief;	   /* [entries] integers of 16 bits, or -1 */
	long long weight, weights; /* weights; `weights` is 1 where every entry has one, 0 where all have the first */
	long long delay, delays;   /* integers, likewise */
	long long counts;	   /* [64 words of the targets] of the state, 0 between steps, where all entries have one
				    * weight and one delay and what arrives is a number of spikes times it; else -1 */
	long long bits;		   /* [sources, words + 3] words: bit i of row j joins j to i; -1 without, and then
				    * cut and target are there */
};

struct wiring_probe {
	long long population, unit;
};

/* wiring_bound is the first word of a population that is in the range of a worker; the range ends where
 * that of the next begins. */
#define wiring_bound(population, worker, workers) ((population)->words * (worker) / (workers))

/* The sizes that package wiring reckons with. */
typedef char wiring_sizes[sizeof(struct wiring_population) == 120 && sizeof(struct wiring_synapse) == 40 &&
			  sizeof(struct wiring_projection) == 104 && sizeof(struct wiring_probe) == 16 ? 1 : -1];

#endif
