/* scan_forward.h - the time loop of scan.h forward. */
#ifndef GALVANI_SCAN_FORWARD_H
#define GALVANI_SCAN_FORWARD_H

#include "scan_exchange.h"
#include "scan_step.h"

struct forward_source {
	static constexpr bool along_k = true; /* neighbours in memory are neighbours in k */
	const forward_params &p;
	int row0, unit0;

	/* columns is the reach of outputs o..o+n-1 over operand rows of planes of `words` words, with
	 * `per` units in a word. */
	GPU_MEMBER reach columns(int o, int, int, int per) const
	{
		int g = o / p.layout.slice;
		reach r = {p.columns.lo[g] / per, (p.columns.hi[g] + per - 1) / per};
		return r;
	}

	/* weights are those of output o along the units of the operand, operand is a row of it. */
	GPU_MEMBER line weights(int o, int) const
	{
		int g = o / p.layout.slice, u = unit0 + o % p.layout.slice;
		line w = {p.wrec + ((long long)g * p.H + u) * p.H, 1, u < p.H ? p.H : 0};
		return w;
	}

	GPU_MEMBER line operand(int row, int) const
	{
		int b = row0 + row;
		line x = {p.h + (long long)b * p.H, 1, row < p.layout.rows && b < p.B ? p.H : 0};
		return x;
	}
};

/* forward_input is what an element reads from global memory at one step. */
struct forward_input {
	float drive[P1], state[S], elapsed;
	bool held;
};

/* forward_early loads what no earlier step writes, forward_late the state. */
GPU_FN void forward_early(const forward_params &p, const element &e, int s, forward_input &in)
{
	if (s >= p.n || !e.valid)
		return;
	int t = p.t0 + s;
	const float *drive = p.drives + ((long long)s * p.B + e.b) * D * p.H + e.u;
	UNROLL
	for (int k = 0; k < P; k++)
		in.drive[k] = drive[(long long)k * p.H];
	in.held = is_held(p.mask, t, p.B, e.b);
	in.elapsed = elapsed_at(p.consts, p.mask, t, p.B, e.b);
}

GPU_FN void forward_late(const forward_params &p, const element &e, int s, forward_input &in)
{
	if (s >= p.n || !e.valid)
		return;
	UNROLL
	for (int k = 0; k < S; k++) {
		const float *from = k == 0 ? p.h + (long long)s * p.B * p.H : p.carry + (long long)(k - 1) * p.B * p.H;
		in.state[k] = from[(long long)e.b * p.H + e.u];
	}
}

/* forward_point makes the step of one valid element and returns the operand of the next step. */
GPU_FN float forward_point(const forward_params &p, const room &m, const forward_source &source, const element &e,
			   int s, const forward_input &in, const float *prep)
{
	float drive[D], next[S];
	UNROLL
	for (int k = 0; k < D; k++)
		drive[k] = k < P ? in.drive[k < P ? k : 0] : 0;
	if constexpr (X >= 0)
		drive[X] = axial_sum(m, source, p.axial, s % 2, e.row, e.u);
	UNROLL
	for (int g = 0; g < G; g++)
		drive[rec_plane(g)] += product_sum(m, e.row, g * p.layout.slice + e.unit);
	step_consts consts = {p.consts, {}};
	SCAN_NAME(step)(consts.at(in.elapsed), prep, drive, in.state, next);
	UNROLL
	for (int k = 0; k < S; k++) {
		float *to = k == 0 ? p.h + (long long)(s + 1) * p.B * p.H : p.carry + (long long)(k - 1) * p.B * p.H;
		if (in.held)
			next[k] = in.state[k];
		to[(long long)e.b * p.H + e.u] = next[k];
	}
	return next[0];
}

template <int PREC> GPU_FN void scan_forward(const forward_params &p)
{
	const place q = place_of(p.layout);
	const room m = room_of<PREC>(p.layout, 0);
	const forward_source source = {p, q.row0, q.unit0};
	open_room<PREC>(m, q, source);

	float prep[PREP];
	element e;
	forward_input in = {};
	element_at(e, q, 0, 0, p.B, p.H);
	load_prep(p.prep, p.H, e, prep);
	forward_early(p, e, 0, in);
	forward_late(p, e, 0, in);
	for (int s = 0; s < p.n; s++) {
		int to = (s + 1) % 2;
		exchange_begin<PREC>(m, q, s, p.n);
		product<PREC>(m, q, source, p.H, s % 2);
		for (int i = 0; i < q.tiles * q.turns; i++) {
			element f = e;
			forward_input early = {};
			element_next(f, q, p.B, p.H);
			int fs = i + 1 < q.tiles * q.turns ? s : s + 1;
			forward_early(p, f, fs, early);
			if (q.tiles > 1 && e.turn == 0)
				load_prep(p.prep, p.H, e, prep);
			float h = 0;
			if (e.valid)
				h = forward_point(p, m, source, e, s, in, prep);
			if (s + 1 < p.n) {
				if (G > 0)
					send<PREC>(m, q, to, operand_row(m, to, e.row), e.u, h, e.present);
				if (X >= 0)
					send<PREC_FP32>(m, q, to, (unsigned *)axial_row(m, to, e.row), e.u, h, e.present);
			}
			e = f;
			in = early;
			forward_late(p, e, fs, in);
		}
		exchange_end(m, q, s, p.n);
	}
}

#endif
