/* flat.c - flat entry points for Go: every Go array is an argument of its own. */

#include "src/scan.h"

void galvani_forward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		     const void *mask, const void *state, void *h, void *final,
		     void *packed, void *bounds, const int *offset, const void *band, const int *post,
		     const int *pre, const void *value, long b0, long b1, void *work, void *shared)
{
	struct scan_arrays a = {x, mask, state, h, final, packed, bounds,
				{offset, band, post, pre, value}, NULL, NULL, NULL};
	struct share w = {b0, b1, 0, NULL, work, shared};
	k->forward(cell, d, &a, &w);
}

void galvani_backward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		      const void *mask, const void *state, void *h, void *packed,
		      void *bounds, const int *offset, const void *band, const int *post, const int *pre,
		      const void *value, const void *dh, long b0, long b1, int worker, struct team *team,
		      void *work, void *shared, void *gwin, void *gwrec, double *gprep, double *gband,
		      double *gloose, void *gh, void *gx, void *gstate)
{
	struct scan_arrays a = {x, mask, state, h, NULL, packed, bounds,
				{offset, band, post, pre, value}, gh, gx, gstate};
	struct share w = {b0, b1, worker, team, work, shared};
	struct scan_grads g = {gwin, gwrec, gprep, gband, gloose};
	k->backward(cell, d, &a, dh, &w, &g);
}
