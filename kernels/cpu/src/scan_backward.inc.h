/* scan_backward.inc.h - the backward pass of scan.inc.h. */

/* replay rebuilds drives and state planes 1.. of the chunk t0..t0+n-1 as far as they are used. */
static void FN(replay)(struct FN(run) *r, long t0, long n, const elem *const *prev)
{
	long H = r->d->H, R = r->R;
	if (r->d->keep)
		return;
	if (CAT(CELL, _USES_IN) || CAT(CELL, _USES_REC))
		FN(input_drives)(r, t0, n);
	if (CAT(CELL, _USES_REC)) {
		for (int g = 0; g < CG; g++)
			FN(product_rows)(r, r->wrec + g * r->Hp * FACTORS(H), r->d->lo[g], r->d->hi[g], prev, H, n, CPLANE(g),
					 CPLANE(g) < CP);
		for (long s = 0; s < n && CX >= 0; s++)
			FN(axial_rows)(r, R, prev[s], H, FN(drive)(r, s, 0) + CX * r->Hp, r->row, 0);
	}
	if (CS == 1)
		return;
	elem c[MAX_CONSTS];
	memcpy(c, r->consts, sizeof c);
	memcpy(r->extra, FN(border)(r, t0), sizeof(elem) * R * (CS - 1) * r->Hp);
	for (long s = 0; s < n; s++) {
		elem *old = FN(states)(r, t0 + s, s), *new = FN(states)(r, t0 + s + 1, s + 1);
		for (long u0 = 0; u0 < r->d->H; u0 += NR)
			if (CX >= 0)
				FN(point)(r, c, t0 + s, s, u0, 0, R, prev[s], H, old, new, 0);
			else /* the compiler drops what only h needs */
				FN(point_as)(r, c, t0 + s, s, u0, 0, R, prev[s], H, old, new, 0);
	}
}

/* block_back turns the gradient of the state after step t into that before it (without the recurrent products), and
 * the drives of the step into their gradients, for units u..u+VL-1 of `block` rows from i0 on, with constants c of which the
 * length of the step is set here. learn is a constant of the caller, and LP the number of prepared planes that have a
 * gradient with it. Each block of rows has a sum of its own for those; workers divide the rows in whole blocks. */
ALWAYS void FN(block_back)(const struct FN(run) *r, elem *c, long t, long s, const elem *prev, long block, long i0, long u,
			   const int learn, const int LP)
{
	long H = r->d->H, Hp = r->Hp, i1 = min_l(r->R, i0 + block);
	const elem *new = FN(states)(r, t + 1, s + 1);
	const elem *h = (const elem *)r->a->h + (t * r->d->B + r->b0) * H;
	elem *sum = FN(sums)(r, u, learn ? (r->g0 + i0) / block : 0);
	real p[CPREP], gp[CPREP];
	FN(load_planes)(r->prep + u * CPREP, VL, CPREP, p);
	FN(load_planes)(sum, VL, LP, gp);
	for (long i = i0; i < i1; i++) {
		elem *drive = FN(drive)(r, s, i) + u;
		elem *grad = r->grad + i * CS * Hp + u;
		real dr[CD] = {0}, st[CS], o[CS], go[CS], gs[CS], gd[CD];
		if (FN(held)(r, t, i)) {
			for (int k = 0; k < CD; k++)
				store(drive + k * Hp, r_splat(0));
			continue;
		}
		st[0] = load_n(prev + i * H + u, H - u);
		o[0] = load_n(h + i * H + u, H - u);
		FN(load_planes)(grad, Hp, CS, go);
		FN(elapse)(r, c, t, i);
#if CSEEN
		real seen[CSEEN];
		if (r->d->keep) {
			FN(load_planes)(FN(kept)(r, t, i, u), VL, CK, seen);
		} else {
			FN(load_extra)(r, new, i, u, o);
			FN(load_planes)(drive, Hp, CD, dr);
			CAT(CELL, _seen)(c, dr, o, seen);
		}
		CAT(CELL, _adjoint_seen)(c, p, seen, st, go, gs, gd, gp, learn);
#else
		FN(load_extra)(r, FN(states)(r, t, s), i, u, st);
		FN(load_extra)(r, new, i, u, o);
		if (r->d->keep)
			FN(load_planes)(FN(kept)(r, t, i, u), VL, CK, dr);
		else
			FN(load_planes)(drive, Hp, CD, dr);
		CAT(CELL, _adjoint)(c, p, dr, st, o, go, gs, gd, gp, learn);
#endif
#pragma GCC unroll 8
		for (int k = 0; k < CS; k++)
			store(grad + k * Hp, gs[k]);
#pragma GCC unroll 8
		for (int k = 0; k < CD; k++)
			store(drive + k * Hp, gd[k]);
	}
#pragma GCC unroll 32
	for (int k = 0; k < LP; k++)
		store(sum + k * VL, gp[k]);
}

