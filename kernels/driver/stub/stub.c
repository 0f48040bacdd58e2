/* stub.c - stands in for libcuda at link time.
 *
 * A program that is linked with it has no dependency on the driver and starts anywhere. The
 * first call of any function but cuInit loads the library that the environment variable
 * GALVANI_CUDA_LIBRARY names, or else libcuda.so.1, and initialises it. From then on calls go
 * to the functions of that library. cuInit itself does nothing and succeeds: package cu calls
 * it when a program starts and ends the program where it fails, and a program that never asks
 * for a GPU shall not wait for one.
 *
 * Where there is no library, or its cuInit fails, there are 0 devices and every other function
 * returns CUDA_ERROR_NOT_INITIALIZED; a function that the library does not have returns
 * CUDA_ERROR_NOT_FOUND. Symbols are hidden so that the loaded library cannot find these instead
 * of its own.
 */
#define _GNU_SOURCE
#include <cuda.h>
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stub.h"

#define SYMBOL(name) SYMBOL_(name)
#define SYMBOL_(name) #name

enum {
#define CUDA_CALL(name, params, args) CALL_##name,
#include "cuda_calls.h"
#undef CUDA_CALL
	CALLS
};

static const char *const symbols[CALLS] = {
#define CUDA_CALL(name, params, args) SYMBOL(name),
#include "cuda_calls.h"
#undef CUDA_CALL
};

static void *entries[CALLS];
static CUresult (*get_version)(int *), (*get_count)(int *);
static CUresult init_code = CUDA_ERROR_NOT_INITIALIZED;
static char library[4096], reason[4096];
static pthread_once_t once = PTHREAD_ONCE_INIT;

const char *galvani_cuda_name(int code)
{
	switch (code) {
#define CUDA_CODE(name, number) case number: return #name;
#include "cuda_codes.h"
#undef CUDA_CODE
	}
	return "";
}

static void explain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
}

/* remember_path replaces the name of the library by the path where the loader found it. */
static void remember_path(void *handle)
{
	struct link_map *map;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0])
		snprintf(library, sizeof library, "%s", map->l_name);
}

static void init(CUresult (*cuinit)(unsigned int))
{
	const char *name;

	init_code = cuinit(0);
	if (init_code == CUDA_SUCCESS)
		return;
	name = galvani_cuda_name(init_code);
	explain("%s: cuInit reports %d%s%s", library, (int)init_code, *name ? " " : "", name);
}

static void load(void)
{
	const char *name = getenv("GALVANI_CUDA_LIBRARY");
	CUresult (*cuinit)(unsigned int);
	void *handle;
	int i;

	snprintf(library, sizeof library, "%s", name && *name ? name : "libcuda.so.1");
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		explain("%s", dlerror());
		return;
	}
	remember_path(handle);
	for (i = 0; i < CALLS; i++)
		entries[i] = dlsym(handle, symbols[i]);
	*(void **)&get_version = dlsym(handle, "cuDriverGetVersion");
	*(void **)&get_count = dlsym(handle, "cuDeviceGetCount");
	*(void **)&cuinit = dlsym(handle, "cuInit");
	if (!cuinit || !get_count) {
		explain("%s: not a CUDA driver: no %s", library, cuinit ? "cuDeviceGetCount" : "cuInit");
		return;
	}
	init(cuinit);
}

static int usable(void)
{
	pthread_once(&once, load);
	return init_code == CUDA_SUCCESS;
}

const char *galvani_cuda_library(void)
{
	usable();
	return library;
}

const char *galvani_cuda_reason(void)
{
	usable();
	return reason;
}

int galvani_cuda_code(void)
{
	usable();
	return init_code;
}

CUresult cuInit(unsigned int flags)
{
	(void)flags;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
	if (usable())
		return get_count(count);
	*count = 0;
	return CUDA_SUCCESS;
}

/* cuDriverGetVersion works without a device, so that a message can name the version. */
CUresult cuDriverGetVersion(int *version)
{
	usable();
	return get_version ? get_version(version) : CUDA_ERROR_NOT_INITIALIZED;
}

#define CUDA_CALL(name, params, args)                                 \
	CUresult name params                                          \
	{                                                             \
		if (!usable())                                        \
			return CUDA_ERROR_NOT_INITIALIZED;            \
		if (!entries[CALL_##name])                            \
			return CUDA_ERROR_NOT_FOUND;                  \
		return ((CUresult(*) params)entries[CALL_##name])args; \
	}
#include "cuda_calls.h"
