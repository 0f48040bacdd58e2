//go:build mpi || mpich

#include "link.h"

#include "near.h"

#include <mpi.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    piece = 32 * 1024,     // numbers of a message of many, which stay in the cache until they are added
    window = 4,            // such messages under way; with a header no more than galvani_near_slots
    once = window * piece, // numbers up to which all are one message
    most_bytes = 1 << 30,  // of a message of swap
    spins = 1000,          // tests before a rank lets others have the core, where each has one
    tests = 32,            // and from then on between two such pauses: the library may make some itself
    patience = 20,         // ms after which it sleeps between two tests
    nap = 50,              // µs of such a sleep
    last_wait = 2,         // s that a rank waits for the last beat when all end
};

static MPI_Comm data = MPI_COMM_NULL, beats = MPI_COMM_NULL;
static int me, size, crowded;

// Each rank sends beats to the next one, whatever it does besides, and counts its own
// beats in which the one before was silent. So no rank is taken for lost when all were suspended.
static struct {
    MPI_Request out, in;
    char sent, heard;
    int silent;
    double last;
} beat = {.out = MPI_REQUEST_NULL, .in = MPI_REQUEST_NULL};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int listen_for_beat(void) {
    return MPI_Irecv(&beat.heard, 1, MPI_CHAR, (me + size - 1) % size, 0, beats, &beat.in);
}

// init starts MPI and gives signals back to Go where the library has taken them: MPICH takes SIGUSR1, on
// the stack of whatever runs, which for a goroutine is too small.
static int init(int *any_thread) {
    enum { signals = 32 };
    struct sigaction before[signals], after;
    for (int s = 1; s < signals; s++)
        sigaction(s, NULL, &before[s]);
    int have, e = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &have);
    *any_thread = e == 0 && have >= MPI_THREAD_SERIALIZED;
    for (int s = 1; s < signals; s++)
        if (before[s].sa_handler != SIG_DFL && before[s].sa_handler != SIG_IGN && sigaction(s, NULL, &after) == 0 &&
            after.sa_handler != before[s].sa_handler)
            sigaction(s, &before[s], NULL);
    return e;
}

// takes_devices asks the library that is loaded, which may be another than it was compiled with, whether it takes addresses of
// the memory of NVIDIA's GPUs.
static int takes_devices(void) {
#if defined(MPIX_CUDA_AWARE_SUPPORT)
    return MPIX_Query_cuda_support();
#elif defined(MPIX_GPU_SUPPORT_CUDA)
    int yes = 0;
    return MPIX_GPU_query_support(MPIX_GPU_SUPPORT_CUDA, &yes) == 0 && yes;
#else
    return 0;
#endif
}

int galvani_link_open(struct galvani_place *at) {
    int n, e = init(&at->any_thread);
    if (e)
        return e;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm host;
    if ((e = MPI_Comm_dup(MPI_COMM_WORLD, &data)) || (e = MPI_Comm_dup(MPI_COMM_WORLD, &beats)) ||
        (e = MPI_Comm_rank(data, &me)) || (e = MPI_Comm_size(data, &size)) ||
        (e = MPI_Comm_split_type(data, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &host)) ||
        (e = MPI_Comm_rank(host, &at->local)) || (e = MPI_Comm_size(host, &at->locals)) || (e = galvani_near_open(data, host)) ||
        (e = MPI_Comm_free(&host)))
        return e;
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    if ((e = MPI_Get_library_version(text, &n)))
        return e;
    text[strcspn(text, ",\n")] = 0;
    strncpy(at->library, text, sizeof at->library - 1);
    at->rank = me, at->size = size, at->devices = takes_devices();
    for (int d = 1; d < size; d *= 2)
        at->near += (me ^ d) < size && galvani_near_peer(me ^ d) >= 0;
    crowded = at->locals > sysconf(_SC_NPROCESSORS_ONLN);
    beat.last = now();
    return size > 1 ? listen_for_beat() : 0;
}

