/* Portable: four lanes. */
#define PROGRAM_RUN program_run_portable
#define VL 4
#include "program.inc.h"
