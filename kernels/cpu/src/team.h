/* team.h - how the workers of a scan wait for each other. */
#ifndef GALVANI_TEAM_H
#define GALVANI_TEAM_H

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif

/* team is the state of a barrier of `size` workers; zero arrived and asleep, and any phase to begin with. With
 * more workers than cores, `crowded`, one that waits gives its core away at once. */
struct team {
	int size, crowded, arrived, phase, asleep;
	long begun; /* of what the workers take part by part, the first that nobody has */
};

/* SPINS is how often a worker looks before it sleeps: some hundred microseconds, which is longer
 * than another needs to wake up, and short against a time slice if one has lost its core. */
enum { SPINS = 10000 };

static inline void team_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* team_sleep gives the core away until a phase is no longer `seen`, or for a moment. One that is about to sleep counts
 * itself first and then finds the new phase: team_wake misses nobody. */
static __attribute__((unused)) void team_sleep(int *phase, int seen, int *asleep)
{
#if defined(__linux__)
	__atomic_add_fetch(asleep, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, phase, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
	__atomic_sub_fetch(asleep, 1, __ATOMIC_SEQ_CST);
#else
	sched_yield();
#endif
}

/* team_wake wakes up to n workers that sleep, after the phase has changed. It makes no system call where none does. */
static __attribute__((unused)) void team_wake(int *phase, int *asleep, int n)
{
#if defined(__linux__)
	if (__atomic_load_n(asleep, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, phase, FUTEX_WAKE_PRIVATE, n, 0, 0, 0);
#endif
}

/* team_wait returns when all workers of the team have called it as often as this one. What they
 * wrote before is visible after it. */
static __attribute__((unused)) void team_wait(struct team *t)
{
	if (t->size <= 1)
		return;
	int phase = __atomic_load_n(&t->phase, __ATOMIC_ACQUIRE);
	if (__atomic_add_fetch(&t->arrived, 1, __ATOMIC_ACQ_REL) == t->size) {
		__atomic_store_n(&t->arrived, 0, __ATOMIC_RELAXED);
		__atomic_add_fetch(&t->phase, 1, __ATOMIC_SEQ_CST);
		team_wake(&t->phase, &t->asleep, t->size);
		return;
	}
	for (int k = 0; __atomic_load_n(&t->phase, __ATOMIC_ACQUIRE) == phase; k++) {
		if (k < SPINS && !t->crowded) {
			team_pause();
			continue;
		}
		team_sleep(&t->phase, phase, &t->asleep);
	}
}

#endif
