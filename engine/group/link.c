//go:build mpi || mpich

#include "link.h"

#include <mpi.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    most_peers = 3,
    piece = 32 * 1024,    // numbers of a message that is added, which stay in the cache until they are
    window = 4,           // such messages under way to or from a peer
    most_bytes = 1 << 30, // of a message of swap and share
    spins = 1000,         // tests before a rank lets others have the core, where each has one
    tests = 32,           // and from then on between two such pauses: the library may make some itself
    patience = 20,        // ms after which it sleeps between two tests
    nap = 50,             // µs of such a sleep
    last_wait = 2,        // s that a rank waits for the last beat when all end
};

static MPI_Comm data = MPI_COMM_NULL, beats = MPI_COMM_NULL;
static int me, size, crowded;

// What goes to peers and comes from them, in pieces.
static float came[window][most_peers][piece];
static MPI_Request going[window][most_peers], coming[window][most_peers];

// Each rank sends a beat to the next one every second, whatever it does besides, and counts its own
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

int galvani_link_open(struct galvani_place *at) {
    int n, e = init(&at->any_thread);
    if (e)
        return e;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm host;
    if ((e = MPI_Comm_dup(MPI_COMM_WORLD, &data)) || (e = MPI_Comm_dup(MPI_COMM_WORLD, &beats)) ||
        (e = MPI_Comm_rank(data, &me)) || (e = MPI_Comm_size(data, &size)) ||
        (e = MPI_Comm_split_type(data, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &host)) ||
        (e = MPI_Comm_rank(host, &at->local)) || (e = MPI_Comm_size(host, &at->locals)) || (e = MPI_Comm_free(&host)))
        return e;
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    if ((e = MPI_Get_library_version(text, &n)))
        return e;
    text[strcspn(text, ",\n")] = 0;
    strncpy(at->library, text, sizeof at->library - 1);
    at->rank = me, at->size = size;
    crowded = at->locals > sysconf(_SC_NPROCESSORS_ONLN);
    for (int k = 0; k < window; k++)
        for (int p = 0; p < most_peers; p++)
            going[k][p] = coming[k][p] = MPI_REQUEST_NULL;
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
    return beat.silent > galvani_link_silence ? -1 - (me + size - 1) % size : 0;
}

// finish waits for requests. A rank that waits long leaves the core to others.
static int finish(int n, MPI_Request *r) {
    double begin = 0;
    for (unsigned k = 1;; k++) {
        int done, e = MPI_Testall(n, r, &done, MPI_STATUSES_IGNORE);
        if (e || done)
            return e;
        if (!crowded && k < spins)
            continue;
        if (k % tests)
            continue;
        sched_yield();
        double t = now();
        if (begin == 0)
            begin = t;
        if (t - begin > 1e-3 * patience)
            nanosleep(&(struct timespec){.tv_nsec = 1000 * nap}, NULL);
        if (t - beat.last >= 1 && (e = galvani_link_beat()))
            return e;
    }
}

// settle waits until all numbers that begin and end have sent are there.
static int settle(void) { return finish(window * most_peers, (MPI_Request *)going); }

int galvani_link_swap(int peer, const void *send, long nsend, void *receive, long nreceive) {
    int begun = settle();
    if (begun)
        return begun;
    for (long at = 0; at < nsend || at < nreceive; at += most_bytes) {
        MPI_Request r[2];
        int n = 0, e = 0;
        if (at < nreceive)
            e = MPI_Irecv((char *)receive + at, nreceive - at < most_bytes ? nreceive - at : most_bytes, MPI_BYTE, peer, 1, data, &r[n++]);
        if (!e && at < nsend)
            e = MPI_Isend((const char *)send + at, nsend - at < most_bytes ? nsend - at : most_bytes, MPI_BYTE, peer, 1, data, &r[n++]);
        if (e || (e = finish(n, r)))
            return e;
    }
    return 0;
}

static long pieces(long n) { return (n + piece - 1) / piece; }
static int part(long n, long k) { return n - k * piece < piece ? n - k * piece : piece; }

static long length(struct galvani_span s) { return s.hi - s.lo; }

