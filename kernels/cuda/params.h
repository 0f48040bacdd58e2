/* params.h - the parameter of each CUDA kernel: one struct per kernel, passed by value.
 *
 * Read by the kernels (.cu), by the Go side (cgo) and by the emulated driver. ARRAY(T) is a
 * device address: a pointer in kernels, an unsigned 64-bit number elsewhere. Addresses may be
 * 0 where it says "or null". Arrays are row-major; the letters are those of package kernels,
 * with S state planes, P input planes, G recurrent products, D drive planes, V raw vector
 * planes and PREP prepared planes of the cell (kernels/cells/shared/cell.h).
 */
#ifndef GALVANI_PARAMS_H
#define GALVANI_PARAMS_H

#include "../cells/limits.h"
#include "../compartments/neuron.h"

#if defined(__CUDACC__) || defined(GALVANI_EMU)
template <typename T> using device_array = T *;
#define ARRAY(T) device_array<T>
#else
#define ARRAY(T) unsigned long long
#endif

/* Which columns lo..hi-1 of each recurrent matrix may have entries; all others are zero. */
struct rec_columns {
	int lo[MAX_REC], hi[MAX_REC];
};

/* Number formats of products; the state and every array stay float. */
enum { PREC_FP32, PREC_TF32, PREC_BF16 };

/* The axial coupling as lists of neighbours: those of unit u are unit[k], joined by edge[k]
 * of conductance g[edge[k]], for start[u] <= k < start[u+1]. */
struct axial_params {
	ARRAY(const int) start; /* [H+1] or null for a cell without */
	ARRAY(const int) unit;  /* [2E] */
	ARRAY(const int) edge;  /* [2E] */
	ARRAY(const float) g;   /* [E] */
};

/* CELL_prepare: one thread per unit. raw[k] is plane k [H] for k < V; with axial coupling
 * plane V is the sum of the conductances of the unit's edges, made here. */
struct prepare_params {
	int H;
	double consts[MAX_CONSTS];
	ARRAY(const float) raw[MAX_PLANES];
	struct axial_params axial;
	ARRAY(float) prep; /* [PREP,H] */
};

/* CELL_unprepare: sums gp over its groups in order, in double, and turns gradients of prepared
 * planes into those of raw planes. */
struct unprepare_params {
	int H, groups;
	double consts[MAX_CONSTS];
	ARRAY(const float) raw[MAX_PLANES];
	struct axial_params axial;
	ARRAY(const float) gp;    /* [groups,PREP,H] */
	ARRAY(float) graw[MAX_PLANES]; /* [H] each, or null for planes that are not learned */
	ARRAY(float) gsum;	  /* [H] or null: gradient of plane V, for edge_sum */
};

/* How a scan is laid out over the GPU; made by scan_layout (layout.h). A group of batch rows
 * is handled by `blocks` blocks that own `slice` units each. */
struct scan_layout {
	int rows;     /* batch rows of a group */
	int blocks;   /* blocks of a group: gridDim.x */
	int groups;   /* gridDim.y = ceil(B / rows) */
	int slice;    /* units of a block */
	int threads;  /* blockDim.x */
	int resident; /* 1: weights stay in shared memory and a launch runs any number of steps
			 (blocks > 1: as a cluster); 0: weights are read from L2 at every step and
			 a launch runs one step */
	int shared;   /* bytes of dynamic shared memory */
};

/* CELL_forward_{fp32,tf32,bf16}: n steps from step t0 of the sequence. */
struct forward_params {
	struct scan_layout layout;
	int T, B, H, t0, n;
	float consts[MAX_CONSTS];
	ARRAY(const float) prep;   /* [PREP,H] */
	ARRAY(const float) wrec;   /* [G*H,H] */
	struct rec_columns columns;
	ARRAY(const float) drives; /* [n,B,D,H]; planes < P hold x U^T, the others are not read */
	ARRAY(float) h;            /* [n+1,B,H]; slot 0 holds h before step t0, slot s+1 gets h after step t0+s */
	ARRAY(float) carry;        /* [S-1,B,H] state planes 1.., read and written */
	ARRAY(const float) mask; /* [T,B] or null */
	struct axial_params axial;
};

/* CELL_replay: state planes 1.. of n steps from drives and h; one thread per row and unit. */
struct replay_params {
	int T, B, H, t0, n;
	float consts[MAX_CONSTS];
	ARRAY(const float) prep;
	ARRAY(const float) drives; /* [n,B,D,H], all planes that the cell reads */
	ARRAY(const float) h;      /* [n+1,B,H] */
	ARRAY(const float) border; /* [S-1,B,H] before step t0 */
	ARRAY(float) extra;        /* [n+1,S-1,B,H] */
	ARRAY(const float) mask;
};

