// How ranks that are processes exchange bytes by MPI. Each call returns 0, an error code of MPI, or
// -1-r where rank r has not answered for galvani_link_silence seconds. There is one call at a time.
#ifndef GALVANI_LINK_H
#define GALVANI_LINK_H

// A rank that is not heard of for galvani_link_silence seconds is noticed within one beat more; the launcher takes one to two
// seconds to end the others. So a job ends within 8 s of the loss, and within 10 s on a busy machine, too.
enum { galvani_link_silence = 5, galvani_link_beats = 2 /* a second */ };

struct galvani_place {
    int rank, size, local, locals;
    int near;       // peers that are reached through memory
    int devices;    // the library takes addresses of a device's memory: 1 if it does now
    int any_thread; // calls may come from any thread, not only from that of galvani_link_open
    char library[256];
};

// galvani_link_open starts MPI.
int galvani_link_open(struct galvani_place *at);
// galvani_link_near tells whether a peer is reached through memory.
int galvani_link_near(int peer);
// galvani_link_swap sends to a peer and receives from it, at most so many bytes.
int galvani_link_swap(int peer, const void *send, long nsend, void *receive, long nreceive);
// galvani_link_swap_on is galvani_link_swap for memory of a device, which only the library may read and write.
int galvani_link_swap_on(int peer, const void *send, long nsend, void *receive, long nreceive);
// galvani_link_begin sends a header to a peer, and numbers right behind it, and receives the peer's header.
// galvani_link_end then adds n numbers of the peer to sum, or drops them where sum is null. The numbers may be under way
// until galvani_link_settle, or the next call to begin or swap, unless they are those of sum.
int galvani_link_begin(int peer, const void *head, int nhead, void *other, int nother, const float *numbers, long nnumbers);
int galvani_link_end(int peer, const float *numbers, long nnumbers, float *sum, long n);
int galvani_link_settle(void);
// galvani_link_rest is called after the k-th test of one that waits, from 1 on; begin is 0 before. Who waits long leaves the
// core to others.
int galvani_link_rest(unsigned k, double *begin);
// galvani_link_beat is to be called galvani_link_beats times a second while no other call is under way.
int galvani_link_beat(void);
// galvani_link_close ends MPI; all ranks call it, on the thread of galvani_link_open.
int galvani_link_close(void);
// galvani_link_abort ends all ranks with an exit code.
void galvani_link_abort(int code);
// galvani_link_error writes the text of an error code of MPI.
void galvani_link_error(int code, char text[512]);
// galvani_link_allreduce is the library's own sum, to be measured beside.
int galvani_link_allreduce(float *x, long n);

#endif
