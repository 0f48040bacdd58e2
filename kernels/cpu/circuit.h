/* circuit.h - the interface between the Go side and the C loop of circuits. */
#ifndef GALVANI_CIRCUIT_H
#define GALVANI_CIRCUIT_H

#include "../wiring/plastic.h"
#include "../wiring/wiring.h"
#include "src/team.h"

struct circuit_dims {
	int populations, projections, plastics, probes, workers;
	long steps, words;
	unsigned long long first; /* number of the first step */
};

/* circuit_run_fn does the part of one worker of some steps; all of the team call it at once. in is the
 * constant current [steps, populations], spikes is [steps, words], v [probes, steps]. */
typedef void circuit_run_fn(const struct circuit_dims *d, const struct wiring_population *population,
			    const struct wiring_synapse *synapse, const struct wiring_projection *projection,
			    const struct wiring_plastic *plastic, const struct wiring_probe *probe, float *state, const float *weights, const int *ints, const float *in,
			    unsigned long long *spikes, float *v, int worker, struct team *team);

/* It is compiled for each instruction set, with the same bits. */
circuit_run_fn circuit_run_portable;
#if defined(__x86_64__)
circuit_run_fn circuit_run_avx2, circuit_run_avx512;
#endif

#endif
