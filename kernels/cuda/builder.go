//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"galvani/kernels/driver"
	"galvani/kernels/ptx"
)

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
	return d.attempt(func(q *driver.Queue) error {
		b.q = q
		f(b)
		if b.err == nil {
			b.err = q.Sync() // uploads read memory of the caller
			d.memInfo(q)
		}
		b.end()
		d.pinned, d.events = append(d.pinned, b.pinned...), append(d.events, b.events...)
		return b.err
	})
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
func upload[E any](b *builder, data []E) driver.Ptr {
	var e E
	n := int64(len(data)) * int64(unsafe.Sizeof(e))
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
		images, err := ptx.Images(module, c.limits.Compute)
		if err != nil {
			return nil, err
		}
		if m, err = load(q, images); err != nil {
			return nil, err
		}
		c.modules[module] = m
	}
	return m.Function(name)
}

// load loads the first image that the driver takes. One that it cannot run, as machine code made for
// another GPU, is left for the next; what the last one says is the error.
func load(q *driver.Queue, images []ptx.Image) (m *driver.Module, err error) {
	for _, image := range images {
		if m, err = q.Load(image.Data); err == nil || !driver.NoBinary(err) {
			return m, err
		}
	}
	return nil, err
}
