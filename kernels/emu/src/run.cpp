// run.cpp - runs a grid. Clusters of blocks (or single blocks) run one after another; each
// thread is a fiber that runs until it waits for others. Who runs first is GALVANI_EMU_ORDER:
// forward, reverse or random:SEED. Correct kernels give the same bits in every order.
//
// Pushed data arrives at once (forward), as late as anyone can wait for it and last come first
// (reverse), or anything between (random); copies of copy_async likewise.
#include "emulator.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

Thread *self;
const Launch *launch;
uint32_t now = 1, launch_tick, cluster_tick;
int cluster_blocks;
const Region *fixed_shared;

static void *scheduler;	// where run_threads goes on
static int failed;	// code of the launch's fault
static std::vector<Block> blocks; // of the cluster that runs
static size_t cluster_arrived;	  // threads at sync_cluster
static Block *resident;	// whose static shared memory is in place
static Region fixed_place;

// ---- kernels ----

static std::vector<Kernel> &kernels()
{
	static std::vector<Kernel> all;
	return all;
}

void emu_register(const char *name, int arch, emu_body body, unsigned long params, int threads, bool flush, char *shared, char *shared_end)
{
	kernels().push_back({name, arch, body, params, threads, flush, shared, shared_end});
}

const Kernel *kernel_find(const std::string &name, int arch)
{
	for (const Kernel &k : kernels())
		if (k.arch == arch && k.name == name)
			return &k;
	return nullptr;
}

// ---- reports ----

static std::string place(const void *pc)
{
	Dl_info info;
	if (!pc || !dladdr(pc, &info))
		return "";
	char command[512], line[512] = "";
	// The address of a return lies behind the call.
	snprintf(command, sizeof command, "addr2line -e '%s' %#lx 2>/dev/null", info.dli_fname,
		 (unsigned long)((const char *)pc - (const char *)info.dli_fbase) - 1);
	if (FILE *f = popen(command, "r")) {
		if (!fgets(line, sizeof line, f))
			line[0] = 0;
		pclose(f);
	}
	if (!line[0] || line[0] == '?')
		return "";
	const char *name = strrchr(line, '/');
	std::string s = name ? name + 1 : line;
	return " (" + s.substr(0, s.find_first_of(" \n")) + ")";
}

std::string describe(uint32_t thread)
{
	const emu_dim &b = launch->block, &g = launch->grid;
	uint32_t per = b.x * b.y * b.z, block = thread / per, t = thread % per;
	char text[160];
	snprintf(text, sizeof text, "block (%u,%u,%u) thread (%u,%u,%u)", block % g.x, block / g.x % g.y, block / g.x / g.y,
		 t % b.x, t / b.x % b.y, t / b.x / b.y);
	return text;
}

void fault(int code, const void *pc, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	std::string who = self ? " " + describe(self->id) : "";
	report("kernel %s%s%s: %s", launch->kernel->name.c_str(), who.c_str(), place(pc).c_str(), text);
	failed = code;
	if (self) {
		void *abandoned;
		fiber_switch(&abandoned, scheduler);
		abort();
	}
}

// ---- order ----

enum Order { FORWARD, REVERSE, RANDOM };
static Order order;
static uint64_t seed;

static void read_order()
{
	const char *s = getenv("GALVANI_EMU_ORDER");
	order = FORWARD;
	if (!s || !*s || !strcmp(s, "forward"))
		return;
	if (!strcmp(s, "reverse")) {
		order = REVERSE;
	} else if (!strncmp(s, "random:", 7)) {
		order = RANDOM;
		seed = strtoull(s + 7, nullptr, 0) * 2 + 1;
	} else {
		report("GALVANI_EMU_ORDER is %s, want forward, reverse or random:SEED", s);
	}
}

// pick is xorshift64*: a number below n.
static uint32_t pick(uint32_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 0x2545f4914f6cdd1dull >> 32) % n;
}

// Turn gives the numbers below n in the order of this run.
struct Turn {
	int n, at[1024];
	explicit Turn(int n) : n(n)
	{
		for (int i = 0; i < n; i++)
			at[i] = order == REVERSE ? n - 1 - i : i;
		for (int i = n - 1; order == RANDOM && i > 0; i--)
			std::swap(at[i], at[pick(i + 1)]);
	}
	const int *begin() const { return at; }
	const int *end() const { return at + n; }
};