/* step_back_as is block_back of all units and rows of a step. */
ALWAYS void FN(step_back_as)(struct FN(run) *r, long t, long s, const elem *prev, const int learn, const int LP)
{
	long H = r->d->H, R = r->R, block = learn ? r->d->block : R;
	elem c[MAX_CONSTS];
	memcpy(c, r->consts, sizeof c);
	for (long a = 0; a < (BY_UNITS ? H : R); a += BY_UNITS ? VL : block)
		for (long b = 0; b < (BY_UNITS ? R : H); b += BY_UNITS ? block : VL)
			FN(block_back)(r, c, t, s, prev, block, BY_UNITS ? b : a, BY_UNITS ? a : b, learn, LP);
}

static void FN(step_back)(struct FN(run) *r, long t, long s, const elem *prev)
{
	if (r->d->learn == 0)
		FN(step_back_as)(r, t, s, prev, 0, 0);
	else if (r->d->learn == 1)
		FN(step_back_as)(r, t, s, prev, 1, CAT(CELL, _FIRST));
	else
		FN(step_back_as)(r, t, s, prev, 2, CPREP);
}

/* fetch_back calls what the step before t reads of units u..u+NR-1 of rows i0..i0+m-1 into the second cache, before a product
 * that lasts as long as it takes to come. */
ALWAYS void FN(fetch_back)(const struct FN(run) *r, long t, long i0, long m, long u, const elem *dh)
{
	const long line = 64 / (long)sizeof(elem), H = r->d->H;
	const elem *prev = FN(prev_rows)(r, t - 1);
	dh = dh && !r->d->last ? dh + ((t - 1) * r->d->B + r->b0) * H : 0;
	for (long i = i0; i < i0 + m; i++) {
		for (long k = 0; k < NR; k += line) {
			__builtin_prefetch(prev + i * H + u + k, 0, 2);
			if (dh)
				__builtin_prefetch(dh + i * H + u + k, 0, 2);
		}
		if (!r->d->keep)
			continue;
		for (long k = 0; k < CK * NR; k += line)
			__builtin_prefetch(FN(kept)(r, t - 1, i, u) + k, 0, 2);
		for (long k = 0; !CSEEN && k < (CS - 1) * NR; k += line)
			__builtin_prefetch(FN(states)(r, t - 1, 0) + (i * (CS - 1) + k / NR) * r->Hp + u + k % NR, 0, 2);
	}
}

/* through_products adds W^T times the drive gradients of step t, slot s, to the gradient of h. */
static void FN(through_products)(struct FN(run) *r, long t, long s, const elem *dh)
{
	long fetched = t > 0 ? 0 : r->Hp;
	long H = r->d->H, Hp = r->Hp, R = r->R;
	elem *drive = FN(drive)(r, s, 0);
	for (int g = 0; g < CG; g++) {
		long step;
		const elem *in = FN(as_factors)(r, drive + CPLANE(g) * Hp, r->row, H, 0, &step);
		for (long u = r->d->lo[g] / NR * NR; u < r->d->hi[g]; u += NR) {
			for (long i = 0, m; i < R; i += m) {
				m = tile_height(R - i);
				if (u >= fetched)
					FN(fetch_back)(r, t, i, m, u, dh);
				tile_rows[m](FACTORS(H), in + i * step, step, r->wback + (g * Hp + u) * FACTORS(H),
					     r->grad + i * CS * Hp + u, CS * Hp, 1);
			}
			if (u >= fetched)
				fetched = u + NR;
		}
	}
	if (CX >= 0)
		FN(axial_rows)(r, R, drive + CX * Hp, r->row, r->grad, CS * Hp, 1);
}

