/* functions.h - the functions that rates are of potentials. The including file has real.h. */
#ifndef GALVANI_PROGRAM_FUNCTIONS_H
#define GALVANI_PROGRAM_FUNCTIONS_H

#include "../cells/shared/real.h"
#include "programs.h"

/* program_function returns the rate at x; f is a constant of the caller where x is a vector. */
CELL_FN real program_function(const int f, real x)
{
	switch (f) {
	case P_RELU:
		return r_relu(x);
	case P_TANH:
		return r_tanh(x);
	case P_SIGMOID:
		return r_sigmoid(x);
	case P_SOFTPLUS:
		return r_softplus(x);
	case P_SOFT_RECTIFIER:
		return R(0.1) * r_softplus(x - R(3.0));
	}
	return x;
}

/* program_slope returns the derivative of f where its value is r. */
CELL_FN real program_slope(const int f, real r)
{
	switch (f) {
	case P_RELU:
		return r_positive(r, r_splat(1));
	case P_TANH:
		return R(1.0) - r * r;
	case P_SIGMOID:
		return r * (R(1.0) - r);
	case P_SOFTPLUS:
		return R(1.0) - r_exp(-r);
	case P_SOFT_RECTIFIER:
		return R(0.1) - R(0.1) * r_exp(-R(10.0) * r);
	}
	return r_splat(1);
}

#endif