static bool arrives_now() { return order == FORWARD || (order == RANDOM && pick(2)); }

// ---- fibers ----

enum { PAGE = 4096 };

// stack_of returns stack i of a pool that grows; below each lies a page that nobody may touch.
static char *stack_of(size_t i)
{
	static std::vector<char *> pool;
	while (pool.size() <= i) {
		char *p = (char *)mmap(nullptr, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED || mprotect(p, PAGE, PROT_NONE)) {
			report("no memory for the stack of thread %zu", i);
			abort();
		}
		pool.push_back(p + PAGE);
	}
	return pool[i];
}

static void leave();

static void fiber_entry()
{
	launch->kernel->body(launch->params);
	leave();
}

// suspend gives way to others until self is READY again.
static void suspend(Wait wait, const char *at)
{
	check_settle();
	self->wait = wait;
	self->at = at;
	fiber_switch(&self->sp, scheduler);
}

static void leave()
{
	if (!self->copies.empty())
		fault(LAUNCH_FAILED, nullptr, "leaves before copy_wait of %zu copies", self->copies.size());
	self->block->left++;
	suspend(LEFT, "its end");
	abort();
}

// ---- barriers ----

static void join_barriers(Block &b)
{
	for (Barrier &bar : b.barriers)
		bar.joined = bar.acquired;
}

static void open_block(Block &b)
{
	b.arrived = 0;
	b.tick = ++now;
	join_barriers(b);
	for (Thread &t : b.threads)
		t.wait = READY;
}

void emu_sync_block()
{
	Block &b = *self->block;
	if (++b.arrived < (int)b.threads.size())
		return suspend(AT_BLOCK, "sync_block");
	open_block(b);
	suspend(READY, "sync_block");
}

static void sync_cluster(const char *at)
{
	if (++cluster_arrived < blocks.size() * blocks[0].threads.size())
		return suspend(AT_CLUSTER, at);
	cluster_arrived = 0;
	cluster_tick = ++now;
	for (Block &b : blocks) {
		b.tick = now;
		join_barriers(b);
		for (Thread &t : b.threads)
			t.wait = READY;
	}
	suspend(READY, at);
}

void emu_sync_cluster() { sync_cluster("sync_cluster"); }

typedef void (*Operation)(Warp &);

// collective is a point that all lanes of the warp reach together; the last does the work.
static void collective(const char *at, Operation op, const void *pc)
{
	Warp &w = *self->warp;
	if (w.arrived && w.at != at)
		fault(LAUNCH_FAILED, pc, "divergent: at %s while other lanes of its warp are at %s", at, w.at);
	w.at = at;
	if (++w.arrived < w.lanes)
		return suspend(AT_WARP, at);
	w.arrived = 0;
	w.tick = ++now;
	if (op)
		op(w);
	for (size_t k = 0; k < self->block->barriers.size(); k++) {
		uint32_t latest = 0;
		for (int i = 0; i < w.lanes; i++)
			latest = std::max(latest, w.thread[i]->acquired[k]);
		for (int i = 0; i < w.lanes; i++)
			w.thread[i]->acquired[k] = latest;
	}
	for (int i = 0; i < w.lanes; i++)
		w.thread[i]->wait = READY;
	suspend(READY, at);
}

void emu_sync_warp() { collective("sync_warp", nullptr, __builtin_return_address(0)); }

static void shuffle(Warp &w)
{
	uint64_t v[32];
	for (int i = 0; i < w.lanes; i++) {
		int from = i ^ w.x[i].mask;
		if (from < 0 || from >= w.lanes)
			return fault(LAUNCH_FAILED, nullptr, "shuffle from lane %d of a warp of %d", from, w.lanes);
		v[i] = w.x[from].v;
	}
	for (int i = 0; i < w.lanes; i++)
		w.x[i].v = v[i];
}

