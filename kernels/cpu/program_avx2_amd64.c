/* AVX2 with FMA. */
#pragma GCC target("avx2,fma")
#define PROGRAM_RUN program_run_avx2
#define VL 8
#include "program.inc.h"
