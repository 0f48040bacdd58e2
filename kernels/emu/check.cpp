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

// readers_ordered is ordered for the readers of a word.
static bool readers_ordered(const Stamp &s)
{
	uint32_t who = s.reader & ID;
	if (s.read < launch_tick)
		return true;
	switch (s.reader >> 28) {
	case ONE:
		return ordered(who, s.read);
	case WARP:
		if (same_warp(who))
			return s.read < self->warp->tick || s.read < self->block->tick;
		return ordered(who, s.read);
	case BLOCK:
		if ((int)block_of(who) == self->block->linear)
			return s.read < self->block->tick;
		return ordered(who, s.read);
	}
	return s.read < cluster_tick && cluster_blocks > 1;
}

// note_read adds self to the readers of a word, which are all forgotten that come before it.
static void note_read(Stamp &s)
{
	uint32_t kind = s.reader >> 28, who = s.reader & ID;
	if (readers_ordered(s))
		kind = ONE;
	else if (kind <= WARP && same_warp(who))
		kind = WARP;
	else if (kind <= BLOCK && block_of(who) == block_of(self->id))
		kind = BLOCK;
	else
		kind = MANY;
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
	if (writer != self->id && (s.writer >> 28 & mask) && !ordered(writer, s.written))
		raced(r, i, "writes", writer, write ? "writes" : "reads", pc);
	if (!write) {
		if (s.reader != self->id)
			note_read(s);
		s.read = now;
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

void check_access(const void *p, size_t n, bool write, const void *pc)
{
	if (!self)
		return;
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
