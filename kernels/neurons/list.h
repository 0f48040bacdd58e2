/* list.h - all neurons: NEURONS(X) is X(NAME) for every one, in alphabetical order.
 *
 * For a neuron NAME, kernels/neurons/NAME.h defines
 *   NAME_PLANES(X)  X(name, unit, start, description) for every plane of state; plane 0 is V
 *   NAME_PARAMS(X)  X(name, unit, value, least, most, description) for every parameter
 *   NAME_ABOVE, NAME_BELOW  two parameters, of which the first must be greater
 *   NAME_prepare(dt, p, c)  the constants c of a step of dt ms, in double
 *   NAME_step(c, in, s)     one step of the state s under the current in, in mV; returns where
 *                           there is a spike, as comparisons of real.h do
 * Every operation of a step is rounded by itself: no product and sum is made in one.
 */
#include "../cells/shared/real.h"
#include "shared/fire.h"

#include "adex.h"
#include "eif.h"
#include "hh.h"
#include "lif.h"

#define NEURONS(X) X(adex) X(eif) X(hh) X(lif)

enum { NEURON_CONSTS = 16, NEURON_PLANES = 4 };
