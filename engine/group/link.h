// How ranks that are processes exchange bytes by MPI. Each call returns 0, an error code of MPI, or
// -1-r where rank r has not answered for galvani_link_silence seconds. All calls come from one thread.
#ifndef GALVANI_LINK_H
#define GALVANI_LINK_H

enum { galvani_link_silence = 7 };

struct galvani_place {
    int rank, size, local, locals;
    char library[256];
};

// galvani_link_open starts MPI.
int galvani_link_open(struct galvani_place *at);
int galvani_link_swap(int peer, const void *send, long nsend, void *receive, long nreceive);
int galvani_link_swap_add(int peer, const float *send, long nsend, float *sum, long nsum);
// galvani_link_beat is to be called once a second while no other call is under way.
int galvani_link_beat(void);
// galvani_link_close ends MPI; all ranks call it.
int galvani_link_close(void);
// galvani_link_abort ends all ranks with an exit code.
void galvani_link_abort(int code);
// galvani_link_error writes the text of an error code of MPI.
void galvani_link_error(int code, char text[512]);
// galvani_link_allreduce is the library's own sum, to be measured beside.
int galvani_link_allreduce(float *x, long n);

#endif
