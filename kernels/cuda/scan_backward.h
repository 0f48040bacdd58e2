/* scan_backward.h - the time loop of scan.h backward: adjoint steps in reverse order, and the gradients of
 * prepared planes. */
#ifndef GALVANI_SCAN_BACKWARD_H
#define GALVANI_SCAN_BACKWARD_H

#include "scan_exchange.h"
#include "scan_step.h"

struct backward_source {
	static constexpr bool along_k = false;
	const backward_params &p;
	int row0, unit0;

	/* columns: outputs are units, and planes of the operand the matrices that have their columns. */
	GPU_MEMBER reach columns(int o, int n, int words, int) const
	{
		reach r = {G * words, 0};
		UNROLL
		for (int g = G - 1; g >= 0; g--)
			if (p.columns.lo[g] < unit0 + o + n && p.columns.hi[g] > unit0 + o)
				r.from = g * words;
		UNROLL
		for (int g = 0; g < G; g++)
			if (p.columns.lo[g] < unit0 + o + n && p.columns.hi[g] > unit0 + o)
				r.to = (g + 1) * words;
		return r;
	}

	GPU_MEMBER line weights(int o, int plane) const
	{
		int u = unit0 + o;
		line w = {p.wrec + (long long)plane * p.H * p.H + u, p.H, u < p.H ? p.H : 0};
		return w;
	}

	/* operand is a drive gradient of step t0+n, as far as it flows into h before that step.
	 * Plane G is that of the axial coupling. */
	GPU_MEMBER line operand(int row, int plane) const
	{
		int b = row0 + row, t = p.t0 + p.n;
		bool in = row < p.layout.rows && b < p.B && t < p.T;
		plane = plane < G ? rec_plane(plane) : (int)X;
		line x = {p.drives + (((long long)p.n * p.B + b) * D + plane) * p.H, 1, in ? p.H : 0};
		return x;
	}
};

/* backward_input is what an element reads at one step: drives, states before and after it, and
 * the gradients that reach the state after it, without products. */
struct backward_input {
	float drive[D], before[S], after[S], dh, grad[S], elapsed;
	bool held;
};

GPU_FN void backward_early(const backward_params &p, const element &e, int s, backward_input &in)
{
	if (s < 0 || !e.valid)
		return;
	int t = p.t0 + s;
	long long BH = (long long)p.B * p.H, at = (long long)e.b * p.H + e.u;
	const float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	in.held = is_held(p.mask, t, p.B, e.b);
	in.elapsed = elapsed_at(p.consts, p.mask, t, p.B, e.b);
	UNROLL
	for (int k = 0; k < D; k++)
		in.drive[k] = is_read(k) ? drive[(long long)k * p.H] : 0;
	UNROLL
	for (int k = 0; k < S; k++) {
		const float *from = k == 0 ? p.h + s * BH : p.extra + ((long long)s * (S - 1) + k - 1) * BH;
		in.before[k] = from[at];
		in.after[k] = from[(k == 0 ? 1 : S - 1) * BH + at];
	}
	in.dh = p.last ? t == p.T - 1 ? p.dh[at] : 0 : p.dh[t * BH + at];
}

GPU_FN void backward_late(const backward_params &p, const element &e, int s, backward_input &in)
{
	if (s < 0 || !e.valid)
		return;
	UNROLL
	for (int k = 0; k < S; k++)
		in.grad[k] = p.grad[((long long)k * p.B + e.b) * p.H + e.u];
}

/* adjoint_step calls the adjoint with a constant for learn, so that gp stays in registers. */
GPU_FN void adjoint_step(const backward_params &p, const float *prep, const backward_input &in, float *gs, float *gd,
			 float *gp)
{
	step_consts of = {p.consts, {}};
	const float *consts = of.at(in.elapsed);
	if (p.learn == 2)
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 2);
	else if (p.learn == 1)
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 1);
	else
		SCAN_NAME(adjoint)(consts, prep, in.drive, in.before, in.after, in.grad, gs, gd, gp, 0);
}

/* backward_point makes the adjoint step of one valid element. It leaves the drive gradients in
 * gd, 0 for a row that is held, and adds to gp. */