unsigned long long emu_shuffle_xor(unsigned long long v, int mask)
{
	Exchange &x = self->warp->x[self->lane];
	x.v = v;
	x.mask = mask;
	collective("shuffle", shuffle, __builtin_return_address(0));
	return x.v;
}

// ---- matrix products: fragments as PTX has them for mma.m16n8k8 (tf32) and m16n8k16 (bf16) ----

static float tf32(unsigned b) { return bits_float(b & ~0x1fffu); }
static float bf16(unsigned b, int half) { return bits_float(half ? b & 0xffff0000u : b << 16); }

// product adds A [16,K] B [K,8] to the warp's D, in float, in the order of K.
template <int K> static void product(Warp &w, const float (*a)[K], const float (*b)[8])
{
	float d[16][8];
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 4; j++)
			d[i / 4 + j / 2 * 8][i % 4 * 2 + j % 2] = w.x[i].d[j];
	for (int m = 0; m < 16; m++)
		for (int k = 0; k < K; k++)
			for (int n = 0; n < 8; n++)
				d[m][n] += a[m][k] * b[k][n];
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 4; j++)
			w.x[i].d[j] = d[i / 4 + j / 2 * 8][i % 4 * 2 + j % 2];
}

static bool full(Warp &w)
{
	if (w.lanes != 32)
		fault(LAUNCH_FAILED, nullptr, "matrix product in a warp of %d lanes", w.lanes);
	return w.lanes == 32;
}

static void product_tf32(Warp &w)
{
	float a[16][8], b[8][8];
	if (!full(w))
		return;
	for (int i = 0; i < 32; i++) {
		int g = i / 4, k = i % 4;
		for (int j = 0; j < 4; j++)
			a[g + j % 2 * 8][k + j / 2 * 4] = tf32(w.x[i].a[j]);
		for (int j = 0; j < 2; j++)
			b[k + j * 4][g] = tf32(w.x[i].b[j]);
	}
	product<8>(w, a, b);
}

static void product_bf16(Warp &w)
{
	float a[16][16], b[16][8];
	if (!full(w))
		return;
	for (int i = 0; i < 32; i++) {
		int g = i / 4, k = i % 4 * 2;
		for (int half = 0; half < 2; half++) {
			for (int j = 0; j < 4; j++)
				a[g + j % 2 * 8][k + j / 2 * 8 + half] = bf16(w.x[i].a[j], half);
			for (int j = 0; j < 2; j++)
				b[k + j * 8 + half][g] = bf16(w.x[i].b[j], half);
		}
	}
	product<16>(w, a, b);
}

static emu_float4 multiply(const char *at, Operation op, emu_float4 d, emu_uint4 a, emu_uint4 b, const void *pc)
{
	Exchange &x = self->warp->x[self->lane];
	x.d = d;
	x.a = a;
	x.b = b;
	collective(at, op, pc);
	return x.d;
}

emu_float4 emu_mma_tf32(emu_float4 d, emu_uint4 a, emu_uint4 b)
{
	return multiply("mma_tf32", product_tf32, d, a, b, __builtin_return_address(0));
}

emu_float4 emu_mma_bf16(emu_float4 d, emu_uint4 a, emu_uint4 b)
{
	return multiply("mma_bf16", product_bf16, d, a, b, __builtin_return_address(0));
}

// ---- asynchronous copies ----

// region_of finds shared memory of a block by the address that the block itself uses.
static Region *region_of(Block &b, const void *p)
{
	if (b.dynamic.holds(p))
		return &b.dynamic;
	if (fixed_place.size && fixed_place.holds(p))
		return &b.fixed;
	return nullptr;
}

// region_base is where that region lies for the block itself.
static char *region_base(Block &b, const Region *r) { return r == &b.fixed ? fixed_place.base : r->base; }

static void flying(Block &b, const void *p, size_t n, bool set)
{
	Region *r = region_of(b, p);
	size_t i = ((const char *)p - region_base(b, r)) / 4;
	for (size_t k = 0; k < n / 4; k++)
		r->state[i + k] = set ? r->state[i + k] | FLYING : r->state[i + k] & ~FLYING;
}

