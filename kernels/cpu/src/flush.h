/* flush.h - how denormal numbers are treated inside the kernels. */
#ifndef GALVANI_FLUSH_H
#define GALVANI_FLUSH_H

/* Denormal numbers are flushed to zero inside the kernels: decaying states are full of them
 * and they cost tens of cycles each. The caller's mode is restored. */
#if defined(__x86_64__)
#include <immintrin.h>

static unsigned flush_on(void)
{
	unsigned old = _mm_getcsr();
	_mm_setcsr(old | 0x8040);
	return old;
}
static void flush_restore(unsigned old) { _mm_setcsr(old); }
#else
static unsigned flush_on(void) { return 0; }
static void flush_restore(unsigned old) { (void)old; }
#endif

#endif
