/* scan_place.h - where a block and a thread of scan.h stand: their units and rows, and their parts of shared
 * memory. */
#ifndef GALVANI_SCAN_PLACE_H
#define GALVANI_SCAN_PLACE_H

#include "scan_cell.h"

/* place is where a block and its thread stand. The threads are `lanes` rows of `width` units;
 * the elements of a thread are `tiles` units, width apart, by `turns` rows, lanes apart. */
struct place {
	int tid, threads, rank, group, blocks, row0, unit0, rows, slice;
	int width, lanes, unit, row, tiles, turns;
};

GPU_FN place place_of(const struct scan_layout &l)
{
	place q;
	q.tid = threadIdx.x;
	q.threads = l.threads;
	q.rank = blockIdx.x;
	q.group = blockIdx.y;
	q.blocks = l.blocks;
	q.rows = l.rows;
	q.slice = l.slice;
	q.row0 = q.group * l.rows;
	q.unit0 = q.rank * l.slice;
	q.width = l.slice < l.threads ? l.slice : l.threads;
	q.lanes = l.threads / q.width;
	q.unit = q.tid % q.width;
	q.row = q.tid / q.width;
	q.tiles = (l.slice + q.width - 1) / q.width;
	q.turns = (l.rows + q.lanes - 1) / q.lanes;
	return q;
}

/* element is one row and unit of a block: within it (row, unit) and in the arrays (b, u). It is
 * present if the block has it, and valid if the arrays have it. All threads of a block step
 * through their elements together. */
struct element {
	int tile, turn, row, unit, b, u;
	bool present, valid;
};

GPU_FN void element_at(element &e, const place &q, int tile, int turn, int B, int H)
{
	e.tile = tile;
	e.turn = turn;
	e.row = q.row + turn * q.lanes;
	e.unit = q.unit + tile * q.width;
	e.b = q.row0 + e.row;
	e.u = q.unit0 + e.unit;
	e.present = q.row < q.lanes && e.row < q.rows && e.unit < q.slice;
	e.valid = e.present && e.b < B && e.u < H;
}

/* element_next goes on to the next element, and after the last to the first. */
GPU_FN void element_next(element &e, const place &q, int B, int H)
{
	int turn = e.turn + 1, tile = e.tile;
	if (turn == q.turns) {
		turn = 0;
		tile = tile + 1 == q.tiles ? 0 : tile + 1;
	}
	element_at(e, q, tile, turn, B, H);
}

/* room is the dynamic shared memory of a block, in the parts of scan_parts. */
struct room {
	scan_parts z;
	int resident, rows, k; /* k: words of an operand row that hold something */
	unsigned *weights, *operand;
	float *axial, *partial;
#ifdef GPU_CLUSTER
	gpu_barrier *barrier;
#endif
};

template <int PREC> GPU_FN room room_of(const struct scan_layout &l, int backward)
{
	const cell_dims dims = scan_dims();
	char *base = dynamic_shared();
	room m;
	m.z = scan_parts_of(&dims, PREC, backward, &l);
	m.resident = l.resident;
	m.rows = l.rows;
	m.k = l.resident ? m.z.planes * m.z.words : m.z.words;
	m.weights = (unsigned *)(base + m.z.weights);
	m.operand = (unsigned *)(base + m.z.operand);
	m.axial = (float *)(base + m.z.axial);
	m.partial = (float *)(base + m.z.partial);
#ifdef GPU_CLUSTER
	m.barrier = (gpu_barrier *)(base + m.z.barrier);
#endif
	return m;
}

GPU_FN unsigned *operand_row(const room &m, int buffer, int row)
{
	return m.operand + (buffer * m.z.ldr + row) * m.z.ldx;
}

GPU_FN float *axial_row(const room &m, int buffer, int row)
{
	return m.axial + (buffer * m.rows + row) * m.z.units;
}

#endif
