/* AVX-512: 8 x 32 tiles, two vectors wide: 16 accumulators of 32 registers. */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#define VARIANT avx512
#define VL 16
#define NV 2
#define MR 8
#include "../../src/variant.inc.h"
