/* scan.inc.h - the time loop, written once; included for every cell (CELL) and instruction set.
 *
 * Time runs in chunks. Within a chunk a worker owns batch rows b0..b1-1, so that no barrier stands
 * in the time loop: the input product of a chunk is one blocked product; then step by step the
 * recurrent product of a tile of rows and units is followed at once by the pointwise step. h is
 * kept, and the other state planes at chunk borders. The backward pass rebuilds the rest for one
 * chunk and walks it back. Then the workers divide the units among them, and each adds the
 * chunk's weight gradients of its units as blocked products over all steps and rows. So every sum
 * over rows is made in one order, whatever the number of workers; chunks, blocks of K and blocks of
 * rows for the vector gradients depend on the shape alone.
 * With scan_dims.keep the forward pass leaves the drives and every state in memory, and nothing is
 * rebuilt; sums are the same either way, bit for bit. The caller may hand over a long sequence in
 * segments of whole chunks (cpu.go), which then keep h of one segment only.
 *
 * Units are padded to Hp (a multiple of NR) in every internal buffer; x, h and gradients of
 * weights have their natural shapes.
 */

#define CS CAT(CELL, _STATES)
#define CP CAT(CELL, _IN)
#define CG CAT(CELL, _REC)
#define CD CAT(CELL, _DRIVES)
#define CX CAT(CELL, _AXIAL)
#define CV CAT(CELL, _VECS)
#define CPREP CAT(CELL, _PREP)
#define CELAPSED CAT(CELL, _ELAPSED)
#define CPLANE(g) CAT(CELL, _REC_PLANE)(g)
#define CK KEPT(CELL)
#define FN(name) CAT(CELL, CAT(_run_, name))
#define ARR(n) ((n) > 0 ? (n) : 1)

/* FN(run) holds the sizes and the parts of the buffers of one worker. */
struct FN(run) {
	const struct scan_dims *d;
	const struct scan_arrays *a;
	long b0, R, Hp, row;	/* row: stride of a drive row, CD*Hp */
	long blocks;	/* of rows of all workers */
	long u0, u1;	/* the units whose gradients are this worker's, all of them with one worker */
	elem consts[MAX_CONSTS];
	int irregular;	/* the mask holds lengths of steps, for consts[CELAPSED] */
	const elem *win, *wrec, *wback, *prep, *winback;
	/* of this worker */
	elem *kept;	/* [T][R][Hp/VL][CK][VL] drives with keep, in the order of step_back */
	elem *extra;	/* [chunk+1][R][CS-1][Hp], with keep [T+1] of them */
	elem *grad;	/* [R][CS][Hp] */
	elem *apack;	/* [units of a worker][KBLOCK] */
	elem *gband, *gloose;	/* gradients of the axial matrix, of the chunk at hand */
	/* of all workers */
	elem *drives;	/* [chunk][B][CD][Hp], of the chunk at hand; gradients where they were */
	elem *gp;	/* [Hp/VL][blocks of rows][CPREP][VL], of the chunk at hand */
	elem *inpack, *recpack; /* [panels][chunk*B][NR] rows of x and h before the step */
};

/* planes_kept returns how many elements of drives and of states 1.. lie in work. */
static long FN(planes_kept)(const struct scan_dims *d, long R)
{
	long Hp = ceil_to(d->H, NR);
	return d->keep ? (d->T * CK + (d->T + 1) * (CS - 1)) * R * Hp : (d->chunk + 1) * (CS - 1) * R * Hp;
}

