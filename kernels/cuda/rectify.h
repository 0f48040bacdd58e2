/* rectify.h - the rectifier of weights.cu that params.h does not number: 1, 0 or -1. */
#ifndef GALVANI_RECTIFY_H
#define GALVANI_RECTIFY_H

enum { RECTIFY_SIGN = 3 };

#endif
