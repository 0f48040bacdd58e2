//go:build gpu

package driver

/*
#include <cuda.h>

#cgo noescape galvani_launch
#cgo nocallback galvani_launch

struct galvani_grid {
	unsigned int gx, gy, gz, bx, by, bz, shared, cluster, together;
};

// galvani_launch launches a kernel with one parameter, a struct passed by value. A cluster of
// more than one block lies along x.
static CUresult galvani_launch(CUfunction fn, CUstream stream, struct galvani_grid g, void *param)
{
	void *params[] = {param};

	if (g.cluster <= 1 && !g.together)
		return cuLaunchKernel(fn, g.gx, g.gy, g.gz, g.bx, g.by, g.bz, g.shared, stream, params, NULL);

	CUlaunchAttribute attrs[2];
	CUlaunchConfig config = {g.gx, g.gy, g.gz, g.bx, g.by, g.bz, g.shared, stream, attrs, 0};

	if (g.cluster > 1)
		attrs[config.numAttrs++] = (CUlaunchAttribute){.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, .value.clusterDim = {g.cluster, 1, 1}};
	if (g.together)
		attrs[config.numAttrs++] = (CUlaunchAttribute){.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE, .value.cooperative = 1};

	return cuLaunchKernelEx(&config, fn, params, NULL);
}
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// Ptr is an address in device memory, 0 for none.
type Ptr uint64

// Queue is what a queued function does on the device. It is only for use inside such a function.
type Queue struct {
	context cu.CUContext
	stream  cu.Stream
}

// Alloc allocates n bytes of device memory. What they hold is not defined. The error of a full
// device is ErrMemory.
func (q *Queue) Alloc(n int64) (Ptr, error) {
	if n <= 0 {
		return 0, fmt.Errorf("driver: allocation of %d bytes, want at least 1", n)
	}
	p, err := cu.MemAlloc(n)
	if err != nil {
		return 0, q.memoryError(check("cuMemAlloc", err), n)
	}
	return Ptr(p), nil
}

// memoryError adds to ErrMemory what was asked for and what there is.
func (q *Queue) memoryError(err error, n int64) error {
	var e *Error
	if !errors.As(err, &e) || e.Class() != ErrMemory {
		return err
	}
	e.Detail = fmt.Sprintf("%d bytes asked for", n)
	if free, total, err := q.MemInfo(); err == nil {
		e.Detail += fmt.Sprintf(", %d of %d free", free, total)
	}
	return e
}

// Free gives device memory back.
func (q *Queue) Free(p Ptr) error { return check("cuMemFree", cu.MemFree(cu.DevicePtr(p))) }

// MemInfo returns how many bytes of device memory are free, for all processes, and in all.
func (q *Queue) MemInfo() (free, total int64, err error) {
	free, total, err = cu.MemInfo()
	return free, total, check("cuMemGetInfo", err)
}

// Pinned allocates n bytes of host memory that the device can copy from and to by itself.
func (q *Queue) Pinned(n int) (unsafe.Pointer, error) {
	if n <= 0 {
		return nil, fmt.Errorf("driver: allocation of %d bytes, want at least 1", n)
	}
	var p unsafe.Pointer
	if code := C.cuMemHostAlloc(&p, C.size_t(n), 0); code != C.CUDA_SUCCESS {
		return nil, &Error{"cuMemHostAlloc", int(code), fmt.Sprintf("%d bytes of pinned host memory asked for", n)}
	}
	return p, nil
}

// FreePinned gives memory of Pinned back.
func (q *Queue) FreePinned(p unsafe.Pointer) error {
	return check("cuMemFreeHost", cu.MemFreeHost(p))
}

// CopyIn starts a copy of n bytes from pinned host memory to the device.
func (q *Queue) CopyIn(dst Ptr, src unsafe.Pointer, n int64) error {
	return check("cuMemcpyHtoDAsync", cu.MemcpyHtoDAsync(cu.DevicePtr(dst), src, n, q.stream))
}

// CopyOut starts a copy of n bytes from the device to pinned host memory.
func (q *Queue) CopyOut(dst unsafe.Pointer, src Ptr, n int64) error {
	return check("cuMemcpyDtoHAsync", cu.MemcpyDtoHAsync(dst, cu.DevicePtr(src), n, q.stream))
}

// CopyOn starts a copy of n bytes within the device; the two ranges do not overlap.
func (q *Queue) CopyOn(dst, src Ptr, n int64) error {
	return check("cuMemcpyDtoDAsync", cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), n, q.stream))
}

// Zero starts to fill n bytes with zeros.
func (q *Queue) Zero(p Ptr, n int64) error {
	if p%4 != 0 || n%4 != 0 {
		return check("cuMemsetD8Async", cu.MemsetD8Async(cu.DevicePtr(p), 0, n, q.stream))
	}
	return check("cuMemsetD32Async", cu.MemsetD32Async(cu.DevicePtr(p), 0, n/4, q.stream))
}

// Sync waits until the device has done all that was started.
func (q *Queue) Sync() error { return check("cuStreamSynchronize", q.stream.Synchronize()) }

// Event is a mark in the queue that can be waited for.
type Event struct {
	event cu.Event
	queue *Queue
}

// NewEvent makes an event that counts as reached until its first Record.
func (q *Queue) NewEvent() (*Event, error) {
	e, err := cu.MakeEvent(cu.BlockingSyncEvent | cu.DisableTiming)
	if err != nil {
		return nil, check("cuEventCreate", err)
	}
	return &Event{e, q}, nil
}

// Record puts the mark behind all that was started so far.
func (e *Event) Record() error { return check("cuEventRecord", e.event.Record(e.queue.stream)) }

// Query returns whether the device has reached the mark.
func (e *Event) Query() (bool, error) {
	err := check("cuEventQuery", e.event.Query())
	var c *Error
	if errors.As(err, &c) && c.Code == C.CUDA_ERROR_NOT_READY {
		return false, nil
	}
	return err == nil, err
}

// Sync waits until the device has reached the mark.
func (e *Event) Sync() error { return check("cuEventSynchronize", e.event.Synchronize()) }

// Close gives the event back.
func (e *Event) Close() error { return check("cuEventDestroy", cu.DestroyEvent(&e.event)) }

// Module is loaded code.
type Module struct {
	module cu.Module
	queue  *Queue
}

// jitLog is how many bytes of messages the compiler in the driver may leave.
const jitLog = 8192

// Load loads machine code, or PTX, which the driver compiles for the device. An error holds the
// compiler's messages.
func (q *Queue) Load(image []byte) (*Module, error) {
	log := &cu.JITErrorLogBuffer{Buffer: make([]byte, jitLog)}
	m, err := cu.LoadDataEx(string(image), log)
	runtime.KeepAlive(log) // cu holds its buffer as a number
	if err = check("cuModuleLoadDataEx", err); err == nil {
		return &Module{m, q}, nil
	}
	var e *Error
	if errors.As(err, &e) {
		text, _, _ := bytes.Cut(log.Buffer, []byte{0})
		e.Detail = strings.Join(strings.Fields(string(text)), " ")
		if e.Code == C.CUDA_ERROR_UNSUPPORTED_PTX_VERSION {
			e.Detail += supports()
		}
	}
	return nil, err
}

// Close unloads the module.
func (m *Module) Close() error { return check("cuModuleUnload", m.module.Unload()) }

// Function is a kernel of a module. Its handles are those inside cu's one-field structs.
type Function struct {
	fn     C.CUfunction
	stream C.CUstream
}

// Function looks up a kernel by name.
func (m *Module) Function(name string) (*Function, error) {
	fn, err := m.module.Function(name)
	if err = check("cuModuleGetFunction", err); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Detail = "kernel " + name
		}
		return nil, err
	}
	return &Function{
		fn:     *(*C.CUfunction)(unsafe.Pointer(&fn)),
		stream: *(*C.CUstream)(unsafe.Pointer(&m.queue.stream)),
	}, nil
}

// SetShared lets launches ask for up to so many bytes of dynamic shared memory; without it the
// limit is 48 KB.
func (f *Function) SetShared(bytes int) error {
	code := C.cuFuncSetAttribute(f.fn, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes))
	if code != C.CUDA_SUCCESS {
		return &Error{"cuFuncSetAttribute", int(code), fmt.Sprintf("%d bytes of dynamic shared memory", bytes)}
	}
	return nil
}

// LargeClusters lets launches ask for clusters of more than clusterBlocks blocks, up to 16, which not
// every GPU has room for.
func (f *Function) LargeClusters() error {
	if code := C.cuFuncSetAttribute(f.fn, C.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED, 1); code != C.CUDA_SUCCESS {
		return &Error{"cuFuncSetAttribute", int(code), "large clusters"}
	}
	return nil
}

// Launch is the shape of a launch.
type Launch struct {
	Grid, Block [3]int // blocks, and threads of each
	Shared      int    // bytes of dynamic shared memory of a block
	Cluster     int    // blocks of a cluster along x; 0 and 1 mean none
	Together    bool   // all blocks run at once, or the launch fails: they may wait for each other
}

// Launch starts the kernel, whose one parameter is the struct that params points to. The struct
// is copied before Launch returns and holds no Go pointers.
func (f *Function) Launch(l Launch, params unsafe.Pointer) error {
	g := C.struct_galvani_grid{
		gx: C.uint(l.Grid[0]), gy: C.uint(l.Grid[1]), gz: C.uint(l.Grid[2]),
		bx: C.uint(l.Block[0]), by: C.uint(l.Block[1]), bz: C.uint(l.Block[2]),
		shared: C.uint(l.Shared), cluster: C.uint(l.Cluster),
	}
	if l.Together {
		g.together = 1
	}
	if code := C.galvani_launch(f.fn, f.stream, g, params); code != 0 {
		return f.launchError(l, int(code))
	}
	return nil
}

func (f *Function) launchError(l Launch, code int) error {
	call := "cuLaunchKernel"
	if l.Cluster > 1 || l.Together {
		call = "cuLaunchKernelEx"
	}
	return &Error{Call: call, Code: code,
		Detail: fmt.Sprintf("grid %v, block %v, %d bytes shared, cluster %d", l.Grid, l.Block, l.Shared, l.Cluster)}
}
