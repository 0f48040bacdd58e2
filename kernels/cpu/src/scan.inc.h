/* scan.inc.h - the time loop, written once; included for every cell (CELL) and instruction set.
 *
 * Time runs in chunks. Within a chunk a worker owns batch rows b0..b1-1, so that no barrier stands
 * in the time loop: the input product of a chunk is one blocked product; then step by step the
 * recurrent product of a tile of rows and units is followed at once by the pointwise step. h is
 * kept, and the other state planes at chunk borders. The backward pass rebuilds the rest for one
 * chunk and walks it back. Then the workers of a group of rows divide the units among them, and each adds the
 * chunk's weight gradients of its units as blocked products over all steps and rows of the group; the caller adds those of all groups. So every sum
 * over rows is made in one order, whatever the number of workers; groups, chunks, blocks of K and blocks of
 * rows for the vector gradients depend on the shape alone.
 * With scan_dims.keep the forward pass leaves the drives and every state in memory, and nothing is
 * rebuilt; sums are the same either way, bit for bit. A cell with NAME_SEEN has functions besides those of
 * ../../cells/shared/cell.h, and less to leave: NAME_seen(c, d, o, seen) makes as many numbers of the drives and the new
 * state, and NAME_adjoint_seen(c, p, seen, s, go, gs, gd, gp, learn) reads those and h alone. The caller may hand over a long sequence in
 * segments of whole chunks (cpu.go), which then keep h of one segment only.
 *
 * Units are padded to Hp (a multiple of NR) in every internal buffer; x, h and gradients of
 * weights have their natural shapes.
 */

#define CS CAT(CELL, _STATES)
#define CP CAT(CELL, _IN)
#define CG CAT(CELL, _REC)
#define CD CAT(CELL, _DRIVES)
#define CX CAT(CELL, _AXIAL)
#define CV CAT(CELL, _VECS)
#define CPREP CAT(CELL, _PREP)
#define CELAPSED CAT(CELL, _ELAPSED)
#define CPLANE(g) CAT(CELL, _REC_PLANE)(g)
#if CAT(CELL, _SEEN)
#define CSEEN CAT(CELL, _SEEN)
#define CK CSEEN
#else
#define CSEEN 0
#define CK KEPT(CELL)
#endif
/* BY_UNITS: the way back takes all rows of a vector of units after each other, and not all units of some rows. It is faster
 * where there are no products and many prepared planes: crnn in 0.77 of the time at 64 x 128, 0.90 to 0.98 at 32 x 512. */
#define BY_UNITS (CX >= 0)
#define FN(name) CAT(CELL, CAT(_run_, name))
#define ARR(n) ((n) > 0 ? (n) : 1)

#include "scan_run.inc.h"
#include "scan_drives.inc.h"
#include "scan_forward.inc.h"
#include "scan_backward.inc.h"

#undef CS
#undef CP
#undef CG
#undef CD
#undef CX
#undef CV
#undef CPREP
#undef CELAPSED
#undef CPLANE
#undef CK
#undef CSEEN
#undef BY_UNITS
#undef FN
#undef ARR
