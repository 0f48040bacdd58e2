//go:build cgo

/* slack_linux.c - runs before the runtime of Go, which makes its monitor first of all threads. */

#include <sys/prctl.h>

enum { SLACK = 10000000 }; /* ns */

__attribute__((constructor)) static void monitor_slack(void) { prctl(PR_SET_TIMERSLACK, SLACK, 0, 0, 0); }
