/* emulator.h - what the parts of the emulated driver know of each other.
 *
 *   memory.cpp  device memory: an arena of host memory, and what is known of each word
 *   check.cpp   judges every load and store of a kernel
 *   run.cpp     grids, blocks and fibers; barriers, shuffles, products, clusters
 *   switch.cpp  the switch from one fiber to another
 *   driver.cpp  the driver calls, by subject in *.inc.h
 *
 * All state is behind one lock that driver.cpp takes; a launch runs to its end on the thread
 * that asked for it.
 */
#ifndef GALVANI_EMULATOR_H
#define GALVANI_EMULATOR_H

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "emu.h"

/* Error codes of the driver. */
enum {
	OK = 0,
	INVALID_VALUE = 1,
	OUT_OF_MEMORY = 2,
	NOT_INITIALIZED = 3,
	NO_DEVICE = 100,
	INVALID_DEVICE = 101,
	INVALID_IMAGE = 200,
	INVALID_CONTEXT = 201,
	NO_BINARY = 209,
	INVALID_PTX = 218,
	UNSUPPORTED_PTX = 222,
	INVALID_HANDLE = 400,
	NOT_FOUND = 500,
	ILLEGAL_ADDRESS = 700,
	OUT_OF_RESOURCES = 701,
	MISALIGNED_ADDRESS = 716,
	LAUNCH_FAILED = 719,
	COOPERATIVE_LAUNCH_TOO_LARGE = 720,
	NOT_SUPPORTED = 801,
};

/* report writes one line to stderr and to the file that GALVANI_EMU_LOG names. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- memory ---- */

/* What is known of 4 bytes: the low four bits say which bytes were written. */
enum { LIVE = 0x10, FREED = 0x20, FLYING = 0x40 };

/* The last write and the last read of 4 bytes: a thread of the launch, and when. The upper four
 * bits of writer are the bytes, those of reader the kind: one thread or several; warps are those
 * of the readers' block that have read. */
struct Stamp {
	uint32_t writer, written, reader, read, warps;
};

/* Memory that kernels may use, with a state and a stamp per 4 bytes. */
struct Region {
	char *base;
	size_t size;
	uint8_t *state;
	Stamp *stamp;
	bool holds(const void *p) const { return (size_t)((const char *)p - base) < size; }
};

extern Region arena;

/* memory_alloc returns device memory aligned to 256 bytes, filled with NaN, or null when the
 * virtual hardware has no more. */
char *memory_alloc(size_t bytes);
/* memory_free returns false if p is not the start of a live allocation. It reports writes into
 * the guard words around it. */
bool memory_free(char *p);
/* memory_limit sets the size of the virtual hardware's memory. */
void memory_limit(size_t bytes);
size_t memory_used();
size_t memory_total();
/* memory_span finds the live allocation around p. */
bool memory_span(const void *p, char **base, size_t *size);
/* memory_fault says why p [n] is not in one live allocation, or nothing if it is. */
std::string memory_fault(const void *p, size_t n);
/* memory_unwritten returns the offset of the first byte of p [n] never written, or -1. */
long memory_unwritten(const void *p, size_t n);
void memory_written(const void *p, size_t n, bool written);
/* memory_copied copies what is known about n bytes. */
void memory_copied(const void *to, const void *from, size_t n);
void memory_forget_stamps();

/* ---- running ---- */

struct Kernel {
	std::string name;
	int arch;
	emu_body body;
	size_t params;
	int threads;
	bool flush; /* denormals are zero */
	char *shared, *shared_end; /* static shared memory of its file */
};

const Kernel *kernel_find(const std::string &name, int arch);

struct Launch {
	const Kernel *kernel;
	emu_dim grid, block, cluster;
	size_t shared; /* dynamic bytes */
	const void *params;
	bool together; /* all blocks run at once */
};

/* run_launch runs a kernel to its end and returns 0 or the error code of its fault. */
int run_launch(const Launch &l);

struct Block;
struct Warp;

enum Wait { READY, AT_WARP, AT_BLOCK, AT_CLUSTER, AT_BARRIER, SPINS, LEFT };

/* Copies that copy_async started, by group. */
struct Copy {
	char *to;
	const char *from;
	int group;
};

enum { MAX_BARRIERS = 64 };

/* One GPU thread. */
struct Thread {
	void *sp;
	char *stack;
	Block *block;
	Warp *warp;
	emu_dim index;
	uint32_t id; /* of the launch: block, then thread */
	int lane;
	Wait wait;
	const char *at; /* what it waits at */
	int groups;	/* closed groups of copies */
	int looks;	/* calls of observe that saw the same */
	unsigned seen;
	std::vector<Copy> copies;
	int barrier;
	unsigned parity;
	uint32_t acquired[MAX_BARRIERS];
};

/* What the lanes of a warp bring to a common operation, and take from it. */
struct Exchange {
	int mask;
	uint64_t v;
	emu_float4 d;
	emu_uint4 a, b;
};

struct Warp {
	int lanes, arrived;
	const char *at;
	uint32_t tick; /* of the last point that orders its lanes */
	Thread *thread[32];
	Exchange x[32];
};

/* What those who wait for a phase know of the blocks of the cluster, for its data was pushed after:
 * reads before these times are over. */
struct View {
	uint32_t completed; /* tick of the phase, 0 for none */
	std::vector<uint32_t> block, warp;
};

/* A transaction barrier. */
struct Barrier {
	gpu_barrier *at;
	uint32_t made; /* tick of barrier_init */
	unsigned phase;
	int pending;
	long bytes;
	uint32_t completed;	   /* tick */
	uint32_t acquired, joined; /* by any thread; before the block's last barrier */
	View gathered, view[2];	   /* so far; of the last two phases */
};

struct Message {
	char *to;
	uint32_t v[4];
	int bytes;
	gpu_barrier *bar;
	int rank, warp; /* who pushed, when, and when the block and the warp were last ordered */
	uint32_t pushed, block_tick, warp_tick;
};

struct Block {
	emu_dim index;
	int rank, linear, arrived, left;
	uint32_t tick;
	Region dynamic, fixed; /* fixed: its copy of the static shared memory while others run */
	std::vector<Thread> threads;
	std::vector<Warp> warps;
	std::vector<Barrier> barriers;
	std::vector<Message> messages;
};

/* The thread that runs now, and what check.cpp needs beside it. */
extern Thread *self;
extern const Launch *launch;
extern uint32_t now, launch_tick, cluster_tick;
extern int cluster_blocks;
extern const Region *fixed_shared; /* of the running block, at its place in the library */

/* ordered tells whether what `who` did at `when` comes before what self does now. */
bool ordered(uint32_t who, uint32_t when);

/* fault reports, gives the launch its error code and leaves it; it does not return when a
 * thread is running. pc is an address in the kernel or null. */
void fault(int code, const void *pc, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* describe names a thread of the launch. */
std::string describe(uint32_t thread);

/* check_access judges a load or store of n bytes by self, check_push that of pushed words. */
void check_access(const void *p, size_t n, bool write, const void *pc);
void check_push(const Region &r, size_t offset, int bytes, const void *pc);
/* check_settle ends what check_access put off: it is called before self gives way. */
void check_settle();

enum { STACK = 64 << 10 };
static const uint32_t ID = 0x0fffffffu, PUSHED = 0x0f000000u; /* a writer id from PUSHED on is barrier id - PUSHED */

/* ---- switch.cpp ---- */

/* fiber_new prepares a stack that starts in entry; fiber_switch saves the running one in *from. */
void *fiber_new(char *stack, size_t size, void (*entry)());
void fiber_switch(void **from, void *to);

#endif
