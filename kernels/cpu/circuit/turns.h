/* turns.h - how the workers of a circuit wait for each other. A circuit has a part for each worker, and its steps are
 * phases: every part is done once in a phase, and all before the next one begins. A worker does its own part first; where
 * that of another is not begun soon after, as the machine runs something else in its place, it does that, too, and in the
 * next phase at once. So one worker that runs is enough and then loses no time, and each waits for another only in the
 * middle of a part. Which worker does a part changes no number. */
#ifndef GALVANI_TURNS_H
#define GALVANI_TURNS_H

#include "../src/team.h"

/* turns is the state of one call: parts, and zeros. With more workers than cores, `crowded`, none spins. */
struct turns {
	int parts, crowded, asleep;
};

/* turn is how many phases of a part are begun and how many are done. What is begun lies apart: others look at it only where
 * the part is late, so that its worker takes it without waiting for them; and what is done is one number of which its worker
 * alone writes, so that a phase costs two workers one way between their caches. In the same line it leaves the other workers a
 * message, of which the one of the phase before stays while they read it. */
enum { MESSAGE = 14 };
struct turn {
	int begun, apart[31], done;
	struct message {
		unsigned short n, spike[MESSAGE];
	} message[2];
	int next[16];
};

/* GRACE is how often a worker looks before it takes the part of another, ten microseconds or more: as long as it takes to
 * bring what the part is about into another core's cache and back, and longer than an interrupt; DOZE, how often before it
 * sleeps: where all run, parts end closer together. */
enum { GRACE = 400, DOZE = 2000 };

/* turns_take says whether a worker is the one to do a part in a phase. */
static int turns_take(struct turn *part, int phase)
{
	int seen = phase;
	return __atomic_load_n(&part->begun, __ATOMIC_RELAXED) == phase &&
	       __atomic_compare_exchange_n(&part->begun, &seen, phase + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* turns_done notes that a part is done in a phase. What was written before is visible to all who are behind the phase. */
static void turns_done(struct turns *t, struct turn *part, int phase)
{
	__atomic_store_n(&part->done, phase + 1, __ATOMIC_SEQ_CST);
	team_wake(&part->done, &t->asleep, t->parts);
}

/* turns_left returns a part that is not done in a phase, or 0. */
static struct turn *turns_left(const struct turns *t, struct turn *turn, int phase)
{
	for (struct turn *part = turn; part < turn + t->parts; part++)
		if (__atomic_load_n(&part->done, __ATOMIC_ACQUIRE) <= phase)
			return part;
	return 0;
}

/* turns_next returns a part that a worker has to do in a phase, its own at first, or -1 when the phase is over. late says that
 * others came late in the phase before. */
static int turns_next(struct turns *t, struct turn *turn, int worker, int phase, int late)
{
	if (turns_take(turn + worker, phase))
		return worker;
	struct turn *left;
	for (int k = t->crowded ? DOZE : 0; (left = turns_left(t, turn, phase)); k++) {
		if (late || k % GRACE == GRACE - 1 || k >= DOZE)
			for (int i = 1; i < t->parts; i++)
				if (turns_take(turn + (worker + i) % t->parts, phase))
					return (worker + i) % t->parts;
		if (k < DOZE) {
			team_pause();
			continue;
		}
		int seen = __atomic_load_n(&left->done, __ATOMIC_ACQUIRE);
		if (seen <= phase)
			team_sleep(&left->done, seen, &t->asleep);
	}
	return -1;
}

#endif
