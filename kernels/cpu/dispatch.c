/* dispatch.c - choice of instruction set, and the flat entry points for Go. */

#include <string.h>
#include "scan.h"

const struct kernels *galvani_pick(const char *name)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (!strcmp(name, "avx512"))
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("fma") ? &galvani_avx512 : NULL;
	if (!strcmp(name, "avx2"))
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &galvani_avx2 : NULL;
#endif
	if (!strcmp(name, "portable"))
		return &galvani_portable;
	if (!strcmp(name, "float64"))
		return &galvani_float64;
	return NULL;
}

void galvani_forward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		     const void *mask, const void *reset, const void *state, void *h, void *final,
		     void *packed, void *bounds, const int *offset, const void *band, const int *post,
		     const int *pre, const void *value, long b0, long b1, void *work, void *shared)
{
	struct scan_arrays a = {x, mask, reset, state, h, final, packed, bounds,
				{offset, band, post, pre, value}, NULL};
	struct share w = {b0, b1, 0, NULL, work, shared};
	k->forward(cell, d, &a, &w);
}

void galvani_backward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		      const void *mask, const void *reset, const void *state, void *h, void *packed,
		      void *bounds, const int *offset, const void *band, const int *post, const int *pre,
		      const void *value, const void *dh, long b0, long b1, int worker, struct team *team,
		      void *work, void *shared, void *gwin, void *gwrec, double *gprep, double *gband,
		      double *gloose, void *gh)
{
	struct scan_arrays a = {x, mask, reset, state, h, NULL, packed, bounds,
				{offset, band, post, pre, value}, gh};
	struct share w = {b0, b1, worker, team, work, shared};
	struct scan_grads g = {gwin, gwrec, gprep, gband, gloose};
	k->backward(cell, d, &a, dh, &w, &g);
}
