/* samples.cu - batches put together from samples that lie on the device. */
#include "gpu.h"
#include "params.h"
#include "reduce.h"

/* Threads stride over the elements of the batch. */
KERNEL(take, struct take_params)
{
	long long n = (long long)p.T * p.B * p.W;
	for (long long i = element(); i < n; i += stride()) {
		int w = (int)(i % p.W), b = (int)(i / p.W % p.B), t = (int)(i / p.W / p.B), k = p.index[b];
		p.to[i] = k < 0 ? 0 : p.from[((long long)k * p.T + t) * p.W + w];
	}
}
