//go:build mpi || mpich

#include "near.h"

#include "link.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    rings = 31,
    most_slot = 256 * 1024, // bytes: ranks that hand over less at a time wait for each other more often
    least_slot = 4 * 1024,
    most_all = 8 * 1024 * 1024, // of all ranks of a machine: containers often have 64 MiB
    page = 4096,
};

// A slot is written by one rank and read by another, after each has seen the flag of the other.
struct slot {
    _Alignas(64) _Atomic int full;
    int n, way;
    _Alignas(64) char bytes[];
};

// A slot is written into the caches, or past them into memory. Between cores that share a cache the first takes half as
// long, between others three times as long. Neither rank knows where the other runs, which may change: some pieces are
// written in each way, and the others as has taken less time, for its writer and, of what the peer has written so, its reader.
enum { cached, past, ways };

enum {
    long_piece = 16 * 1024, // bytes from which on a piece is timed
    trials = 2,             // the best of so many pieces counts: in one of them a rank may have lost its core
    period = 64,            // pieces in which there are so many trials of each way
};

static struct {
    char *out, *in; // null where the peer is not near
    unsigned sent, received, pieces;
    struct cost {
        double last[trials]; // s a byte
    } write[ways], read[ways];
    double taken; // when the message was that is read
} ring[rings];

static MPI_Win memory = MPI_WIN_NULL;
static long slot_bytes;
static int me;

static long stride(void) { return sizeof(struct slot) + slot_bytes; }
static struct slot *at(char *box, unsigned k) { return (struct slot *)(box + k % galvani_near_slots * stride()); }

