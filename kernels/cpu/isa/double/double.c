/* Double precision with the C library's functions: the oracle for gradient checks. */
#define GALVANI_F64
#define VARIANT float64
#define VL 1
#define NV 4
#define MR 4
#include "../../src/variant.inc.h"
