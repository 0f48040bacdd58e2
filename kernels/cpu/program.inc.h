/* program.inc.h - programs of layered networks (kernels.Program), for one instruction set: the including file defines
 * PROGRAM_RUN and VL. Patterns lie beside each other, [units,N], so that rows of weights are read as they lie: a
 * product is [M,K] times [K,N], a change of weights [M,N] times [N,K]. Workers divide the units of every operation and
 * wait for each other behind it. No result depends on how many they are. */

#include "../programs/functions.h"
#include "../random/normal.h"
#include "program.h"
#include "src/flush.h"
#include "src/transpose.inc.h"

#define FN static inline __attribute__((always_inline))

typedef real real_u __attribute__((aligned(sizeof(elem)), may_alias));

struct run {
	const struct kernels *k;
	const struct program_dims *d;
	const struct program_array *arrays;
	const struct program_weight *shapes;
	const struct program_steady *steady;
	void *const *weights;
	elem *rows, *state, *traces;
	const struct share *w;
	long *at; /* where arrays begin in the state, for this worker: arrays change places */
	long step;
};

FN real load_part(const elem *p, long n)
{
	if (n >= VL)
		return *(const real_u *)p;
	elem t[VL] = {0};
	for (long i = 0; i < n; i++)
		t[i] = p[i];
	return *(const real_u *)t;
}
FN void store_part(elem *p, real v, long n)
{
	if (n >= VL) {
		*(real_u *)p = v;
		return;
	}
	elem t[VL];
	*(real_u *)t = v;
	for (long i = 0; i < n; i++)
		p[i] = t[i];
}

FN elem *array_of(const struct run *r, int i) { return i < 0 ? 0 : r->state + r->at[i]; }

#define EACH_FUNCTION(X) X(P_IDENTITY) X(P_RELU) X(P_TANH) X(P_SIGMOID) X(P_SOFTPLUS) X(P_SOFT_RECTIFIER)

/* span cuts units of an array, and returns where the numbers of a worker begin and end. */
FN void span(const struct run *r, long units, long *lo, long *hi)
{
	long team = r->w->team->size, worker = r->w->worker;
	*lo = units * worker / team * r->d->N;
	*hi = units * (worker + 1) / team * r->d->N;
}

/* blocks cuts an array into whole blocks of PROGRAM_PAD numbers. The last may be longer than the array: there is room
 * behind it, where anything may be computed that is finite. */
FN void blocks(const struct run *r, long units, long *lo, long *hi)
{
	long team = r->w->team->size, worker = r->w->worker, n = (units * r->d->N + PROGRAM_PAD - 1) / PROGRAM_PAD;
	*lo = n * worker / team * PROGRAM_PAD;
	*hi = n * (worker + 1) / team * PROGRAM_PAD;
}

FN real load(const elem *p) { return *(const real_u *)p; }
FN void store(elem *p, real v) { *(real_u *)p = v; }

FN void rate_span(const int f, elem *to, const elem *x, elem by, long lo, long hi)
{
	for (long i = lo; i < hi; i += VL)
		store(to + i, program_function(f, r_splat(by) * load(x + i)));
}

FN void slope_span(const int f, elem *to, const elem *rate, long lo, long hi)
{
	for (long i = lo; i < hi; i += VL)
		store(to + i, load(to + i) * program_slope(f, load(rate + i)));
}

/* error_span writes errors. Shares of patterns are [N]; with one pattern they are a factor, and with several lo and hi
 * are bounds of units. */
FN void error_span(const int f, const struct program_op *o, elem scale, elem *to, const elem *a, const elem *b,
		   const elem *share, long N, long lo, long hi)
{
	long row = hi - lo;
	if (share && N == 1)
		scale *= share[0];
	else if (share)
		row = N;
	real ca = r_splat((elem)o->by[0]), cb = r_splat((elem)o->by[1]), factor = r_splat((elem)o->by[2]);
	if (row % VL == 0 || !share || N == 1) {
		for (; lo < hi; lo += row)
			for (long i = 0; i < row; i += VL) {
				real v = a ? ca * load(a + lo + i) : r_splat(0);
				if (b)
					v += cb * program_function(f, factor * load(b + lo + i));
				real s = r_splat(scale);
				if (share && N > 1)
					s *= load(share + i);
				store(to + lo + i, s * v);
			}
		return;
	}
	for (; lo < hi; lo += row)
		for (long i = 0; i < row; i += VL) {
			long n = row - i;
			real v = a ? ca * load_part(a + lo + i, n) : r_splat(0);
			if (b)
				v += cb * program_function(f, factor * load_part(b + lo + i, n));
			store_part(to + lo + i, r_splat(scale) * load_part(share + i, n) * v, n);
		}
}

