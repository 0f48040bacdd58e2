/* host.h - what the Go side reads of this folder. */
#ifndef GALVANI_HOST_H
#define GALVANI_HOST_H

#include "params.h"
#include "layout.h"
#include "noise.h"
<<<<<<< HEAD
#include "layers.h"
=======
#include "neuron.h"
>>>>>>> f88d77a (Delay inhibition of the lgmd by whole steps, hold neurons by masks on a GPU, and keep the factors of the tree for the way back)
#include "launch.h"
#include "update.h"

#endif
