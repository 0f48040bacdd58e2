/* program.cu - programs of layers in time (kernels.Program): kernels/cpu/program.inc.h with blocks for workers. One
 * launch does many steps: all blocks do an operation together, then wait for each other. No result depends on how many
 * they are.
 *
 * GPU_IEEE has the compilers round each product and sum by itself, so that what is drawn has the bits of the CPU;
 * products of matrices are fused by hand.
 */
#define GPU_IEEE 1
#include "grid.h"
#include "program.h"
#include "reduce.h"
#include "../programs/functions.h"
#include "../programs/spikes.h"
#include "../random/normal.h"

enum { TILE = PROGRAM_TILE, WIDTH = TILE + 1, PARTS = TILE * TILE / PROGRAM_THREADS, HEIGHT = TILE / PARTS };

GPU_FN float *array_of(const program_params &p, int i) { return i < 0 ? 0 : p.state + p.array[i].at; }

GPU_FN float *weight_of(const program_params &p, int i) { return i < 0 ? 0 : p.weights + p.weight[i].at; }

/* A result is what an operation does with the sum of products for row i and column j. */

/* y = base + sum + bias */
struct product_result {
	float *y;
	const float *base, *bias;
	int J;
	GPU_FN void put(const product_result &r, int i, int j, float sum)
	{
		long long at = (long long)i * r.J + j;
		float v = r.base ? r.base[at] + sum : sum;
		r.y[at] = r.bias ? v + r.bias[j] : v;
	}
};

/* x = sum, times the slope of a function where its value is rate */
struct back_result {
	float *x;
	const float *rate;
	int phi, J;
	GPU_FN void put(const back_result &r, int i, int j, float sum)
	{
		long long at = (long long)i * r.J + j;
		r.x[at] = r.rate ? sum * program_slope(r.phi, r.rate[at]) : sum;
	}
};

/* w += sum, or the trace goes towards the sum and is added */
struct learn_result {
	float *w, *trace;
	float keep, rate;
	int J;
	GPU_FN void put(const learn_result &r, int i, int j, float sum)
	{
		long long at = (long long)i * r.J + j;
		if (r.trace) {
			float t = r.trace[at] + r.keep * (sum - r.trace[at]);
			r.trace[at] = t;
			sum = r.rate * t;
		}
		r.w[at] += sum;
	}
};

/* One operand of a product over K: element (i, k) is at x[i*ld + k] with K inside, else at x[k*ld + i]; i < n. */
struct side {
	const float *x;
	int n, ld;
};

template <bool INSIDE> GPU_FN float element_of(const side &s, int i, int k)
{
	return s.x[INSIDE ? (long long)i * s.ld + k : (long long)k * s.ld + i];
}

/* load copies a tile of TILE rows from i0 on and TILE of K from k0 on to shared memory, K outside, with zeros beyond
 * the ends. Threads side by side read side by side. */
template <bool INSIDE> GPU_FN void load(const side &s, int i0, int k0, int K, float *tile)
{
	int fast = threadIdx.x % TILE;
	for (int slow = threadIdx.x / TILE; slow < TILE; slow += HEIGHT) {
		int i = INSIDE ? slow : fast, k = INSIDE ? fast : slow;
		tile[k * WIDTH + i] = i0 + i < s.n && k0 + k < K ? element_of<INSIDE>(s, i0 + i, k0 + k) : 0.0f;
	}
}

