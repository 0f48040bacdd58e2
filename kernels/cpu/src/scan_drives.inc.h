/* scan_drives.inc.h - drives of scan.inc.h: products of x and h, noise, axial currents, and what is loaded and stored
 * of drives and states. */

/* as_factors returns the factors of this worker's rows of n <= ld numbers, R of them that lie ld apart from in on, and
 * in *out how far apart they are: the rows themselves, or what it leaves in slot s of the space for them. */
ALWAYS const elem *FN(as_factors)(const struct FN(run) *r, const elem *in, long ld, long n, long s, long *out)
{
	if (ALONG == 1) {
		*out = ld;
		return in;
	}
	elem *to = r->factors + s * r->R * FACTORS(n);
	*out = FACTORS(n);
#ifdef BF16
	for (long i = 0; i < r->R; i++)
		factors_along(in + i * ld, n, to + i * FACTORS(n));
#endif
	return to;
}

/* product_rows computes drive planes of n steps from columns lo..hi-1 of the rows [ld] that `rows`
 * gives per step. */
static void FN(product_rows)(struct FN(run) *r, const elem *panels, long lo, long hi, const elem *const *rows,
			     long ld, long n, long plane, int add)
{
	const elem *in[n];
	long step = 0, f0 = lo / ALONG;
	for (long s = 0; s < n; s++)
		in[s] = FN(as_factors)(r, rows[s], ld, ld, s, &step);
	for (long u = 0; u < r->Hp; u += NR)
		for (long s = 0; s < n; s++)
			for (long i = 0, m; i < r->R; i += m) {
				m = tile_height(r->R - i);
				tile_rows[m](FACTORS(hi) - f0, in[s] + i * step + f0, step, panels + u * FACTORS(ld) + f0 * NR,
					     FN(drive)(r, s, i) + plane * r->Hp + u, r->row, add);
			}
}

/* spoil makes the input drives of a row NaN where one of its n inputs x is not finite: a gate that
 * saturates would make a finite state of an infinite drive. */
static void FN(spoil)(const struct FN(run) *r, const elem *x, long n, elem *drive)
{
	int bad = 0;
	for (long k = 0; k < n; k++)
		bad |= !(x[k] - x[k] == 0);
	for (long k = 0; k < CP * r->Hp && bad; k++)
		drive[k] = (elem)NAN;
}

/* noise adds the noise of n steps to the input drives. */
static void FN(noise)(struct FN(run) *r, long t0, long n)
{
	const struct scan_dims *d = r->d;
	struct noise_table table;
	V(noise_table)(&table);
	for (long i = 0; i < r->R; i++) {
		random_word row = random_key(d->noise_key, d->noise_first + r->b0 + i);
		for (long s = 0; s < n; s++) {
			random_word step = random_key(row, d->t0 + t0 + s);
			for (long g = 0; g < CP; g++)
				V(add_drive_noise)(&table, FN(drive)(r, s, i) + g * r->Hp, d->H, (elem)d->noise, step,
						   g * ((d->H + 3) / 4));
		}
	}
}

static void FN(input_drives)(struct FN(run) *r, long t0, long n)
{
	long I = r->d->I;
	const elem *rows[n];
	for (long s = 0; s < n; s++)
		rows[s] = (const elem *)r->a->x + ((t0 + s) * r->d->B + r->b0) * I;
	for (long g = 0; g < CP; g++)
		FN(product_rows)(r, r->win + g * r->Hp * FACTORS(I), 0, I, rows, I, n, g, 0);
	for (long s = 0; s < n && CP > 0; s++)
		for (long i = 0; i < r->R; i++)
			FN(spoil)(r, rows[s] + i * I, I, FN(drive)(r, s, i));
	if (r->d->noise != 0)
		FN(noise)(r, t0, n);
}

/* axial_rows: out[i] (+)= sum_j g_ij in[j] for m rows. */
static void FN(axial_rows)(const struct FN(run) *r, long m, const elem *in, long ldin, elem *out, long ldout,
			   int add)
{
	const struct axial *ax = &r->a->ax;
	const elem *value = ax->value;
	long H = r->d->H;
	for (long i = 0; i < m; i++) {
		const elem *restrict x = in + i * ldin;
		elem *restrict y = out + i * ldout;
		if (!add)
			memset(y, 0, sizeof(elem) * H);
		for (long k = 0; k < r->d->bands; k++) {
			long shift = ax->offset[k];
			const elem *restrict g = (const elem *)ax->band + k * H;
			for (long u = shift < 0 ? -shift : 0; u < H && u + shift < H; u++)
				y[u] += g[u] * x[u + shift];
		}
		for (long k = 0; k < r->d->loose; k++)
			y[ax->post[k]] += value[k] * x[ax->pre[k]];
	}
}

