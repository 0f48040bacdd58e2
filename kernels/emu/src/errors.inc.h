// errors.inc.h - names of errors and attributes of devices for driver.cpp.

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
