// memory.cpp - device memory: an arena of host memory that is handed out from one end to the
// other, so that freed memory is not used again soon, and what is known of each word of it.
#include "emulator.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <iterator>
#include <map>

enum { ALIGN = 256, GUARD = 64 };
static const unsigned char GUARD_BYTE = 0xa5, FRESH_BYTE = 0xff; // 0xffffffff is a NaN

static const size_t ARENA = (size_t)16 << 30; // bytes of address space, not of memory

Region arena;

// Allocations and their sizes. Never destroyed: leaks are counted when the program ends.
static auto &live = *new std::map<char *, size_t>;
static char *cursor;
static size_t used, total;

static void *reserve(size_t bytes)
{
	void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? nullptr : p;
}

static bool ready()
{
	if (arena.base)
		return true;
	char *base = (char *)reserve(ARENA);
	arena.state = (uint8_t *)reserve(ARENA / 4);
	arena.stamp = (Stamp *)reserve(ARENA / 4 * sizeof(Stamp));
	if (!base || !arena.state || !arena.stamp) {
		report("no address space for %zu bytes of device memory", ARENA);
		return false;
	}
	arena.base = cursor = base;
	arena.size = ARENA;
	return true;
}

void memory_limit(size_t bytes) { total = bytes; }
size_t memory_used() { return used; }
size_t memory_total() { return total; }

static size_t room(size_t bytes) { return (bytes + 2 * GUARD + ALIGN - 1) / ALIGN * ALIGN + ALIGN; }

// fits tells whether an allocation may lie at p: the room around it is no other's.
static bool fits(char *p, size_t bytes)
{
	if (p + room(bytes) > arena.base + arena.size)
		return false;
	auto after = live.lower_bound(p - ALIGN);
	if (after != live.end() && after->first < p + room(bytes))
		return false;
	return after == live.begin() || std::prev(after)->first + room(std::prev(after)->second) <= p;
}

// place finds room from the cursor on, then from the start of the arena.
static char *place(size_t bytes)
{
	char *p = cursor + ALIGN;
	for (auto next = live.lower_bound(cursor);; ++next) {
		if (fits(p, bytes))
			return p;
		if (next == live.end())
			break;
		p = next->first + room(next->second);
	}
	p = arena.base + ALIGN;
	for (auto &a : live) {
		if (fits(p, bytes))
			return p;
		p = a.first + room(a.second);
	}
	return fits(p, bytes) ? p : nullptr;
}

static size_t word(const void *p) { return ((const char *)p - arena.base) / 4; }

static void mark(char *p, size_t bytes, uint8_t state)
{
	memset(arena.state + word(p), state, (bytes + 3) / 4);
}

char *memory_alloc(size_t bytes)
{
	if (!ready() || bytes > total || used + bytes > total)
		return nullptr;
	char *p = place(bytes);
	if (!p)
		return nullptr;
	memset(p - GUARD, GUARD_BYTE, GUARD);
	memset(p, FRESH_BYTE, bytes);
	memset(p + bytes, GUARD_BYTE, GUARD);
	mark(p, bytes, LIVE);
	memset(arena.stamp + word(p), 0, (bytes + 3) / 4 * sizeof(Stamp));
	live[p] = bytes;
	used += bytes;
	cursor = p + room(bytes);
	return p;
}

static int changed(const char *p)
{
	int n = 0;
	for (int i = 0; i < GUARD; i++)
		n += (unsigned char)p[i] != GUARD_BYTE;
	return n;
}

// release gives the whole pages of a large allocation back to the system.
static void release(char *p, size_t bytes)
{
	const uintptr_t page = 4096;
	uintptr_t lo = ((uintptr_t)p + page - 1) & ~(page - 1), hi = ((uintptr_t)p + bytes) & ~(page - 1);
	if (hi > lo)
		madvise((void *)lo, hi - lo, MADV_DONTNEED);
	lo = ((uintptr_t)(arena.stamp + word(p)) + page - 1) & ~(page - 1);
	hi = (uintptr_t)(arena.stamp + word(p + bytes)) & ~(page - 1);
	if (hi > lo)
		madvise((void *)lo, hi - lo, MADV_DONTNEED);
}

bool memory_free(char *p)
{
	auto a = live.find(p);
	if (a == live.end())
		return false;
	size_t bytes = a->second;
	if (int n = changed(p - GUARD))
		report("%d bytes before the allocation of %zu bytes at %p were overwritten", n, bytes, p);
	if (int n = changed(p + bytes))
		report("%d bytes behind the allocation of %zu bytes at %p were overwritten", n, bytes, p);
	mark(p, bytes, FREED);
	release(p, bytes);
	used -= bytes;
	live.erase(a);
	return true;
}

bool memory_span(const void *p, char **base, size_t *size)
{
	auto a = live.upper_bound((char *)p);
	if (a == live.begin())
		return false;
	--a;
	*base = a->first;
	*size = a->second;
	return (size_t)((const char *)p - a->first) < a->second;
}

std::string memory_fault(const void *p, size_t n)
{
	char *base, text[160];
	size_t size;
	if (n == 0)
		return "";
	if (!arena.holds(p))
		return "no device address";
	if (memory_span(p, &base, &size)) {
		size_t behind = (const char *)p + n - base;
		if (behind <= size)
			return "";
		snprintf(text, sizeof text, "ends %zu bytes behind an allocation of %zu bytes", behind - size, size);
		return text;
	}
	if (arena.state[word(p)] & FREED)
		return "use after free";
	auto after = live.upper_bound((char *)p);
	if (after != live.begin()) {
		auto a = std::prev(after);
		snprintf(text, sizeof text, "starts %zu bytes behind an allocation of %zu bytes",
			 (const char *)p - a->first - a->second, a->second);
		return text;
	}
	return "in no allocation";
}

// bytes_of is the mask of those bytes of word i that lie in [first, last).
static int bytes_of(size_t i, size_t first, size_t last)
{
	int mask = 0;
	for (int b = 0; b < 4; b++)
		if (4 * i + b >= first && 4 * i + b < last)
			mask |= 1 << b;
	return mask;
}

long memory_unwritten(const void *p, size_t n)
{
	size_t first = (const char *)p - arena.base, last = first + n;
	for (size_t i = first / 4; 4 * i < last; i++) {
		int missing = bytes_of(i, first, last) & ~arena.state[i];
		for (int b = 0; b < 4; b++)
			if (missing >> b & 1)
				return 4 * i + b - first;
	}
	return -1;
}

void memory_written(const void *p, size_t n, bool written)
{
	size_t first = (const char *)p - arena.base, last = first + n;
	for (size_t i = first / 4; 4 * i < last; i++) {
		int mask = bytes_of(i, first, last);
		arena.state[i] = written ? arena.state[i] | mask : arena.state[i] & ~mask;
	}
}

void memory_copied(const void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t a = (const char *)from - arena.base + i, b = (const char *)to - arena.base + i;
		int bit = arena.state[a / 4] >> a % 4 & 1;
		arena.state[b / 4] = (arena.state[b / 4] & ~(1 << b % 4)) | bit << b % 4;
	}
}

void memory_forget_stamps()
{
	for (auto &a : live)
		memset(arena.stamp + word(a.first), 0, (a.second + 3) / 4 * sizeof(Stamp));
}
