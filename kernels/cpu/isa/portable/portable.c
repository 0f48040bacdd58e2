/* Portable: four lanes, which every 64-bit target has (SSE2, NEON) or the compiler splits. */
#define VARIANT portable
#define VL 4
#define NV 2
#define MR 4
#include "../../src/variant.inc.h"