/* tiled gives a result the products of rows of a and of b over K, a tile of TILE x TILE a block at a time. */
template <bool A, bool B, typename R> GPU_FN void tiled(const side &a, const side &b, int K, const R &result, float *shared)
{
	float *as = shared, *bs = shared + TILE * WIDTH;
	int across = (b.n + TILE - 1) / TILE, tiles = (a.n + TILE - 1) / TILE * across;
	int column = threadIdx.x % TILE, row = threadIdx.x / TILE;
	for (int t = blockIdx.x; t < tiles; t += gridDim.x) {
		int i0 = t / across * TILE, j0 = t % across * TILE;
		float sum[PARTS];
#pragma unroll
		for (int r = 0; r < PARTS; r++)
			sum[r] = 0;
		for (int k0 = 0; k0 < K; k0 += TILE) {
			load<A>(a, i0, k0, K, as);
			load<B>(b, j0, k0, K, bs);
			sync_block();
#pragma unroll 8
			for (int k = 0; k < TILE; k++) {
				float y = bs[k * WIDTH + column];
#pragma unroll
				for (int r = 0; r < PARTS; r++)
					sum[r] = fmaf(as[k * WIDTH + row + r * HEIGHT], y, sum[r]);
			}
			sync_block();
		}
#pragma unroll
		for (int r = 0; r < PARTS; r++) {
			int i = i0 + row + r * HEIGHT, j = j0 + column;
			if (i < a.n && j < b.n)
				R::put(result, i, j, sum[r]);
		}
	}
}

/* threaded does the same with a thread for each sum, for few patterns. */
template <bool A, bool B, typename R> GPU_FN void threaded(const side &a, const side &b, int K, const R &result)
{
	long long all = (long long)a.n * b.n;
	for (long long e = element(); e < all; e += stride()) {
		int i = (int)(e / b.n), j = (int)(e % b.n);
		float sum = 0;
		for (int k = 0; k < K; k++)
			sum = fmaf(element_of<A>(a, i, k), element_of<B>(b, j, k), sum);
		R::put(result, i, j, sum);
	}
}

/* warped does the same with a warp for each sum, where K is inside rows of both. */
template <typename R> GPU_FN void warped(const side &a, const side &b, int K, const R &result)
{
	long long all = (long long)a.n * b.n;
	for (long long e = element() / 32; e < all; e += stride() / 32) {
		int i = (int)(e / b.n), j = (int)(e % b.n);
		float sum = 0;
		for (int k = threadIdx.x % 32; k < K; k += 32)
			sum = fmaf(element_of<true>(a, i, k), element_of<true>(b, j, k), sum);
		sum = warp_sum(sum);
		if (threadIdx.x % 32 == 0)
			R::put(result, i, j, sum);
	}
}

GPU_FN void product(const program_params &p, const program_op &o, float *shared)
{
	int M = (int)p.weight[o.w].M, K = (int)p.weight[o.w].K;
	side x = {array_of(p, o.from[0]), p.N, K}, w = {weight_of(p, o.w), M, K};
	product_result r = {array_of(p, o.to), array_of(p, o.from[1]), weight_of(p, o.bias), M};
	if (p.N < PROGRAM_FEW)
		warped(x, w, K, r);
	else
		tiled<true, true>(x, w, K, r, shared);
}

GPU_FN void back(const program_params &p, const program_op &o, float *shared)
{
	int M = (int)p.weight[o.w].M, K = (int)p.weight[o.w].K;
	side e = {array_of(p, o.from[0]), p.N, M}, w = {weight_of(p, o.w), K, K};
	back_result r = {array_of(p, o.to), array_of(p, o.from[1]), o.phi, K};
	if (p.N < PROGRAM_FEW)
		threaded<true, false>(e, w, M, r);
	else
		tiled<true, false>(e, w, M, r, shared);
}

GPU_FN void learn(const program_params &p, const program_op &o, float *shared)
{
	const struct program_weight &s = p.weight[o.w];
	int M = (int)s.M, K = (int)s.K;
	side e = {array_of(p, o.from[0]), M, M}, x = {array_of(p, o.from[1]), K, K};
	if (o.bias >= 0) {
		float *bias = weight_of(p, o.bias);
		for (long long m = element(); m < M; m += stride()) {
			float sum = 0;
			for (int n = 0; n < p.N; n++)
				sum += e.x[(long long)n * M + m];
			bias[m] += sum;
		}
	}
	learn_result r = {weight_of(p, o.w), s.trace < 0 ? 0 : p.traces + s.trace, (float)o.part, (float)(o.scale * p.rate), K};
	if (p.N < PROGRAM_FEW)
		threaded<false, false>(e, x, p.N, r);
	else
		tiled<false, false>(e, x, p.N, r, shared);
}