/* axial_grads adds the gradients of this worker's share of the entries of g over a chunk of n steps,
 * given the rows of h before each and the gradients of the drives. */
static void FN(axial_grads)(struct FN(run) *r, long n, const elem *const *prev, int worker, long team,
			    const struct scan_grads *out)
{
	const struct axial *ax = &r->a->ax;
	long H = r->d->H, loose = r->d->loose, k0 = loose * worker / team, k1 = loose * (worker + 1) / team;
	memset(r->gband, 0, sizeof(elem) * r->d->bands * H);
	memset(r->gloose, 0, sizeof(elem) * loose);
	for (long s = 0; s < n; s++)
		for (long i = 0; i < r->d->group; i++) {
			const elem *restrict d = r->drives + (s * r->d->group + i) * r->row + ARR(CX) * r->Hp;
			const elem *restrict x = prev[s] + (i - r->g0) * H;
			for (long k = 0; k < r->d->bands; k++) {
				long shift = ax->offset[k];
				long u0 = shift < 0 && r->u0 < -shift ? -shift : r->u0, u1 = min_l(r->u1, H - shift);
				elem *restrict g = r->gband + k * H;
				for (long u = u0; u < u1; u++)
					g[u] += d[u] * x[u + shift];
			}
			for (long k = k0; k < k1; k++)
				r->gloose[k] += d[ax->post[k]] * x[ax->pre[k]];
		}
	for (long k = 0; k < r->d->bands; k++)
		for (long u = r->u0; u < r->u1; u++)
			out->band[k * H + u] += r->gband[k * H + u];
	for (long k = k0; k < k1; k++)
		out->loose[k] += r->gloose[k];
}

/* sums returns the vector gradients of units u..u+VL-1 over a block of rows. */
ALWAYS elem *FN(sums)(const struct FN(run) *r, long u, long block)
{
	return r->gp + (u / VL * r->blocks + block) * CPREP * VL;
}

ALWAYS void FN(load_planes)(const elem *base, long stride, int n, real *out)
{
#pragma GCC unroll 32
	for (int k = 0; k < n; k++)
		out[k] = load(base + k * stride);
}

/* kept returns where the drives of units u..u+VL-1 of row i at step t are kept. */
ALWAYS elem *FN(kept)(const struct FN(run) *r, long t, long i, long u)
{
	return r->kept + (BY_UNITS ? (t * r->Hp + u) * r->R + i * VL : (t * r->R + i) * r->Hp + u) * CK;
}

ALWAYS void FN(keep_planes)(elem *base, const real *in)
{
#pragma GCC unroll 32
	for (int k = 0; k < CK; k++)
		stream(base + k * VL, in[k]);
}

/* load_extra loads state planes 1.. of row i. */
ALWAYS void FN(load_extra)(const struct FN(run) *r, const elem *extra, long i, long u, real *s)
{
#pragma GCC unroll 8
	for (int k = 1; k < CS; k++)
		s[k] = load(extra + (i * (CS - 1) + k - 1) * r->Hp + u);
}

ALWAYS void FN(store_extra)(const struct FN(run) *r, elem *extra, long i, long u, const real *o)
{
#pragma GCC unroll 8
	for (int k = 1; k < CS; k++)
		store(extra + (i * (CS - 1) + k - 1) * r->Hp + u, o[k]);
}

/* state_in copies planes 1.. of the initial state [S,B,H] into padded rows. */
static void FN(state_in)(struct FN(run) *r)
{
	long H = r->d->H;
	for (int k = 1; k < CS; k++)
		for (long i = 0; i < r->R; i++)
			for (long u = 0; u < H; u++)
				r->extra[(i * (CS - 1) + k - 1) * r->Hp + u] =
					((const elem *)r->a->state)[(k * r->d->B + r->b0 + i) * H + u];
}

ALWAYS elem *FN(border)(const struct FN(run) *r, long t0)
{
	return (elem *)r->a->bounds + (t0 / r->d->chunk * r->d->B + r->b0) * (CS - 1) * r->Hp;
}
