// clusters.inc.h - for run.cpp: asynchronous copies, clusters and transaction barriers, and words through which
// blocks hear of each other.

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
