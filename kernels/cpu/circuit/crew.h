/* crew.h - threads for the parts of circuits beside the one that calls. They are not Go's: where all threads that Go may run
 * on at once are in C, its monitor looks after them every 20 us, and takes a core for 10 us each time. A thread that has
 * done its part waits for the next for the life of the process, and sleeps where none comes soon. */
#ifndef GALVANI_CREW_H
#define GALVANI_CREW_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "../src/team.h"

/* hand is one of the threads. job is 1 from when it is given something until that is done. */
struct hand {
	int job, asleep;
	pthread_mutex_t lock;
	pthread_cond_t given;
	void (*f)(void *, int);
	void *arg;
	int part;
	struct hand *next;
};

/* idle are those that nobody has. */
static struct hand *idle;
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;

/* PATIENCE is how often one looks for a job before it sleeps, some hundred microseconds: what is done between two calls is
 * shorter. */
enum { PATIENCE = 10000 };

static void *hand_main(void *arg)
{
	struct hand *h = arg;
	for (;;) {
		for (int k = 0; k < PATIENCE && !__atomic_load_n(&h->job, __ATOMIC_ACQUIRE); k++)
			team_pause();
		if (!__atomic_load_n(&h->job, __ATOMIC_ACQUIRE)) {
			pthread_mutex_lock(&h->lock);
			__atomic_store_n(&h->asleep, 1, __ATOMIC_SEQ_CST);
			while (!__atomic_load_n(&h->job, __ATOMIC_SEQ_CST))
				pthread_cond_wait(&h->given, &h->lock);
			__atomic_store_n(&h->asleep, 0, __ATOMIC_RELAXED);
			pthread_mutex_unlock(&h->lock);
		}
		h->f(h->arg, h->part);
		__atomic_store_n(&h->job, 0, __ATOMIC_RELEASE);
	}
	return 0;
}

/* new_hand starts a thread, which takes no signal, and returns 0 where there can be no more. */
static struct hand *new_hand(void)
{
	struct hand *h = calloc(1, sizeof *h);
	pthread_t thread;
	sigset_t all, old;
	if (!h)
		return 0;
	pthread_mutex_init(&h->lock, 0);
	pthread_cond_init(&h->given, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = pthread_create(&thread, 0, hand_main, h);
	pthread_sigmask(SIG_SETMASK, &old, 0);
	if (failed) {
		free(h);
		return 0;
	}
	pthread_detach(thread);
	return h;
}

/* crew_give has a thread call f(arg, part), and returns it, or 0 where there is none. */
static struct hand *crew_give(void (*f)(void *, int), void *arg, int part)
{
	pthread_mutex_lock(&idle_lock);
	struct hand *h = idle;
	if (h)
		idle = h->next;
	pthread_mutex_unlock(&idle_lock);
	if (!h && !(h = new_hand()))
		return 0;
	h->f = f, h->arg = arg, h->part = part;
	__atomic_store_n(&h->job, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&h->asleep, __ATOMIC_SEQ_CST)) {
		pthread_mutex_lock(&h->lock);
		pthread_cond_signal(&h->given);
		pthread_mutex_unlock(&h->lock);
	}
	return h;
}

/* crew_take waits until a thread has done its part, and keeps it for others. */
static void crew_take(struct hand *h)
{
	for (int k = 0; __atomic_load_n(&h->job, __ATOMIC_ACQUIRE); k++)
		if (k < PATIENCE)
			team_pause();
		else
			sched_yield();
	pthread_mutex_lock(&idle_lock);
	h->next = idle, idle = h;
	pthread_mutex_unlock(&idle_lock);
}

/* crew_run calls f(arg, part) for all parts from 1 on where there are threads for them, and for part 0 on this one, and
 * returns when they have ended. */
static void crew_run(int parts, void (*f)(void *, int), void *arg)
{
	struct hand *hands[parts];
	for (int k = 1; k < parts; k++)
		hands[k] = crew_give(f, arg, k);
	f(arg, 0);
	for (int k = 1; k < parts; k++)
		if (hands[k])
			crew_take(hands[k]);
}

#endif
