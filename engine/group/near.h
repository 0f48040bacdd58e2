// How two ranks of one machine whose numbers differ in one bit exchange messages through memory that both see: without a
// call to the system, and without asking the library, which matters most where ranks share cores. There is a ring of slots
// for each direction. A message has at most one slot; the caller cuts longer ones.
#ifndef GALVANI_NEAR_H
#define GALVANI_NEAR_H

#include <mpi.h>

// galvani_near_slots messages to a peer may be under way.
enum { galvani_near_slots = 5 };

// galvani_near_open asks the library for the memory. Where it has none, no peer is near; that is no error.
int galvani_near_open(MPI_Comm all, MPI_Comm host);
int galvani_near_close(void);
// galvani_near_peer says by which ring a peer is reached, -1 for none.
int galvani_near_peer(int peer);
// galvani_near_most is the number of bytes of a slot.
long galvani_near_most(void);
// galvani_near_put sends a message. It waits for a slot; 0, or what galvani_link_rest returns.
int galvani_near_put(int ring, const void *bytes, int n);
// galvani_near_take receives a message: its bytes, which stay until galvani_near_free is called.
int galvani_near_take(int ring, const void **bytes, int *n);
void galvani_near_free(int ring);

#endif
