/* grid.h - a barrier of all blocks of a launch. */
#ifndef GALVANI_GRID_H
#define GALVANI_GRID_H

#include "gpu.h"

/* sync_grid is a barrier of all threads of all blocks, which are launched together and have their threads along x.
 * What a thread did before comes before what all do after. arrived is a word of global memory, 0 at the start of
 * the launch; all is how often a block has come to such a barrier, this time included, times the blocks. */
#if defined(GALVANI_EMU)
extern "C" void emu_sync_grid(unsigned *arrived, unsigned all);
GPU_FN void sync_grid(unsigned *arrived, unsigned all) { emu_sync_grid(arrived, all); }
#else
GPU_FN void sync_grid(unsigned *arrived, unsigned all)
{
	sync_block();
	if (threadIdx.x == 0) {
		count(arrived);
		while (observe(arrived) < all)
			;
	}
	sync_block();
}
#endif

#endif