// aligned returns where slots begin in memory of the library, which has the same place in its page for all ranks.
static char *aligned(char *p) { return (char *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void note(struct cost *c, double took, int n) {
    memmove(c->last + 1, c->last, (trials - 1) * sizeof c->last[0]);
    c->last[0] = took / n;
}

static double best(const struct cost *c) {
    double least = c->last[0];
    for (int i = 1; i < trials; i++)
        if (c->last[i] < least)
            least = c->last[i];
    return least;
}

// next_way says how the next long piece is written.
static int next_way(int b) {
#ifdef __SSE2__
    unsigned k = ring[b].pieces++ % period;
    if (k < ways * trials)
        return k % ways;
    return best(&ring[b].write[past]) + best(&ring[b].read[past]) < best(&ring[b].write[cached]) + best(&ring[b].read[cached]) ? past : cached;
#else
    return cached;
#endif
}

static void copy(char *restrict to, const char *restrict from, int n, int way) {
    int i = 0;
#ifdef __SSE2__
    if (way == past) {
        for (; i + 16 <= n; i += 16)
            _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
        _mm_sfence(); // before the flag
    }
#endif
    memcpy(to + i, from + i, n - i);
}

// locate fills in the ranks of this machine, -1 for others, and returns how many rings a rank has at most.
static int locate(MPI_Comm all, MPI_Comm host, int size, int *local) {
    MPI_Group far, near;
    int most = 0, e, *rank = malloc(size * sizeof *rank);
    for (int r = 0; r < size; r++)
        rank[r] = r;
    if (!(e = MPI_Comm_group(all, &far)) && !(e = MPI_Comm_group(host, &near))) {
        e = MPI_Group_translate_ranks(far, size, rank, near, local);
        MPI_Group_free(&far), MPI_Group_free(&near);
    }
    free(rank);
    for (int r = 0; !e && r < size; r++)
        if (local[r] == MPI_UNDEFINED)
            local[r] = -1;
    for (int b = 0; !e && b < rings && 1 << b < size; b++)
        for (int r = 0; r < size; r++)
            if (local[r] >= 0 && (r ^ 1 << b) < size && local[r ^ 1 << b] >= 0)
                most = b + 1;
    return e ? -1 : most;
}

int galvani_near_open(MPI_Comm all, MPI_Comm host) {
    int size, locals, e;
    if ((e = MPI_Comm_rank(all, &me)) || (e = MPI_Comm_size(all, &size)) || (e = MPI_Comm_size(host, &locals)))
        return e;
    int *local = malloc(size * sizeof *local), n = locate(all, host, size, local);
    for (slot_bytes = most_slot; slot_bytes > least_slot && locals * n * galvani_near_slots * slot_bytes > most_all;)
        slot_bytes /= 2;
    long box = galvani_near_slots * stride();
    char *own = NULL;
    int have = n > 0 && MPI_Win_allocate_shared(n * box + 64, 1, MPI_INFO_NULL, host, &own, &memory) == 0, each;
    if ((e = MPI_Allreduce(&have, &each, 1, MPI_INT, MPI_MIN, host)) || !each) {
        memory = MPI_WIN_NULL; // which another rank may lack, and with it what frees it
        free(local);
        return e;
    }
    own = aligned(own);
    memset(own, 0, n * box); // and with it all pages are there, before anything is timed
    for (int b = 0; b < n; b++)
        for (unsigned k = 0; k < galvani_near_slots; k++)
            atomic_init(&at(own + b * box, k)->full, 0);
    for (int b = 0, peer; b < n; b++) {
        MPI_Aint bytes;
        int unit;
        char *theirs;
        if ((peer = me ^ 1 << b) < size && local[peer] >= 0 && MPI_Win_shared_query(memory, local[peer], &bytes, &unit, &theirs) == 0)
            ring[b].out = own + b * box, ring[b].in = aligned(theirs) + b * box;
    }
    free(local);
    if ((e = MPI_Win_lock_all(MPI_MODE_NOCHECK, memory)) || (e = MPI_Win_sync(memory)) || (e = MPI_Barrier(host)))
        return e;
    for (int b = 0; b < n; b++) // all slots are empty; to read them the first time takes long
        for (long i = 0; ring[b].in && i < box; i += page)
            (void)*(volatile char *)(ring[b].in + i);
    return 0;
}

int galvani_near_close(void) {
    if (memory == MPI_WIN_NULL)
        return 0;
    int e = MPI_Win_unlock_all(memory);
    return e ? e : MPI_Win_free(&memory);
}

int galvani_near_peer(int peer) {
    int d = me ^ peer, b = __builtin_ctz(d);
    return d == 1 << b && ring[b].out ? b : -1;
}

long galvani_near_most(void) { return slot_bytes; }

// await waits until a flag has a value.
static int await(_Atomic int *flag, int value) {
    enum { pauses = 8 }; // of the core between two tests, which then take as long as those of the library
    double begin = 0;
    for (unsigned k = 1;; k++) {
        for (int i = 0; i < pauses; i++)
            if (atomic_load_explicit(flag, memory_order_acquire) == value)
                return 0;
#ifdef __x86_64__
            else
                __builtin_ia32_pause();
#endif
        int e = galvani_link_rest(k, &begin);
        if (e)
            return e;
    }
}

int galvani_near_put(int b, const void *bytes, int n) {
    struct slot *s = at(ring[b].out, ring[b].sent++);
    int e = await(&s->full, 0);
    if (e)
        return e;
    s->n = n, s->way = n < long_piece ? cached : next_way(b);
    if (n < long_piece)
        memcpy(s->bytes, bytes, n);
    else {
        double begin = now();
        copy(s->bytes, bytes, n, s->way);
        note(&ring[b].write[s->way], now() - begin, n);
    }
    atomic_store_explicit(&s->full, 1, memory_order_release);
    return 0;
}

int galvani_near_take(int b, const void **bytes, int *n) {
    struct slot *s = at(ring[b].in, ring[b].received);
    int e = await(&s->full, 1);
    *bytes = s->bytes, *n = s->n;
    if (!e && s->n >= long_piece)
        ring[b].taken = now();
    return e;
}

void galvani_near_free(int b) {
    struct slot *s = at(ring[b].in, ring[b].received++);
    if (s->n >= long_piece)
        note(&ring[b].read[s->way], now() - ring[b].taken, s->n);
    atomic_store_explicit(&s->full, 0, memory_order_release);
}