int galvani_link_beat(void) {
    int done, e;
    beat.last = now();
    if (size == 1)
        return 0;
    if ((e = MPI_Test(&beat.out, &done, MPI_STATUS_IGNORE)))
        return e;
    if (done && (e = MPI_Isend(&beat.sent, 1, MPI_CHAR, (me + 1) % size, 0, beats, &beat.out)))
        return e;
    beat.silent++;
    for (;;) {
        if ((e = MPI_Test(&beat.in, &done, MPI_STATUS_IGNORE)))
            return e;
        if (!done)
            break;
        beat.silent = 0;
        if ((e = listen_for_beat()))
            return e;
    }
    return beat.silent > galvani_link_silence * galvani_link_beats ? -1 - (me + size - 1) % size : 0;
}

int galvani_link_rest(unsigned k, double *begin) {
    if ((!crowded && k < spins) || k % tests)
        return 0;
    sched_yield();
    double t = now();
    if (*begin == 0)
        *begin = t;
    if (t - *begin > 1e-3 * patience)
        nanosleep(&(struct timespec){.tv_nsec = 1000 * nap}, NULL);
    return t - beat.last >= 1.0 / galvani_link_beats ? galvani_link_beat() : 0;
}

// finish waits for requests.
static int finish(int n, MPI_Request *r) {
    double begin = 0;
    for (unsigned k = 1;; k++) {
        int done, e = MPI_Testall(n, r, &done, MPI_STATUSES_IGNORE);
        if (e || done || (e = galvani_link_rest(k, &begin)))
            return e;
    }
}

int galvani_link_near(int peer) { return galvani_near_peer(peer) >= 0; }

static int receive_near(int ring, void *receive, long n) {
    const void *bytes;
    int have, e = galvani_near_take(ring, &bytes, &have);
    if (e)
        return e;
    memcpy(receive, bytes, have < n ? have : n);
    galvani_near_free(ring);
    return have > n ? MPI_ERR_TRUNCATE : 0;
}

// swap_near sends and receives in turns; no more is under way than a ring has room for.
static int swap_near(int ring, const char *send, long nsend, char *receive, long nreceive) {
    long most = galvani_near_most(), out = 0, in = 0;
    int e = 0;
    while (!e && (out < nsend || in < nreceive)) {
        for (; !e && out < nsend && (in >= nreceive || out - in < window * most); out += most)
            e = galvani_near_put(ring, send + out, nsend - out < most ? nsend - out : most);
        if (!e && in < nreceive)
            e = receive_near(ring, receive + in, nreceive - in < most ? nreceive - in : most), in += most;
    }
    return e;
}

// What begin and end send and receive in pieces.
static float came[once];
static MPI_Request going[window] = {[0 ... window - 1] = MPI_REQUEST_NULL}, coming[window] = {[0 ... window - 1] = MPI_REQUEST_NULL};

int galvani_link_settle(void) { return finish(window, going); }

// swap_far sends and receives by the library.
static int swap_far(int peer, const char *send, long nsend, char *receive, long nreceive) {
    for (long at = 0; at < nsend || at < nreceive; at += most_bytes) {
        MPI_Request r[2];
        int n = 0, e = 0;
        if (at < nreceive)
            e = MPI_Irecv(receive + at, nreceive - at < most_bytes ? nreceive - at : most_bytes, MPI_BYTE, peer, 1, data, &r[n++]);
        if (!e && at < nsend)
            e = MPI_Isend(send + at, nsend - at < most_bytes ? nsend - at : most_bytes, MPI_BYTE, peer, 1, data, &r[n++]);
        if (e || (e = finish(n, r)))
            return e;
    }
    return 0;
}

int galvani_link_swap(int peer, const void *send, long nsend, void *receive, long nreceive) {
    int e = galvani_link_settle(), ring = galvani_near_peer(peer);
    return e ? e : ring >= 0 ? swap_near(ring, send, nsend, receive, nreceive) : swap_far(peer, send, nsend, receive, nreceive);
}

int galvani_link_swap_on(int peer, const void *send, long nsend, void *receive, long nreceive) {
    int e = galvani_link_settle();
    return e ? e : swap_far(peer, send, nsend, receive, nreceive);
}

// A flow is numbers to a peer or from it.
struct flow {
    int peer, ring; // as galvani_near_peer says
    long n, per;    // numbers, of a piece
};

static struct flow flow(int peer, long n) {
    int ring = galvani_near_peer(peer);
    return (struct flow){peer, ring, n, ring >= 0 ? galvani_near_most() / sizeof(float) : n > once ? piece : n};
}

static int has(struct flow f, long k) { return k * f.per < f.n; }
static int part(struct flow f, long k) { return f.n - k * f.per < f.per ? f.n - k * f.per : f.per; }

