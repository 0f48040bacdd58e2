/* spikes.h - how many neurons of a unit fire in a step. Double precision, without fused operations, as
 * ../random/draws.h has it.
 */
#ifndef GALVANI_PROGRAM_SPIKES_H
#define GALVANI_PROGRAM_SPIKES_H

#include "../random/draws.h"
#include "programs.h"

enum { PROGRAM_CLOCK = 1 << 24,	     /* where the first unit of a clock starts again */
       PROGRAM_MOST_SPIKES = 100000, /* of a neuron in a step, beyond which its rate counts as diverged */
};

/* program_spikes draws how many neurons of a unit fire at a rate while `silent` of them do not: number k of the stream of
 * the step. It returns NaN for rates that are not finite. */
RANDOM_FN double program_spikes(const struct program_op *o, random_word stream, random_word k, long long silent, double rate)
{
	double mean = o->mean * (rate < 0 ? 0 : rate), zero = 0;
	if (!(mean < PROGRAM_MOST_SPIKES))
		return zero / zero;
	if (o->refractory == 0)
		return (double)random_poisson(stream, k, mean * o->size);
	return (double)random_binomial(stream, k, o->size - silent, 1 - random_decay(mean));
}

#endif
