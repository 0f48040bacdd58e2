/* AVX-512. */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2")
#define CIRCUIT_RUN circuit_run_avx512
#define VL 16
#include "circuit.inc.h"
