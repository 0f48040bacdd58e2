/* scan_forward.inc.h - the forward pass of scan.inc.h. */

/* fetch_step calls the input drives of units u..u+NR-1 of rows i0..i0+m-1, and the places of h and of the
 * states after step t, into the cache, before a product that lasts as long as they take to come. */
ALWAYS void FN(fetch_step)(const struct FN(run) *r, long t, long i0, long m, long u, const elem *new,
			   const elem *drive)
{
	const elem *h = (const elem *)r->a->h + (t * r->d->B + r->b0 + i0) * r->d->H + u;
	for (long i = 0; i < m; i++) {
		if (!r->past)
			__builtin_prefetch(h + i * r->d->H, 1);
		for (int k = 0; k < CP; k++)
			__builtin_prefetch(drive + i * r->row + k * r->Hp + u, 1);
	}
	for (long i = 0; i < m * (CS - 1); i++)
		__builtin_prefetch(new + (i0 * (CS - 1) + i) * r->Hp + u, 1);
}

/* store_h stores units u..u+VL-1 of a row of h, after a step, in `all` and for the next step. In `all` it goes past the
 * caches where vectors are whole lines: a processor fetches what it is to write, and more behind it, which are the rows of
 * another worker. */
ALWAYS void FN(store_h)(const struct FN(run) *r, elem *all, elem *next, long u, real v)
{
	long n = r->d->H - u;
	if (r->past)
		stream(all + u, v);
	else
		store_n(all + u, v, n);
	store_n(next + u, v, n);
}

/* point_as advances units u0..u0+NR-1 of rows i0..i0+m-1 by step t, slot s of its chunk, with constants c of which
 * the length of the step is set here. Rows of h before it lie `stride` apart. Planes 1.. go from old to new. The first time
 * there is a place for h as the next step reads it, and the drives to keep and h itself are stored, too. */
ALWAYS void FN(point_as)(const struct FN(run) *r, elem *c, long t, long s, long u0, long i0, long m, const elem *prev,
			 long stride, const elem *old, elem *new, elem *next)
{
	long H = r->d->H, Hp = r->Hp;
	const int first = next != 0;
	elem *h = (elem *)r->a->h + (t * r->d->B + r->b0) * H;
	for (long u = u0; u < u0 + NR && u < H; u += VL) {
		real p[CPREP], dr[CD], st[CS], o[CS];
		FN(load_planes)(r->prep + u * CPREP, VL, CPREP, p);
		for (long i = i0; i < i0 + m; i++) {
			st[0] = load_n(prev + i * stride + u, H - u);
			FN(load_extra)(r, old, i, u, st);
			if (FN(held)(r, t, i)) {
				if (first)
					FN(store_h)(r, h + i * H, next + i * Hp, u, st[0]);
				FN(store_extra)(r, new, i, u, st);
				continue;
			}
			FN(load_planes)(FN(drive)(r, s, i) + u, Hp, CD, dr);
			if (!CSEEN && first && r->d->keep)
				FN(keep_planes)(FN(kept)(r, t, i, u), dr);
			FN(elapse)(r, c, t, i);
			CAT(CELL, _step)(c, p, dr, st, o);
#if CSEEN
			if (first && r->d->keep) {
				real seen[CSEEN];
				CAT(CELL, _seen)(c, dr, o, seen);
				FN(keep_planes)(FN(kept)(r, t, i, u), seen);
			}
#endif
			if (first)
				FN(store_h)(r, h + i * H, next + i * Hp, u, o[0]);
			FN(store_extra)(r, new, i, u, o);
		}
	}
}

/* point is point_as for cells with axial conductances, forward and when the scan is replayed: a sum of two products,
 * as in their synapses, may be fused in two ways, and two copies of the code need not round alike. */
static __attribute__((noinline, noclone, unused)) void FN(point)(const struct FN(run) *r, elem *c, long t, long s, long u0, long i0, long m,
								 const elem *prev, long stride, const elem *old, elem *new, elem *next)
{
	FN(point_as)(r, c, t, s, u0, i0, m, prev, stride, old, new, next);
}

static void FN(forward)(const struct scan_dims *d, const struct scan_arrays *a, const struct share *w)
{
	struct FN(run) run, *r = &run;
	FN(open)(r, d, a, w);
	long H = d->H, Hp = r->Hp, R = r->R, B = d->B, b0 = r->b0;
	elem c[MAX_CONSTS];
	memcpy(c, r->consts, sizeof c);
	elem *h = (elem *)a->h;
	FN(state_in)(r);
	/* h goes from step to step through memory of this worker alone. */
	memset(r->own, 0, sizeof(elem) * 2 * R * Hp);
	for (long i = 0; i < R; i++)
		memcpy(r->own + i * Hp, FN(prev_rows)(r, 0) + i * H, sizeof(elem) * H);
	for (long t0 = 0; t0 < d->T; t0 += d->chunk) {
		long n = min_l(d->chunk, d->T - t0);
		if (CS > 1 && !d->keep)
			memcpy(FN(border)(r, t0), r->extra, sizeof(elem) * R * (CS - 1) * Hp);
		FN(input_drives)(r, t0, n);
		for (long s = 0; s < n; s++) {
			long t = t0 + s;
			elem *prev = r->own + t % 2 * R * Hp, *next = r->own + (t + 1) % 2 * R * Hp;
			elem *old = FN(states)(r, t, 0), *new = d->keep ? FN(states)(r, t + 1, 0) : old;
			long step;
			const elem *in = CG > 0 ? FN(as_factors)(r, prev, Hp, H, 0, &step) : 0;
			if (CX >= 0)
				FN(axial_rows)(r, R, prev, Hp, FN(drive)(r, s, 0) + CX * Hp, r->row, 0);
			/* A panel of W stays in the first cache while all rows pass. */
			for (long u0 = 0; u0 < H; u0 += NR)
				for (long i0 = 0, m; i0 < R; i0 += m) {
					m = tile_height(R - i0);
					elem *drive = FN(drive)(r, s, i0);
					FN(fetch_step)(r, t, i0, m, u0, new, drive);
					for (int g = 0; g < CG; g++) {
						long f0 = d->lo[g] / ALONG;
						tile_rows[m](FACTORS(d->hi[g]) - f0, in + i0 * step + f0, step,
							     r->wrec + (g * Hp + u0) * FACTORS(H) + f0 * NR,
							     drive + CPLANE(g) * Hp + u0, r->row, CPLANE(g) < CP);
					}
					if (CX >= 0)
						FN(point)(r, c, t, s, u0, i0, m, prev, Hp, old, new, next);
					else
						FN(point_as)(r, c, t, s, u0, i0, m, prev, Hp, old, new, next);
				}
		}
	}
	stream_end();
	elem *final = a->final;
	const elem *extra = FN(states)(r, d->T, 0);
	for (int k = 0; k < CS; k++)
		for (long i = 0; i < R; i++)
			for (long u = 0; u < H; u++)
				final[(k * B + b0 + i) * H + u] =
					k == 0 ? h[((d->T - 1) * B + b0 + i) * H + u]
					       : extra[(i * (CS - 1) + k - 1) * Hp + u];
}