#define CASE(f) \
	case f: \
		rate_span(f, to, x, by, lo, hi); \
		return;
static void rate(int phi, elem *to, const elem *x, elem by, long lo, long hi) { switch (phi) { EACH_FUNCTION(CASE) } }
#undef CASE
#define CASE(f) \
	case f: \
		slope_span(f, to, x, lo, hi); \
		return;
static void slopes(int phi, elem *to, const elem *x, long lo, long hi) { switch (phi) { EACH_FUNCTION(CASE) } }
#undef CASE
#define CASE(f) \
	case f: \
		error_span(f, o, scale, to, a, b, share, N, lo, hi); \
		return;
static void errors(const struct program_op *o, elem scale, elem *to, const elem *a, const elem *b, const elem *share, long N, long lo, long hi)
{
	switch (o->phi) {
		EACH_FUNCTION(CASE)
	}
}
#undef CASE

static void soma(const struct program_op *o, elem *u, elem *ahead, const elem *a, const elem *b, const elem *c, long lo, long hi)
{
	real ca = r_splat((elem)o->by[0]), cb = r_splat((elem)o->by[1]), cc = r_splat((elem)o->by[2]);
	real total = r_splat((elem)o->total), part = r_splat((elem)o->part);
	for (long i = lo; i < hi; i += VL) {
		real in = ca * load(a + i), v = load(u + i);
		if (b)
			in += cb * load(b + i);
		if (c)
			in += cc * load(c + i);
		v += part * (in - total * v);
		store(ahead + i, o->ahead ? in / total : v);
		store(u + i, v);
	}
}

/* soma_each is soma with time constants of units: of the way that u goes, and of how far it looks ahead. */
static void soma_each(const struct program_op *o, const elem *lags, const elem *leads, elem *u, elem *ahead, const elem *a, const elem *b,
		      const elem *c, long N, long lo, long hi)
{
	elem ca = (elem)o->by[0], cb = (elem)o->by[1], cc = (elem)o->by[2], total = (elem)o->total, dt = (elem)o->part;
	for (; lo < hi; lo += N) {
		elem lag = lags[lo / N], lead = leads[lo / N];
		lag = lag > dt ? lag : dt;
		lead = lead > dt ? lead : dt;
		elem part = dt / lag, q = lead / lag;
		for (long i = lo; i < lo + N; i++) {
			elem in = ca * a[i], v = u[i];
			if (b)
				in += cb * b[i];
			if (c)
				in += cc * c[i];
			ahead[i] = q * (in / total) + (1 - q) * v;
			u[i] = v + part * (in - total * v);
		}
	}
}

static void times(const struct program_op *o, elem scale, elem *to, const elem *a, const elem *b, const elem *c, long lo, long hi)
{
	real cb = r_splat((elem)o->by[1]), cc = r_splat((elem)o->by[2]);
	for (long i = lo; i < hi; i += VL) {
		real v = cb * load(b + i);
		if (c)
			v += cc * load(c + i);
		store(to + i, r_splat(scale) * load(a + i) * v);
	}
}

/* dot returns the product of a row of weights with rates. */
FN elem dot(const elem *w, const elem *x, long K)
{
	long k = 0;
	elem sum = 0;
	if (K >= VL) {
		real s = r_splat(0);
		for (; k + VL <= K; k += VL)
			s += *(const real_u *)(w + k) * *(const real_u *)(x + k);
		elem t[VL];
		*(real_u *)t = s;
#pragma GCC unroll 16
		for (int n = VL / 2; n > 0; n /= 2)
#pragma GCC unroll 8
			for (int i = 0; i < n; i++)
				t[i] += t[i + n];
		sum = t[0];
	}
	for (; k < K; k++)
		sum += w[k] * x[k];
	return sum;
}

