/* neuron.cu - neurons of compartments. A thread does all steps of one sequence, so that none waits for
 * another. */
#include "gpu.h"
#include "neuron.h"
#include "reduce.h"
#include "../cells/shared/real.h"

#define STEP_FN GPU_FN
#define GATE_FN GPU_FN
#define EACH_LANE for (long l = (long)element(), end = l + 1; l < end; l++)
#define OPEN(j) (j)
#define ROW(q, r) ((q)[(r) * n->width + (n->width > 1 ? l : 0)])
#define EACH_KINETICS(g, f) f((g)->kinetics, (g)->forms[0], (g)->forms[1])
#define STRIP 8
enum { STRIP_SIZE = STRIP };

#include "../compartments/step.h"

GPU_FN struct neuron neuron_of(const struct neuron_params &p)
{
	return {p.d, p.channel, p.gate, p.receptor, p.input, p.index, p.q, p.d.B, (long)p.width};
}

/* clear sets rows of this thread to zero. */
GPU_FN void clear(const struct neuron *n, float *to, long rows)
{
	for (long r = 0; r < rows; r++)
		EACH_LANE
			to[PLACE(r)] = 0;
}

/* load takes x of one step [B,I] to [I,B]. */
GPU_FN void load(const struct neuron *n, const float *x, float *in)
{
	for (long i = 0; i < n->d.I; i++)
		EACH_LANE
			in[PLACE(i)] = x[l * n->d.I + i];
}

/* record writes h of one step [B,H], from V. */
GPU_FN void record(const struct neuron *n, const float *v, float *h)
{
	for (long r = 0; r < n->d.H; r++)
		EACH_LANE
			h[l * n->d.H + r] = v[PLACE(n->index[n->d.record + r])];
}

/* exchange copies a state [S,B,U] to [S,U,B], or with out the other way. */
GPU_FN void exchange(const struct neuron *n, const int *unit, float *lanes, float *all, int out)
{
	for (long p = 0; p < n->d.planes; p++)
		for (long k = 0; k < n->d.U; k++)
			EACH_LANE {
				float *a = all + (p * n->d.B + l) * n->d.U + unit[k], *b = PLANE(lanes, p) + PLACE(k);
				*(out ? a : b) = *(out ? b : a);
			}
}

/* copy copies a state of this thread. */
GPU_FN void copy(const struct neuron *n, float *to, const float *from)
{
	for (long r = 0; r < n->d.planes * n->d.U; r++)
		EACH_LANE
			to[PLACE(r)] = from[PLACE(r)];
}

/* held tells whether the sequence of this thread keeps its state in a step. */
GPU_FN bool held(const struct neuron_run &r, long long t)
{
	return r.mask && !(r.mask[t * r.p.d.B + (long)element()] > 0);
}

GPU_FN void run_forward(const struct neuron_run &run)
{
	const struct neuron_params &p = run.p;
	struct neuron neuron = neuron_of(p), *n = &neuron;
	if (element() >= p.d.B)
		return;
	float *in = p.work, *current = in + p.d.I * p.d.B, *leak = PLANE(current, 1), *work = PLANE(current, 2), *s = p.kept;
	exchange(n, p.unit, s, const_cast<float *>(p.state), 0);
	for (long long t = 0; t < p.T; t++) {
		if (p.borders && t % p.stretch == 0)
			copy(n, PLANE(p.borders, t / p.stretch * p.d.planes), s);
		load(n, p.x + t * p.d.B * p.d.I, in);
		currents(n, in, current);
		for (long k = 0; k < p.d.substeps && !held(run, t); k++)
			neuron_step(n, in, current, k == 0, s, s, leak, work);
		if (p.h && (!p.last || t == p.T - 1))
			record(n, s, p.h + (p.last ? 0 : t * p.d.B * p.d.H));
	}
	exchange(n, p.unit, s, p.final, 1);
}

/* stretch_again goes forward over the steps from t0 on and keeps states and factors of those that are not held, of which it
 * returns the number. */
GPU_FN long stretch_again(const struct neuron *n, const struct neuron_run &run, long long t0, long long steps, float *in, float *current, float *work)
{
	const struct neuron_params &p = run.p;
	float *s = p.kept;
	long done = 0; /* steps of integration */
	copy(n, s, PLANE(p.borders, t0 / p.stretch * p.d.planes));
	for (long long t = t0; t < t0 + steps; t++) {
		load(n, p.x + t * p.d.B * p.d.I, in);
		currents(n, in, current);
		for (long k = 0; k < p.d.substeps && !held(run, t); k++, done++, s = PLANE(s, p.d.planes))
			neuron_step(n, in, current, k == 0, s, PLANE(s, p.d.planes), PLANE(run.factors, done), work);
	}
	return done;
}

/* stretch_back goes back over the steps from t0 on, of which stretch_again has kept so many. */
GPU_FN void stretch_back(const struct neuron *n, const struct neuron_run &run, long long t0, long long steps, long kept, float *in, float *gin,
			 float *work, float *gq)
{
	const struct neuron_params &p = run.p;
	for (long long t = t0 + steps - 1; t >= t0; t--) {
		if (!p.last || t == p.T - 1) {
			const float *dh = p.dh + (p.last ? 0 : t * p.d.B * p.d.H);
			for (long r = 0; r < p.d.H; r++)
				EACH_LANE
					p.g[PLACE(n->index[p.d.record + r])] += dh[l * p.d.H + r];
		}
		if (p.gh)
			record(n, p.g, p.gh + t * p.d.B * p.d.H);
		load(n, p.x + t * p.d.B * p.d.I, in);
		clear(n, gin, p.d.I);
		for (long k = p.d.substeps - 1; k >= 0 && !held(run, t); k--) {
			const float *s = PLANE(p.kept, --kept * p.d.planes);
			step_back(n, in, k == 0, s, PLANE(s, p.d.planes), PLANE(run.factors, kept), p.g, gq, gin, work);
		}
		for (long i = 0; p.gx && i < p.d.I; i++)
			EACH_LANE
				p.gx[(t * p.d.B + l) * p.d.I + i] = gin[PLACE(i)];
	}
}

GPU_FN void run_backward(const struct neuron_run &run)
{
	const struct neuron_params &p = run.p;
	struct neuron neuron = neuron_of(p), *n = &neuron;
	if (element() >= p.d.B)
		return;
	float *in = p.work, *gin = in + p.d.I * p.d.B, *current = gin + p.d.I * p.d.B, *work = PLANE(current, 1), *gq = PLANE(work, 4);
	clear(n, p.g, p.d.planes * p.d.U);
	for (long r = 0; r < p.d.rows; r++)
		EACH_LANE
			p.sums[PLACE(r)] = 0;
	for (long long k = (p.T + p.stretch - 1) / p.stretch - 1; k >= 0; k--) {
		long long t0 = k * p.stretch, steps = p.T - t0 < p.stretch ? p.T - t0 : p.stretch;
		long kept = stretch_again(n, run, t0, steps, in, current, work);
		clear(n, gq, p.d.rows);
		stretch_back(n, run, t0, steps, kept, in, gin, work, gq);
		for (long r = 0; r < p.d.rows; r++)
			EACH_LANE
				p.sums[PLACE(r)] += gq[PLACE(r)];
	}
	if (p.gstate)
		exchange(n, p.unit, p.g, p.gstate, 1);
}

KERNEL(neuron_forward, struct neuron_run) { run_forward(p); }

KERNEL(neuron_backward, struct neuron_run) { run_backward(p); }