GPU_FN void backward_point(const backward_params &p, const room &m, const backward_source &source, const element &e,
			   int s, backward_input &in, const float *prep, float *gd, float *gp)
{
	int buffer = (p.n - 1 - s) % 2;
	long long at = (long long)e.b * p.H + e.u;
	float gs[S];
	in.grad[0] += in.dh;
	if (G > 0)
		in.grad[0] += product_sum(m, e.row, e.unit);
	if (X >= 0)
		in.grad[0] += axial_sum(m, source, p.axial, buffer, e.row, e.u);
	if (p.gh)
		p.gh[(long long)(p.t0 + s) * p.B * p.H + at] = in.grad[0];
	if (in.held) {
		UNROLL
		for (int k = 0; k < S; k++)
			gs[k] = in.grad[k];
		UNROLL
		for (int k = 0; k < D; k++)
			gd[k] = 0;
	} else {
		adjoint_step(p, prep, in, gs, gd, gp);
	}
	UNROLL
	for (int k = 0; k < S; k++)
		p.grad[(long long)k * p.B * p.H + at] = gs[k];
	float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	UNROLL
	for (int k = 0; k < D; k++)
		drive[(long long)k * p.H] = gd[k];
}

/* add_gp adds the gradients of prepared planes that the threads of a unit hold, in the order of
 * the threads, to those of the group. All threads call it; none uses m.partial any more. */
GPU_FN void add_gp(const backward_params &p, const room &m, const place &q, const element &e, const float *gp)
{
	float *out = p.gp + (long long)q.group * PREP * p.H + e.u;
	int planes = p.learn == 0 ? 0 : p.learn == 1 ? (int)FIRST : (int)PREP;
	UNROLL
	for (int k = 0; k < PREP; k++) {
		if (k >= planes)
			continue;
		sync_block();
		m.partial[q.tid] = gp[k];
		sync_block();
		if (q.row != 0 || e.unit >= q.slice || e.u >= p.H)
			continue;
		float sum = m.partial[q.tid];
		for (int row = 1; row < q.lanes; row++)
			sum += m.partial[row * q.width + q.tid];
		out[(long long)k * p.H] += sum;
	}
}

/* load_gp and store_gp keep gp in global memory between the steps of a thread with many units. */
GPU_FN void load_gp(const backward_params &p, const place &q, const element &e, float *gp)
{
	const float *from = p.gp + (long long)q.group * PREP * p.H + e.u;
	UNROLL
	for (int k = 0; k < PREP; k++)
		gp[k] = p.learn && e.unit < q.slice && e.u < p.H ? from[(long long)k * p.H] : 0;
}

GPU_FN void store_gp(const backward_params &p, const place &q, const element &e, const float *gp)
{
	float *to = p.gp + (long long)q.group * PREP * p.H + e.u;
	UNROLL
	for (int k = 0; k < PREP; k++)
		if (p.learn && e.unit < q.slice && e.u < p.H)
			to[(long long)k * p.H] = gp[k];
}

template <int PREC> GPU_FN void scan_backward(const backward_params &p)
{
	const place q = place_of(p.layout);
	const room m = room_of<PREC>(p.layout, 1);
	const backward_source source = {p, q.row0, q.unit0};
	open_room<PREC>(m, q, source);

	float prep[PREP], gp[PREP] = {};
	element e;
	backward_input in = {};
	element_at(e, q, 0, 0, p.B, p.H);
	load_prep(p.prep, p.H, e, prep);
	backward_early(p, e, p.n - 1, in);
	backward_late(p, e, p.n - 1, in);
	for (int i = 0; i < p.n; i++) {
		int s = p.n - 1 - i, to = (i + 1) % 2;
		exchange_begin<PREC>(m, q, i, p.n);
		product<PREC>(m, q, source, p.H, i % 2);
		for (int j = 0; j < q.tiles * q.turns; j++) {
			element f = e;
			backward_input early = {};
			element_next(f, q, p.B, p.H);
			int fs = j + 1 < q.tiles * q.turns ? s : s - 1;
			backward_early(p, f, fs, early);
			if (q.tiles > 1 && e.turn == 0) {
				load_prep(p.prep, p.H, e, prep);
				load_gp(p, q, e, gp);
			}
			float gd[D] = {};
			if (e.valid)
				backward_point(p, m, source, e, s, in, prep, gd, gp);
			if (q.tiles > 1 && e.turn == q.turns - 1)
				store_gp(p, q, e, gp);
			if (s > 0) {
				UNROLL
				for (int g = 0; g < G; g++)
					send<PREC>(m, q, to, operand_row(m, to, e.row) + g * m.z.words, e.u,
						   gd[rec_plane(g)], e.present);
				if constexpr (X >= 0)
					send<PREC_FP32>(m, q, to, (unsigned *)axial_row(m, to, e.row), e.u,
							gd[X], e.present);
			}
			e = f;
			in = early;
			backward_late(p, e, fs, in);
		}
		exchange_end(m, q, i, p.n);
	}
	if (q.tiles == 1)
		add_gp(p, m, q, e, gp);
}

#endif
