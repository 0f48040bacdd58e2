/* AVX2. */
#pragma GCC target("avx2")
#define CIRCUIT_RUN circuit_run_avx2
#define VL 8
#include "circuit.inc.h"
