/* scan_step.h - what both ways of scan.h read at a step: masks, constants and prepared planes. */
#ifndef GALVANI_SCAN_STEP_H
#define GALVANI_SCAN_STEP_H

#include "scan_place.h"

/* is_held reads the array mask [T,B], or null, at a step and row. */
GPU_FN bool is_held(const float *mask, int t, int B, int b) { return mask && mask[(long long)t * B + b] == 0; }

/* step_consts is the constants of the cell at one step of a row: a copy where its steps may differ in
 * length (shared/cell.h). */
struct step_consts {
	const float *all;
	float own[ELAPSED >= 0 ? MAX_CONSTS : 1];

	GPU_MEMBER const float *at(float elapsed)
	{
		if (ELAPSED < 0)
			return all;
		UNROLL
		for (int k = 0; k < (ELAPSED >= 0 ? MAX_CONSTS : 1); k++)
			own[k] = k == (int)ELAPSED ? elapsed : all[k];
		return own;
	}
};

/* elapsed_at returns the length of step t of row b for step_consts. */
GPU_FN float elapsed_at(const float *consts, const float *mask, int t, int B, int b)
{
	if (ELAPSED < 0)
		return 0;
	float fixed = consts[ELAPSED >= 0 ? (int)ELAPSED : 0];
	return mask && fixed != 0 ? mask[(long long)t * B + b] : fixed;
}

/* load_prep loads the prepared planes of a unit. */
GPU_FN void load_prep(const float *prep, int H, const element &e, float *out)
{
	UNROLL
	for (int k = 0; k < PREP; k++)
		out[k] = e.u < H ? prep[(long long)k * H + e.u] : 0;
}

#endif