static struct scan_sizes FN(sizes)(const struct scan_dims *d, long R)
{
	long Hp = ceil_to(d->H, NR), rows = d->chunk * d->B;
	struct scan_sizes s;
	s.packed = CP * Hp * d->I + 2 * CG * Hp * d->H + CPREP * Hp + 16;
	if (d->grad_in)
		s.packed += CP * ceil_to(d->I, NR) * d->H;
	s.work = FN(planes_kept)(d, R) + R * CS * Hp + ceil_to(d->H, MR) * KBLOCK +
		 d->bands * d->H + d->loose + 7 * 16;
	s.shared = rows * CD * Hp + (d->B + d->block - 1) / d->block * CPREP * Hp + 6 * 16;
	if (d->learn_in)
		s.shared += rows * ceil_to(d->I, NR);
	if (d->learn_rec)
		s.shared += rows * Hp;
	s.bounds = d->keep ? 0 : (d->T + d->chunk - 1) / d->chunk * d->B * (CS - 1) * Hp;
	return s;
}

ALWAYS elem *FN(take)(elem **p, long n)
{
	elem *q = *p;
	*p += ceil_to(n, 64 / (long)sizeof(elem));
	return q;
}

ALWAYS elem *FN(align)(const void *p)
{
	return (elem *)(((size_t)p + 63) & ~(size_t)63);
}

static void FN(packed_parts)(const struct scan_dims *d, const void *packed, struct FN(run) *r)
{
	elem *p = (elem *)packed;
	long Hp = ceil_to(d->H, NR);
	r->win = p;
	r->wrec = p + CP * Hp * d->I;
	r->wback = r->wrec + CG * Hp * d->H;
	r->prep = r->wback + CG * Hp * d->H;
	r->winback = r->prep + CPREP * Hp;
}

static void FN(pack)(const struct scan_dims *d, const void *winv, const void *wrecv, const double *raw,
		     void *packed, int backward)
{
	const elem *win = winv, *wrec = wrecv;
	struct FN(run) r;
	long H = d->H, Hp = ceil_to(H, NR);
	FN(packed_parts)(d, packed, &r);
	if (backward) {
		for (long g = 0; g < CG; g++)
			pack_n(wrec + g * H * H, H, H, H, (elem *)r.wback + g * Hp * H);
		for (long g = 0; g < CP && d->grad_in; g++)
			pack_n(win + g * H * d->I, d->I, d->I, H, (elem *)r.winback + g * ceil_to(d->I, NR) * H);
		return;
	}
	for (long g = 0; g < CP; g++)
		pack_t(win + g * H * d->I, d->I, H, d->I, (elem *)r.win + g * Hp * d->I);
	for (long g = 0; g < CG; g++)
		pack_t(wrec + g * H * H, H, H, H, (elem *)r.wrec + g * Hp * H);
	for (long u = 0; u < Hp; u++) {
		double in[CV + 1], out[CPREP];
		for (int k = 0; k < CV + 1; k++)
			in[k] = k < CV || CX >= 0 ? raw[k * H + min_l(u, H - 1)] : 0;
		CAT(CELL, _prepare)(d->consts, in, out);
		for (int k = 0; k < CPREP; k++)
			((elem *)r.prep)[k * Hp + u] = (elem)out[k];
	}
}

static void FN(unprepare)(const struct scan_dims *d, const double *raw, const double *gprep, double *graw)
{
	for (long u = 0; u < d->H; u++) {
		double in[CV + 1], prep[CPREP], g[CPREP], out[CV + 1] = {0};
		for (int k = 0; k < CV + 1; k++)
			in[k] = k < CV || CX >= 0 ? raw[k * d->H + u] : 0;
		CAT(CELL, _prepare)(d->consts, in, prep);
		for (int k = 0; k < CPREP; k++)
			g[k] = gprep[k * d->H + u];
		CAT(CELL, _prepare_adjoint)(d->consts, in, prep, g, out);
		for (int k = 0; k < CV + (CX >= 0); k++)
			graw[k * d->H + u] = out[k];
	}
}

