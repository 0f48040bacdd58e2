/* scan.h - the interface between the Go side and the C kernels of the CPU device. */
#ifndef GALVANI_SCAN_H
#define GALVANI_SCAN_H

#include <stddef.h>
#include "../../cells/limits.h"
#include "team.h"

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

/* KEPT is how many planes the drives of a step have that the adjoint reads; with recurrent
 * products among them those of the input, which come first, are counted too. */
#define KEPT(cell) \
	(CAT(cell, _USES_REC) ? CAT(cell, _DRIVES) : CAT(cell, _USES_IN) ? CAT(cell, _IN) : 0)

/* Everything about a scan that is not an array. Sizes in elements. */
struct scan_dims {
	long T, B, I, H;
	long E;		  /* undirected axial edges */
	long bands, loose; /* the axial matrix: bands of constant offset, and entries outside */
	long chunk;	  /* time steps per chunk */
	long group;	  /* batch rows of a team: no other reads what it writes */
	long block;	  /* batch rows whose vector gradients are added up together, a part of a group */
	int last;	  /* dh is [B,H] for the last step, not [T,B,H]; null if that is not here */
	int keep;	  /* backward finds drives and states of all steps in work, where forward left them */
	int resume;	  /* backward goes on from where it left the steps behind these */
	int learn;	  /* 0 no vector parameter, 1 the first, 2 all */
	int learn_in, learn_rec, learn_edge;
	int grad_in; /* backward makes the gradient of x */
	long lo[MAX_REC], hi[MAX_REC]; /* columns that matrix g of the recurrent products may have entries in */
	double consts[MAX_CONSTS];
	double noise; /* standard deviation of what is added to the input drives; 0 for none */
	unsigned long long noise_key; /* of the run, and the number of its first sequence in the update */
	unsigned long long noise_first;
	double input_noise; /* that of x, and its key */
	unsigned long long input_key;
	long t0; /* the step of the sequence that step 0 is */
};

/* Padded sizes that follow from the above, for one instruction set. */
struct scan_sizes {
	long packed;	/* elements of the packed matrices and prepared planes */
	long work;	/* elements of scratch per worker with `rows` batch rows */
	long shared;	/* elements of scratch of all workers of a team together */
	long bounds;	/* elements of the boundary states of all rows */
};

/* The symmetric axial matrix g. Band k holds g[u][u + offset[k]] for all u, 0 where there is no
 * edge; entry k of the others is g[post[k]][pre[k]]. */
struct axial {
	const int *offset;	/* [bands] */
	const void *band;	/* [bands,H] */
	const int *post, *pre;	/* [loose] */
	const void *value;	/* [loose] */
};

/* Elements of scratch of a product, of each worker and of all together. */
struct gemm_sizes {
	long work, shared;
};

/* gemm_job is one of several products that workers divide among them as if they were one: none reads what another
 * writes. Its fields are the arguments of gemm. */
struct gemm_job {
	int mode, add;
	long M, N, K;
	const void *A, *B;
	void *C;
};

/* GEMM_JOBS is how many jobs are done together at most. */
enum { GEMM_JOBS = 16 };

/* What the workers of a team divide among them: a worker handles batch rows b0..b1-1 of its group in the time
 * loop, and in the weight gradients its share of the units, for which all rows of the group are added in an
 * order that does not depend on the number of workers. */
struct share {
	long b0, b1;
	int worker;
	struct team *team;
	void *work;	/* scan_sizes.work, of this worker */
	void *shared;	/* scan_sizes.shared, of the team */
};

/* The gradients that backward makes of the rows of a group. */
struct scan_grads {
	void *win, *wrec;	/* [P*H,I], [G*H,H] */
	double *prep;		/* [PREP,H] */
	double *band, *loose;	/* of the axial matrix, [bands,H] and [loose] */
};

