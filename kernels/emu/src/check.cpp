// check.cpp - judges every load and store of a kernel. The compiler announces them with the
// calls of -fsanitize=thread; here they are not about host threads but about those of the GPU.
//
// A word is raced for when two threads touch it, one of them writes, and no barrier is between.
// Time is a counter that every barrier advances (run.cpp); a touch is stamped with it. A warp, a
// block and a cluster remember when they were last ordered: what a thread did before that comes
// before what the others do now.
#include "emulator.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

// Kinds of reader in the upper four bits of Stamp.reader.
enum { ONE, WARP, BLOCK, MANY };

static uint32_t block_of(uint32_t id) { return id / self->block->threads.size(); }

bool ordered(uint32_t who, uint32_t when)
{
	if (when < launch_tick || who == self->id)
		return true;
	if (who >= PUSHED) {
		const Barrier &b = self->block->barriers[who - PUSHED];
		return when < self->acquired[who - PUSHED] || when < b.joined;
	}
	if (when < cluster_tick && (int)(block_of(who) / cluster_blocks) == self->block->linear / cluster_blocks)
		return true;
	if ((int)block_of(who) != self->block->linear)
		return false;
	if (when < self->block->tick)
		return true;
	return (who - self->id + self->lane) < 32 && who - self->id + self->lane < (uint32_t)self->warp->lanes &&
	       when < self->warp->tick;
}

static bool same_warp(uint32_t who) { return who - (self->id - self->lane) < (uint32_t)self->warp->lanes; }

// pushed_after tells whether pushes that self has waited for were made after what a warp did before
// a time. That goes for reads only: pushed data does not bring other writes with it.
static bool pushed_after(uint32_t rank, uint32_t warp, uint32_t when)
{
	const Block &b = *self->block;
	for (size_t k = 0; k < b.barriers.size(); k++) {
		const Barrier &bar = b.barriers[k];
		for (const View &v : bar.view)
			if (v.completed && (v.completed <= self->acquired[k] || v.completed <= bar.joined) &&
			    (when < v.block[rank] || when < v.warp[rank * b.warps.size() + warp]))
				return true;
	}
	return false;
}

// readers_ordered is ordered for the readers of a word.
static bool readers_ordered(const Stamp &s)
{
	uint32_t who = s.reader & ID, kind = s.reader >> 28, when = s.read;
	if (when < launch_tick)
		return true;
	uint32_t block = block_of(who);
	bool near = (int)block / cluster_blocks == self->block->linear / cluster_blocks;
	if (near && when < cluster_tick)
		return true;
	if (kind == MANY)
		return false;
	if ((int)block == self->block->linear && when < self->block->tick)
		return true;
	if (kind == ONE && who == self->id)
		return true;
	if (kind <= WARP && same_warp(who) && when < self->warp->tick)
		return true;
	for (uint32_t w = 0; near && w < 32; w++)
		if ((s.warps >> w & 1) && !pushed_after(block % cluster_blocks, w, when))
			return false;
	return near;
}

// note_read adds self to the readers of a word, which are all forgotten that come before it.
static void note_read(Stamp &s)
{
	if (s.reader == self->id) {
		s.read = now;
		return;
	}
	uint32_t kind = s.reader >> 28, who = s.reader & ID, mine = 1u << (self->warp - &self->block->warps[0]);
	if (readers_ordered(s)) {
		kind = ONE;
		s.warps = 0;
	} else if (kind <= WARP && same_warp(who)) {
		kind = WARP;
	} else if (kind <= BLOCK && block_of(who) == block_of(self->id)) {
		kind = BLOCK;
	} else {
		kind = MANY;
	}
	s.warps |= mine;
	s.reader = kind << 28 | self->id;
	s.read = now;
}

static void raced(const Region &r, size_t word, const char *first, uint32_t who, const char *second, const void *pc)
{
	const char *where = &r == &arena ? "global" : "shared";
	const char *p = r.base + 4 * word;
	if (who >= PUSHED)
		fault(LAUNCH_FAILED, pc, "race: %s %s memory at %p that was pushed, without barrier_wait", second, where, p);
	fault(LAUNCH_FAILED, pc, "race: %s %s memory at %p that %s %s, with no barrier between", second, where, p,
	      describe(who).c_str(), first);
}

// Threads may write the same value in any order. What self writes is seen when it goes on.
static struct {
	const Region *region;
	size_t word;
	uint32_t old, writer;
	const void *pc;
} doubt;

static void put_off(const Region &r, size_t i, uint32_t writer, const void *pc)
{
	check_settle();
	doubt = {&r, i, 0, writer, pc};
	memcpy(&doubt.old, r.base + 4 * i, 4);
}

void check_settle()
{
	if (!doubt.region)
		return;
	auto d = doubt;
	doubt.region = nullptr;
	if (self && memcmp(&d.old, d.region->base + 4 * d.word, 4))
		raced(*d.region, d.word, "writes", d.writer, "writes", d.pc);
}

static void check_word(const Region &r, size_t i, int mask, bool write, const void *pc)
{
	uint8_t state = r.state[i];
	Stamp &s = r.stamp[i];
	if (state & FLYING)
		fault(LAUNCH_FAILED, pc, "%s %p before copy_wait of the copy to it", write ? "writes" : "reads", r.base + 4 * i);
	if (!write && (state & mask) != mask)
		fault(LAUNCH_FAILED, pc, "uninitialised: reads %s memory at %p, which nothing has written",
		      &r == &arena ? "global" : "shared", r.base + 4 * i);
	uint32_t writer = s.writer & ID;
	if (writer != self->id && (s.writer >> 28 & mask) && !ordered(writer, s.written)) {
		if (!write || mask != 15 || writer >= PUSHED)
			raced(r, i, "writes", writer, write ? "writes" : "reads", pc);
		put_off(r, i, writer, pc);
	}
	if (!write) {
		note_read(s);
		return;
	}
	if (mask == 15 && s.reader != self->id && !readers_ordered(s))
		raced(r, i, "reads", s.reader & ID, "writes", pc);
	s.writer = (uint32_t)mask << 28 | self->id;
	s.written = now;
	r.state[i] = state | mask;
}

