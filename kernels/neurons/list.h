/* list.h - all neurons: NEURONS(X) is X(NAME) for every one, in alphabetical order.
 *
 * For a neuron NAME, kernels/neurons/NAME.h defines
 *   NAME_PLANES(X)  X(name, unit, start, description) for every plane of state; plane 0 is V
 *   NAME_PARAMS(X)  X(name, unit, value, least, most, description) for every parameter
 *   NAME_ABOVE, NAME_BELOW  two parameters, of which the first must be greater
 *   NAME_prepare(dt, p, c)  the constants c of a step of dt ms, in double
 *   NAME_CONDUCTS  1 for a step that takes conductances of synapses exactly, 0 for one that takes
 *                  their current at V before it for constant
 *   NAME_step(c, in, g, s)  one step of the state s under the current in, in mV, with the sum g of
 *                           the conductances that are in it, relative to that of the leak, where it
 *                           takes them; returns where there is a spike, as comparisons of real.h do
 * Every operation of a step is rounded by itself: no product and sum is made in one.
 */
#include "../cells/shared/real.h"
#include "shared/channels.h"
#include "shared/fire.h"

#include "adex.h"
#include "eif.h"
#include "hh.h"
#include "lif.h"
#include "traub.h"

#define NEURONS(X) X(adex) X(eif) X(hh) X(lif) X(traub)

enum { NEURON_CONSTS = 16, NEURON_PLANES = 4 };