/* CELL_backward_{fp32,tf32,bf16}: the steps t0+n-1 down to t0. At step t the gradient of h is
 * grad plane 0 plus W^T (drive gradients of step t+1) plus dh; its adjoint leaves the drive
 * gradients of step t in place of the drives, and grad (without products) for step t-1. */
struct backward_params {
	struct scan_layout layout;
	int T, B, H, t0, n;
	int last;  /* dh is [B,H], of step T-1 */
	int learn; /* 0 no vector parameter, 1 the first, 2 all */
	float consts[MAX_CONSTS];
	ARRAY(const float) prep;
	ARRAY(const float) wrec;  /* [G*H,H] */
	struct rec_columns columns;
	ARRAY(float) drives;      /* [n+1,B,D,H] in: drives, out: their gradients; slot n holds the
				     gradients of step t0+n, not read where t0+n == T */
	ARRAY(const float) h;     /* [n+1,B,H] */
	ARRAY(const float) extra; /* [n+1,S-1,B,H] or null with S == 1 */
	ARRAY(const float) dh;    /* [T,B,H] or [B,H] */
	ARRAY(float) grad;        /* [S,B,H] read and written; zeros before the first launch */
	ARRAY(float) gp;          /* [groups,PREP,H], added to */
	ARRAY(float) gh;          /* [T,B,H] gradient of every h, or null */
	ARRAY(const float) mask;
	struct axial_params axial;
};

/* axial_drives: drives[r,plane,u] = sum over neighbours g h[r,j] for R rows. */
struct axial_drives_params {
	int R, H, D, plane;
	struct axial_params axial;
	ARRAY(const float) h; /* [R,H] */
	ARRAY(float) drives;  /* [R,D,H] */
};

/* edge_partial: per part of the rows, the sum of gd_i h_j + gd_j h_i for each edge (i, j).
 * Parts are of equal size, gridDim.y of them; add says whether to add to what is there. */
struct edge_partial_params {
	int R, H, D, plane, E, parts, add;
	ARRAY(const int) i; /* [E] */
	ARRAY(const int) j;
	ARRAY(const float) h, gd; /* [R,H], [R,D,H] */
	ARRAY(float) partial;     /* [parts,E] */
};

/* edge_sum: g[e] = sum of the parts in order, plus gsum[i] + gsum[j]. */
struct edge_sum_params {
	int E, parts;
	ARRAY(const int) i;
	ARRAY(const int) j;
	ARRAY(const float) partial, gsum;
	ARRAY(float) g;
};

/* gemm_{fp32,tf32,bf16}: C [M,N] = op(A) op(B) (+ C with add) (+ bias [N] or null).
 * mode 0: A [M,K], B [N,K]; 1: A [M,K], B [K,N]; 2: A [K,M], B [K,N]. Rows of A, B, C are
 * lda, ldb, ldc apart. With strict an element of A that is not finite counts as NaN, so that its whole row
 * of C is NaN. With parts > 1 (mode 2, long K) block row blockIdx.z sums its part of
 * K into partial [parts,M,N]; gemm_sum adds the parts in order to C. */
struct gemm_params {
	int mode, M, N, K, parts, add, strict;
	long long lda, ldb, ldc;
	ARRAY(const float) A, B, bias;
	ARRAY(float) C;
	ARRAY(float) partial;
};

/* column_sum: out[m] = sum over the N rows of x [N,M], in a fixed order. One block per 32 columns. */
struct column_sum_params {
	int N, M;
	ARRAY(const float) x;
	ARRAY(float) out;
};

/* loss_rows: per row n with weight w != 0 the loss and whether the largest logit is that of the
 * label; kind 0 softmax cross-entropy with labels [N], 1 mean square with targets [N,O]. A label
 * that is no class sets bad. loss_sum (one block): sums in a fixed order, in double.
 * loss_grad: dx = grad w_n / sum(w) times the gradient of row n. */
struct loss_params {
	int kind, N, O;
	float grad;
	ARRAY(const float) x, target, weight; /* [N,O], [N] or [N,O], [N] */
	ARRAY(float) row;		      /* [N] weighted loss */
	ARRAY(int) hit;			      /* [N] 0 not counted, 1 wrong, 2 right, 3 bad label */
	ARRAY(struct loss_sums) sums;	      /* one */
	ARRAY(float) value;		      /* one: the mean loss */
	ARRAY(float) dx;		      /* [N,O] */
};

struct loss_sums {
	double loss, weight; /* sum w loss, sum w */
	int correct, count, bad, pad;
};

/* What one update leaves for the host, in a ring of such rows. */
struct report {
	struct loss_sums sums;
	double grad_norm; /* before clipping */
	int step;	  /* number of the update, counted from 1 */
	int state;	  /* 0 fine, 1 loss or gradient not finite, 2 parameter or slot not finite, 3 bad label */
};

/* The sticky state of training: after the first failure nothing changes any more. */
struct train_state {
	int state; /* as report.state, 0 while all is well */
	int step;  /* the update that failed */
};