static void FN(open)(struct FN(run) *r, const struct scan_dims *d, const struct scan_arrays *a,
		     const struct share *w)
{
	long H = d->H, R = w->b1 - w->b0, Hp = ceil_to(H, NR), C = d->chunk, tiles = (H + MR - 1) / MR;
	long team = w->team ? w->team->size : 1;
	r->d = d;
	r->a = a;
	r->b0 = w->b0;
	r->R = R;
	r->Hp = Hp;
	r->row = CD * Hp;
	r->blocks = (d->B + d->block - 1) / d->block;
	r->u0 = min_l(H, tiles * w->worker / team * MR);
	r->u1 = min_l(H, tiles * (w->worker + 1) / team * MR);
	for (int k = 0; k < MAX_CONSTS; k++)
		r->consts[k] = (elem)d->consts[k];
	r->irregular = a->mask && CELAPSED >= 0 && r->consts[ARR(CELAPSED)] != 0;
	FN(packed_parts)(d, a->packed, r);
	elem *p = FN(align)(w->work);
	r->kept = FN(take)(&p, d->keep ? d->T * R * CK * Hp : 0);
	r->extra = FN(take)(&p, ((d->keep ? d->T : C) + 1) * R * (CS - 1) * Hp);
	r->grad = FN(take)(&p, R * CS * Hp);
	r->apack = FN(take)(&p, ceil_to(H, MR) * KBLOCK);
	r->gband = FN(take)(&p, d->bands * H);
	r->gloose = p;
	p = FN(align)(w->shared);
	r->drives = FN(take)(&p, C * d->B * CD * Hp);
	r->gp = FN(take)(&p, r->blocks * CPREP * Hp);
	r->inpack = FN(take)(&p, d->learn_in ? C * d->B * ceil_to(d->I, NR) : 0);
	r->recpack = p;
}

/* drive returns the drives of row i (of this worker) at step slot s. */
ALWAYS elem *FN(drive)(const struct FN(run) *r, long s, long i)
{
	return r->drives + (s * r->d->B + r->b0 + i) * r->row;
}

/* states returns planes 1.. before step t, which is the step s of its chunk. */
ALWAYS elem *FN(states)(const struct FN(run) *r, long t, long s)
{
	return r->extra + (r->d->keep ? t : s) * r->R * (CS - 1) * r->Hp;
}

ALWAYS int FN(held)(const struct FN(run) *r, long t, long i)
{
	return r->a->mask && ((const elem *)r->a->mask)[t * r->d->B + r->b0 + i] == 0;
}

/* elapse makes the length of step t of row i that of the next step or adjoint, whose constants are c. */
ALWAYS void FN(elapse)(const struct FN(run) *r, elem *c, long t, long i)
{
	if (CELAPSED >= 0 && r->irregular)
		c[ARR(CELAPSED)] = ((const elem *)r->a->mask)[t * r->d->B + r->b0 + i];
}

/* prev_rows returns the rows of h before step t, stride H. */
static const elem *FN(prev_rows)(const struct FN(run) *r, long t)
{
	return t > 0 ? (const elem *)r->a->h + ((t - 1) * r->d->B + r->b0) * r->d->H
		     : (const elem *)r->a->state + r->b0 * r->d->H;
}

/* product_rows computes drive planes of n steps from columns lo..hi-1 of the rows [ld] that `rows`
 * gives per step. */
