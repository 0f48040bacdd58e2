// calls_device.inc.h - the calls of driver.cpp on devices and contexts.

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