void emu_copy_async(void *to, const void *from)
{
	const void *pc = __builtin_return_address(0);
	if ((uintptr_t)to % 16 || (uintptr_t)from % 16)
		fault(MISALIGNED_ADDRESS, pc, "copy_async of 16 bytes from %p to %p, want multiples of 16", from, to);
	if (!region_of(*self->block, to))
		fault(ILLEGAL_ADDRESS, pc, "copy_async to %p, which is not shared memory of its block", to);
	if (!arena.holds(from))
		fault(ILLEGAL_ADDRESS, pc, "copy_async from %p, which is not global memory", from);
	check_access(from, 16, false, pc);
	check_access(to, 16, true, pc);
	flying(*self->block, to, 16, true);
	Copy c = {(char *)to, (const char *)from, self->groups};
	if (arrives_now()) {
		memcpy(c.to, c.from, 16);
		c.from = nullptr;
	}
	self->copies.push_back(c);
}

void emu_copy_commit() { self->groups++; }

void emu_copy_wait(int groups)
{
	auto &copies = self->copies;
	auto done = copies.begin();
	for (; done != copies.end() && done->group < self->groups - groups; ++done) {
		flying(*self->block, done->to, 16, false);
		if (done->from)
			memcpy(done->to, done->from, 16);
		check_access(done->to, 16, true, nullptr);
	}
	copies.erase(copies.begin(), done);
}

// ---- clusters and transaction barriers ----

int emu_cluster_rank() { return self->block->rank; }
int emu_cluster_size() { return blocks.size(); }

// bring puts the static shared memory of b in place.
static void bring(Block &b)
{
	if (resident == &b || !fixed_place.size)
		return;
	if (resident)
		memcpy(resident->fixed.base, fixed_place.base, fixed_place.size);
	memcpy(fixed_place.base, b.fixed.base, fixed_place.size);
	fixed_place.state = b.fixed.state;
	fixed_place.stamp = b.fixed.stamp;
	resident = &b;
}

static int barrier_index(Block &b, const gpu_barrier *at)
{
	for (size_t k = 0; k < b.barriers.size(); k++)
		if (b.barriers[k].at == at)
			return k;
	return -1;
}

static Barrier &barrier_of(gpu_barrier *at, const char *what, const void *pc)
{
	int k = barrier_index(*self->block, at);
	if (k < 0)
		fault(LAUNCH_FAILED, pc, "%s of %p, where no barrier_init was", what, at);
	check_access(at, sizeof *at, false, pc);
	return self->block->barriers[k];
}

void emu_barrier_init(gpu_barrier *at)
{
	const void *pc = __builtin_return_address(0);
	if (!region_of(*self->block, at) || (uintptr_t)at % 8)
		fault(ILLEGAL_ADDRESS, pc, "barrier_init of %p, want 8 bytes of shared memory", at);
	check_access(at, sizeof *at, true, pc);
	auto &all = self->block->barriers;
	if (barrier_index(*self->block, at) >= 0)
		fault(LAUNCH_FAILED, pc, "barrier_init of %p for the second time", at);
	if (all.size() == MAX_BARRIERS)
		fault(LAUNCH_FAILED, pc, "more than %d barriers in a block", MAX_BARRIERS);
	Barrier bar = {};
	bar.at = at;
	bar.made = now;
	bar.pending = 1;
	bar.gathered.block.resize(blocks.size());
	bar.gathered.warp.resize(blocks.size() * self->block->warps.size());
	all.push_back(bar);
}

void emu_barrier_init_done() {}

static void complete(Block &b, Barrier &bar)
{
	if (bar.pending || bar.bytes)
		return;
	bar.phase++;
	bar.pending = 1;
	bar.completed = ++now;
	bar.view[bar.phase & 1] = bar.gathered;
	bar.view[bar.phase & 1].completed = now;
	for (Thread &t : b.threads)
		if (t.wait == AT_BARRIER && &b.barriers[t.barrier] == &bar && (bar.phase & 1) != t.parity)
			t.wait = READY;
}

static const long MOST_BYTES = (1 << 20) - 1; // of a transaction count

