/* circuit.h - the parameter of the kernel of circuits, as those of params.h are, and its launch. */
#ifndef GALVANI_CUDA_CIRCUIT_H
#define GALVANI_CUDA_CIRCUIT_H

#include "params.h"
#include "../wiring/plastic.h"
#include "../wiring/wiring.h"

enum {
	CIRCUIT_THREADS = 32, /* a worker is a warp, and a block of its own */
	CIRCUIT_WORKERS = 8,  /* per multiprocessor: with 255 registers a thread there is room for as many */
};

/* circuit: steps first .. first+steps-1 of a circuit (wiring.h), launched together. The words of arrived and
 * bad are 0 at the start; bad is not 0 at the end where some V is not finite. */
struct circuit_params {
	int populations, projections, plastics, probes, workers, steps;
	int batch; /* steps whose spikes reach nobody before the next ones: the shortest delay, or fewer */
	long long words; /* of a row of spikes */
	unsigned long long first;
	ARRAY(const struct wiring_population) population;
	ARRAY(const struct wiring_synapse) synapse;
	ARRAY(const struct wiring_projection) projection;
	ARRAY(const struct wiring_plastic) plastic;
	ARRAY(const struct wiring_probe) probe;
	ARRAY(float) state;
	ARRAY(const float) weights;
	ARRAY(const int) ints;
	ARRAY(const float) in;		 /* [steps, populations], constant currents */
	ARRAY(unsigned long long) spikes; /* [steps, words]; those of sources are there before */
	ARRAY(float) v;			 /* [probes, steps] */
	ARRAY(unsigned) arrived;
	ARRAY(unsigned) bad;
};

#endif
