/* Double precision with the C library's functions. */
#define GALVANI_F64
#define VARIANT float64
#define VL 1
#include "../../src/neuron.inc.h"
