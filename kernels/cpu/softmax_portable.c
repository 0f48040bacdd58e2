/* Portable. */
#define SOFTMAX softmax_portable
#include "softmax.inc.h"