void emu_barrier_expect(gpu_barrier *at, unsigned bytes)
{
	const void *pc = __builtin_return_address(0);
	Barrier &bar = barrier_of(at, "barrier_expect", pc);
	if (bar.pending == 0)
		fault(LAUNCH_FAILED, pc, "second barrier_expect of %p in a phase", at);
	bar.bytes += bytes;
	bar.pending--;
	if (bar.bytes > MOST_BYTES)
		fault(LAUNCH_FAILED, pc, "barrier %p expects %ld bytes, most is %ld", at, bar.bytes, MOST_BYTES);
	complete(*self->block, bar);
}

// deliver writes pushed data and counts its bytes on the barrier beside it.
static void deliver(Block &b, const Message &m)
{
	int k = barrier_index(b, m.bar);
	if (b.left)
		return fault(LAUNCH_FAILED, nullptr, "push to block rank %d, which threads have left", b.rank);
	Region *r = region_of(b, m.to);
	char *own = region_base(b, r);
	size_t at = m.to - own;
	for (int i = 0; i < m.bytes / 4; i++)
		if (r->stamp[at / 4 + i].read > m.pushed)
			return fault(LAUNCH_FAILED, nullptr, "race: %s reads shared memory at %p while a push to it is under way",
				     describe(r->stamp[at / 4 + i].reader & ID).c_str(), m.to);
	memcpy((r == &b.fixed && resident == &b ? own : r->base) + at, m.v, m.bytes);
	for (int i = 0; i < m.bytes / 4; i++) {
		Stamp &s = r->stamp[at / 4 + i];
		s.writer = 15u << 28 | (PUSHED + k);
		s.written = now;
		r->state[at / 4 + i] |= 15;
	}
	Barrier &bar = b.barriers[k];
	View &view = bar.gathered;
	view.block[m.rank] = std::max(view.block[m.rank], m.block_tick);
	uint32_t &warp = view.warp[m.rank * b.warps.size() + m.warp];
	warp = std::max(warp, m.warp_tick);
	bar.bytes -= m.bytes;
	if (bar.bytes < -MOST_BYTES)
		return fault(LAUNCH_FAILED, nullptr, "barrier %p has %ld bytes more than expected", m.bar, -bar.bytes);
	complete(b, bar);
}

void emu_push(void *p, int rank, emu_uint4 v, int bytes, gpu_barrier *bar)
{
	const void *pc = __builtin_return_address(0);
	if (rank < 0 || rank >= (int)blocks.size())
		fault(ILLEGAL_ADDRESS, pc, "push to rank %d of a cluster of %zu", rank, blocks.size());
	if ((uintptr_t)p % bytes)
		fault(MISALIGNED_ADDRESS, pc, "push of %d bytes to %p", bytes, p);
	Region *mine = region_of(*self->block, p);
	if (!mine || (char *)p + bytes > region_base(*self->block, mine) + mine->size || !region_of(*self->block, bar))
		fault(ILLEGAL_ADDRESS, pc, "push of %d bytes to %p with barrier %p: not shared memory of its block", bytes, p, bar);
	// Blocks have equal shared memory, so that an address of one is one of the other.
	Block &b = blocks[rank];
	char *to = (char *)p;
	gpu_barrier *at = bar;
	if (mine == &self->block->dynamic)
		to = b.dynamic.base + ((char *)p - mine->base);
	if (region_of(*self->block, bar) == &self->block->dynamic)
		at = (gpu_barrier *)(b.dynamic.base + ((char *)bar - self->block->dynamic.base));
	int k = barrier_index(b, at);
	bool started = k >= 0 && (b.barriers[k].made < cluster_tick || (&b == self->block && b.barriers[k].made < b.tick));
	if (!started)
		fault(LAUNCH_FAILED, pc, "push to rank %d with no sync_cluster since its barrier_init", rank);
	char *own = mine == &self->block->dynamic ? mine->base : fixed_place.base;
	check_push(mine == &self->block->dynamic ? b.dynamic : b.fixed, (char *)p - own, bytes, pc);
	Message m = {to, {v[0], v[1], v[2], v[3]}, bytes, at, self->block->rank, (int)(self->warp - &self->block->warps[0]), now++,
		     self->block->tick, self->warp->tick};
	if (arrives_now())
		deliver(b, m);
	else
		b.messages.push_back(m);
}

