// calls_module.inc.h - the calls of driver.cpp on modules and functions.

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
