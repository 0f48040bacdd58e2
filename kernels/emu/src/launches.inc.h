// launches.inc.h - copies, modules and launches for driver.cpp.

// ---- memory ----

// device_range reports a range that is not device memory.
static CUresult device_range(const char *call, CUdeviceptr p, size_t n)
{
	std::string why = memory_fault((void *)p, n);
	if (why.empty())
		return OK;
	report("%s of %zu bytes at %#llx: %s", call, n, p, why.c_str());
	return INVALID_VALUE;
}

static CUresult copy_in(const char *call, CUdeviceptr to, const void *from, size_t n)
{
	if (n && !from)
		return INVALID_VALUE;
	if (CUresult code = device_range(call, to, n))
		return code;
	memcpy((void *)to, from, n);
	copied_in += n;
	if (n)
		memory_written((void *)to, n, true);
	return OK;
}

static CUresult copy_out(const char *call, void *to, CUdeviceptr from, size_t n)
{
	if (n && !to)
		return INVALID_VALUE;
	if (CUresult code = device_range(call, from, n))
		return code;
	long at = n ? memory_unwritten((void *)from, n) : -1;
	if (at >= 0)
		report("%s of %zu bytes at %#llx: uninitialised, nothing has written byte %ld", call, n, from, at);
	memcpy(to, (void *)from, n);
	copied_out += n;
	return OK;
}

static CUresult copy_on(const char *call, CUdeviceptr to, CUdeviceptr from, size_t n)
{
	if (CUresult code = device_range(call, to, n))
		return code;
	if (CUresult code = device_range(call, from, n))
		return code;
	memmove((void *)to, (void *)from, n);
	if (n)
		memory_copied((void *)to, (void *)from, n);
	return OK;
}

// set fills n elements of `size` bytes.
static CUresult set(const char *call, CUdeviceptr to, const void *value, size_t size, size_t n)
{
	if (to % size)
		return INVALID_VALUE;
	if (CUresult code = device_range(call, to, n * size))
		return code;
	for (size_t i = 0; i < n; i++)
		memcpy((char *)to + i * size, value, size);
	if (n)
		memory_written((void *)to, n * size, true);
	return OK;
}

// ---- modules ----

// field returns what follows a directive of PTX, such as ".target".
static std::string field(const char *text, const char *directive)
{
	const char *p = strstr(text, directive);
	if (!p)
		return "";
	p += strlen(directive);
	while (isspace((unsigned char)*p))
		p++;
	const char *end = p;
	while (*end && !isspace((unsigned char)*end) && *end != '(' && *end != ',')
		end++;
	return std::string(p, end);
}

// newest_ptx is the PTX ISA, times ten, that a driver of this CUDA version reads. Source: the
// release history in the PTX ISA manual.
static int newest_ptx(int driver) { return driver >= 12000 ? 80 + driver % 1000 / 10 : 70 + driver % 1000 / 10; }

// load_machine_code takes the compute capability and the names of the kernels from an ELF file of
// machine code. The kernels that run are the host's, as for PTX.
static CUresult load_machine_code(Module **out, const char *image)
{
	Elf64_Ehdr head;
	memcpy(&head, image, sizeof head);
	int arch = head.e_flags & 0xff;
	if (head.e_machine != EM_CUDA || head.e_shentsize != sizeof(Elf64_Shdr) || head.e_shstrndx >= head.e_shnum)
		return INVALID_IMAGE;
	if (arch / 10 != compute() / 10 || arch > compute())
		return NO_BINARY;
	std::vector<Elf64_Shdr> sections(head.e_shnum);
	memcpy(sections.data(), image + head.e_shoff, sections.size() * sizeof sections[0]);
	const char *names = image + sections[head.e_shstrndx].sh_offset, *code = ".text.";
	Module *m = new Module{arch, {}};
	for (const Elf64_Shdr &s : sections)
		if (!strncmp(names + s.sh_name, code, strlen(code)))
			m->entries.insert(names + s.sh_name + strlen(code));
	modules.insert(m);
	*out = m;
	return OK;
}

