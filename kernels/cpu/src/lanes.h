/* lanes.h - which compilation of a loop goes with an instruction set. */
#ifndef GALVANI_LANES_H
#define GALVANI_LANES_H

/* BY_LANES is the function f##_avx512, f##_avx2 or f##_portable of an instruction set with so many lanes. */
#if defined(__x86_64__)
#define BY_LANES(f, lanes) ((lanes) == 16 ? f##_avx512 : (lanes) == 8 ? f##_avx2 : f##_portable)
#else
#define BY_LANES(f, lanes) ((void)(lanes), f##_portable)
#endif

#endif