/* steady_of returns what is known of a weight that reads the same in all steps, or null. */
FN const struct program_steady *steady_of(const struct run *r, int weight)
{
	return r->d->steps > 1 && r->steady[weight].product >= 0 ? &r->steady[weight] : 0;
}

/* steady_product makes the product in the first step; learn keeps it up to date. */
FN const elem *steady_product(const struct run *r, const struct program_steady *k, const struct program_weight *s, const elem *w, const elem *x)
{
	if (r->step == 0) {
		r->k->gemm(1, s->M, r->d->N, s->K, w, x, r->state + k->product, 0, r->w);
		team_wait(r->w->team);
	}
	return r->state + k->product;
}

/* steady_lesson adds errors [M,N] up, and returns what changes the product by them, or in the last step the weight. */
static struct gemm_job steady_lesson(const struct run *r, const struct program_steady *k, const struct program_weight *s, elem *w, const elem *e, const elem *x)
{
	elem *sum = r->state + k->sum, *square = r->state + k->square;
	long N = r->d->N, lo, hi;
	blocks(r, s->M, &lo, &hi);
	for (long i = lo; i < hi; i += VL)
		store(sum + i, r->step == 0 ? load(e + i) : load(sum + i) + load(e + i));
	if (r->step == r->d->steps - 1)
		return (struct gemm_job){0, 1, s->M, s->K, N, sum, x, w};
	if (r->step == 0) {
		r->k->gemm(2, N, N, s->K, x, x, square, 0, r->w);
		team_wait(r->w->team);
	}
	return (struct gemm_job){1, 1, s->M, N, N, e, square, r->state + k->product};
}

/* begin writes what rows of y are without their product: base + known + bias. */
static void begin(elem *y, const elem *base, const elem *known, const elem *bias, long N, long lo, long hi)
{
	for (long i = lo; i < hi; i += N) {
		elem b = bias ? bias[i / N] : 0;
		for (long n = 0; n < N; n += VL) {
			real v = base ? load_part(base + i + n, N - n) : r_splat(0);
			if (known)
				v += load_part(known + i + n, N - n);
			store_part(y + i + n, bias ? v + r_splat(b) : v, N - n);
		}
	}
}

/* product_one is a product with one pattern. */
static void product_one(const struct run *r, const struct program_op *o)
{
	const struct program_weight *s = &r->shapes[o->w];
	const elem *w = r->weights[o->w], *bias = o->bias < 0 ? 0 : r->weights[o->bias];
	const elem *x = array_of(r, o->from[0]), *base = array_of(r, o->from[1]);
	elem *y = array_of(r, o->to);
	long lo, hi;
	span(r, s->M, &lo, &hi);
	for (long m = lo; m < hi; m++)
		y[m] = (base ? base[m] : 0) + dot(w + m * s->K, x, s->K) + (bias ? bias[m] : 0);
}

/* multiply does n products, of which none reads what another writes. It returns whether workers waited behind them. */
static int multiply(const struct run *r, const struct program_op *o, int n)
{
	struct gemm_job list[GEMM_JOBS];
	long N = r->d->N, lo, hi;
	int jobs = 0, begun = 0;
	for (int i = 0; i < n; i++, o++) {
		const struct program_weight *s = &r->shapes[o->w];
		const elem *w = r->weights[o->w], *bias = o->bias < 0 ? 0 : r->weights[o->bias];
		const elem *x = array_of(r, o->from[0]), *base = array_of(r, o->from[1]);
		elem *y = array_of(r, o->to);
		span(r, s->M, &lo, &hi);
		const struct program_steady *k = steady_of(r, o->w);
		const elem *known = k ? steady_product(r, k, s, w, x) : 0;
		int add = base || bias;
		if (add || known)
			begin(y, base, known, bias, N, lo, hi);
		if (!known) {
			list[jobs++] = (struct gemm_job){1, add, s->M, N, s->K, w, x, y};
			begun |= add;
		}
	}
	if (begun)
		team_wait(r->w->team);
	r->k->gemms(list, jobs, r->d->room, r->w);
	return jobs > 0;
}