static CUresult load(Module **out, const void *image)
{
	const char *text = (const char *)image;
	if (!text || !out)
		return INVALID_VALUE;
	if (!strncmp(text, ELFMAG, SELFMAG))
		return load_machine_code(out, text);
	std::string version = field(text, ".version"), target = field(text, ".target");
	if (version.empty() || target.compare(0, 3, "sm_"))
		return INVALID_IMAGE;
	if ((int)(atof(version.c_str()) * 10 + 0.5) > newest_ptx(hardware.driver))
		return UNSUPPORTED_PTX;
	int arch = atoi(target.c_str() + 3);
	if (arch > compute())
		return NO_BINARY;
	Module *m = new Module{arch, {}};
	for (const char *p = text; (p = strstr(p, ".entry")); p += 6)
		m->entries.insert(field(p, ".entry"));
	modules.insert(m);
	*out = m;
	return OK;
}

// kernel_for returns the compilation of a kernel that stands for code of a compute capability: the newest
// that is no newer. Where two would be the same there is only the older one.
static const Kernel *kernel_for(const char *name, int arch)
{
	for (int variant : {90, 80, 70})
		if (variant <= arch)
			if (const Kernel *k = kernel_find(name, variant))
				return k;
	return nullptr;
}

static CUresult find(Function **out, Module *m, const char *name)
{
	if (!modules.count(m))
		return INVALID_HANDLE;
	if (!name || !out)
		return INVALID_VALUE;
	if (!m->entries.count(name))
		return NOT_FOUND;
	const Kernel *k = kernel_for(name, m->arch);
	if (!k) {
		report("kernel %s is in the code for sm_%d, but not in the sources compiled for the host", name, m->arch);
		return NOT_FOUND;
	}
	Function *&f = functions[k];
	if (!f)
		f = new Function{k, 0, 0};
	*out = f;
	return OK;
}

// ---- launches ----

static const int STATIC_SHARED = 49152; // most bytes that need not be asked for
static const unsigned MOST_THREADS = 1024;

static bool known(Function *f)
{
	for (auto &k : functions)
		if (k.second == f)
			return true;
	return false;
}

static CUresult refuse(const Function *f, CUresult code, const char *why, long got, long want)
{
	report("launch of %s: %s is %ld, want %ld", f->kernel->name.c_str(), why, got, want);
	return code;
}

static CUresult check_launch(Function *f, const emu_dim &g, const emu_dim &b, const emu_dim &c, size_t shared)
{
	const Kernel *k = f->kernel;
	long threads = (long)b.x * b.y * b.z;
	if (!g.x || !g.y || !g.z || !threads)
		return refuse(f, INVALID_VALUE, "number of blocks or threads", 0, 1);
	if (g.y > 65535 || g.z > 65535)
		return refuse(f, INVALID_VALUE, "grid in y or z", std::max(g.y, g.z), 65535);
	if (threads > MOST_THREADS || threads > k->threads)
		return refuse(f, INVALID_VALUE, "threads per block", threads, k->threads);
	long most = f->shared > STATIC_SHARED ? f->shared : STATIC_SHARED;
	if ((long)shared > most)
		return refuse(f, INVALID_VALUE, "dynamic shared memory", (long)shared, most);
	if (c.y != 1 || c.z != 1 || !c.x || g.x % c.x)
		return refuse(f, INVALID_VALUE, "blocks in x for clusters along x", g.x, c.x);
	if (c.x > 1 && compute() < 90)
		return refuse(f, INVALID_VALUE, "cluster", c.x, 1);
	if ((int)c.x > (f->cluster ? 16 : 8) || (int)c.x > std::max(1, hardware.cluster))
		return refuse(f, INVALID_VALUE, "cluster", c.x, hardware.cluster);
	return OK;
}

static CUresult run(Function *f, emu_dim g, emu_dim b, emu_dim c, size_t shared, void **params, bool together = false)
{
	if (!known(f))
		return INVALID_HANDLE;
	if (!params || !params[0])
		return INVALID_VALUE;
	if (CUresult code = check_launch(f, g, b, c, shared))
		return code;
	long all = (long)g.x * g.y * g.z, room = (long)hardware.sms * std::max(1u, 2048 / (b.x * b.y * b.z));
	if (together && all > room)
		return refuse(f, COOPERATIVE_LAUNCH_TOO_LARGE, "blocks at once", all, room);
	std::vector<char> copy((char *)params[0], (char *)params[0] + f->kernel->params);
	Launch l = {f->kernel, g, b, c, shared, copy.data(), together};
	context()->error = run_launch(l);
	return OK;
}

// destroy deletes what is in a set, and refuses what is not.
template <class T> static CUresult destroy(std::set<T *> &all, T *one)
{
	if (!all.erase(one))
		return INVALID_HANDLE;
	delete one;
	return OK;
}

static bool valid(Stream *s) { return (uintptr_t)s <= 2 || streams.count(s); }
