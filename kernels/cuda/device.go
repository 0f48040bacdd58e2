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

	"galvani/kernels/driver"
	"galvani/kernels/ptx"
)

// Precisions are the number formats of matrix products, by the suffix of their kernels.
var Precisions = []string{"fp32", "tf32", "bf16"}

// tensorCores is the first compute capability with the products of tf32 and bf16.
const tensorCores = 80

// ErrPrecision means that a GPU lacks the products of a precision.
var ErrPrecision = errors.New("precision not available")

// Limits are what a scan's layout depends on.
type Limits struct {
	SMs, Shared, Cluster, Compute int
}

// Options change how a Device computes.
type Options struct {
	// Precision is one of Precisions; "" is fp32.
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
// share the GPU and the order of its work.
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
	prec        int // index into Precisions
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

// Open opens GPU number index.
// Errors: wraps driver.ErrUnavailable where there is none; a precision that the GPU lacks.
func Open(index int, opt Options) (*Device, error) {
	if opt.Precision == "" {
		opt.Precision = Precisions[0]
	}
	prec := slices.Index(Precisions, opt.Precision)
	if prec < 0 {
		return nil, fmt.Errorf("cuda: %w: %q, want one of %v", ErrPrecision, opt.Precision, Precisions)
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
	if prec > 0 && c.limits.Compute < tensorCores {
		drv.Close()
		return nil, fmt.Errorf("cuda: %w: %s needs compute capability 8.0, %s has %d.%d", ErrPrecision, opt.Precision, c.info.Name, c.info.Major, c.info.Minor)
	}
	d := newAccount(c, nil)
	if err := d.build("open", func(*builder) {}); err != nil { // asks how much memory is free
		drv.Close()
		return nil, err
	}
	return d, nil
}

func newAccount(c *core, parent *Device) *Device {
	return &Device{core: c, parent: parent, owned: map[driver.Ptr]int64{}, scratch: map[string]*scratch{}}
}

// Fork returns the same GPU with an account of its own, whose Close frees what was allocated
// through it.
func (d *Device) Fork() *Device { return newAccount(d.core, d) }

// Info describes the hardware.
func (d *Device) Info() driver.Info { return d.info }

// Precision returns the number format of products.
func (d *Device) Precision() string { return Precisions[d.prec] }

// Wait waits for all queued work.
func (d *Device) Wait() error { return d.drv.Wait() }

// Close frees what was allocated through d. The Device that Open returned also gives back the
// GPU, and with it what its forks hold.
func (d *Device) Close() error {
	if d.parent == nil {
		return errors.Join(d.releaseAll(), d.drv.Close())
	}
	return d.releaseAll()
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

// Usage returns the bytes in use through d and its forks, the most there were at a time, and
// what of the hardware's memory was free when last asked.
func (d *Device) Usage() (inUse, high, free, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inUse, d.high, d.free, d.total
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

// scratch is memory that plans of a Device share, because the work of one ends before that of
// the next begins. It grows to what the largest plan needs.
type scratch struct {
	ptr  driver.Ptr
	size int64
}

// builder allocates what a plan needs, all or nothing. After the first failure it does nothing.
type builder struct {
	d    *Device
	q    *driver.Queue
	what string
	err  error
	// what was made so far
	made   []driver.Ptr
	pinned []unsafe.Pointer
	events []*driver.Event
	grown  map[*scratch]scratch // what they were before
}

// build calls f to allocate a plan. A failure leaves the Device as it was, so that another plan
// can be tried; only a lost device stays lost.
func (d *Device) build(what string, f func(*builder)) error {
	b := &builder{d: d, what: what, grown: map[*scratch]scratch{}}
	err := d.drv.Do(func(q *driver.Queue) error {
		b.q = q
		f(b)
		if b.err == nil {
			b.err = q.Sync() // uploads read memory of the caller
			d.memInfo(q)
		}
		b.end()
		d.pinned, d.events = append(d.pinned, b.pinned...), append(d.events, b.events...)
		if errors.Is(b.err, driver.ErrLost) {
			return b.err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.err
}

// end gives back what was made where something failed, and the scratch that was replaced where
// all went well.
func (b *builder) end() {
	var errs []error
	for s, old := range b.grown {
		p := old.ptr
		if b.err != nil {
			p, *s = s.ptr, old
		}
		if p != 0 {
			errs = append(errs, b.d.release(b.q, p))
		}
	}
	if b.err != nil {
		for _, p := range b.made {
			errs = append(errs, b.d.release(b.q, p))
		}
		for _, p := range b.pinned {
			errs = append(errs, b.q.FreePinned(p))
		}
		for _, e := range b.events {
			errs = append(errs, e.Close())
		}
		b.pinned, b.events = nil, nil
	}
	b.err = errors.Join(append([]error{b.err}, errs...)...)
}

// bytes allocates n bytes; of none it returns 0.
func (b *builder) bytes(n int64) driver.Ptr {
	if b.err != nil || n == 0 {
		return 0
	}
	p, err := b.d.alloc(b.q, b.what, n)
	if err != nil {
		b.err = err
		return 0
	}
	b.made = append(b.made, p)
	return p
}

// floats allocates n numbers.
func (b *builder) floats(n int) driver.Ptr { return b.bytes(int64(n) * 4) }

// upload allocates and fills an array.
func upload[E int32 | float32](b *builder, data []E) driver.Ptr {
	n := int64(len(data)) * 4
	p := b.bytes(n)
	if b.err == nil && n > 0 {
		b.err = b.q.CopyIn(p, unsafe.Pointer(unsafe.SliceData(data)), n)
	}
	return p
}

// host allocates n bytes of host memory that the GPU copies to and from by itself.
func (b *builder) host(n int) unsafe.Pointer {
	if b.err != nil {
		return nil
	}
	p, err := b.q.Pinned(n)
	if err != nil {
		b.err = fmt.Errorf("cuda: %s: %w", b.what, err)
		return nil
	}
	b.pinned = append(b.pinned, p)
	return p
}

// event makes a mark in the order of work.
func (b *builder) event() *driver.Event {
	if b.err != nil {
		return nil
	}
	e, err := b.q.NewEvent()
	if err != nil {
		b.err = fmt.Errorf("cuda: %s: %w", b.what, err)
		return nil
	}
	b.events = append(b.events, e)
	return e
}

// scratch returns memory of at least n numbers under a name.
func (b *builder) scratch(name string, n int) *scratch {
	s := b.d.scratch[name]
	if s == nil {
		s = &scratch{}
		b.d.scratch[name] = s
	}
	size := int64(n) * 4
	if b.err != nil || s.size >= size {
		return s
	}
	p, err := b.d.alloc(b.q, b.what, size)
	if err != nil {
		b.err = err
		return s
	}
	if _, again := b.grown[s]; again {
		b.err = b.d.release(b.q, s.ptr) // nothing uses it yet
	} else {
		b.grown[s] = *s
	}
	s.ptr, s.size = p, size
	return s
}

// kernel returns the named kernel of a module.
func (b *builder) kernel(module, name string) *kernel {
	if b.err != nil {
		return nil
	}
	if k := b.d.kernels[name]; k != nil {
		return k
	}
	k := &kernel{name: name}
	if k.f, b.err = b.d.function(b.q, module, name); b.err != nil {
		b.err = fmt.Errorf("cuda: kernel %s: %w", name, b.err)
		return nil
	}
	b.d.kernels[name] = k
	return k
}

// plainShared is the dynamic shared memory that every kernel may have without being told.
const plainShared = 48 << 10

// shared lets a kernel be launched with n bytes of dynamic shared memory.
func (b *builder) shared(k *kernel, n int) {
	if b.err != nil || n <= max(k.shared, plainShared) {
		return
	}
	if err := k.f.SetShared(n); err != nil {
		b.err = fmt.Errorf("cuda: kernel %s with %d bytes of shared memory: %w", k.name, n, err)
	}
	k.shared = n
}

func (c *core) function(q *driver.Queue, module, name string) (*driver.Function, error) {
	m := c.modules[module]
	if m == nil {
		text, err := ptx.Module(module, c.limits.Compute)
		if err != nil {
			return nil, err
		}
		if m, err = q.Load(text); err != nil {
			return nil, err
		}
		c.modules[module] = m
	}
	return m.Function(name)
}

// shape is how a kernel is launched.
type shape struct {
	grid, block     [3]int
	shared, cluster int
}

// launch queues a kernel; params points to its struct of params.h.
func (k *kernel) launch(s shape, params unsafe.Pointer) error {
	err := k.f.Launch(driver.Launch{Grid: s.grid, Block: s.block, Shared: s.shared, Cluster: s.cluster}, params)
	if err != nil {
		return fmt.Errorf("cuda: kernel %s: %w", k.name, err)
	}
	return nil
}