static void back(const struct run *r, const struct program_op *o)
{
	const struct program_weight *s = &r->shapes[o->w];
	const elem *w = r->weights[o->w], *e = array_of(r, o->from[0]);
	elem *x = array_of(r, o->to);
	long lo, hi;
	span(r, s->K, &lo, &hi);
	if (r->d->N == 1) {
		for (long k = lo; k < hi; k++)
			x[k] = 0;
		for (long m = 0; m < s->M; m++)
			for (long k = lo; k < hi; k++)
				x[k] += e[m] * w[m * s->K + k];
	} else {
		r->k->gemm(2, s->K, r->d->N, s->M, w, e, x, 0, r->w);
		team_wait(r->w->team);
	}
	if (o->from[1] < 0)
		return;
	if (r->d->N == 1)
		team_wait(r->w->team);
	blocks(r, s->K, &lo, &hi);
	slopes(o->phi, x, array_of(r, o->from[1]), lo, hi);
}

/* low_pass moves the traces of rows of a weight towards c times x, or the sum in outer, and adds them to the weight. */
FN void low_pass(elem *w, elem *trace, const elem *outer, elem c, const elem *x, elem keep, elem rate, long n)
{
	for (long k = 0; k < n; k++) {
		trace[k] += keep * ((outer ? outer[k] : c * x[k]) - trace[k]);
		w[k] += rate * trace[k];
	}
}

/* learn_one changes a weight by one pattern. */
static void learn_one(const struct run *r, const struct program_op *o)
{
	const struct program_weight *s = &r->shapes[o->w];
	elem *w = r->weights[o->w], *trace = s->trace < 0 ? 0 : r->traces + s->trace;
	const elem *e = array_of(r, o->from[0]), *x = array_of(r, o->from[1]);
	elem keep = (elem)o->part, rate = (elem)(o->scale * r->d->rate);
	long K = s->K, team = r->w->team->size, m0 = s->M * r->w->worker / team, m1 = s->M * (r->w->worker + 1) / team;
	if (o->bias >= 0) {
		elem *bias = r->weights[o->bias];
		for (long m = m0; m < m1; m++)
			bias[m] += e[m];
	}
	for (long m = m0; m < m1; m++) {
		elem *to = w + m * K, c = e[m];
		if (trace) {
			low_pass(to, trace + m * K, 0, c, x, keep, rate, K);
			continue;
		}
		long k = 0;
		for (; k + VL <= K; k += VL)
			*(real_u *)(to + k) += r_splat(c) * *(const real_u *)(x + k);
		for (; k < K; k++)
			to[k] += c * x[k];
	}
}

/* learn changes n weights; those that have a trace come alone. It returns whether workers waited behind it. */
static int learn(const struct run *r, const struct program_op *o, int n)
{
	struct gemm_job list[GEMM_JOBS];
	long N = r->d->N, team = r->w->team->size;
	int jobs = 0;
	for (int i = 0; i < n; i++, o++) {
		const struct program_weight *s = &r->shapes[o->w];
		elem *w = r->weights[o->w], *trace = s->trace < 0 ? 0 : r->traces + s->trace, *outer = r->traces + r->d->outer;
		const elem *e = array_of(r, o->from[0]), *x = array_of(r, o->from[1]);
		elem keep = (elem)o->part, rate = (elem)(o->scale * r->d->rate);
		long K = s->K, m0 = s->M * r->w->worker / team, m1 = s->M * (r->w->worker + 1) / team;
		if (o->bias >= 0) {
			elem *bias = r->weights[o->bias];
			for (long m = m0; m < m1; m++) {
				elem sum = 0;
				for (long p = 0; p < N; p++)
					sum += e[m * N + p];
				bias[m] += sum;
			}
		}
		const struct program_steady *k = steady_of(r, o->w);
		if (k)
			list[jobs++] = steady_lesson(r, k, s, w, e, x);
		else if (!trace)
			list[jobs++] = (struct gemm_job){0, 1, s->M, K, N, e, x, w};
		else {
			r->k->gemm(0, s->M, K, N, e, x, outer, 0, r->w);
			team_wait(r->w->team);
			low_pass(w + m0 * K, trace + m0 * K, outer + m0 * K, 0, 0, keep, rate, (m1 - m0) * K);
		}
	}
	r->k->gemms(list, jobs, r->d->room, r->w);
	return jobs > 0;
}

/* stream returns that of the numbers which an operation draws in this step, and in *now the number of the step. */
static random_word stream(const struct run *r, const struct program_op *o, random_word *now)
{
	const elem *clock = array_of(r, o->clock);
	*now = (random_word)clock[0] + ((random_word)clock[r->d->N] << 24);
	return random_key(o->key, *now);
}