static void check_words(const Region &r, const void *p, size_t n, bool write, const void *pc)
{
	size_t first = (const char *)p - r.base, last = first + n;
	if (n == 4 && first % 4 == 0)
		return check_word(r, first / 4, 15, write, pc);
	for (size_t i = first / 4; 4 * i < last; i++) {
		int mask = 15;
		if (4 * i < first)
			mask &= 15 << (first - 4 * i);
		if (4 * i + 4 > last)
			mask &= 15 >> (4 * i + 4 - last);
		check_word(r, i, mask, write, pc);
	}
}

// Where this library keeps what is constant.
struct Constants {
	std::vector<std::pair<uintptr_t, uintptr_t>> spans;
	Constants()
	{
		dl_iterate_phdr(find, this);
	}
	static int find(dl_phdr_info *info, size_t, void *me)
	{
		std::vector<std::pair<uintptr_t, uintptr_t>> spans;
		bool mine = false;
		for (int i = 0; i < info->dlpi_phnum; i++) {
			const ElfW(Phdr) &h = info->dlpi_phdr[i];
			uintptr_t at = info->dlpi_addr + h.p_vaddr;
			if (h.p_type == PT_LOAD && !(h.p_flags & PF_W))
				spans.push_back({at, at + h.p_memsz});
			if (h.p_type == PT_LOAD && (uintptr_t)&check_access - at < h.p_memsz)
				mine = true;
		}
		if (mine)
			((Constants *)me)->spans = spans;
		return mine;
	}
	bool hold(const void *p, size_t n) const
	{
		for (auto &s : spans)
			if ((uintptr_t)p >= s.first && (uintptr_t)p + n <= s.second)
				return true;
		return false;
	}
};

static bool inside(const void *p, size_t n, const void *base, size_t size)
{
	size_t at = (const char *)p - (const char *)base;
	return at < size && n <= size - at;
}

static void elsewhere(const void *p, size_t n, bool write, const void *pc)
{
	static const Constants constants;
	const char *verb = write ? "writes" : "reads";
	if (inside(p, n, launch->params, launch->kernel->params)) {
		if (write)
			fault(ILLEGAL_ADDRESS, pc, "writes %zu bytes of its parameters", n);
		return;
	}
	if (!write && constants.hold(p, n))
		return;
	fault(ILLEGAL_ADDRESS, pc, "%s %zu bytes at %p, a host pointer or outside shared memory", verb, n, p);
}

void check_push(const Region &r, size_t offset, int bytes, const void *pc)
{
	for (size_t i = offset / 4; i < (offset + bytes) / 4; i++) {
		const Stamp &s = r.stamp[i];
		if (!readers_ordered(s))
			fault(LAUNCH_FAILED, pc, "race: pushes to shared memory that %s reads, and nothing tells that it has done so",
			      describe(s.reader & ID).c_str());
	}
}

void check_access(const void *p, size_t n, bool write, const void *pc)
{
	if (!self)
		return;
	if (doubt.region)
		check_settle();
	if (inside(p, n, self->stack, STACK))
		return;
	const Region &dynamic = self->block->dynamic;
	if (inside(p, n, dynamic.base, dynamic.size))
		return check_words(dynamic, p, n, write, pc);
	if (arena.holds(p)) {
		size_t i = ((const char *)p - arena.base) / 4, j = ((const char *)p + n - 1 - arena.base) / 4;
		if (arena.state[i] & arena.state[j] & LIVE) {
			char *base;
			size_t size;
			// The last word of an allocation may be a part of one.
			if (((uintptr_t)p + n) % 4 == 0 || (memory_span(p, &base, &size) && (const char *)p + n <= base + size))
				return check_words(arena, p, n, write, pc);
		}
		fault(ILLEGAL_ADDRESS, pc, "%s %zu bytes of global memory at %p out of bounds: %s", write ? "writes" : "reads", n, p,
		      memory_fault(p, n).c_str());
	}
	if (fixed_shared && inside(p, n, fixed_shared->base, fixed_shared->size))
		return check_words(*fixed_shared, p, n, write, pc);
	elsewhere(p, n, write, pc);
}

static inline void aligned(const void *p, size_t n, bool write, const void *pc)
{
	if (self && (uintptr_t)p % n)
		fault(MISALIGNED_ADDRESS, pc, "%s %zu bytes at %p, which is not a multiple of %zu", write ? "writes" : "reads", n, p, n);
	check_access(p, n, write, pc);
}

#define PC __builtin_return_address(0)
#define ACCESS(n)                                                                                        \
	void __tsan_read##n(void *p) { aligned(p, n, false, PC); }                                       \
	void __tsan_write##n(void *p) { aligned(p, n, true, PC); }                                       \
	void __tsan_unaligned_read##n(void *p) { check_access(p, n, false, PC); }                        \
	void __tsan_unaligned_write##n(void *p) { check_access(p, n, true, PC); }

#pragma GCC visibility push(hidden)
extern "C" {
void __tsan_init() {}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void *p, unsigned long n) { check_access(p, n, false, PC); }
void __tsan_write_range(void *p, unsigned long n) { check_access(p, n, true, PC); }
}
#pragma GCC visibility pop
