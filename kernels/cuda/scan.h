/* scan.h - the time loop on a GPU, written once for every cell (CELL).
 *
 * A group of batch rows is handled by the blocks blockIdx.x = 0.. of grid row blockIdx.y; each
 * owns `slice` units of the group (layout.h). A step is a product of the block's part of W with
 * the operand (h of all units forward, the drive gradients of the next step backward) and then
 * the pointwise step of the cell, one element (row, unit) at a time. A thread keeps its elements
 * over all steps of a launch.
 *
 * With resident weights the block's part of W lies in shared memory for the whole launch, and so
 * does the operand, twice: while step i reads one buffer, the results that step i+1 needs are
 * written to the other one of every block of the group. Within one block a barrier ends the step.
 * In a cluster results are pushed to all blocks and complete bytes on a transaction barrier of
 * the receiver. No barrier says that a buffer is free again, and none is needed:
 *
 *   Block X pushes the operand of step i+1 into buffer (i+1)%2 of block Y. Y last read that
 *   buffer in its product of step i-1. X pushes after it waited for the operand of step i, of
 *   which each block, so Y too, pushed a part, in its step i-1; a thread of Y pushes after the
 *   sync_block that follows the product of step i-1, when all threads of Y have read.
 *
 *   The same order holds for the barriers: X completes bytes for step i+1 when Y pushed for step
 *   i, so after all threads of Y have passed the wait for step i-1, the phase before on that
 *   barrier. The partial sums of step i-1 in Y are read by the time that Y's pushes for step i
 *   have landed, as what is pushed depends on them; Y's own are among those it waits for.
 *
 * Without resident weights a launch makes one step, and the weights and the operand pass through
 * shared memory in chunks of K.
 *
 * Sums have a fixed order: the parts of K in turn, each in increasing k.
 */
#ifndef GALVANI_SCAN_H
#define GALVANI_SCAN_H

#include "scan_forward.h"
#include "scan_backward.h"
#include "scan_prepare.h"

#endif
