/* plastic.h - the weights that change, as the loops of the devices read them, the C half of plastic.go.
 * Offsets are those of wiring.h. kernels.Plasticity says what a rule is. */
#ifndef GALVANI_PLASTIC_H
#define GALVANI_PLASTIC_H

enum { WIRING_TRACE_SLOTS = 3 };

struct wiring_plastic {
	long long projection;
	long long weight;		/* [entries] of the state, by their source */
	long long row, source, entry;	/* integers: entries of the matrix, row[i] <= k < row[i+1] those of target i;
					 * source[k], and entry[k], its place among those by their source */
	long long source_trace, target_trace; /* [WIRING_TRACE_SLOTS, 64 words] of the state: step n fills slot n % SLOTS
					       * with the trace before the spikes of step n+1 */
	long long source_nearest, target_nearest;
	float sign, most;
	float source_decay, source_jump, target_decay, target_jump;
	float pre[4], post[4];		/* A, B, C, D of a change */
};

/* The size that package wiring reckons with. */
typedef char wiring_plastic_size[sizeof(struct wiring_plastic) == 128 ? 1 : -1];

#endif
