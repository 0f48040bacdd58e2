/* scan_forward.inc.h - the forward pass of scan.inc.h. */

/* fetch_step calls the input drives of units u..u+NR-1 of rows i0..i0+m-1, and the places of h and of the
 * states after step t, into the cache, before a product that lasts as long as they take to come. */
ALWAYS void FN(fetch_step)(const struct FN(run) *r, long t, long i0, long m, long u, const elem *new,
			   const elem *drive)
{
	const elem *h = (const elem *)r->a->h + (t * r->d->B + r->b0 + i0) * r->d->H + u;
	for (long i = 0; i < m; i++) {
		__builtin_prefetch(h + i * r->d->H, 1);
		for (int k = 0; k < CP; k++)
			__builtin_prefetch(drive + i * r->row + k * r->Hp + u, 1);
	}
	for (long i = 0; i < m * (CS - 1); i++)
		__builtin_prefetch(new + (i0 * (CS - 1) + i) * r->Hp + u, 1);
}

/* point_as advances units u0..u0+NR-1 of rows i0..i0+m-1 by step t, slot s of its chunk, with constants c of which
 * the length of the step is set here. Planes 1.. go from old to new; h and the drives to keep are stored where
 * `first` says that this is the first time. */
ALWAYS void FN(point_as)(const struct FN(run) *r, elem *c, long t, long s, long u0, long i0, long m, const elem *prev,
			 const elem *old, elem *new, int first)
{
	long H = r->d->H, Hp = r->Hp;
	elem *h = (elem *)r->a->h + (t * r->d->B + r->b0) * H;
	for (long u = u0; u < u0 + NR && u < H; u += VL) {
		real p[CPREP], dr[CD], st[CS], o[CS];
		FN(load_planes)(r->prep + u * CPREP, VL, CPREP, p);
		for (long i = i0; i < i0 + m; i++) {
			st[0] = load_n(prev + i * H + u, H - u);
			FN(load_extra)(r, old, i, u, st);
			if (FN(held)(r, t, i)) {
				if (first)
					store_n(h + i * H + u, st[0], H - u);
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
				store_n(h + i * H + u, o[0], H - u);
			FN(store_extra)(r, new, i, u, o);
		}
	}
}

/* point is point_as for cells with axial conductances, forward and when the scan is replayed: a sum of two products,
 * as in their synapses, may be fused in two ways, and two copies of the code need not round alike. */
static __attribute__((noinline, noclone, unused)) void FN(point)(const struct FN(run) *r, elem *c, long t, long s, long u0, long i0, long m,
								 const elem *prev, const elem *old, elem *new, int first)
{
	FN(point_as)(r, c, t, s, u0, i0, m, prev, old, new, first);
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
	for (long t0 = 0; t0 < d->T; t0 += d->chunk) {
		long n = min_l(d->chunk, d->T - t0);
		if (CS > 1 && !d->keep)
			memcpy(FN(border)(r, t0), r->extra, sizeof(elem) * R * (CS - 1) * Hp);
		FN(input_drives)(r, t0, n);
		for (long s = 0; s < n; s++) {
			long t = t0 + s;
			const elem *prev = FN(prev_rows)(r, t);
			elem *old = FN(states)(r, t, 0), *new = d->keep ? FN(states)(r, t + 1, 0) : old;
			long step;
			const elem *in = CG > 0 ? FN(as_factors)(r, prev, H, H, 0, &step) : 0;
			if (CX >= 0)
				FN(axial_rows)(r, R, prev, H, FN(drive)(r, s, 0) + CX * Hp, r->row, 0);
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
						FN(point)(r, c, t, s, u0, i0, m, prev, old, new, 1);
					else
						FN(point_as)(r, c, t, s, u0, i0, m, prev, old, new, 1);
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