static void FN(product_rows)(struct FN(run) *r, const elem *panels, long lo, long hi, const elem *const *rows,
			     long ld, long n, long plane, int add)
{
	for (long u = 0; u < r->Hp; u += NR)
		for (long s = 0; s < n; s++)
			for (long i = 0, m; i < r->R; i += m) {
				m = tile_height(r->R - i);
				tile_rows[m](hi - lo, rows[s] + i * ld + lo, ld, panels + u * ld + lo * NR,
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

/* noise adds the noise of n steps to the input drives. Rows are padded to whole words. */
static void FN(noise)(struct FN(run) *r, long t0, long n)
{
	const struct scan_dims *d = r->d;
	for (long i = 0; i < r->R; i++) {
		random_word row = random_key(d->noise_key, d->noise_first + r->b0 + i);
		for (long s = 0; s < n; s++) {
			random_word step = random_key(row, d->t0 + t0 + s);
			for (long g = 0; g < CP; g++)
				V(add_noise)(FN(drive)(r, s, i) + g * r->Hp, d->H, (elem)d->noise, step, g * ((d->H + 3) / 4));
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
		FN(product_rows)(r, r->win + g * r->Hp * I, 0, I, rows, I, n, g, 0);
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
		for (long i = 0; i < r->d->B; i++) {
			const elem *restrict d = r->drives + (s * r->d->B + i) * r->row + ARR(CX) * r->Hp;
			const elem *restrict x = prev[s] + (i - r->b0) * H;
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
	return r->kept + ((t * r->R + i) * r->Hp + u) * CK;
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
		FN(load_planes)(r->prep + u, Hp, CPREP, p);
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
			if (first && r->d->keep)
				FN(keep_planes)(FN(kept)(r, t, i, u), dr);
			FN(elapse)(r, c, t, i);
			CAT(CELL, _step)(c, p, dr, st, o);
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
			if (CX >= 0)
				FN(axial_rows)(r, R, prev, H, FN(drive)(r, s, 0) + CX * Hp, r->row, 0);
			/* A panel of W stays in the first cache while all rows pass. */
			for (long u0 = 0; u0 < H; u0 += NR)
				for (long i0 = 0, m; i0 < R; i0 += m) {
					m = tile_height(R - i0);
					elem *drive = FN(drive)(r, s, i0);
					FN(fetch_step)(r, t, i0, m, u0, new, drive);
					for (int g = 0; g < CG; g++)
						tile_rows[m](d->hi[g] - d->lo[g], prev + i0 * H + d->lo[g], H,
							     r->wrec + (g * Hp + u0) * H + d->lo[g] * NR,
							     drive + CPLANE(g) * Hp + u0, r->row, CPLANE(g) < CP);
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
			FN(product_rows)(r, r->wrec + g * r->Hp * H, r->d->lo[g], r->d->hi[g], prev, H, n, CPLANE(g),
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
				FN(point)(r, c, t0 + s, s, u0, 0, R, prev[s], old, new, 0);
			else /* the compiler drops what only h needs */
				FN(point_as)(r, c, t0 + s, s, u0, 0, R, prev[s], old, new, 0);
	}
}

/* step_back turns the gradient of the state after step t into that before it (without the
 * recurrent products) and the drives of the step into their gradients. learn is a constant of
 * the caller, and LP the number of prepared planes that have a gradient with it. Each block of
 * rows has a sum of its own for those; workers divide the rows in whole blocks. */
ALWAYS void FN(step_back_as)(struct FN(run) *r, long t, long s, const elem *prev, const int learn, const int LP)
{
	long H = r->d->H, Hp = r->Hp, block = learn ? r->d->block : r->R;
	const elem *old = FN(states)(r, t, s), *new = FN(states)(r, t + 1, s + 1);
	const elem *h = (const elem *)r->a->h + (t * r->d->B + r->b0) * H;
	elem c[MAX_CONSTS];
	memcpy(c, r->consts, sizeof c);
	/* Units lie next to each other, so that the processor sees what will be read. */
	for (long i0 = 0; i0 < r->R; i0 += block)
		for (long u = 0; u < H; u += VL) {
			real p[CPREP], gp[CPREP];
			elem *sum = FN(sums)(r, u, learn ? (r->b0 + i0) / block : 0);
			long i1 = min_l(r->R, i0 + block);
			FN(load_planes)(r->prep + u, Hp, CPREP, p);
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
				FN(load_extra)(r, old, i, u, st);
#pragma GCC unroll 8
				for (int k = 1; k < CS; k++)
					o[k] = load(new + (i * (CS - 1) + k - 1) * Hp + u);
				if (r->d->keep)
					FN(load_planes)(FN(kept)(r, t, i, u), VL, CK, dr);
				else
					FN(load_planes)(drive, Hp, CD, dr);
				FN(load_planes)(grad, Hp, CS, go);
				FN(elapse)(r, c, t, i);
				CAT(CELL, _adjoint)(c, p, dr, st, o, go, gs, gd, gp, learn);
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

/* through_products adds W^T times the drive gradients of step slot s to the gradient of h. */
static void FN(through_products)(struct FN(run) *r, long s)
{
	long H = r->d->H, Hp = r->Hp, R = r->R;
	elem *drive = FN(drive)(r, s, 0);
	for (int g = 0; g < CG; g++)
		for (long u = r->d->lo[g] / NR * NR; u < r->d->hi[g]; u += NR)
			for (long i = 0, m; i < R; i += m) {
				m = tile_height(R - i);
				tile_rows[m](H, drive + i * r->row + CPLANE(g) * Hp, r->row,
					     r->wback + (g * Hp + u) * H, r->grad + i * CS * Hp + u, CS * Hp, 1);
			}
	if (CX >= 0)
		FN(axial_rows)(r, R, drive + CX * Hp, r->row, r->grad, CS * Hp, 1);
}

/* pack_rows packs this worker's rows [N] of n steps into panels of the rows of all workers. */
static void FN(pack_rows)(const struct FN(run) *r, long n, const elem *const *rows, long N, elem *out)
{
	long B = r->d->B;
	for (long j = 0; j < N; j += NR)
		for (long s = 0; s < n; s++)
			pack_n(rows[s] + j, N, min_l(NR, N - j), r->R, out + j * n * B + (s * B + r->b0) * NR);
}

/* weight_grads adds the products (drive gradient)^T rows of this worker's units over all rows of a
 * chunk of n steps, K = n * B. */
static void FN(weight_grads)(struct FN(run) *r, long n, const elem *packed, long N, int planes, int recurrent,
			     elem *out)
{
	long H = r->d->H, K = n * r->d->B, u0 = r->u0, M = r->u1 - u0;
	for (long k = 0; k < K && M > 0; k += KBLOCK)
		for (int g = 0; g < planes; g++) {
			long plane = recurrent ? CPLANE(g) : g, kb = min_l(KBLOCK, K - k);
			pack_cols(r->drives + k * r->row + plane * r->Hp + u0, r->row, M, kb, r->apack);
			long lo = recurrent ? r->d->lo[g] / NR * NR : 0, hi = recurrent ? r->d->hi[g] : N;
			product_packed(M, hi - lo, kb, r->apack, packed + lo * K + k * NR, K * NR,
				       out + (g * H + u0) * N + lo, N);
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
		FN(through_products)(r, s);
	}
}

/* input_grads writes the gradient of x of this worker's rows over the n steps from t0 on: the
 * gradients of the input drives times the input matrices. */
static void FN(input_grads)(const struct FN(run) *r, long t0, long n)
{
	long H = r->d->H, I = r->d->I, Ip = ceil_to(I, NR);
	for (long s = 0; s < n; s++)
		for (long i = 0, m; i < r->R; i += m) {
			m = tile_height(r->R - i);
			elem *gx = (elem *)r->a->gx + ((t0 + s) * r->d->B + r->b0 + i) * I;
			for (long k = 0; k < I; k += NR)
				for (long g = 0; g < CP; g++)
					tile_to(tile_rows[m], (int)m, I - k, H, FN(drive)(r, s, i) + g * r->Hp, r->row,
						r->winback + (g * Ip + k) * H, gx + k, I, g > 0);
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
	long first = r->b0 / d->block, mine = (r->b0 + r->R + d->block - 1) / d->block - first;
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

#undef CS
#undef CP
#undef CG
#undef CD
#undef CX
#undef CV
#undef CPREP
#undef CELAPSED
#undef CPLANE
#undef CK
#undef FN
#undef ARR