GPU_FN void follow(const program_params &p, const program_op &o, long long all)
{
	float *to = array_of(p, o.to), part = (float)o.part;
	const float *from = array_of(p, o.from[0]);
	for (long long e = element(); e < all; e += stride())
		to[e] = part == 1 ? from[e] : to[e] + part * (from[e] - to[e]);
}

GPU_FN void soma(const program_params &p, const program_op &o, long long all)
{
	float *u = array_of(p, o.to), *ahead = array_of(p, o.also), total = (float)o.total, part = (float)o.part;
	const float *a = array_of(p, o.from[0]), *b = array_of(p, o.from[1]), *c = array_of(p, o.from[2]);
	float ca = (float)o.by[0], cb = (float)o.by[1], cc = (float)o.by[2];
	for (long long e = element(); e < all; e += stride()) {
		float in = ca * a[e], v = u[e];
		if (b)
			in += cb * b[e];
		if (c)
			in += cc * c[e];
		v += part * (in - total * v);
		ahead[e] = o.ahead ? in / total : v;
		u[e] = v;
	}
}

/* soma_each is soma with time constants of units: of the way that u goes, and of how far it looks ahead. */
GPU_FN void soma_each(const program_params &p, const program_op &o, int units)
{
	float *u = array_of(p, o.to), *ahead = array_of(p, o.also), total = (float)o.total, dt = (float)o.part;
	const float *a = array_of(p, o.from[0]), *b = array_of(p, o.from[1]), *c = array_of(p, o.from[2]);
	const float *lags = weight_of(p, o.w), *leads = weight_of(p, o.bias);
	float ca = (float)o.by[0], cb = (float)o.by[1], cc = (float)o.by[2];
	for (long long e = element(); e < (long long)p.N * units; e += stride()) {
		float in = ca * a[e], v = u[e], lag = lags[e % units], lead = leads[e % units];
		if (b)
			in += cb * b[e];
		if (c)
			in += cc * c[e];
		lag = lag > dt ? lag : dt;
		lead = lead > dt ? lead : dt;
		float q = lead / lag;
		ahead[e] = q * (in / total) + (1 - q) * v;
		u[e] = v + dt / lag * (in - total * v);
	}
}

GPU_FN void times(const program_params &p, const program_op &o, long long all)
{
	float *to = array_of(p, o.to), scale = (float)(o.learning ? o.scale * p.rate : o.scale), cb = (float)o.by[1], cc = (float)o.by[2];
	const float *a = array_of(p, o.from[0]), *b = array_of(p, o.from[1]), *c = array_of(p, o.from[2]);
	for (long long e = element(); e < all; e += stride())
		to[e] = scale * a[e] * (c ? cb * b[e] + cc * c[e] : cb * b[e]);
}

GPU_FN void rate(const program_params &p, const program_op &o, long long all)
{
	float *to = array_of(p, o.to), by = (float)o.by[0];
	const float *from = array_of(p, o.from[0]);
	for (long long e = element(); e < all; e += stride())
		to[e] = program_function(o.phi, by * from[e]);
}

GPU_FN void error(const program_params &p, const program_op &o, int units)
{
	float *to = array_of(p, o.to), scale = (float)(o.learning ? o.scale * p.rate : o.scale);
	const float *a = array_of(p, o.from[0]), *b = array_of(p, o.from[1]), *share = array_of(p, o.from[2]);
	float ca = (float)o.by[0], cb = (float)o.by[1], factor = (float)o.by[2];
	for (long long e = element(); e < (long long)p.N * units; e += stride()) {
		float v = a ? ca * a[e] : 0;
		if (b)
			v += cb * program_function(o.phi, factor * b[e]);
		v *= scale;
		to[e] = share ? v * share[e / units] : v;
	}
}

