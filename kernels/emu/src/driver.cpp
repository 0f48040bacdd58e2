// driver.cpp - the calls of the CUDA driver that the project uses, over memory.cpp and run.cpp.
//
// Environment:
//   GALVANI_EMU_DEVICE  virtual hardware, e.g. "count=1,compute=9.0,memory=256MiB,shared=232448,
//                       sms=4,cluster=8,driver=12.2,name=Emulated GPU"
//   GALVANI_EMU_FAIL    faults on order: "call:n:code" separated by commas; n counts the calls of
//                       that name from 1, * is every one
//   GALVANI_EMU_ORDER   order of threads (run.cpp)
//   GALVANI_EMU_LOG     file that every report is appended to; empty or absent when all is well
//
// Calls are done when they return. A kernel's fault is told by the next call, and by all after
// it, as on hardware: the context is lost.
#include <ctype.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <map>
#include <mutex>
#include <set>

#include "emulator.h"

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;

struct Context {
	int device, error;
	bool primary;
	unsigned flags;
};

struct Module {
	int arch;
	std::set<std::string> entries;
};

struct Function {
	const Kernel *kernel;
	int shared;  // most dynamic bytes, as set
	int cluster; // non-portable sizes allowed
};

struct Event {
	timespec at;
};

struct Stream {
	int priority;
};

static std::mutex lock;
static bool started;
// What the end of the program reads is never destroyed.
static auto &contexts = *new std::set<Context *>;
static std::set<Module *> modules;
static std::map<const Kernel *, Function *> functions;
static std::set<Event *> events;
static std::set<Stream *> streams;
struct Pinned {
	size_t size;
	Context *owner;
};
static auto &pinned = *new std::map<void *, Pinned>;
static auto &owners = *new std::map<CUdeviceptr, Context *>; // of device memory
static Context *primary;
static int retained;
static thread_local std::vector<Context *> current;

// ---- reports ----

static const int MOST_REPORTS = 1000;

void report(const char *format, ...)
{
	static int n;
	char text[1200];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n++ >= MOST_REPORTS)
		return;
	fprintf(stderr, "emulated driver: %s\n", text);
	const char *name = getenv("GALVANI_EMU_LOG");
	if (!name || !*name)
		return;
	if (FILE *f = fopen(name, "a")) {
		fprintf(f, "%s\n", text);
		fclose(f);
	}
}

// ---- virtual hardware ----

struct Hardware {
	int count = 1, major = 9, minor = 0, shared = 232448, sms = 4, cluster = 8, driver = 12020;
	size_t memory = (size_t)1 << 30;
	std::string name = "Emulated GPU";
};

static Hardware hardware;

static size_t bytes_of(const std::string &s)
{
	char *end;
	double v = strtod(s.c_str(), &end);
	switch (toupper(*end)) {
	case 'K':
		return (size_t)(v * 1024);
	case 'M':
		return (size_t)(v * (1 << 20));
	case 'G':
		return (size_t)(v * (1 << 30));
	}
	return (size_t)v;
}

static void set_hardware(const std::string &key, const std::string &value)
{
	int n = atoi(value.c_str());
	size_t dot = value.find('.');
	int rest = dot == std::string::npos ? 0 : atoi(value.c_str() + dot + 1);
	if (key == "count")
		hardware.count = n;
	else if (key == "compute")
		hardware.major = n, hardware.minor = rest;
	else if (key == "memory")
		hardware.memory = bytes_of(value);
	else if (key == "shared")
		hardware.shared = (int)bytes_of(value);
	else if (key == "sms")
		hardware.sms = n;
	else if (key == "cluster")
		hardware.cluster = n;
	else if (key == "driver")
		hardware.driver = n * 1000 + rest * 10;
	else if (key == "name")
		hardware.name = value;
	else
		report("GALVANI_EMU_DEVICE has %s, want count, compute, memory, shared, sms, cluster, driver or name", key.c_str());
}

static std::vector<std::string> split(const std::string &s, char at)
{
	std::vector<std::string> parts;
	for (size_t i = 0; i <= s.size();) {
		size_t end = std::min(s.find(at, i), s.size());
		if (end > i)
			parts.push_back(s.substr(i, end - i));
		i = end + 1;
	}
	return parts;
}