/* pack_rows packs this worker's rows [N] of n steps into panels of the rows of the group. */
static void FN(pack_rows)(const struct FN(run) *r, long n, const elem *const *rows, long N, elem *out)
{
	long G = r->d->group, K = n * G;
	for (long j = 0; j < N; j += NR)
		for (long s = 0; s < n; s++)
			pack_some(rows[s] + j, N, min_l(NR, N - j), r->R, s * G + r->g0, K, out + j * FACTORS(K));
}

/* weight_grads adds the products (drive gradient)^T rows of this worker's units over all rows of the group
 * in a chunk of n steps, K = n * group. */
static void FN(weight_grads)(struct FN(run) *r, long n, const elem *packed, long N, int planes, int recurrent,
			     elem *out)
{
	long H = r->d->H, K = n * r->d->group, u0 = r->u0, M = r->u1 - u0;
	for (long k = 0; k < K && M > 0; k += KBLOCK)
		for (int g = 0; g < planes; g++) {
			long plane = recurrent ? CPLANE(g) : g, kb = min_l(KBLOCK, K - k);
			pack_cols(r->drives + k * r->row + plane * r->Hp + u0, r->row, M, kb, r->apack);
			long lo = recurrent ? r->d->lo[g] / NR * NR : 0, hi = recurrent ? r->d->hi[g] : N;
			product_packed(M, hi - lo, FACTORS(kb), r->apack, packed + lo * FACTORS(K) + k / ALONG * NR,
				       FACTORS(K) * NR, out + (g * H + u0) * N + lo, N);
		}
}

/* clear_grads makes this worker's share of the gradients zero. */
static void FN(clear_grads)(const struct FN(run) *r, int worker, long team, const struct scan_grads *out)
{
	const struct scan_dims *d = r->d;
	long H = d->H, I = d->I, u0 = r->u0, n = r->u1 - u0, k0 = d->loose * worker / team;
	for (long g = 0; g < CP && d->learn_in; g++)
		memset((elem *)out->win + (g * H + u0) * I, 0, sizeof(elem) * n * I);
	for (long g = 0; g < CG && d->learn_rec; g++)
		memset((elem *)out->wrec + (g * H + u0) * H, 0, sizeof(elem) * n * H);
	for (long k = 0; k < CPREP; k++)
		memset(out->prep + k * H + u0, 0, sizeof(double) * n);
	for (long k = 0; k < d->bands && d->learn_edge; k++)
		memset(out->band + k * H + u0, 0, sizeof(double) * n);
	if (d->learn_edge)
		memset(out->loose + k0, 0, sizeof(double) * (d->loose * (worker + 1) / team - k0));
}

/* steps_back walks this worker's rows back through the n steps from t0 on. */
static void FN(steps_back)(struct FN(run) *r, long t0, long n, const elem *const *prev, const elem *dh)
{
	const struct scan_dims *d = r->d;
	const struct scan_arrays *a = r->a;
	long H = d->H, Hp = r->Hp, R = r->R, B = d->B, b0 = r->b0;
	for (long s = n - 1; s >= 0; s--) {
		long t = t0 + s;
		if (dh && (!d->last || t == d->T - 1)) {
			const elem *g = dh + (d->last ? b0 : t * B + b0) * H;
			for (long i = 0; i < R; i++)
				for (long u = 0; u < H; u++)
					r->grad[i * CS * Hp + u] += g[i * H + u];
		}
		for (long i = 0; i < R && a->gh; i++)
			memcpy((elem *)a->gh + (t * B + b0 + i) * H, r->grad + i * CS * Hp, sizeof(elem) * H);
		FN(step_back)(r, t, s, prev[s]);
		FN(through_products)(r, t, s, dh);
	}
}

