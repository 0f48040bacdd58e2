/* fake.c - a driver for the tests of package driver: one device whose memory is the host's, work
 * that is done before the call returns, one kernel. Environment variables make it fail:
 *
 *   FAKE_DEVICES   number of devices, 1 if not set
 *   FAKE_FAIL      NAME=CODE: the function NAME returns CODE
 *
 * It has no cuCtxSynchronize. The file that FAKE_LIVE names is written when a context is
 * destroyed: how many contexts and streams are left.
 */
#include <cuda.h>
#include <stdio.h>
#include <string.h>

static int live_contexts, live_streams;
static int handle;

static CUresult fail(const char *name)
{
	const char *f = getenv("FAKE_FAIL");
	size_t n = strlen(name);

	return f && strncmp(f, name, n) == 0 && f[n] == '=' ? (CUresult)atoi(f + n + 1) : CUDA_SUCCESS;
}

#define FAIL(name)                                 \
	do {                                       \
		CUresult code = fail(#name);       \
		if (code != CUDA_SUCCESS)          \
			return code;               \
	} while (0)

CUresult cuInit(unsigned int flags)
{
	FAIL(cuInit);
	return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDriverGetVersion(int *version)
{
	FAIL(cuDriverGetVersion);
	*version = 12020;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
	const char *n = getenv("FAKE_DEVICES");

	FAIL(cuDeviceGetCount);
	*count = n ? atoi(n) : 1;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *dev, int ordinal)
{
	FAIL(cuDeviceGet);
	*dev = ordinal;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int len, CUdevice dev)
{
	FAIL(cuDeviceGetName);
	snprintf(name, len, "Fake GPU %d", dev);
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem(size_t *bytes, CUdevice dev)
{
	FAIL(cuDeviceTotalMem);
	(void)dev;
	*bytes = (size_t)80 << 30;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attr, CUdevice dev)
{
	FAIL(cuDeviceGetAttribute);
	switch ((int)attr) {
	case 75: *value = dev == 0 ? 9 : 7; return CUDA_SUCCESS;
	case 76: *value = dev == 0 ? 0 : 5; return CUDA_SUCCESS;
	case 16: *value = 132; return CUDA_SUCCESS;
	case 97: *value = 232448; return CUDA_SUCCESS;
	}
	return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuCtxCreate(CUcontext *ctx, unsigned int flags, CUdevice dev)
{
	FAIL(cuCtxCreate);
	(void)dev;
	if (flags != CU_CTX_SCHED_BLOCKING_SYNC)
		return CUDA_ERROR_INVALID_VALUE;
	live_contexts++;
	*ctx = (CUcontext)&handle;
	return CUDA_SUCCESS;
}

CUresult cuCtxDestroy(CUcontext ctx)
{
	const char *path = getenv("FAKE_LIVE");
	FILE *f;

	FAIL(cuCtxDestroy);
	(void)ctx;
	live_contexts--;
	if (path && (f = fopen(path, "w"))) {
		fprintf(f, "contexts %d streams %d\n", live_contexts, live_streams);
		fclose(f);
	}
	return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *stream, unsigned int flags)
{
	FAIL(cuStreamCreate);
	if (flags != CU_STREAM_NON_BLOCKING)
		return CUDA_ERROR_INVALID_VALUE;
	live_streams++;
	*stream = (CUstream)&handle;
	return CUDA_SUCCESS;
}

CUresult cuStreamDestroy(CUstream stream)
{
	FAIL(cuStreamDestroy);
	(void)stream;
	live_streams--;
	return CUDA_SUCCESS;
}

static CUresult on_stream(CUstream stream)
{
	return stream == (CUstream)&handle ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuStreamSynchronize(CUstream stream)
{
	FAIL(cuStreamSynchronize);
	return on_stream(stream);
}

CUresult cuEventCreate(CUevent *event, unsigned int flags)
{
	FAIL(cuEventCreate);
	if (flags != (CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING))
		return CUDA_ERROR_INVALID_VALUE;
	*event = (CUevent)&handle;
	return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event)
{
	FAIL(cuEventDestroy);
	(void)event;
	return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream)
{
	FAIL(cuEventRecord);
	(void)event;
	return on_stream(stream);
}

CUresult cuEventQuery(CUevent event)
{
	FAIL(cuEventQuery);
	(void)event;
	return CUDA_SUCCESS;
}

CUresult cuEventSynchronize(CUevent event)
{
	FAIL(cuEventSynchronize);
	(void)event;
	return CUDA_SUCCESS;
}

CUresult cuMemGetInfo(size_t *free, size_t *total)
{
	FAIL(cuMemGetInfo);
	*free = 1000;
	*total = 4000;
	return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *ptr, size_t bytes)
{
	FAIL(cuMemAlloc);
	*ptr = (CUdeviceptr)malloc(bytes);
	memset((void *)*ptr, 0x7f, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemFree(CUdeviceptr ptr)
{
	FAIL(cuMemFree);
	free((void *)ptr);
	return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **ptr, size_t bytes, unsigned int flags)
{
	FAIL(cuMemHostAlloc);
	(void)flags;
	*ptr = malloc(bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *ptr)
{
	FAIL(cuMemFreeHost);
	free(ptr);
	return CUDA_SUCCESS;
}

static CUresult copy(void *dst, const void *src, size_t n, CUstream stream)
{
	memcpy(dst, src, n);
	return on_stream(stream);
}

CUresult cuMemcpyHtoDAsync(CUdeviceptr dst, const void *src, size_t n, CUstream stream)
{
	FAIL(cuMemcpyHtoDAsync);
	return copy((void *)dst, src, n, stream);
}

CUresult cuMemcpyDtoHAsync(void *dst, CUdeviceptr src, size_t n, CUstream stream)
{
	FAIL(cuMemcpyDtoHAsync);
	return copy(dst, (void *)src, n, stream);
}

CUresult cuMemcpyDtoDAsync(CUdeviceptr dst, CUdeviceptr src, size_t n, CUstream stream)
{
	FAIL(cuMemcpyDtoDAsync);
	return copy((void *)dst, (void *)src, n, stream);
}

CUresult cuMemsetD8Async(CUdeviceptr dst, unsigned char value, size_t n, CUstream stream)
{
	FAIL(cuMemsetD8Async);
	memset((void *)dst, value, n);
	return on_stream(stream);
}

CUresult cuMemsetD32Async(CUdeviceptr dst, unsigned int value, size_t n, CUstream stream)
{
	FAIL(cuMemsetD32Async);
	for (size_t i = 0; i < n; i++)
		((unsigned int *)dst)[i] = value;
	return on_stream(stream);
}

/* cuModuleLoadDataEx takes images that begin with ".version"; it leaves a message of two lines for
 * others. */
CUresult cuModuleLoadDataEx(CUmodule *mod, const void *image, unsigned int n, CUjit_option *options, void **values)
{
	FAIL(cuModuleLoadDataEx);
	if (strncmp(image, ".version", 8) != 0) {
		if (n == 2 && options[0] == CU_JIT_ERROR_LOG_BUFFER && options[1] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
			snprintf(values[0], (size_t)values[1], "ptxas application ptx input, line 1; fatal\n: %s\n", (char *)image);
		return CUDA_ERROR_INVALID_PTX;
	}
	*mod = (CUmodule)&handle;
	return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule mod)
{
	FAIL(cuModuleUnload);
	(void)mod;
	return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *fn, CUmodule mod, const char *name)
{
	FAIL(cuModuleGetFunction);
	if (mod != (CUmodule)&handle || strcmp(name, "echo") != 0)
		return CUDA_ERROR_NOT_FOUND;
	*fn = (CUfunction)&handle;
	return CUDA_SUCCESS;
}

static int shared_limit = 49152;

CUresult cuFuncSetAttribute(CUfunction fn, CUfunction_attribute attr, int value)
{
	FAIL(cuFuncSetAttribute);
	if (fn != (CUfunction)&handle || attr != 8 || value > 232448)
		return CUDA_ERROR_INVALID_VALUE;
	shared_limit = value;
	return CUDA_SUCCESS;
}

/* echo writes how it was launched and the rest of its parameter to out. */
struct echo_params {
	CUdeviceptr out;
	int n;
	float x;
};

static CUresult echo(const CUlaunchConfig *c, unsigned int cluster, void **params)
{
	struct echo_params p;
	int *out;

	if ((int)c->sharedMemBytes > shared_limit)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(&p, params[0], sizeof p);
	out = (int *)p.out;
	memcpy(out, c, 7 * sizeof(int));
	out[7] = cluster;
	out[8] = p.n;
	memcpy(out + 9, &p.x, sizeof p.x);
	return on_stream(c->hStream);
}

CUresult cuLaunchKernel(CUfunction fn, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by,
			unsigned int bz, unsigned int shared, CUstream stream, void **params, void **extra)
{
	CUlaunchConfig c = {gx, gy, gz, bx, by, bz, shared, stream, NULL, 0};

	FAIL(cuLaunchKernel);
	return fn == (CUfunction)&handle && !extra ? echo(&c, 0, params) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction fn, void **params, void **extra)
{
	const unsigned int *raw;

	FAIL(cuLaunchKernelEx);
	/* The attribute as the driver's interface lays it out: a number, padding to 8 bytes, x y z. */
	raw = (const unsigned int *)c->attrs;
	if (fn != (CUfunction)&handle || extra || c->numAttrs != 1 || raw[0] != 4 || raw[3] != 1 || raw[4] != 1)
		return CUDA_ERROR_INVALID_VALUE;
	return echo(c, raw[2], params);
}
