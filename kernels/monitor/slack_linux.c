//go:build cgo

/* slack_linux.c - how the threads of Go's runtime are made. */

#include <pthread.h>
#include <sys/prctl.h>

enum { LONG = 10000000 }; /* slack of the monitor, in ns */

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* __wrap_pthread_create stands for pthread_create where the objects of this program call it, not those of libraries. */
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	static int usual; /* slack of all threads but the monitor; 0 before there are any */
	int own = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), its = usual ? usual : LONG;
	if (!usual)
		usual = own;
	if (own == its || own <= 0)
		return __real_pthread_create(t, attributes, start, argument);
	prctl(PR_SET_TIMERSLACK, (unsigned long)its, 0, 0, 0);
	int error = __real_pthread_create(t, attributes, start, argument);
	prctl(PR_SET_TIMERSLACK, (unsigned long)own, 0, 0, 0);
	return error;
}
