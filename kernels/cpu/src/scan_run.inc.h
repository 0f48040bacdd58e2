/* scan_run.inc.h - what a worker of scan.inc.h holds: its buffers, packed weights, and where rows, states and
 * masks of a step lie. */

/* FN(run) holds the sizes and the parts of the buffers of one worker. */
struct FN(run) {
	const struct scan_dims *d;
	const struct scan_arrays *a;
	long b0, R, Hp, row;	/* row: stride of a drive row, CD*Hp */
	long g0;	/* b0, counted from the first row of the group */
	long blocks;	/* of rows of the group */
	long u0, u1;	/* the units whose gradients are this worker's, all of them with one worker */
	elem consts[MAX_CONSTS];
	int irregular;	/* the mask holds lengths of steps, for consts[CELAPSED] */
	int past;	/* h is stored past the caches, in whole lines */
	const elem *win, *wrec, *wback, *prep, *winback; /* prep [Hp/VL][CPREP][VL] */
	/* of this worker */
	elem *kept;	/* [T][R][Hp/VL][CK][VL] drives, or what is seen, with keep, or [T][Hp/VL][R][CK][VL] BY_UNITS */
	elem *extra;	/* [states_kept][R][CS-1][Hp] */
	elem *grad;	/* [R][CS][Hp] */
	elem *own;	/* [2][R][Hp] h before and after a step, forward */
	elem *apack;	/* [units of a worker][KBLOCK] */
	elem *factors;	/* [chunk][R][factors of I or H], with BF16 */
	elem *gband, *gloose;	/* gradients of the axial matrix, of the chunk at hand */
	/* of the team */
	elem *drives;	/* [chunk][group][CD][Hp], of the chunk at hand; gradients where they were */
	elem *gp;	/* [Hp/VL][blocks of rows][CPREP][VL], of the chunk at hand */
	elem *inpack, *recpack; /* [panels][chunk*group][NR] rows of x and h before the step */
};

/* states_kept returns how many states 1.. of a row lie in work. */
ALWAYS long FN(states_kept)(const struct scan_dims *d)
{
	return !d->keep ? d->chunk + 1 : CSEEN ? 1 : d->T + 1;
}

/* planes_kept returns how many elements of drives and of states 1.. lie in work. */
static long FN(planes_kept)(const struct scan_dims *d, long R)
{
	long Hp = ceil_to(d->H, NR);
	return ((d->keep ? d->T * CK : 0) + FN(states_kept)(d) * (CS - 1)) * R * Hp;
}

/* factor_space returns how many elements the factors of the rows of a chunk take, where they are not the rows themselves. */
static long FN(factor_space)(const struct scan_dims *d, long R)
{
	long n = d->I > d->H ? d->I : d->H;
	return ALONG > 1 ? d->chunk * R * FACTORS(n) : 0;
}

static struct scan_sizes FN(sizes)(const struct scan_dims *d, long R)
{
	long Hp = ceil_to(d->H, NR), rows = d->chunk * d->group;
	struct scan_sizes s;
	s.packed = CP * Hp * d->I + 2 * CG * Hp * d->H + CPREP * Hp + 16;
	if (d->grad_in)
		s.packed += CP * ceil_to(d->I, NR) * d->H;
	s.work = FN(planes_kept)(d, R) + R * CS * Hp + ceil_to(d->H, MR) * KBLOCK +
		 FN(factor_space)(d, R) + 2 * R * Hp + d->bands * d->H + d->loose + 9 * 16;
	s.shared = rows * CD * Hp + (d->group + d->block - 1) / d->block * CPREP * Hp + 6 * 16;
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
			pack_n(wrec + g * H * H, H, H, H, (elem *)r.wback + g * Hp * FACTORS(H));
		for (long g = 0; g < CP && d->grad_in; g++)
			pack_n(win + g * H * d->I, d->I, d->I, H, (elem *)r.winback + g * ceil_to(d->I, NR) * FACTORS(H));
		return;
	}
	for (long g = 0; g < CP; g++)
		pack_t(win + g * H * d->I, d->I, H, d->I, (elem *)r.win + g * Hp * FACTORS(d->I));
	for (long g = 0; g < CG; g++)
		pack_t(wrec + g * H * H, H, H, H, (elem *)r.wrec + g * Hp * FACTORS(H));
	for (long u = 0; u < Hp; u++) {
		double in[CV + 1], out[CPREP];
		for (int k = 0; k < CV + 1; k++)
			in[k] = k < CV || CX >= 0 ? raw[k * H + min_l(u, H - 1)] : 0;
		CAT(CELL, _prepare)(d->consts, in, out);
		for (int k = 0; k < CPREP; k++)
			((elem *)r.prep)[(u / VL * CPREP + k) * VL + u % VL] = (elem)out[k];
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
	r->g0 = w->b0 % d->group;
	r->blocks = (d->group + d->block - 1) / d->block;
	r->u0 = min_l(H, tiles * w->worker / team * MR);
	r->u1 = min_l(H, tiles * (w->worker + 1) / team * MR);
	for (int k = 0; k < MAX_CONSTS; k++)
		r->consts[k] = (elem)d->consts[k];
	r->irregular = a->mask && CELAPSED >= 0 && r->consts[ARR(CELAPSED)] != 0;
	r->past = sizeof(real) == 64 && H % VL == 0 && (size_t)a->h % sizeof(real) == 0;
	FN(packed_parts)(d, a->packed, r);
	elem *p = FN(align)(w->work);
	r->kept = FN(take)(&p, d->keep ? d->T * R * CK * Hp : 0);
	r->extra = FN(take)(&p, FN(states_kept)(d) * R * (CS - 1) * Hp);
	r->grad = FN(take)(&p, R * CS * Hp);
	r->apack = FN(take)(&p, ceil_to(H, MR) * KBLOCK);
	r->factors = FN(take)(&p, FN(factor_space)(d, R));
	r->own = FN(take)(&p, 2 * R * Hp);
	r->gband = FN(take)(&p, d->bands * H);
	r->gloose = p;
	p = FN(align)(w->shared);
	r->drives = FN(take)(&p, C * d->group * CD * Hp);
	r->gp = FN(take)(&p, r->blocks * CPREP * Hp);
	r->inpack = FN(take)(&p, d->learn_in ? C * d->group * ceil_to(d->I, NR) : 0);
	r->recpack = p;
}

/* drive returns the drives of row i (of this worker) at step slot s. */
ALWAYS elem *FN(drive)(const struct FN(run) *r, long s, long i)
{
	return r->drives + (s * r->d->group + r->g0 + i) * r->row;
}

/* states returns planes 1.. before step t, which is the step s of its chunk. */
ALWAYS elem *FN(states)(const struct FN(run) *r, long t, long s)
{
	return r->extra + (!r->d->keep ? s : CSEEN ? 0 : t) * r->R * (CS - 1) * r->Hp;
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