// hurry lets what is under way to one barrier of b arrive, the last first, until its phase ends.
static bool hurry(Block &b, gpu_barrier *at, unsigned parity)
{
	bool any = false;
	for (size_t i = b.messages.size(); i-- > 0 && !failed;) {
		Barrier &bar = b.barriers[barrier_index(b, at)];
		if ((bar.phase & 1) != parity)
			break;
		Message m = b.messages[i];
		if (m.bar != at)
			continue;
		b.messages.erase(b.messages.begin() + i);
		deliver(b, m);
		any = true;
	}
	return any;
}

void emu_barrier_wait(gpu_barrier *at, unsigned parity)
{
	const void *pc = __builtin_return_address(0);
	barrier_of(at, "barrier_wait", pc);
	int k = barrier_index(*self->block, at);
	self->barrier = k;
	self->parity = parity;
	if ((self->block->barriers[k].phase & 1) == parity)
		suspend(AT_BARRIER, "barrier_wait");
	Barrier &bar = self->block->barriers[k];
	self->acquired[k] = bar.completed;
	bar.acquired = std::max(bar.acquired, bar.completed);
}

// ---- words in global memory that blocks hear of each other through ----

static const int MOST_LOOKS = 1 << 20; // of one thread at a word that stays as it is

static void check_word(const unsigned *p, const char *what, const void *pc)
{
	if ((uintptr_t)p % 4)
		fault(MISALIGNED_ADDRESS, pc, "%s of %p", what, p);
	if (!arena.holds(p))
		fault(ILLEGAL_ADDRESS, pc, "%s of %p, which is not global memory", what, p);
	check_access(p, 4, false, pc);
}

void emu_publish(unsigned *p, unsigned v)
{
	check_word(p, "publish", __builtin_return_address(0));
	*p = v;
}

void emu_count(unsigned *p)
{
	check_word(p, "count", __builtin_return_address(0));
	++*p;
}

// emu_observe lets all others run before it looks, or nobody could ever change what a loop looks at.
unsigned emu_observe(const unsigned *p)
{
	const void *pc = __builtin_return_address(0);
	check_word(p, "observe", pc);
	if (self->looks++ == 0 || *p != self->seen)
		self->looks = 1;
	self->seen = *p;
	if (self->looks > MOST_LOOKS)
		fault(LAUNCH_FAILED, pc, "looks at %p for the %dth time, which is still %u", p, MOST_LOOKS, *p);
	suspend(SPINS, "observe");
	return *p;
}

// emu_sync_grid counts as a GPU does, which would wait for ever, or not at all, where all is not the count.
extern "C" void emu_sync_grid(unsigned *arrived, unsigned all)
{
	const void *pc = __builtin_return_address(0);
	check_word(arrived, "sync_grid", pc);
	if (!launch->together)
		fault(LAUNCH_FAILED, pc, "sync_grid of blocks that are not launched together");
	if (self->lane == 0 && self->warp == &self->block->warps[0])
		++*arrived;
	if (cluster_arrived + 1 == blocks.size() * blocks[0].threads.size() && *arrived != all)
		fault(LAUNCH_FAILED, pc, "sync_grid waits until %p is %u, and all blocks have counted it to %u", arrived, all, *arrived);
	sync_cluster("sync_grid");
}

// ---- what kernels know of themselves ----

emu_dim emu_thread_index() { return self->index; }
emu_dim emu_block_index() { return self->block->index; }
emu_dim emu_block_dim() { return launch->block; }
emu_dim emu_grid_dim() { return launch->grid; }
char *emu_dynamic_shared() { return self->block->dynamic.base; }

#if defined(__x86_64__)
static const unsigned FLUSH = 0x8040; // denormal results and operands are zero
struct Rounding {
	unsigned before;
	explicit Rounding(bool flush) : before(_mm_getcsr()) { _mm_setcsr(flush ? before | FLUSH : before & ~FLUSH); }
	~Rounding() { _mm_setcsr(before); }
};
#else
struct Rounding {
	explicit Rounding(bool) {}
};
#endif

