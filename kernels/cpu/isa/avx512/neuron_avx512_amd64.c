/* AVX-512. */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#define VARIANT avx512
#define VL 16
#include "../../src/neuron.inc.h"
