/* update.h - the arguments of the step of an optimiser, one of kernels/optimisers. It stands apart from
 * params.h, so that a new optimiser leaves other modules as they are. */
#ifndef GALVANI_UPDATE_H
#define GALVANI_UPDATE_H

#include "params.h"
#include "../optimisers/list.h"

/* Every optimiser has its number, and room for its slots and factors. */
#define X(name) RULE_##name,
enum { OPTIMISERS(X) };
#undef X

#define X(name) char name[name##_SLOTS];
union optimiser_slots { OPTIMISERS(X) };
#undef X

#define X(name) char name[name##_COEFS];
union optimiser_coefs { OPTIMISERS(X) };
#undef X

enum { MAX_SLOTS = sizeof(union optimiser_slots), MAX_COEFS = sizeof(union optimiser_coefs) };

/* update: clips, updates and projects element i of n; does nothing once train->state != 0.
 * Old values go to backup; a result or slot that is not finite sets bad to 1. update_end: where
 * bad is set, takes the parameters back from backup, and one thread writes train and report. */
struct update_params {
	long long n;
	int rule, slots, step;
	float rate, decay, keep;
	float coefs[MAX_COEFS];
	ARRAY(float) p, g;
	ARRAY(float) slot[MAX_SLOTS];
	ARRAY(const float) lo, hi; /* [n] bounds, or null where every parameter is free */
	ARRAY(const double) scale; /* one: clip factor, double as in engine/clip.go */
	ARRAY(float) backup;
	ARRAY(int) bad;
	ARRAY(struct train_state) train;
	ARRAY(struct report) report;
};

/* combine: adds the n elements of y to those of x in float or, where y is null, multiplies those of x by
 * scale in double, both as package engine does (shards.go). Launched by each_launch. */
struct combine_params {
	long long n;
	double scale;
	ARRAY(float) x;
	ARRAY(const float) y;
};

#endif
