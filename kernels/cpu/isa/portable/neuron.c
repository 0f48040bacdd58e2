/* Portable: four lanes. */
#define VARIANT portable
#define VL 4
#include "../../src/neuron.inc.h"
