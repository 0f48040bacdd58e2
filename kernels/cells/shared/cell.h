/* cell.h - what a cell header provides.
 *
 * For a cell NAME, kernels/cells/NAME.h defines the tables
 *   NAME_PLANES(X)  X(name, unit, description) for every plane of state; plane 0 is h
 *   NAME_RAWS(X)    X(name, unit, least, most, description) for every per-unit parameter plane as the
 *                   user knows them, with a range for the numbers of tests
 *   NAME_CONSTS(X)  X(name, least, most, description) for every constant, likewise; the description of a
 *                   constant that chooses begins with its values: 0 tanh, 1 relu
 * of which package cells reads names, units and ranges and the generated limits.h, and the macros
 *   NAME_STATES     S, the number of planes of state: CELL_ROWS(NAME_PLANES)
 *   NAME_IN         P, drive planes 0..P-1 that receive x U^T (0 allowed)
 *   NAME_REC        G, recurrent products h W^T
 *   NAME_REC_PLANE(g)  the drive plane that product g is added to; planes >= P start from zero
 *   NAME_DRIVES     D, all drive planes
 *   NAME_AXIAL      the drive plane that receives sum_j g_ij h_j, or -1
 *   NAME_VECS       V, the number of per-unit parameter planes: CELL_ROWS(NAME_RAWS); a cell with
 *                   axial coupling finds sum_j g_ij in one more plane, number V
 *   NAME_PREP       planes that the step reads, made from those by NAME_prepare
 *   NAME_FIRST      how many of those planes, from the first, depend on the first per-unit parameter: the
 *                   adjoint adds to them alone with learn = 1. A device keeps as many sums, which pays
 *                   where the gradients of the other planes are dear (crnn, whose first is gamma); it is
 *                   NAME_PREP where they are not
 *   NAME_ELAPSED    the constant that holds the length of a step, or -1 for a cell whose steps are
 *                   all alike. 0 there means length 1 at every step; else the scan writes the
 *                   mask's value of the step and row there, and leaves it alone without a mask
 *   NAME_USES_IN, NAME_USES_REC   whether the adjoint (or the replay of planes 1..S-1) reads
 *                   drive planes fed by the input, by recurrent products or axial coupling
 * and the functions
 *   NAME_prepare(c, raw, prep)             once per run and unit, in double
 *   NAME_prepare_adjoint(c, raw, prep, gprep, graw)   graw is overwritten
 *   NAME_step(c, p, d, s, o)               old state s, drives d -> new state o
 *   NAME_adjoint(c, p, d, s, o, go, gs, gd, gp, learn)
 *       go: gradient of the new state; writes gs (old state) and gd (drives); adds to gp
 *       (prepared planes) as far as learn asks: 0 none, 1 the first NAME_FIRST, 2 all
 *       (kernels.ScanConfig.LearnedPlanes). gs and gd may not alias the inputs.
 * A line #define NAME_UNBOUNDED(X) X(constant, value) names a choice with which h grows without bound, which tests of
 * long sequences leave out. A line #define NAME_POSITIVE with the reason asks for inputs and input weights that are not negative in
 * the numbers of tests, and NAME_LEAN is told of in lean.go.
 * c are the constants of kernels.Cell.Consts, as many as NAME_CONSTS has rows. step and adjoint see one unit (or VL of them).
 */
#ifndef GALVANI_CELL_H
#define GALVANI_CELL_H

#include "real.h"

#include "../limits.h"

/* CELL_ROWS is the number of rows of a table. */
#define CELL_ROW(...) +1
#define CELL_ROWS(table) (0 table(CELL_ROW))

#endif
