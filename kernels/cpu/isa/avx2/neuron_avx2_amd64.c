/* AVX2 with FMA. */
#pragma GCC target("avx2,fma")
#define VARIANT avx2
#define VL 8
#include "../../src/neuron.inc.h"
