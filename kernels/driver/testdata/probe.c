/* probe.c says what a program sees that is linked with the stand-in for libcuda. */
#include <cuda.h>
#include <stdio.h>

#include "../stub/stub.h"

int main(void)
{
	int count = -1, version = -1, device = -1, code;
	CUdeviceptr p = 0;

	printf("init=%d\n", (int)cuInit(0));
	code = cuDeviceGetCount(&count);
	printf("count=%d,%d\n", code, count);
	code = cuDriverGetVersion(&version);
	printf("version=%d,%d\n", code, version);
	code = cuDeviceGet(&device, 0);
	printf("get=%d,%d\n", code, device);
	printf("alloc=%d\n", (int)cuMemAlloc(&p, 16));
	printf("synchronize=%d\n", (int)cuCtxSynchronize());
	printf("clamp=%d\n", (int)cuTexRefSetMipmapLevelClamp(NULL, 0.5f, 2.0f));
	printf("code=%d\n", galvani_cuda_code());
	printf("library=%s\n", galvani_cuda_library());
	printf("reason=%s\n", galvani_cuda_reason());
	return 0;
}