/* stream returns that of the numbers which an operation draws in this step, and in *now the number of the step. */
GPU_FN random_word stream(const program_params &p, const program_op &o, random_word *now)
{
	const float *clock = array_of(p, o.clock);
	*now = (random_word)clock[0] + ((random_word)clock[1] << 24);
	return random_key(o.key, *now);
}

GPU_FN void emit(const program_params &p, const program_op &o, int units)
{
	float *to = array_of(p, o.to), *also = array_of(p, o.also), *history = array_of(p, o.history);
	const float *rate = array_of(p, o.from[0]);
	random_word now, key = stream(p, o, &now);
	int at = (int)(now % (random_word)o.slots), arriving = (at + o.slots - o.delay) % o.slots;
	float scale = o.mean > 0 ? (float)(1 / (o.mean * o.size)) : 1;
	for (long long e = element(); e < (long long)p.N * units; e += stride()) {
		float *ring = history + e / units * units * o.slots + e % units, count = rate[e];
		if (o.mean > 0) {
			float silent = 0;
			for (int back = 1; back <= o.refractory; back++)
				silent += ring[(long long)((at + o.slots - back) % o.slots) * units];
			count = (float)program_spikes(&o, key, (random_word)e, (long long)silent, rate[e]);
		}
		ring[(long long)at * units] = count;
		to[e] = scale * ring[(long long)arriving * units];
		if (also)
			also[e] = scale * count;
	}
}

GPU_FN void jitter(const program_params &p, const program_op &o, long long all)
{
	float *to = array_of(p, o.to), *also = array_of(p, o.also);
	random_word now, key = stream(p, o, &now);
	for (long long e = element(); e < all; e += stride()) {
		float z = (float)(o.by[0] * random_normal(random_at(key, (random_word)e / 4), (int)(e % 4)));
		to[e] += z;
		if (also)
			also[e] += z;
	}
}

GPU_FN void tick(float *clock, int N)
{
	for (long long n = element(); n < N; n += stride()) {
		float t = clock[2 * n] + 1;
		if (t == PROGRAM_CLOCK) {
			t = 0;
			clock[2 * n + 1] += 1;
		}
		clock[2 * n] = t;
	}
}

GPU_FN void operate(const program_params &p, const program_op &o, float *shared)
{
	int units = o.kind == P_LEARN ? 0 : (int)p.array[o.to].units;
	long long all = (long long)p.N * units;
	switch (o.kind) {
	case P_FOLLOW:
		follow(p, o, all);
		break;
	case P_PRODUCT:
		product(p, o, shared);
		break;
	case P_BACK:
		back(p, o, shared);
		break;
	case P_SOMA:
		if (o.w >= 0)
			soma_each(p, o, units);
		else
			soma(p, o, all);
		break;
	case P_TIMES:
		times(p, o, all);
		break;
	case P_RATE:
		rate(p, o, all);
		break;
	case P_ERROR:
		error(p, o, units);
		break;
	case P_LEARN:
		learn(p, o, shared);
		break;
	case P_EMIT:
		emit(p, o, units);
		break;
	case P_JITTER:
		jitter(p, o, all);
		break;
	case P_TICK:
		tick(array_of(p, o.to), p.N);
		break;
	}
}

KERNEL_BOUNDED(program, struct program_params, PROGRAM_THREADS)
{
	SHARED(float, shared[2 * TILE * WIDTH]);
	unsigned waits = 0;
	for (int s = 0; s < p.steps; s++)
		for (int i = 0; i < p.ops; i++) {
			operate(p, p.op[i], shared);
			if (gridDim.x == 1)
				sync_block();
			else
				sync_grid(p.arrived, ++waits * gridDim.x);
		}
}