/* gather: copies each piece into the flat gradient. One thread per element of the longest. */
struct gather_params {
	int pieces;
	ARRAY(const float) from[MAX_PLANES];
	long long at[MAX_PLANES], len[MAX_PLANES];
	ARRAY(float) flat;
};

/* norm_partial: partial[block] = sum of squares of its share of g, in double.
 * norm_sum (one block): norm, and the clip factor. With `loss` sums of the run it writes the
 * report and, on a loss or norm that is not finite or a bad label, the train state. */
struct norm_params {
	long long n;
	int blocks, step;
	double clip; /* 0 for none */
	ARRAY(const float) g;
	ARRAY(double) partial;		    /* [blocks] */
	ARRAY(const struct loss_sums) sums;
	ARRAY(struct report) report;	    /* the row of this step */
	ARRAY(struct train_state) train;
	ARRAY(double) scale;		    /* one: clip factor */
};

/* take: to[t,b] = from[index[b],t], or zeros where index[b] is negative. */
struct take_params {
	int T, B, W;
	ARRAY(const float) from; /* [N,T,W] */
	ARRAY(const int) index;	 /* [B] */
	ARRAY(float) to;	 /* [T,B,W] */
};

/* What becomes of stored weights, and along which axis their scale differs. */
enum { RECTIFY_NOT, RECTIFY_ABSOLUTE, RECTIFY_POSITIVE, RECTIFY_SIGN };
enum { SCALE_NOT, SCALE_WHOLE, SCALE_COLUMNS, SCALE_ROWS };

enum { MAX_READINGS = 4 };

/* weights: out_qij = factor_qij f_q(w_ij) a_ij for each of Q readings, with a rectifier f; a is
 * constant but along one axis, and 1 for readings that are not scaled. weights_grad: grad_ij sums
 * dout_qij factor_qij f_q'(w_ij) a_ij over the readings; at 0, where f bends, f' is the derivative to the
 * side that side_j says, negative for w <= 0, else for w >= 0. Also what a tile of
 * 32 rows and columns adds to the gradient of a, in double. weights_sum adds these in order. */
struct weights_params {
	int Q, R, C, n, parts, scale;
	int rectifier[MAX_READINGS], scaled[MAX_READINGS];
	ARRAY(const float) w;	      /* [R,C] */
	ARRAY(const float) factor[MAX_READINGS]; /* [R,C], null for ones */
	ARRAY(const float) side;      /* [C], null for 1 */
	ARRAY(const float) a;	      /* [n]: [1], [C], [R], or null with SCALE_NOT */
	ARRAY(float) out;	      /* [Q*R,C] */
	ARRAY(const float) dout;      /* [Q*R,C] */
	ARRAY(double) partial;	      /* [parts,n] */
	ARRAY(float) grad;	      /* [R*C+n] of w, then of a */
};

/* latency_*: rounds of one way for blocks to hear of each other. word holds zeros at the start; seen
 * is how many rounds each block has counted at the end. */
struct latency_params {
	int rounds;
	ARRAY(unsigned) word; /* [2*LATENCY_LINE] */
	ARRAY(int) seen;      /* [blocks] */
};

enum { LATENCY_LINE = 32 }; /* words of a cache line */

/* neuron_forward, neuron_backward: a thread per sequence, which does all steps. Planes and rows lie as
 * [..,B]; with width 1 all sequences share their rows. A stretch is so many steps of the scan as backward
 * keeps at a time. */
struct neuron_params {
	struct neuron_dims d;
	ARRAY(const struct neuron_channel) channel;
	ARRAY(const struct neuron_gate) gate;
	ARRAY(const struct neuron_receptor) receptor;
	ARRAY(const struct neuron_input) input;
	ARRAY(const int) index;
	ARRAY(const int) unit;	   /* [U] of each place */
	ARRAY(const float) q;	   /* [rows,width] */
	long long width, T, stretch;
	int last;		   /* h is [B,H] of the last step */
	ARRAY(const float) x;	   /* [T,B,I] */
	ARRAY(const float) state;  /* [S,B,U] */
	ARRAY(float) final;	   /* [S,B,U] */
	ARRAY(float) h;		   /* [T,B,H] or [B,H] or null */
	ARRAY(float) borders;	   /* [stretches,S,U,B] states before stretches, or null */
	ARRAY(float) kept;	   /* [stretch * substeps + 1,S,U,B]; of forward, the state [S,U,B] */
	ARRAY(float) work;	   /* [2 I + 8 U + rows,B] */
	/* backward alone */
	ARRAY(const float) dh;	   /* of h */
	ARRAY(float) g;		   /* [S,U,B] */
	ARRAY(double) sums;	   /* [rows,B] gradients of the rows */
	ARRAY(float) gh, gx, gstate; /* [T,B,H], [T,B,I], [S,B,U], or null */
};

#endif