static void read_hardware(const char *text)
{
	hardware = Hardware();
	for (const std::string &part : split(text ? text : "", ',')) {
		size_t eq = part.find('=');
		set_hardware(part.substr(0, eq), eq == std::string::npos ? "" : part.substr(eq + 1));
	}
	memory_limit(hardware.memory);
}

static int compute() { return hardware.major * 10 + hardware.minor; }

// ---- faults on order ----

struct Order {
	std::string call;
	long n; // 0: every one
	int code;
};

static std::vector<Order> orders;
static std::map<std::string, long> counts;

static void read_orders(const char *text)
{
	orders.clear();
	counts.clear();
	for (const std::string &part : split(text ? text : "", ',')) {
		std::vector<std::string> f = split(part, ':');
		if (f.size() == 3)
			orders.push_back({f[0], f[1] == "*" ? 0 : atol(f[1].c_str()), atoi(f[2].c_str())});
		else
			report("GALVANI_EMU_FAIL has %s, want call:n:code", part.c_str());
	}
}

static int ordered_fault(const char *call)
{
	if (orders.empty())
		return OK;
	long n = ++counts[call];
	for (const Order &o : orders)
		if (o.call == call && (o.n == 0 || o.n == n))
			return o.code;
	return OK;
}

// sticky tells whether a context is lost with this error.
static bool sticky(int code)
{
	switch (code) {
	case 214: // ECC
	case 220: // NVLink
	case 700: // illegal address
	case 702: // timeout
	case 709: // context destroyed
	case 710: // assert
	case 714: // hardware stack
	case 715: // illegal instruction
	case 716: // misaligned address
	case 717: // address space
	case 718: // program counter
	case 719: // launch failed
		return true;
	}
	return false;
}

static Context *context() { return current.empty() ? nullptr : current.back(); }

static void start()
{
	static bool done;
	if (done)
		return;
	done = true;
	read_hardware(getenv("GALVANI_EMU_DEVICE"));
	read_orders(getenv("GALVANI_EMU_FAIL"));
}

// before is what every call begins with: faults on order, then what the context tells.
static CUresult before(const char *call, bool needs_context)
{
	start();
	int code = ordered_fault(call);
	Context *c = context();
	if (code) {
		if (sticky(code) && c)
			c->error = code;
		return code;
	}
	if (!started && strcmp(call, "cuInit") && strcmp(call, "cuDriverGetVersion"))
		return NOT_INITIALIZED;
	if (!needs_context)
		return OK;
	if (!c || !contexts.count(c))
		return INVALID_CONTEXT;
	return c->error;
}