static float *place(struct flow f, long k) { return came + k % window * f.per; }

static int send_piece(struct flow f, const float *x, long k) {
    if (f.ring >= 0)
        return galvani_near_put(f.ring, x + k * f.per, part(f, k) * sizeof(float));
    return MPI_Isend(x + k * f.per, part(f, k), MPI_FLOAT, f.peer, 2, data, &going[k % window]);
}

static int receive_piece(struct flow f, long k) {
    return f.ring >= 0 ? 0 : MPI_Irecv(place(f, k), part(f, k), MPI_FLOAT, f.peer, 2, data, &coming[k % window]);
}

static void add(float *restrict to, const float *restrict from, int n) {
    for (int i = 0; i < n; i++)
        to[i] += from[i];
}

// add_piece waits for a piece and adds it to sum, which may be null.
static int add_piece(struct flow f, float *sum, long k) {
    const void *x = place(f, k);
    int n, e = f.ring >= 0 ? galvani_near_take(f.ring, &x, &n) : finish(1, &coming[k % window]);
    if (!e && sum)
        add(sum + k * f.per, x, part(f, k));
    if (!e && f.ring >= 0)
        galvani_near_free(f.ring);
    return e;
}

int galvani_link_begin(int peer, const void *head, int nhead, void *other, int nother, const float *numbers, long nnumbers) {
    struct flow out = flow(peer, nnumbers);
    MPI_Request r[2];
    int e = galvani_link_settle(), ring = nother > galvani_near_most() ? -1 : galvani_near_peer(peer);
    if (!e && ring < 0)
        e = MPI_Irecv(other, nother, MPI_BYTE, peer, 1, data, &r[0]);
    if (!e)
        e = ring < 0 ? MPI_Isend(head, nhead, MPI_BYTE, peer, 1, data, &r[1]) : galvani_near_put(ring, head, nhead);
    for (long k = 0; !e && k < window && has(out, k); k++)
        e = send_piece(out, numbers, k);
    return e ? e : ring < 0 ? finish(2, r) : receive_near(ring, other, nother);
}

int galvani_link_end(int peer, const float *numbers, long nnumbers, float *sum, long n) {
    struct flow out = flow(peer, nnumbers), in = flow(peer, n);
    int e = 0;
    for (long k = 0; !e && k < window && has(in, k); k++)
        e = receive_piece(in, k);
    for (long k = 0; !e && (has(in, k) || has(out, k)); k++) {
        if (has(out, k) && (numbers == sum || has(out, k + window))) // before it is added to, or another takes its place
            e = finish(1, &going[k % window]);
        if (!e && has(in, k))
            e = add_piece(in, sum, k);
        if (!e && has(in, k + window))
            e = receive_piece(in, k + window);
        if (!e && has(out, k + window))
            e = send_piece(out, numbers, k + window);
    }
    return e;
}

// drain receives the beats that are under way, up to the last one, which differs. Libraries warn of messages
// that nobody has received.
static void drain(void) {
    static const char last = 1;
    int done = 0, heard = 0;
    MPI_Request out = MPI_REQUEST_NULL;
    MPI_Isend(&last, 1, MPI_CHAR, (me + 1) % size, 0, beats, &out);
    for (double begin = now(); !(done && heard) && now() - begin < last_wait;) {
        int came = 0;
        if (!done)
            MPI_Test(&out, &done, MPI_STATUS_IGNORE);
        if (!heard && MPI_Test(&beat.in, &came, MPI_STATUS_IGNORE) == 0 && came && !(heard = beat.heard == last))
            listen_for_beat();
        sched_yield();
    }
    if (!heard && MPI_Cancel(&beat.in) == 0)
        MPI_Request_free(&beat.in);
}

int galvani_link_close(void) {
    if (size > 1)
        drain();
    int e = galvani_near_close();
    return e ? e : MPI_Finalize();
}

void galvani_link_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

void galvani_link_error(int code, char text[512]) {
    int n;
    char all[MPI_MAX_ERROR_STRING];
    strcpy(text, "unknown error of MPI");
    if (MPI_Error_string(code, all, &n) == 0)
        strncpy(text, all, 511), text[511] = 0;
}

int galvani_link_allreduce(float *x, long n) { return MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_FLOAT, MPI_SUM, data); }
