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

#include "hardware.inc.h"
#include "launches.inc.h"
#include "errors.inc.h"

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

#include "calls_device.inc.h"
#include "calls_module.inc.h"
#include "calls_memory.inc.h"

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
