/* neuron.h - the parameter of the kernels of neurons, as those of params.h are. It stands apart from
 * params.h, so that what neurons get leaves other modules as they are. */
#ifndef GALVANI_CUDA_NEURON_H
#define GALVANI_CUDA_NEURON_H

#include "params.h"

/* neuron_forward, neuron_backward: in a step whose mask is not above 0 a sequence keeps its state. */
struct neuron_run {
	struct neuron_params p;
	ARRAY(const float) mask; /* [T,B] or null */
	ARRAY(float) factors;	 /* of backward alone: [stretch * substeps,U,B] of the trees of the steps that are kept */
};

#endif