float emu_exact(char op, float a, float b)
{
	Rounding keep(false);
	volatile float x = a, y = b, r;
	switch (op) {
	case '+':
		r = x + y;
		break;
	case '-':
		r = x - y;
		break;
	case '*':
		r = x * y;
		break;
	case '/':
		r = x / y;
		break;
	default:
		r = __builtin_sqrtf(x);
	}
	return r;
}

double emu_widen(float a)
{
	Rounding keep(false);
	volatile float x = a;
	volatile double r = x;
	return r;
}

float emu_narrow(double a)
{
	Rounding keep(false);
	volatile double x = a;
	volatile float r = (float)x;
	return r;
}

// ---- launches ----

static void resume(Thread &t)
{
	bring(*t.block);
	fixed_shared = fixed_place.size ? &fixed_place : nullptr;
	self = &t;
	fiber_switch(&scheduler, t.sp);
	self = nullptr;
}

// run_warp runs lanes until all wait for somebody else.
static bool run_warp(Warp &w)
{
	bool any = false;
	for (bool again = true; again && !failed;) {
		again = false;
		for (int i : Turn(w.lanes))
			if (w.thread[i]->wait == READY && !failed) {
				resume(*w.thread[i]);
				again = any = true;
			}
	}
	return any;
}

// hurry_all serves threads that wait for what is under way, for none can go on without.
static bool hurry_all()
{
	for (int i : Turn(blocks.size()))
		for (Thread &t : blocks[i].threads)
			if (t.wait == AT_BARRIER && hurry(blocks[i], blocks[i].barriers[t.barrier].at, t.parity))
				return true;
	return false;
}

// look_again lets those go on who wait for a word to change.
static bool look_again()
{
	bool any = false;
	for (Block &b : blocks)
		for (Thread &t : b.threads)
			if (t.wait == SPINS) {
				t.wait = READY;
				any = true;
			}
	return any;
}

static void run_threads()
{
	for (bool any = true; any && !failed;) {
		any = false;
		for (int b : Turn(blocks.size()))
			for (int w : Turn(blocks[b].warps.size()))
				any |= run_warp(blocks[b].warps[w]);
		any |= look_again();
		if (!any)
			any = hurry_all();
	}
}

// check_end reports threads that wait for ever, and data that nobody waited for.
static void check_end()
{
	std::map<std::string, std::pair<int, uint32_t>> waiting;
	int left = 0, all = 0;
	for (Block &b : blocks)
		for (Thread &t : b.threads) {
			all++;
			left += t.wait == LEFT;
			if (t.wait != LEFT && !waiting[t.at].first++)
				waiting[t.at].second = t.id;
		}
	if (!waiting.empty()) {
		std::string text;
		for (auto &w : waiting)
			text += ", " + std::to_string(w.second.first) + " at " + w.first + " (first " + describe(w.second.second) + ")";
		for (Block &b : blocks)
			for (size_t k = 0; k < b.barriers.size(); k++)
				if (b.barriers[k].bytes || !b.barriers[k].pending)
					text += ", barrier " + std::to_string(k) + " of rank " + std::to_string(b.rank) + " wants " +
						std::to_string(b.barriers[k].bytes) + " bytes and " +
						std::to_string(b.barriers[k].pending) + " arrivals";
		return fault(LAUNCH_FAILED, nullptr, "deadlock: of %d threads %d have left%s", all, left, text.c_str());
	}
	for (Block &b : blocks) {
		if (!b.messages.empty())
			return fault(LAUNCH_FAILED, nullptr, "block rank %d ends before %zu pushes to it arrive", b.rank, b.messages.size());
		for (size_t k = 0; k < b.barriers.size(); k++)
			if (b.barriers[k].acquired < b.barriers[k].completed || b.barriers[k].bytes)
				return fault(LAUNCH_FAILED, nullptr, "block rank %d ends without barrier_wait of the last phase of barrier %zu",
					     b.rank, k);
	}
}

static const unsigned char FRESH_BYTE = 0xff; // 0xffffffff is a NaN