/* emit lets units fire. The history is a ring of o->slots rows of units. */
static void emit(const struct run *r, const struct program_op *o)
{
	long N = r->d->N, units = r->arrays[o->to].units, row = units * N, lo, hi;
	elem *to = array_of(r, o->to), *also = array_of(r, o->also), *ring = array_of(r, o->history);
	const elem *rate = array_of(r, o->from[0]);
	random_word now, key = stream(r, o, &now);
	long at = (long)(now % (random_word)o->slots), arriving = (at + o->slots - o->delay) % o->slots;
	elem scale = o->mean > 0 ? (elem)(1 / (o->mean * o->size)) : 1;
	span(r, units, &lo, &hi);
	for (long i = lo; i < hi; i++) {
		elem count = rate[i];
		if (o->mean > 0) {
			elem silent = 0;
			for (int back = 1; back <= o->refractory; back++)
				silent += ring[(at + o->slots - back) % o->slots * row + i];
			count = (elem)program_fire(o, key, (random_word)(i % N * units + i / N), (long long)silent, rate[i]);
		}
		ring[at * row + i] = count;
		to[i] = scale * ring[arriving * row + i];
		if (also)
			also[i] = scale * count;
	}
}

/* jitter adds coarse Gaussian numbers to potentials. */
static void jitter(const struct run *r, const struct program_op *o)
{
	long N = r->d->N, units = r->arrays[o->to].units, lo, hi;
	elem *to = array_of(r, o->to), *also = array_of(r, o->also);
	random_word now, key = stream(r, o, &now);
	span(r, units, &lo, &hi);
	for (long i = lo; i < hi; i++) {
		random_word k = (random_word)(i % N * units + i / N);
		elem z = (elem)(o->by[0] * random_normal(random_at(key, k / 4), (int)(k % 4)));
		to[i] += z;
		if (also)
			also[i] += z;
	}
}

/* tick counts a step in the clocks of all patterns, [2,N], which are alike. */
static void tick(elem *clock, long N)
{
	for (long n = 0; n < N; n++)
		if (++clock[n] == 1 << 24) {
			clock[n] = 0;
			clock[N + n]++;
		}
}

/* pointwise does the numbers lo to hi-1 of an operation that goes number by number. */
static void pointwise(const struct run *r, const struct program_op *o, long lo, long hi)
{
	elem *to = array_of(r, o->to), scale = (elem)(o->learning ? o->scale * r->d->rate : o->scale);
	const elem *a = array_of(r, o->from[0]), *b = array_of(r, o->from[1]), *c = array_of(r, o->from[2]);
	switch (o->kind) {
	case P_FOLLOW:
		if (o->part == 1 && o->ahead)
			return;
		if (o->part == 1) {
			for (long i = lo; i < hi; i += VL)
				store(to + i, load(a + i));
			return;
		}
		for (long i = lo; i < hi; i += VL)
			store(to + i, load(to + i) + r_splat((elem)o->part) * (load(a + i) - load(to + i)));
		return;
	case P_SOMA:
		if (o->w >= 0)
			soma_each(o, r->weights[o->w], r->weights[o->bias], to, array_of(r, o->also), a, b, c, r->d->N, lo, hi);
		else
			soma(o, to, array_of(r, o->also), a, b, c, lo, hi);
		return;
	case P_RATE:
		rate(o->phi, to, a, (elem)o->by[0], lo, hi);
		return;
	case P_ERROR:
		errors(o, scale, to, a, b, c, r->d->N, lo, hi);
		return;
	case P_TIMES:
		times(o, scale, to, a, b, c, lo, hi);
	}
}

/* is_pointwise reports whether an operation goes number by number. */
static int is_pointwise(const struct program_op *o)
{
	return o->kind == P_FOLLOW || o->kind == P_SOMA || o->kind == P_RATE || o->kind == P_ERROR || o->kind == P_TIMES;
}

/* GROUP is about how many numbers of an array go through operations together: those of all arrays stay in the first cache. */
enum { GROUP = 256 };

