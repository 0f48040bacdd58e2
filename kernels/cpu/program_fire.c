/* Numbers of spikes, which have the same bits with every compiler and instruction set: products and sums are rounded
 * each by itself. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include "../programs/spikes.h"
#include "program.h"

double program_fire(const struct program_op *o, unsigned long long stream, unsigned long long k, long long silent, double rate)
{
	return program_spikes(o, stream, k, silent, rate);
}
