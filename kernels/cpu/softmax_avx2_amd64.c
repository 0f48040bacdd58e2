/* AVX2. */
#pragma GCC target("avx2")
#define SOFTMAX softmax_avx2
#include "softmax.inc.h"
