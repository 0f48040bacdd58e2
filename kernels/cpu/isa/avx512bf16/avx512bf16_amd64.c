/* AVX-512 with bfloat16: the tiles of avx512, whose products take two numbers at a time. */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma")
#define VARIANT avx512bf16
#define BF16
#define VL 16
#define NV 2
#define MR 8
#include "../../src/variant.inc.h"
