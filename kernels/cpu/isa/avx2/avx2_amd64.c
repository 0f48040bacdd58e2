/* AVX2 with FMA: 6 x 16 tiles, 12 accumulators of 16 registers. */
#pragma GCC target("avx2,fma")
#define VARIANT avx2
#define VL 8
#define NV 2
#define MR 6
#include "../../src/variant.inc.h"
