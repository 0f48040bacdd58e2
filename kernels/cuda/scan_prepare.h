/* scan_prepare.h - what is done beside the time loop of scan.h, a thread for each unit or element: prepared
 * planes and their gradients, and the states that the way back needs again. */
#ifndef GALVANI_SCAN_PREPARE_H
#define GALVANI_SCAN_PREPARE_H

#include "scan_step.h"

GPU_FN long long scan_index() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

/* raw_planes loads the raw planes of unit u; plane V is the sum of the conductances of its edges. */
GPU_FN void raw_planes(const device_array<const float> *raw, const axial_params &ax, long long u, double *out)
{
	for (int k = 0; k < V; k++)
		out[k] = raw[k][u];
	out[V] = 0;
	if (X >= 0)
		for (int k = ax.start[u]; k < ax.start[u + 1]; k++)
			out[V] += ax.g[ax.edge[k]];
}

GPU_FN void scan_prepare(const prepare_params &p)
{
	long long u = scan_index();
	if (u >= p.H)
		return;
	double raw[V + 1], prep[PREP];
	raw_planes(p.raw, p.axial, u, raw);
	SCAN_NAME(prepare)(p.consts, raw, prep);
	for (int k = 0; k < PREP; k++)
		p.prep[(long long)k * p.H + u] = (float)prep[k];
}

GPU_FN void scan_unprepare(const unprepare_params &p)
{
	long long u = scan_index();
	if (u >= p.H)
		return;
	double raw[V + 1], prep[PREP], gprep[PREP], graw[V + 1] = {};
	raw_planes(p.raw, p.axial, u, raw);
	SCAN_NAME(prepare)(p.consts, raw, prep);
	for (int k = 0; k < PREP; k++) {
		gprep[k] = 0;
		for (int group = 0; group < p.groups; group++)
			gprep[k] += p.gp[((long long)group * PREP + k) * p.H + u];
	}
	SCAN_NAME(prepare_adjoint)(p.consts, raw, prep, gprep, graw);
	for (int k = 0; k < V; k++)
		if (p.graw[k])
			p.graw[k][u] = (float)graw[k];
	if (X >= 0 && p.gsum)
		p.gsum[u] = (float)graw[V];
}

GPU_FN void scan_replay(const replay_params &p)
{
	long long at = scan_index(), BH = (long long)p.B * p.H;
	if (S == 1 || at >= BH)
		return;
	int b = (int)(at / p.H), u = (int)(at % p.H);
	float prep[PREP], state[S], next[S], drive[D];
	for (int k = 0; k < PREP; k++)
		prep[k] = p.prep[(long long)k * p.H + u];
	for (int k = 1; k < S; k++) {
		next[k] = p.border[(k - 1) * BH + at];
		p.extra[(k - 1) * BH + at] = next[k];
	}
	for (int s = 0; s < p.n; s++) {
		state[0] = p.h[s * BH + at];
		for (int k = 1; k < S; k++)
			state[k] = next[k];
		for (int k = 0; k < D; k++)
			drive[k] = is_read(k) ? p.drives[(((long long)s * p.B + b) * D + k) * p.H + u] : 0;
		step_consts consts = {p.consts, {}};
		SCAN_NAME(step)(consts.at(elapsed_at(p.consts, p.mask, p.t0 + s, p.B, b)), prep, drive, state, next);
		for (int k = 1; k < S; k++) {
			if (is_held(p.mask, p.t0 + s, p.B, b))
				next[k] = state[k];
			p.extra[((long long)(s + 1) * (S - 1) + k - 1) * BH + at] = next[k];
		}
	}
}

#endif