/* The arrays of a run. Fields may be null as noted. */
struct scan_arrays {
	const void *x;			/* [T,B,I] */
	const void *mask;		/* [T,B] or null */
	const void *state;		/* [S,B,H] */
	void *h;			/* [T,B,H] */
	void *final;			/* [S,B,H] */
	void *packed;			/* scan_sizes.packed */
	void *bounds;			/* scan_sizes.bounds */
	struct axial ax;
	void *gh;			/* [T,B,H] gradient of every h, written if not null */
	void *gx;			/* [T,B,I] gradient of x, written with grad_in */
	void *gstate;			/* [S,B,H] gradient of the state, written if not null */
};

/* One instruction set and number type. `cell` indexes the list in ../../cells/list.h. */
struct kernels {
	const char *name;
	int lanes, tile_rows, tile_cols;
	struct scan_sizes (*sizes)(int cell, const struct scan_dims *d, long rows);
	/* pack lays out the matrices for the forward (or backward) products and prepares the
	 * per-unit planes from raw [V(+1), H], always double. */
	void (*pack)(int cell, const struct scan_dims *d, const void *win, const void *wrec,
		     const double *raw, void *packed, int backward);
	void (*forward)(int cell, const struct scan_dims *d, const struct scan_arrays *a,
			const struct share *w);
	/* backward writes the gradients; all workers of the team call it at the same time. With
	 * scan_dims.resume it adds to them, and takes the gradient of the state after its last step
	 * from work, where the call before left it; forward in between with the same chunk and rows
	 * leaves it there. */
	void (*backward)(int cell, const struct scan_dims *d, const struct scan_arrays *a, const void *dh,
			 const struct share *w, const struct scan_grads *g);
	/* unprepare turns gradients of prepared planes [PREP,H] into those of raw planes. */
	void (*unprepare)(int cell, const struct scan_dims *d, const double *raw, const double *gprep,
			  double *graw);
	/* gemm: C [M,N] (+)= op(A) op(B), row-major. mode 0: A [M,K] B [N,K]; 1: A [M,K] B [K,N];
	 * 2: A [K,M] B [K,N]. All workers of the team call it at the same time; rows of the share are
	 * not used. */
	void (*gemm)(int mode, long M, long N, long K, const void *A, const void *B, void *C, int add,
		     const struct share *w);
	/* gemms does n jobs, of which those that have the same B pack it once. Room is the size of the shared scratch: at least that
	 * of each of them alone. */
	void (*gemms)(const struct gemm_job *list, int n, long room, const struct share *w);
	struct gemm_sizes (*gemm_sizes)(long N);
	/* unary applies exp (0), sigmoid (1), tanh (2), softplus (3), x^0.6 (4) or x^2 (5) to n
	 * elements, for accuracy tests. */
	void (*unary)(int f, long n, const void *x, void *y);
	/* input_noise sets rows b0..b1-1 of to [T,B,I] to x plus the noise of the input. */
	void (*input_noise)(const struct scan_dims *d, const void *x, void *to, long b0, long b1);
};

extern const struct kernels galvani_avx512, galvani_avx512bf16, galvani_avx2, galvani_portable, galvani_float64;

/* Flat wrappers for cgo: every Go array is an argument of its own. */
void galvani_forward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		     const void *mask, const void *state, void *h, void *final,
		     void *packed, void *bounds, const int *offset, const void *band, const int *post,
		     const int *pre, const void *value, long b0, long b1, void *work, void *shared);
void galvani_backward(const struct kernels *k, int cell, const struct scan_dims *d, const void *x,
		      const void *mask, const void *state, void *h, void *packed,
		      void *bounds, const int *offset, const void *band, const int *post, const int *pre,
		      const void *value, const void *dh, long b0, long b1, int worker, struct team *team,
		      void *work, void *shared, void *gwin, void *gwrec, double *gprep, double *gband,
		      double *gloose, void *gh, void *gx, void *gstate);

#endif