/* exchange lets the arrays of copies that nobody reads twice change places. */
FN void exchange(const struct run *r, const struct program_op *o, int n)
{
	for (; n > 0; n--, o++)
		if (o->kind == P_FOLLOW && o->ahead) {
			long at = r->at[o->to];
			r->at[o->to] = r->at[o->from[0]];
			r->at[o->from[0]] = at;
		}
}

/* operate does an operation, or n together. It returns whether all workers have waited for each other behind it. */
static int operate(const struct run *r, const struct program_op *o, int n)
{
	long N = r->d->N, lo, hi;
	if (is_pointwise(o)) {
		long units = r->arrays[o->to].units, part = N % PROGRAM_PAD ? 0 : N > GROUP ? N : GROUP / N * N;
		if (part || o->kind == P_ERROR && o->from[2] >= 0 && N > 1 || o->kind == P_SOMA && o->w >= 0)
			span(r, units, &lo, &hi);
		else
			blocks(r, units, &lo, &hi);
		for (long at = lo; at < hi; at += part ? part : hi - lo)
			for (int i = 0; i < n; i++)
				pointwise(r, o + i, at, !part || at + part > hi ? hi : at + part);
		exchange(r, o, n);
		return 0;
	}
	switch (o->kind) {
	case P_PRODUCT:
		if (N > 1)
			return multiply(r, o, n);
		product_one(r, o);
		break;
	case P_BACK:
		back(r, o);
		break;
	case P_LEARN:
		if (N > 1)
			return learn(r, o, n);
		learn_one(r, o);
		break;
	case P_EMIT:
		emit(r, o);
		break;
	case P_JITTER:
		jitter(r, o);
		break;
	case P_TICK:
		if (r->w->worker == 0)
			tick(array_of(r, o->to), N);
	}
	return 0;
}

/* writes reports whether an operation writes an array. */
static int writes(const struct program_op *o, int ops, int i)
{
	for (; ops > 0; ops--, o++)
		if (o->to == i || o->also == i || o->kind == P_EMIT && o->history == i)
			return 1;
	return 0;
}

/* turn_block writes the K columns of the M rows of in, lda apart, as rows of out, ldb apart. */
static void turn_block(const elem *in, long lda, elem *out, long ldb, long M, long K)
{
	long m = 0;
	for (; LANES > 1 && m + LANES <= M; m += LANES) {
		long k = 0;
		for (; k + LANES <= K; k += LANES)
			transpose(in + m * lda + k, lda, out + k * ldb + m, ldb);
		for (; k < K; k++)
			for (long i = m; i < m + LANES; i++)
				out[k * ldb + i] = in[i * lda + k];
	}
	for (; m < M; m++)
		for (long k = 0; k < K; k++)
			out[k * ldb + m] = in[m * lda + k];
}

/* turn copies kept arrays from rows [N,units] to state [units,N], or back those that the operations write. */
static void turn(const struct run *r, const struct program_op *ops, int back)
{
	long N = r->d->N, lo, hi;
	if (N == 1)
		return;
	for (int i = 0; i < r->d->arrays; i++) {
		const struct program_array *a = &r->arrays[i];
		if (a->rows < 0 || back && !writes(ops, r->d->ops, i))
			continue;
		span(r, a->units, &lo, &hi);
		long from = lo / N, units = hi / N - from;
		elem *rows = r->rows + a->rows + from, *state = array_of(r, i) + lo;
		if (back)
			turn_block(state, N, rows, a->units, units, N);
		else
			turn_block(rows, a->units, state, N, N, units);
	}
}

void PROGRAM_RUN(const struct kernels *k, const struct program_dims *d, const struct program_op *ops, const int *groups,
		 const struct program_array *arrays, const struct program_weight *shapes, const struct program_steady *steady,
		 void *const *weights, void *rows, void *state, void *traces, const struct share *w)
{
	long at[d->arrays];
	struct run r = {k, d, arrays, shapes, steady, weights, rows, state, traces, w, at, 0};
	unsigned mode = flush_on();
	for (int i = 0; i < d->arrays; i++)
		at[i] = arrays[i].at;
	turn(&r, ops, 0);
	team_wait(w->team);
	for (; r.step < d->steps; r.step++)
		for (int i = 0, g = 0; i < d->ops; i += groups[g], g++)
			if (!operate(&r, &ops[i], groups[g]))
				team_wait(w->team);
	turn(&r, ops, 1);
	flush_restore(mode);
}
