//go:build mpi || mpich

#include "near.h"

#include "link.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    rings = 31,
    most_slot = 64 * 1024, // bytes: a few fit into the cache of a core
    least_slot = 4 * 1024,
    most_all = 8 * 1024 * 1024, // of all ranks of a machine: containers often have 64 MiB
};

// A slot is written by one rank and read by another, after each has seen the flag of the other.
struct slot {
    _Alignas(64) _Atomic int full;
    int n;
    _Alignas(64) char bytes[];
};

static struct {
    char *out, *in; // null where the peer is not near
    unsigned sent, received;
} ring[rings];

static MPI_Win memory = MPI_WIN_NULL;
static long slot_bytes;
static int me;

static long stride(void) { return sizeof(struct slot) + slot_bytes; }
static struct slot *at(char *box, unsigned k) { return (struct slot *)(box + k % galvani_near_slots * stride()); }

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
    int have = n > 0 && MPI_Win_allocate_shared(n * box, 1, MPI_INFO_NULL, host, &own, &memory) == 0, each;
    if ((e = MPI_Allreduce(&have, &each, 1, MPI_INT, MPI_MIN, host)) || !each) {
        memory = MPI_WIN_NULL; // which another rank may lack, and with it what frees it
        free(local);
        return e;
    }
    for (int b = 0; b < n; b++)
        for (unsigned k = 0; k < galvani_near_slots; k++)
            atomic_init(&at(own + b * box, k)->full, 0);
    for (int b = 0, peer; b < n; b++) {
        MPI_Aint bytes;
        int unit;
        char *theirs;
        if ((peer = me ^ 1 << b) < size && local[peer] >= 0 && MPI_Win_shared_query(memory, local[peer], &bytes, &unit, &theirs) == 0)
            ring[b].out = own + b * box, ring[b].in = theirs + b * box;
    }
    free(local);
    if ((e = MPI_Win_lock_all(MPI_MODE_NOCHECK, memory)) || (e = MPI_Win_sync(memory)))
        return e;
    return MPI_Barrier(host); // all slots are empty
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
    memcpy(s->bytes, bytes, n);
    s->n = n;
    atomic_store_explicit(&s->full, 1, memory_order_release);
    return 0;
}

int galvani_near_take(int b, const void **bytes, int *n) {
    struct slot *s = at(ring[b].in, ring[b].received);
    int e = await(&s->full, 1);
    *bytes = s->bytes, *n = s->n;
    return e;
}

void galvani_near_free(int b) { atomic_store_explicit(&at(ring[b].in, ring[b].received++)->full, 0, memory_order_release); }