/* input_grads writes the gradient of x of this worker's rows over the n steps from t0 on: the
 * gradients of the input drives times the input matrices. */
static void FN(input_grads)(const struct FN(run) *r, long t0, long n)
{
	long H = r->d->H, I = r->d->I, Ip = ceil_to(I, NR);
	for (long s = 0; s < n; s++)
		for (long g = 0; g < CP; g++) {
			long step;
			const elem *in = FN(as_factors)(r, FN(drive)(r, s, 0) + g * r->Hp, r->row, H, 0, &step);
			for (long i = 0, m; i < r->R; i += m) {
				m = tile_height(r->R - i);
				elem *gx = (elem *)r->a->gx + ((t0 + s) * r->d->B + r->b0 + i) * I;
				for (long k = 0; k < I; k += NR)
					tile_to(tile_rows[m], (int)m, I - k, FACTORS(H), in + i * step, step,
						r->winback + (g * Ip + k) * FACTORS(H), gx + k, I, g > 0);
			}
		}
}

/* state_grads writes the gradient of the state before the first step. */
static void FN(state_grads)(const struct FN(run) *r)
{
	long H = r->d->H;
	for (long k = 0; k < CS; k++)
		for (long i = 0; i < r->R; i++)
			memcpy((elem *)r->a->gstate + (k * r->d->B + r->b0 + i) * H, r->grad + (i * CS + k) * r->Hp,
			       sizeof(elem) * H);
}

static void FN(backward)(const struct scan_dims *d, const struct scan_arrays *a, const void *dh,
			 const struct share *w, const struct scan_grads *out)
{
	struct FN(run) run, *r = &run;
	FN(open)(r, d, a, w);
	long H = d->H, Hp = r->Hp, B = d->B, I = d->I, team = w->team->size;
	long first = r->g0 / d->block, mine = (r->g0 + r->R + d->block - 1) / d->block - first;
	if (!d->resume) {
		memset(r->grad, 0, sizeof(elem) * r->R * CS * Hp);
		FN(clear_grads)(r, w->worker, team, out);
	}
	for (long t0 = (d->T - 1) / d->chunk * d->chunk; t0 >= 0; t0 -= d->chunk) {
		long n = min_l(d->chunk, d->T - t0);
		const elem *prev[n], *xs[n];
		for (long s = 0; s < n; s++) {
			prev[s] = FN(prev_rows)(r, t0 + s);
			xs[s] = (const elem *)a->x + ((t0 + s) * B + r->b0) * I;
		}
		FN(replay)(r, t0, n, prev);
		for (long u = 0; u < Hp; u += VL)
			memset(FN(sums)(r, u, first), 0, sizeof(elem) * mine * CPREP * VL);
		FN(steps_back)(r, t0, n, prev, dh);
		if (d->grad_in)
			FN(input_grads)(r, t0, n);
		if (d->learn_in)
			FN(pack_rows)(r, n, xs, I, r->inpack);
		if (d->learn_rec)
			FN(pack_rows)(r, n, prev, H, r->recpack);
		team_wait(w->team);
		if (d->learn_in)
			FN(weight_grads)(r, n, r->inpack, I, CP, 0, out->win);
		if (d->learn_rec)
			FN(weight_grads)(r, n, r->recpack, H, CG, 1, out->wrec);
		for (long k = 0; k < CPREP && d->learn; k++)
			for (long u = r->u0; u < r->u1; u++)
				for (long i = 0; i < r->blocks; i++)
					out->prep[k * H + u] += FN(sums)(r, u, i)[k * VL + u % VL];
		if (d->learn_edge && CX >= 0)
			FN(axial_grads)(r, n, prev, w->worker, team, out);
		team_wait(w->team);
	}
	if (a->gstate)
		FN(state_grads)(r);
}
