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

#include "products.inc.h"
#include "clusters.inc.h"

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