// Store keeps a region with its states and stamps, used again by the next block.
struct Store {
	std::vector<char> bytes;
	std::vector<uint8_t> state;
	std::vector<Stamp> stamp;
	Region fresh(size_t size)
	{
		size_t words = (size + 3) / 4;
		bytes.assign(size + 16, (char)FRESH_BYTE);
		state.assign(words, LIVE);
		stamp.assign(words, Stamp());
		char *base = (char *)(((uintptr_t)bytes.data() + 15) & ~(uintptr_t)15);
		return {base, size, state.data(), stamp.data()};
	}
};

static void start_threads(Block &b, size_t first_stack)
{
	const emu_dim &d = launch->block;
	size_t n = d.x * d.y * d.z;
	b.threads.resize(n);
	b.warps.resize((n + 31) / 32);
	for (Warp &w : b.warps) {
		w.lanes = w.arrived = 0;
		w.tick = now;
	}
	for (size_t i = 0; i < n; i++) {
		Thread &t = b.threads[i];
		t.block = &b;
		t.warp = &b.warps[i / 32];
		t.index = {(unsigned)i % d.x, (unsigned)i / d.x % d.y, (unsigned)i / d.x / d.y};
		t.id = b.linear * n + i;
		t.lane = i % 32;
		t.wait = READY;
		t.at = "its start";
		t.groups = t.looks = 0;
		t.copies.clear();
		memset(t.acquired, 0, sizeof t.acquired);
		t.warp->thread[t.lane] = &t;
		t.warp->lanes = t.lane + 1;
		t.stack = stack_of(first_stack + i);
		t.sp = fiber_new(t.stack, STACK, fiber_entry);
	}
}

// run_cluster runs the blocks of the cluster that starts at block (x,y,z).
static void run_cluster(unsigned x, unsigned y, unsigned z)
{
	static std::vector<Store> dynamic, fixed;
	const emu_dim &g = launch->grid, &c = launch->cluster;
	size_t n = c.x * c.y * c.z, threads = launch->block.x * launch->block.y * launch->block.z;
	blocks.resize(n);
	dynamic.resize(std::max(dynamic.size(), n));
	fixed.resize(std::max(fixed.size(), n));
	resident = nullptr;
	cluster_arrived = 0;
	cluster_tick = ++now;
	for (size_t i = 0; i < n; i++) {
		Block &b = blocks[i];
		b.index = {x + (unsigned)i % c.x, y + (unsigned)i / c.x % c.y, z + (unsigned)i / c.x / c.y};
		b.rank = i;
		b.linear = b.index.x + g.x * (b.index.y + g.y * b.index.z);
		b.arrived = b.left = 0;
		b.tick = now;
		b.barriers.clear();
		b.messages.clear();
		b.dynamic = dynamic[i].fresh(launch->shared);
		b.fixed = fixed[i].fresh(fixed_place.size);
		start_threads(b, i * threads);
	}
	run_threads();
	if (!failed)
		check_end();
}

int run_launch(const Launch &launched)
{
	Launch l = launched;
	if (l.together)
		l.cluster = l.grid;
	static bool ready;
	if (!ready)
		read_order();
	ready = true;
	if (now > 0x80000000u) { // long before it wraps
		memory_forget_stamps();
		now = 1;
	}
	Rounding flush(l.kernel->flush);
	check_settle();
	launch = &l;
	launch_tick = ++now;
	failed = 0;
	cluster_blocks = l.cluster.x * l.cluster.y * l.cluster.z;
	fixed_place = {l.kernel->shared, (size_t)(l.kernel->shared_end - l.kernel->shared), nullptr, nullptr};
	long count = (long)(l.grid.x / l.cluster.x) * (l.grid.y / l.cluster.y) * (l.grid.z / l.cluster.z);
	long first = order == RANDOM ? pick(count) : 0;
	for (long i = 0; i < count && !failed; i++) {
		long k = order == REVERSE ? count - 1 - i : (first + i) % count;
		long nx = l.grid.x / l.cluster.x, ny = l.grid.y / l.cluster.y;
		run_cluster(k % nx * l.cluster.x, k / nx % ny * l.cluster.y, k / nx / ny * l.cluster.z);
	}
	launch = nullptr;
	self = nullptr;
	return failed;
}
