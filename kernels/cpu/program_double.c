/* float64, for tests. */
#define GALVANI_F64
#define PROGRAM_RUN program_run_float64
#define VL 1
#include "program.inc.h"
