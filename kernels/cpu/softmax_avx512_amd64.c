/* AVX-512. */
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2")
#define SOFTMAX softmax_avx512
#include "softmax.inc.h"