#define BEGIN(call, needs_context)                      \
	std::lock_guard<std::mutex> hold(lock);         \
	if (CUresult code = before(#call, needs_context)) \
		return code;

// ---- leaks ----

// leaks reports what is still allocated by a context, or by all but lost ones, and returns how many
// pieces there are.
static int leaks(const Context *of)
{
	size_t count = 0, bytes = 0, host = 0, host_bytes = 0, size;
	char *base;
	for (auto &o : owners)
		if ((!of || o.second == of) && !o.second->error && memory_span((void *)o.first, &base, &size))
			count++, bytes += size;
	for (auto &p : pinned)
		if ((!of || p.second.owner == of) && !p.second.owner->error)
			host++, host_bytes += p.second.size;
	if (count)
		report("leak: %zu allocations of %zu bytes of device memory are still live", count, bytes);
	if (host)
		report("leak: %zu allocations of %zu bytes of pinned host memory are still live", host, host_bytes);
	return (int)(count + host);
}

// destroy ends a context and frees all that is its.
static void destroy(Context *c)
{
	leaks(c);
	for (auto o = owners.begin(); o != owners.end();)
		if (o->second == c) {
			memory_free((char *)o->first);
			o = owners.erase(o);
		} else {
			++o;
		}
	for (auto p = pinned.begin(); p != pinned.end();)
		if (p->second.owner == c) {
			free(p->first);
			p = pinned.erase(p);
		} else {
			++p;
		}
	contexts.erase(c);
	delete c;
}

__attribute__((destructor)) static void at_exit()
{
	std::lock_guard<std::mutex> hold(lock);
	leaks(nullptr);
}

// ---- names of errors ----

static const struct {
	int code;
	const char *name, *text;
} ERRORS[] = {
	{0, "CUDA_SUCCESS", "no error"},
	{1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
	{2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	{3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
	{4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
	{34, "CUDA_ERROR_STUB_LIBRARY", "CUDA driver is a stub library"},
	{46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA-capable device(s) is/are busy or unavailable"},
	{100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	{101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
	{200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
	{201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
	{209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
	{214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
	{218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
	{220, "CUDA_ERROR_NVLINK_UNCORRECTABLE", "uncorrectable NVLink error detected during the execution"},
	{222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the provided PTX was compiled with an unsupported toolchain"},
	{400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
	{500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
	{600, "CUDA_ERROR_NOT_READY", "device not ready"},
	{700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
	{701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
	{702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
	{709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
	{710, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
	{714, "CUDA_ERROR_HARDWARE_STACK_ERROR", "hardware stack error"},
	{715, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
	{716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
	{717, "CUDA_ERROR_INVALID_ADDRESS_SPACE", "operation not supported on global/shared address space"},
	{718, "CUDA_ERROR_INVALID_PC", "invalid program counter"},
	{719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
	{720, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE", "too many blocks in cooperative launch"},
	{801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
	{802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
	{803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
	{999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

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

// ---- attributes ----

static CUresult attribute(int *out, int which)
{
	const int warp = 32, registers = 65536, khz = 1000000;
	switch (which) {
	case 1: // threads per block
	case 2: // block x
	case 3: // block y
		*out = MOST_THREADS;
		return OK;
	case 4: // block z
		*out = 64;
		return OK;
	case 5: // grid x
		*out = 2147483647;
		return OK;
	case 6: // grid y
	case 7: // grid z
		*out = 65535;
		return OK;
	case 8: // shared memory per block
		*out = std::min(STATIC_SHARED, hardware.shared);
		return OK;
	case 10:
		*out = warp;
		return OK;
	case 12: // registers per block
	case 82: // per multiprocessor
		*out = registers;
		return OK;
	case 13: // clock
	case 36: // memory clock
		*out = khz;
		return OK;
	case 16:
		*out = hardware.sms;
		return OK;
	case 39: // threads per multiprocessor
		*out = 2048;
		return OK;
	case 75:
		*out = hardware.major;
		return OK;
	case 76:
		*out = hardware.minor;
		return OK;
	case 81: // shared memory per multiprocessor
		*out = hardware.shared + 1024;
		return OK;
	case 97: // shared memory per block, asked for
		*out = hardware.shared;
		return OK;
	case 15: // overlap
	case 31: // concurrent kernels
	case 40: // copy engines
	case 41: // unified addressing
	case 95: // cooperative launch
		*out = 1;
		return OK;
	case 120: // clusters
		*out = compute() >= 90 && hardware.cluster > 1;
		return OK;
	}
	*out = 0;
	return OK;
}

extern "C" {
#define API __attribute__((visibility("default"))) CUresult

// ---- the emulator's own calls ----

__attribute__((visibility("default"))) int galvani_emu_leaks(void)
{
	std::lock_guard<std::mutex> hold(lock);
	return leaks(nullptr);
}

/* galvani_emu_fail takes what GALVANI_EMU_FAIL says from now on, and counts from 1 again. */
__attribute__((visibility("default"))) void galvani_emu_fail(const char *text)
{
	std::lock_guard<std::mutex> hold(lock);
	start();
	read_orders(text);
}

/* galvani_emu_device takes what GALVANI_EMU_DEVICE says, for contexts made from now on. */
__attribute__((visibility("default"))) void galvani_emu_device(const char *text)
{
	std::lock_guard<std::mutex> hold(lock);
	start();
	read_hardware(text);
}

// ---- initialisation, errors, devices ----

API cuInit(unsigned)
{
	BEGIN(cuInit, false)
	if (hardware.count == 0)
		return NO_DEVICE;
	started = true;
	return OK;
}

API cuDriverGetVersion(int *version)
{
	BEGIN(cuDriverGetVersion, false)
	*version = hardware.driver;
	return OK;
}

API cuGetErrorName(CUresult error, const char **name)
{
	for (auto &e : ERRORS)
		if (e.code == error) {
			*name = e.name;
			return OK;
		}
	*name = nullptr;
	return INVALID_VALUE;
}

API cuGetErrorString(CUresult error, const char **text)
{
	for (auto &e : ERRORS)
		if (e.code == error) {
			*text = e.text;
			return OK;
		}
	*text = nullptr;
	return INVALID_VALUE;
}

API cuDeviceGetCount(int *count)
{
	BEGIN(cuDeviceGetCount, false)
	*count = hardware.count;
	return OK;
}

API cuDeviceGet(CUdevice *device, int ordinal)
{
	BEGIN(cuDeviceGet, false)
	if (ordinal < 0 || ordinal >= hardware.count)
		return INVALID_DEVICE;
	*device = ordinal;
	return OK;
}

API cuDeviceGetName(char *name, int n, CUdevice)
{
	BEGIN(cuDeviceGetName, false)
	snprintf(name, n, "%s", hardware.name.c_str());
	return OK;
}

API cuDeviceGetUuid(unsigned char *uuid, CUdevice device)
{
	BEGIN(cuDeviceGetUuid, false)
	memset(uuid, 0, 16);
	uuid[15] = device;
	return OK;
}

API cuDeviceTotalMem_v2(size_t *bytes, CUdevice)
{
	BEGIN(cuDeviceTotalMem_v2, false)
	*bytes = hardware.memory;
	return OK;
}

API cuDeviceGetAttribute(int *value, int which, CUdevice device)
{
	BEGIN(cuDeviceGetAttribute, false)
	if (device < 0 || device >= hardware.count)
		return INVALID_DEVICE;
	return attribute(value, which);
}

// ---- contexts ----

static CUresult create(Context **out, unsigned flags, CUdevice device)
{
	if (device < 0 || device >= hardware.count)
		return INVALID_DEVICE;
	Context *c = new Context{device, OK, false, flags};
	contexts.insert(c);
	current.push_back(c);
	*out = c;
	return OK;
}

API cuCtxCreate_v2(Context **out, unsigned flags, CUdevice device)
{
	BEGIN(cuCtxCreate_v2, false)
	return create(out, flags, device);
}

API cuCtxDestroy_v2(Context *c)
{
	BEGIN(cuCtxDestroy_v2, false)
	if (!contexts.count(c))
		return INVALID_CONTEXT;
	if (context() == c)
		current.pop_back();
	if (c == primary)
		return INVALID_CONTEXT;
	destroy(c);
	return OK;
}

API cuDevicePrimaryCtxRetain(Context **out, CUdevice device)
{
	BEGIN(cuDevicePrimaryCtxRetain, false)
	if (device < 0 || device >= hardware.count)
		return INVALID_DEVICE;
	if (!primary) {
		primary = new Context{device, OK, true, 0};
		contexts.insert(primary);
	}
	retained++;
	*out = primary;
	return OK;
}

static CUresult drop_primary()
{
	Context *c = primary;
	primary = nullptr;
	retained = 0;
	if (context() == c)
		current.pop_back();
	destroy(c);
	return OK;
}

API cuDevicePrimaryCtxRelease_v2(CUdevice)
{
	BEGIN(cuDevicePrimaryCtxRelease_v2, false)
	if (!primary)
		return INVALID_CONTEXT;
	return --retained > 0 ? OK : drop_primary();
}

API cuDevicePrimaryCtxReset_v2(CUdevice)
{
	BEGIN(cuDevicePrimaryCtxReset_v2, false)
	return primary ? drop_primary() : OK;
}

API cuDevicePrimaryCtxSetFlags_v2(CUdevice, unsigned flags)
{
	BEGIN(cuDevicePrimaryCtxSetFlags_v2, false)
	if (primary)
		primary->flags = flags;
	return OK;
}

API cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active)
{
	BEGIN(cuDevicePrimaryCtxGetState, false)
	*flags = primary ? primary->flags : 0;
	*active = primary != nullptr;
	return OK;
}

API cuCtxGetCurrent(Context **out)
{
	BEGIN(cuCtxGetCurrent, false)
	*out = context();
	return OK;
}

API cuCtxSetCurrent(Context *c)
{
	BEGIN(cuCtxSetCurrent, false)
	if (c && !contexts.count(c))
		return INVALID_CONTEXT;
	if (!current.empty())
		current.pop_back();
	if (c)
		current.push_back(c);
	return OK;
}

API cuCtxPushCurrent_v2(Context *c)
{
	BEGIN(cuCtxPushCurrent_v2, false)
	if (!contexts.count(c))
		return INVALID_CONTEXT;
	current.push_back(c);
	return OK;
}

API cuCtxPopCurrent_v2(Context **out)
{
	BEGIN(cuCtxPopCurrent_v2, false)
	if (current.empty())
		return INVALID_CONTEXT;
	if (out)
		*out = current.back();
	current.pop_back();
	return OK;
}

API cuCtxGetDevice(CUdevice *device)
{
	BEGIN(cuCtxGetDevice, true)
	*device = context()->device;
	return OK;
}

API cuCtxGetFlags(unsigned *flags)
{
	BEGIN(cuCtxGetFlags, true)
	*flags = context()->flags;
	return OK;
}

API cuCtxGetApiVersion(Context *, unsigned *version)
{
	BEGIN(cuCtxGetApiVersion, false)
	*version = 3020;
	return OK;
}

API cuCtxSynchronize(void)
{
	BEGIN(cuCtxSynchronize, true)
	return OK;
}

API cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
	BEGIN(cuCtxGetStreamPriorityRange, true)
	*least = *greatest = 0;
	return OK;
}

// ---- modules and functions ----

API cuModuleLoadData(Module **out, const void *image)
{
	BEGIN(cuModuleLoadData, true)
	return load(out, image);
}

API cuModuleLoadDataEx(Module **out, const void *image, unsigned, int *, void **)
{
	BEGIN(cuModuleLoadDataEx, true)
	return load(out, image);
}

API cuModuleUnload(Module *m)
{
	BEGIN(cuModuleUnload, true)
	if (!modules.erase(m))
		return INVALID_HANDLE;
	delete m;
	return OK;
}

API cuModuleGetFunction(Function **out, Module *m, const char *name)
{
	BEGIN(cuModuleGetFunction, true)
	return find(out, m, name);
}

API cuFuncSetAttribute(Function *f, int which, int value)
{
	BEGIN(cuFuncSetAttribute, true)
	if (!known(f))
		return INVALID_HANDLE;
	switch (which) {
	case 8: // dynamic shared memory
		if (value < 0 || value > hardware.shared)
			return refuse(f, INVALID_VALUE, "dynamic shared memory", value, hardware.shared);
		f->shared = value;
		return OK;
	case 9: // share of shared memory in L1
		return OK;
	case 14: // non-portable cluster size
		f->cluster = value;
		return OK;
	}
	return INVALID_VALUE;
}

API cuFuncGetAttribute(int *value, int which, Function *f)
{
	BEGIN(cuFuncGetAttribute, true)
	if (!known(f))
		return INVALID_HANDLE;
	*value = which == 0 ? f->kernel->threads : which == 8 ? f->shared : which == 5 || which == 6 ? compute() : 0;
	return OK;
}

API cuFuncSetCacheConfig(Function *f, int)
{
	BEGIN(cuFuncSetCacheConfig, true)
	return known(f) ? OK : INVALID_HANDLE;
}

API cuLaunchKernel(Function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
		   Stream *stream, void **params, void **extra)
{
	BEGIN(cuLaunchKernel, true)
	if (!valid(stream))
		return INVALID_HANDLE;
	if (extra)
		return NOT_SUPPORTED;
	return run(f, {gx, gy, gz}, {bx, by, bz}, {1, 1, 1}, shared, params);
}

/* CUlaunchAttribute and CUlaunchConfig of the driver's ABI. */
struct LaunchAttribute {
	int id, pad;
	union {
		emu_dim cluster;
		int cooperative;
		char bytes[64];
	};
};

struct LaunchConfig {
	unsigned gx, gy, gz, bx, by, bz, shared;
	Stream *stream;
	LaunchAttribute *attrs;
	unsigned count;
};

enum { IGNORE_ATTRIBUTE = 0, COOPERATIVE = 2, CLUSTER_DIMENSION = 4 };

static CUresult attributes_of(const LaunchConfig *l, emu_dim *c, bool *together)
{
	*c = {1, 1, 1};
	*together = false;
	for (unsigned i = 0; i < l->count; i++) {
		if (l->attrs[i].id == CLUSTER_DIMENSION)
			*c = l->attrs[i].cluster;
		else if (l->attrs[i].id == COOPERATIVE)
			*together = l->attrs[i].cooperative;
		else if (l->attrs[i].id != IGNORE_ATTRIBUTE)
			return NOT_SUPPORTED;
	}
	return OK;
}

API cuLaunchKernelEx(const LaunchConfig *l, Function *f, void **params, void **extra)
{
	BEGIN(cuLaunchKernelEx, true)
	if (!valid(l->stream))
		return INVALID_HANDLE;
	if (extra)
		return NOT_SUPPORTED;
	emu_dim cluster;
	bool together;
	if (CUresult code = attributes_of(l, &cluster, &together))
		return code;
	return run(f, {l->gx, l->gy, l->gz}, {l->bx, l->by, l->bz}, cluster, l->shared, params, together);
}

/* Clusters run one after another: as many as there is room for multiprocessors. */
API cuOccupancyMaxActiveClusters(int *clusters, Function *f, const LaunchConfig *l)
{
	BEGIN(cuOccupancyMaxActiveClusters, true)
	emu_dim c;
	bool together;
	if (!known(f))
		return INVALID_HANDLE;
	if (CUresult code = attributes_of(l, &c, &together))
		return code;
	*clusters = check_launch(f, {l->gx, l->gy, l->gz}, {l->bx, l->by, l->bz}, c, l->shared) ? 0 : std::max(1, hardware.sms / (int)c.x);
	return OK;
}

// ---- memory ----

API cuMemGetInfo_v2(size_t *unused, size_t *total)
{
	BEGIN(cuMemGetInfo_v2, true)
	*unused = memory_total() - memory_used();
	*total = memory_total();
	return OK;
}

API cuMemAlloc_v2(CUdeviceptr *out, size_t n)
{
	BEGIN(cuMemAlloc_v2, true)
	if (!n || !out)
		return INVALID_VALUE;
	char *p = memory_alloc(n);
	if (!p)
		return OUT_OF_MEMORY;
	*out = (CUdeviceptr)p;
	owners[*out] = context();
	return OK;
}

API cuMemFree_v2(CUdeviceptr p)
{
	BEGIN(cuMemFree_v2, true)
	if (p && !memory_free((char *)p)) {
		std::string why = memory_fault((void *)p, 1);
		report("cuMemFree of %#llx: %s", p, why.empty() ? "not the start of its allocation" : why.c_str());
		return INVALID_VALUE;
	}
	owners.erase(p);
	return OK;
}

API cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr p)
{
	BEGIN(cuMemGetAddressRange_v2, true)
	char *b;
	if (!memory_span((void *)p, &b, size))
		return NOT_FOUND;
	*base = (CUdeviceptr)b;
	return OK;
}

static CUresult pin(void **out, size_t n)
{
	if (!n || posix_memalign(out, 4096, n))
		return OUT_OF_MEMORY;
	pinned[*out] = {n, context()};
	return OK;
}

API cuMemAllocHost_v2(void **out, size_t n)
{
	BEGIN(cuMemAllocHost_v2, true)
	return pin(out, n);
}

API cuMemHostAlloc(void **out, size_t n, unsigned)
{
	BEGIN(cuMemHostAlloc, true)
	return pin(out, n);
}

API cuMemFreeHost(void *p)
{
	BEGIN(cuMemFreeHost, true)
	if (!pinned.erase(p)) {
		report("cuMemFreeHost of %p, which is not pinned memory", p);
		return INVALID_VALUE;
	}
	free(p);
	return OK;
}

API cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t n)
{
	BEGIN(cuMemcpyHtoD_v2, true)
	return copy_in("cuMemcpyHtoD", to, from, n);
}

API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, Stream *s)
{
	BEGIN(cuMemcpyHtoDAsync_v2, true)
	return valid(s) ? copy_in("cuMemcpyHtoDAsync", to, from, n) : INVALID_HANDLE;
}

API cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t n)
{
	BEGIN(cuMemcpyDtoH_v2, true)
	return copy_out("cuMemcpyDtoH", to, from, n);
}

API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, Stream *s)
{
	BEGIN(cuMemcpyDtoHAsync_v2, true)
	return valid(s) ? copy_out("cuMemcpyDtoHAsync", to, from, n) : INVALID_HANDLE;
}

API cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t n)
{
	BEGIN(cuMemcpyDtoD_v2, true)
	return copy_on("cuMemcpyDtoD", to, from, n);
}

API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, Stream *s)
{
	BEGIN(cuMemcpyDtoDAsync_v2, true)
	return valid(s) ? copy_on("cuMemcpyDtoDAsync", to, from, n) : INVALID_HANDLE;
}

API cuMemsetD8_v2(CUdeviceptr to, unsigned char v, size_t n)
{
	BEGIN(cuMemsetD8_v2, true)
	return set("cuMemsetD8", to, &v, 1, n);
}

API cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, Stream *s)
{
	BEGIN(cuMemsetD8Async, true)
	return valid(s) ? set("cuMemsetD8Async", to, &v, 1, n) : INVALID_HANDLE;
}

API cuMemsetD32_v2(CUdeviceptr to, unsigned v, size_t n)
{
	BEGIN(cuMemsetD32_v2, true)
	return set("cuMemsetD32", to, &v, 4, n);
}

API cuMemsetD32Async(CUdeviceptr to, unsigned v, size_t n, Stream *s)
{
	BEGIN(cuMemsetD32Async, true)
	return valid(s) ? set("cuMemsetD32Async", to, &v, 4, n) : INVALID_HANDLE;
}

// ---- streams and events ----

API cuStreamCreate(Stream **out, unsigned)
{
	BEGIN(cuStreamCreate, true)
	*out = *streams.insert(new Stream{0}).first;
	return OK;
}

API cuStreamCreateWithPriority(Stream **out, unsigned, int priority)
{
	BEGIN(cuStreamCreateWithPriority, true)
	*out = *streams.insert(new Stream{priority}).first;
	return OK;
}

API cuStreamDestroy_v2(Stream *s)
{
	BEGIN(cuStreamDestroy_v2, true)
	return destroy(streams, s);
}

API cuStreamSynchronize(Stream *s)
{
	BEGIN(cuStreamSynchronize, true)
	return valid(s) ? OK : INVALID_HANDLE;
}

API cuStreamQuery(Stream *s)
{
	BEGIN(cuStreamQuery, true)
	return valid(s) ? OK : INVALID_HANDLE;
}

API cuStreamWaitEvent(Stream *s, Event *e, unsigned)
{
	BEGIN(cuStreamWaitEvent, true)
	return valid(s) && events.count(e) ? OK : INVALID_HANDLE;
}

API cuEventCreate(Event **out, unsigned)
{
	BEGIN(cuEventCreate, true)
	*out = *events.insert(new Event{{0, 0}}).first;
	return OK;
}

API cuEventRecord(Event *e, Stream *s)
{
	BEGIN(cuEventRecord, true)
	if (!valid(s) || !events.count(e))
		return INVALID_HANDLE;
	clock_gettime(CLOCK_MONOTONIC, &e->at);
	return OK;
}

API cuEventQuery(Event *e)
{
	BEGIN(cuEventQuery, true)
	return events.count(e) ? OK : INVALID_HANDLE;
}

API cuEventSynchronize(Event *e)
{
	BEGIN(cuEventSynchronize, true)
	return events.count(e) ? OK : INVALID_HANDLE;
}

API cuEventElapsedTime(float *ms, Event *a, Event *b)
{
	BEGIN(cuEventElapsedTime, true)
	if (!events.count(a) || !events.count(b))
		return INVALID_HANDLE;
	*ms = (b->at.tv_sec - a->at.tv_sec) * 1e3f + (b->at.tv_nsec - a->at.tv_nsec) * 1e-6f;
	return OK;
}

API cuEventDestroy_v2(Event *e)
{
	BEGIN(cuEventDestroy_v2, true)
	return destroy(events, e);
}
}
