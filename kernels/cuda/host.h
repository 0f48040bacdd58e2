/* host.h - what the Go side reads of this folder. */
#ifndef GALVANI_HOST_H
#define GALVANI_HOST_H

#include "params.h"
#include "layout.h"
#include "noise.h"
#include "layers.h"
#include "neuron.h"
#include "launch.h"
#include "update.h"

#endif
