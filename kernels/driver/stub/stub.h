/* stub.h - what the stand-in for libcuda tells of itself. All three load the driver's library
 * if that has not happened yet; the strings live as long as the process. */
#ifndef GALVANI_STUB_H
#define GALVANI_STUB_H

/* galvani_cuda_library returns the path of the library that was loaded, or the name of the one
 * that could not be. */
const char *galvani_cuda_library(void);

/* galvani_cuda_reason returns why CUDA is not usable, or "" where it is. */
const char *galvani_cuda_reason(void);

/* galvani_cuda_code returns the code of cuInit, or CUDA_ERROR_NOT_INITIALIZED where there is no
 * library to ask. */
int galvani_cuda_code(void);

/* galvani_cuda_name returns the name of a CUresult, or "" for a number without one. */
const char *galvani_cuda_name(int code);

#endif
