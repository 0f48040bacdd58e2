/* turns.h - how the workers of a circuit wait for each other. A circuit has a part for each worker, and its steps are
 * phases: every part is done once in a phase, and all before the next one begins. A worker does its own part first; where
 * that of another is not begun soon after, as the machine runs something else in its place, it does that, too. So one
 * worker that runs is enough, and each waits for another only in the middle of a part. Which worker does a part changes
 * no number. */
#ifndef GALVANI_TURNS_H
#define GALVANI_TURNS_H

#include "../src/team.h"

/* turns is the state of one call: parts, and zeros. With more workers than cores, `crowded`, none spins. */
struct turns {
	int parts, crowded, done, phase, asleep;
};

/* claim of a part is how many phases of it were begun, in a cache line of its own. */
enum { CLAIM = 16 };

/* GRACE is how often a worker looks before it takes the part of another, two microseconds or so, which is more than one
 * that runs comes late; DOZE, how often before it sleeps, some ten microseconds: where all run, parts end closer together. */
enum { GRACE = 100, DOZE = 2000 };

/* turns_take says whether a worker is the one to do a part in a phase. */
static int turns_take(int *claim, int part, int phase)
{
	int seen = phase;
	return __atomic_load_n(claim + CLAIM * part, __ATOMIC_RELAXED) == phase &&
	       __atomic_compare_exchange_n(claim + CLAIM * part, &seen, phase + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* turns_done notes that a part is done in a phase, the last of which ends it. What was written before is visible behind
 * it. */
static void turns_done(struct turns *t, int phase)
{
	if (__atomic_add_fetch(&t->done, 1, __ATOMIC_ACQ_REL) != t->parts * (phase + 1))
		return;
	__atomic_store_n(&t->phase, phase + 1, __ATOMIC_SEQ_CST);
	team_wake(&t->phase, &t->asleep, t->parts);
}

/* turns_next returns a part that a worker has to do in a phase, its own at first, or -1 when the phase is over. */
static int turns_next(struct turns *t, int *claim, int worker, int phase)
{
	if (turns_take(claim, worker, phase))
		return worker;
	for (int k = t->crowded ? DOZE : 0; __atomic_load_n(&t->phase, __ATOMIC_ACQUIRE) == phase; k++) {
		if (k % GRACE == GRACE - 1 || k >= DOZE)
			for (int i = 1; i < t->parts; i++)
				if (turns_take(claim, (worker + i) % t->parts, phase))
					return (worker + i) % t->parts;
		if (k < DOZE) {
			team_pause();
			continue;
		}
		team_sleep(&t->phase, phase, &t->asleep);
	}
	return -1;
}

#endif
