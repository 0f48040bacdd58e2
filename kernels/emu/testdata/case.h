/* case.h - the parameter of the kernels of cases.cu. */
#ifndef GALVANI_CASE_H
#define GALVANI_CASE_H

#include "params.h"

struct case_params {
	int n;
	ARRAY(const float) x;
	ARRAY(float) y;
};

#endif
