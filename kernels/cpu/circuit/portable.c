/* Portable: four lanes. */
#define CIRCUIT_RUN circuit_run_portable
#define VL 4
#include "circuit.inc.h"