// send_pieces sends piece k of what each peer is given, as far as there is one.
static int send_pieces(int peers, const long *peer, const float *x, const struct galvani_span *give, long k) {
    int e = 0;
    for (int p = 0; !e && p < peers; p++)
        if (k < pieces(length(give[p])))
            e = MPI_Isend(x + give[p].lo + k * piece, part(length(give[p]), k), MPI_FLOAT, peer[p], 2, data, &going[k % window][p]);
    return e;
}

static int receive_pieces(int peers, const long *peer, const long *n, long k) {
    int e = 0;
    for (int p = 0; !e && p < peers; p++)
        if (k < pieces(n[p]))
            e = MPI_Irecv(came[k % window][p], part(n[p], k), MPI_FLOAT, peer[p], 2, data, &coming[k % window][p]);
    return e;
}

static void add_one(float *restrict to, const float *restrict a, int n) {
    for (int i = 0; i < n; i++)
        to[i] += a[i];
}

static void add_three(float *restrict to, const float *restrict a, const float *restrict b, const float *restrict c, int n) {
    for (int i = 0; i < n; i++)
        to[i] = (to[i] + a[i]) + (b[i] + c[i]);
}

int galvani_link_begin(int peers, const long *peer, const void *head, int nhead, void *other, int nother, const float *x,
                       const struct galvani_span *give) {
    MPI_Request r[2 * most_peers];
    int e = settle();
    for (int p = 0; !e && p < peers; p++)
        e = MPI_Irecv((char *)other + p * nother, nother, MPI_BYTE, peer[p], 1, data, &r[p]);
    for (int p = 0; !e && p < peers; p++)
        e = MPI_Isend(head, nhead, MPI_BYTE, peer[p], 1, data, &r[peers + p]);
    for (long k = 0; !e && k < window; k++)
        e = send_pieces(peers, peer, x, give, k);
    return e ? e : finish(2 * peers, r);
}

int galvani_link_end(int peers, const long *peer, const float *x, const struct galvani_span *give, float *sum, const long *n) {
    int e = 0, whole = sum == x + give[0].lo; // what is given away is added to
    long most = 0;
    for (int p = 0; p < peers; p++) {
        most = pieces(n[p]) > most ? pieces(n[p]) : most;
        most = pieces(length(give[p])) > most ? pieces(length(give[p])) : most;
    }
    for (long k = 0; !e && k < window; k++)
        e = receive_pieces(peers, peer, n, k);
    for (long k = 0; !e && k < most; k++) {
        float(*a)[piece] = came[k % window];
        if (whole || k + window < most)
            e = finish(peers, going[k % window]);
        if (!e && !(e = finish(peers, coming[k % window])) && sum && k < pieces(n[0])) {
            if (peers == 1)
                add_one(sum + k * piece, a[0], part(n[0], k));
            else
                add_three(sum + k * piece, a[0], a[1], a[2], part(n[0], k));
        }
        if (!e)
            e = receive_pieces(peers, peer, n, k + window);
        if (!e)
            e = send_pieces(peers, peer, x, give, k + window);
    }
    return e;
}

int galvani_link_share(int peers, const long *peer, float *x, struct galvani_span have, const struct galvani_span *want) {
    enum { most = most_bytes / sizeof(float) };
    int e = settle(), more = 1;
    for (long at = 0; !e && more; at += most) {
        MPI_Request r[2 * most_peers];
        int n = 0;
        more = 0;
        for (int p = 0; !e && p < peers; p++) {
            long left = length(want[p]) - at;
            if (left > 0)
                e = MPI_Irecv(x + want[p].lo + at, left < most ? left : most, MPI_FLOAT, peer[p], 2, data, &r[n++]);
            more |= left > most;
        }
        long left = length(have) - at;
        for (int p = 0; !e && left > 0 && p < peers; p++)
            e = MPI_Isend(x + have.lo + at, left < most ? left : most, MPI_FLOAT, peer[p], 2, data, &r[n++]);
        more |= left > most;
        if (!e)
            e = finish(n, r);
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
    return MPI_Finalize();
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
