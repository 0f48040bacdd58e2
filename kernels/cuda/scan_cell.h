/* scan_cell.h - the header of the cell (CELL) under the letters of params.h. */
#ifndef GALVANI_SCAN_CELL_H
#define GALVANI_SCAN_CELL_H

#define SCAN_JOIN_(a, b) a##b
#define SCAN_JOIN(a, b) SCAN_JOIN_(a, b)
#define SCAN_NAME(x) SCAN_JOIN(CELL, SCAN_JOIN(_, x))
#define SCAN_QUOTE_(x) #x
#define SCAN_QUOTE(x) SCAN_QUOTE_(x)

#include "gpu.h"
#include "params.h"
#include "layout.h"
#include SCAN_QUOTE(../cells/CELL.h)

#ifdef GALVANI_EMU
#define UNROLL
#define UNROLL_4
#define GPU_MEMBER inline __attribute__((always_inline))
#else
#define UNROLL _Pragma("unroll")
#define UNROLL_4 _Pragma("unroll 4")
#define GPU_MEMBER __device__ __forceinline__
#endif

/* The letters of params.h; X is the drive plane of the axial coupling or -1. */
enum {
	S = SCAN_NAME(STATES),
	P = SCAN_NAME(IN),
	G = SCAN_NAME(REC),
	D = SCAN_NAME(DRIVES),
	X = SCAN_NAME(AXIAL),
	V = SCAN_NAME(VECS),
	PREP = SCAN_NAME(PREP),
	ELAPSED = SCAN_NAME(ELAPSED),
	FIRST = SCAN_NAME(FIRST),
	P1 = P > 0 ? P : 1 /* for arrays */
};

GPU_FN int rec_plane(int g)
{
	(void)g;
	return SCAN_NAME(REC_PLANE)(g);
}

/* is_read tells whether adjoint and replay read drive plane k. Nobody fills the others. */
GPU_FN bool is_read(int k)
{
	return SCAN_NAME(USES_REC) || (k < P && SCAN_NAME(USES_IN));
}

GPU_FN cell_dims scan_dims()
{
	cell_dims d = {S, P, G, D, X, V, PREP};
	return d;
}

struct alignas(16) quad {
	float a, b, c, d;
};

struct alignas(16) words4 {
	unsigned a, b, c, d;
};

#endif
