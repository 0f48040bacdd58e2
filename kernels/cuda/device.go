//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/ptx"
)

// tensorCores is the first compute capability with the products of tf32 and bf16.
const tensorCores = 80

// leastCompute is the compute capability that the oldest code in package ptx is made for.
const leastCompute = 70

// ErrTooOld means that there is no code for a GPU.
var ErrTooOld = ptx.ErrTooOld

// ErrPrecision means that a GPU lacks the products of a precision.
var ErrPrecision = errors.New("precision not available")

// Limits are what a scan's layout depends on.
type Limits struct {
	SMs, Shared, Cluster, Compute int
}

// Options change how a Device computes.
type Options struct {
	// Precision is one of kernels.Precisions; "" is fp32.
	Precision string
	// Chunk is how many bytes of drives a scan holds at once; 0 is defaultChunk.
	Chunk int64
	// Limits, where not nil, takes the place of the hardware's, so that a test can force a
	// layout.
	Limits *Limits
}

// defaultChunk is large against what a launch costs and the size of an L2 cache.
const defaultChunk = 64 << 20

// Device is a GPU and an account of the memory that was allocated through it. Forks of a Device
// share the GPU and the order of its work. It implements kernels.Resident.
type Device struct {
	*core
	parent  *Device
	owned   map[driver.Ptr]int64
	pinned  []unsafe.Pointer
	events  []*driver.Event
	scratch map[string]*scratch
	inUse   int64
	high    int64
}

// core is what the forks of a Device share.
type core struct {
	drv         *driver.Device
	info        driver.Info
	limits      Limits
	prec        int // index into kernels.Precisions
	chunk       int64
	modules     map[string]*driver.Module // in use inside queued functions only
	kernels     map[string]*kernel
	mu          sync.Mutex // guards the accounts and the fields below
	free, total int64
}

// kernel is a compiled kernel and its name.
type kernel struct {
	name   string
	f      *driver.Function
	shared int // bytes of dynamic shared memory that it may be launched with
}

var (
	_ kernels.Resident = (*Device)(nil)
	_ kernels.Prober   = (*Device)(nil)
)

// Open opens GPU number index.
//
// Errors: wraps kernels.ErrNoDevice where there is none, and with it ErrTooOld or ErrPrecision where it
// lacks what is asked for.
func Open(index int, opt Options) (*Device, error) {
	d, err := open(index, opt)
	return d, sentinel(err)
}

func open(index int, opt Options) (*Device, error) {
	if opt.Precision == "" {
		opt.Precision = kernels.Precisions[0]
	}
	prec := slices.Index(kernels.Precisions, opt.Precision)
	if prec < 0 {
		return nil, fmt.Errorf("cuda: %w: %q, want one of %v", ErrPrecision, opt.Precision, kernels.Precisions)
	}
	drv, err := driver.Open(index)
	if err != nil {
		return nil, err
	}
	c := &core{drv: drv, info: drv.Info(), prec: prec, chunk: opt.Chunk,
		modules: map[string]*driver.Module{}, kernels: map[string]*kernel{}}
	if c.chunk <= 0 {
		c.chunk = defaultChunk
	}
	c.limits = Limits{SMs: c.info.SMs, Shared: c.info.Shared, Cluster: c.info.Cluster, Compute: c.info.Compute()}
	if opt.Limits != nil {
		c.limits = *opt.Limits
	}
	if c.limits.Compute < leastCompute {
		drv.Close()
		return nil, fmt.Errorf("cuda: %w: %s has compute capability %d.%d, want at least %d.%d",
			ErrTooOld, c.info.Name, c.info.Major, c.info.Minor, leastCompute/10, leastCompute%10)
	}
	if prec > 0 && c.limits.Compute < tensorCores {
		drv.Close()
		return nil, fmt.Errorf("cuda: %w: %s needs compute capability 8.0, %s has %d.%d", ErrPrecision, opt.Precision, c.info.Name, c.info.Major, c.info.Minor)
	}
	d := newAccount(c, nil)
	err = drv.Do(func(q *driver.Queue) error {
		d.memInfo(q)
		return q.Sync()
	})
	if err != nil {
		drv.Close()
		return nil, err
	}
	return d, nil
}

// Name implements kernels.Device.
func (d *Device) Name() string {
	return fmt.Sprintf("cuda:%d %s %s", d.info.Index, d.info.Name, d.Precision())
}

func newAccount(c *core, parent *Device) *Device {
	return &Device{core: c, parent: parent, owned: map[driver.Ptr]int64{}, scratch: map[string]*scratch{}}
}

// Fork implements kernels.Resident.
func (d *Device) Fork() (kernels.Resident, error) { return newAccount(d.core, d), nil }

// Info describes the hardware.
func (d *Device) Info() driver.Info { return d.info }

// Precision returns the number format of products.
func (d *Device) Precision() string { return kernels.Precisions[d.prec] }

// Wait waits for all queued work.
func (d *Device) Wait() error { return sentinel(d.drv.Wait()) }

// Close frees what was allocated through d. The Device that Open returned also gives back the
// GPU, and with it what its forks hold.
func (d *Device) Close() error {
	err := d.releaseAll()
	if d.parent != nil {
		return sentinel(err)
	}
	if closed := d.drv.Close(); err == nil {
		err = closed // a failure of queued work is told by both
	}
	return sentinel(err)
}

func (d *Device) releaseAll() error {
	err := d.drv.Do(func(q *driver.Queue) error {
		if err := q.Sync(); err != nil {
			return err
		}
		var errs []error
		for p := range d.owned {
			errs = append(errs, d.release(q, p))
		}
		for _, p := range d.pinned {
			errs = append(errs, q.FreePinned(p))
		}
		for _, e := range d.events {
			errs = append(errs, e.Close())
		}
		d.pinned, d.events = nil, nil
		return errors.Join(errs...)
	})
	clear(d.scratch)
	return err
}

// Usage implements kernels.Resident: what is in use through d and its forks.
func (d *Device) Usage() kernels.Usage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return kernels.Usage{InUse: d.inUse, High: d.high, Free: d.free, Total: d.total}
}

// account books n bytes on d and on the Devices that it was forked from.
func (d *Device) account(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; d != nil; d = d.parent {
		d.inUse += n
		d.high = max(d.high, d.inUse)
	}
}

// alloc allocates n bytes of device memory.
func (d *Device) alloc(q *driver.Queue, what string, n int64) (driver.Ptr, error) {
	p, err := q.Alloc(n)
	if err != nil {
		return 0, fmt.Errorf("cuda: %s: %w", what, err)
	}
	d.owned[p] = n
	d.account(n)
	return p, nil
}

func (d *Device) release(q *driver.Queue, p driver.Ptr) error {
	d.account(-d.owned[p])
	delete(d.owned, p)
	return q.Free(p)
}

// memInfo notes how much memory the hardware has free.
func (d *Device) memInfo(q *driver.Queue) {
	if free, total, err := q.MemInfo(); err == nil {
		d.mu.Lock()
		d.free, d.total = free, total
		d.mu.Unlock()
	}
}
