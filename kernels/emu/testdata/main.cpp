// main.cpp - launches one kernel of cases.cu on a driver library:
//
//   main LIBRARY KERNEL BLOCKS THREADS CLUSTER SHARED N ELEMENTS FAULT
//
// x and y have ELEMENTS floats, x[i] = sin(i). FAULT spoils what the kernel gets or what is given
// back: none, freed, host, unwritten, leak, target70 (PTX for compute 7.0), stale (no such kernel
// in the PTX); together launches all blocks at once. It prints "CALL CODE" for each call that fails, then y.
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <vector>

#include <cuda.h>

#include "case.h"

static void *library;
static int failures;

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

template <typename... A> static int call(const char *name, A... args)
{
	int (*f)(A...) = (int (*)(A...))dlsym(library, name);
	if (!f) {
		fprintf(stderr, "no %s\n", name);
		exit(2);
	}
	int code = f(args...);
	if (code) {
		printf("%s %d\n", name, code);
		failures++;
	}
	return code;
}

int main(int argc, char **argv)
{
	if (argc != 10)
		return 2;
	library = dlopen(argv[1], RTLD_NOW);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	const char *kernel = argv[2], *fault = argv[9];
	unsigned blocks = atoi(argv[3]), threads = atoi(argv[4]), cluster = atoi(argv[5]), shared = atoi(argv[6]);
	size_t n = atoi(argv[8]);
	std::vector<float> x(n), y(n);
	for (size_t i = 0; i < n; i++)
		x[i] = sinf((float)i);

	CUcontext ctx = nullptr;
	CUdevice device = 0;
	if (call("cuInit", 0u) || call("cuDeviceGet", &device, 0) || call("cuCtxCreate_v2", &ctx, 0u, device))
		return 1;
	CUdeviceptr dx = 0, dy = 0;
	call("cuMemAlloc_v2", &dx, n * sizeof(float));
	call("cuMemAlloc_v2", &dy, n * sizeof(float));
	if (!is(fault, "unwritten"))
		call("cuMemcpyHtoD_v2", dx, (const void *)x.data(), n * sizeof(float));
	call("cuMemsetD8_v2", dy, (unsigned char)0, n * sizeof(float));

	case_params p = {atoi(argv[7]), dx, dy};
	if (is(fault, "freed"))
		call("cuMemFree_v2", dx);
	if (is(fault, "host"))
		p.x = (unsigned long long)x.data();

	std::string ptx = std::string(".version 8.2\n.target sm_") + (is(fault, "target70") ? "70" : "90") + "\n.visible .entry " +
			  (is(fault, "stale") ? "another" : kernel) + "(\n)\n";
	CUmodule module = nullptr;
	CUfunction f = nullptr;
	if (call("cuModuleLoadData", &module, (const void *)ptx.c_str()) || call("cuModuleGetFunction", &f, module, kernel))
		return 1;
	if (shared > 49152)
		call("cuFuncSetAttribute", f, 8, (int)shared);
	CUlaunchAttribute attr = {};
	attr.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
	attr.value.clusterDim.x = cluster;
	attr.value.clusterDim.y = attr.value.clusterDim.z = 1;
	if (is(fault, "together")) {
		attr.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
		attr.value.cooperative = 1;
	}
	CUlaunchConfig config = {};
	config.gridDimX = blocks;
	config.blockDimX = threads;
	config.gridDimY = config.gridDimZ = config.blockDimY = config.blockDimZ = 1;
	config.sharedMemBytes = shared;
	config.attrs = &attr;
	config.numAttrs = 1;
	void *params[] = {&p};
	call("cuLaunchKernelEx", (const CUlaunchConfig *)&config, f, (void **)params, (void **)nullptr);
	call("cuMemcpyDtoH_v2", (void *)y.data(), dy, n * sizeof(float));
	call("cuModuleUnload", module);
	if (!is(fault, "freed") && !is(fault, "leak"))
		call("cuMemFree_v2", dx);
	call("cuMemFree_v2", dy);
	call("cuCtxDestroy_v2", ctx);
	for (float v : y)
		printf("%.9g\n", v);
	return failures != 0;
}
