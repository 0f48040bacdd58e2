// calls_memory.inc.h - the calls of driver.cpp on memory.

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
