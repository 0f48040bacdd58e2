/* sparse.cu - what the scan needs around its steps: axial currents, gradients of conductances,
 * states before each step. */
#include "gpu.h"
#include "params.h"
#include "reduce.h"

/* Threads stride over rows and units. */
KERNEL(axial_drives, struct axial_drives_params)
{
	long long n = (long long)p.R * p.H;
	for (long long i = element(); i < n; i += stride()) {
		long long r = i / p.H;
		int u = (int)(i - r * p.H);
		const float *h = p.h + r * p.H;
		float sum = 0;
		for (int k = p.axial.start[u]; k < p.axial.start[u + 1]; k++)
			sum += p.axial.g[p.axial.edge[k]] * h[p.axial.unit[k]];
		p.drives[(r * p.D + p.plane) * p.H + u] = sum;
	}
}

/* Rows whose products are summed in float before they join the sum in double. */
enum { RUN = 32 };

/* A thread per edge, ELEMENT_THREADS per block; blockIdx.y is the part. */
KERNEL(edge_partial, struct edge_partial_params)
{
	long long e = element();
	if (e >= p.E)
		return;
	int i = p.i[e], j = p.j[e];
	long long share = ((long long)p.R + p.parts - 1) / p.parts, r = share * blockIdx.y, end = r + share;
	if (end > p.R)
		end = p.R;
	double sum = 0;
	while (r < end) {
		float run = 0;
		for (int k = 0; k < RUN && r < end; k++, r++) {
			const float *h = p.h + r * p.H, *gd = p.gd + (r * p.D + p.plane) * p.H;
			run += gd[i] * h[j];
			run += gd[j] * h[i];
		}
		sum += run;
	}
	float *out = p.partial + (long long)blockIdx.y * p.E + e;
	*out = (float)(p.add ? *out + sum : sum);
}

/* Threads stride over the edges. */
KERNEL(edge_sum, struct edge_sum_params)
{
	for (long long e = element(); e < p.E; e += stride()) {
		double sum = 0;
		for (int k = 0; k < p.parts; k++)
			sum += p.partial[(long long)k * p.E + e];
		p.g[e] = (float)(sum + p.gsum[p.i[e]] + p.gsum[p.j[e]]);
	}
}
