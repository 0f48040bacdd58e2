//go:build gpu

package cuda

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// stager copies host memory to a place on the device while the host goes on: through one of two
// buffers, so that it waits only where both are still to be copied.
type stager[E any] struct {
	d       *Device
	to      driver.Ptr
	buffers [2]struct {
		host []E
		done *driver.Event // behind the copy
	}
	next int
}

// push queues a copy of data, which may be changed as soon as push returns. It has the same
// length each time.
func (s *stager[E]) push(data []E) error {
	b := &s.buffers[s.next]
	s.next = 1 - s.next
	var err error
	if b.host == nil {
		err = s.d.build("staging", func(x *builder) {
			b.done = x.event()
			if p := x.host(len(data) * int(unsafe.Sizeof(data[0]))); p != nil {
				b.host = unsafe.Slice((*E)(p), len(data))
			}
		})
	} else {
		err = s.d.wait("push", func(w *work) { w.err = b.done.Sync() })
	}
	if err != nil {
		return err
	}
	copy(b.host, data)
	s.d.queue("push", func(w *work) {
		w.copyIn(s.to, unsafe.Pointer(&b.host[0]), int64(len(b.host))*int64(unsafe.Sizeof(b.host[0])))
		w.record(b.done)
	})
	return nil
}

// Mirror is host memory and its counterpart on a device. It implements kernels.Mirror.
type Mirror struct {
	host  []float32
	array *Array
	stage stager[float32]
}

// Mirror implements kernels.Resident, for dense tensors of float32.
func (d *Device) Mirror(of *tensor.Dense) (kernels.Mirror, error) {
	host, err := kernels.Elems[float32]("mirror", of, of.Shape()...)
	if err != nil {
		return nil, err
	}
	m := &Mirror{host: host}
	err = d.build("mirror", func(b *builder) { m.array = d.array(upload(b, host), len(host)) })
	if err != nil {
		return nil, err
	}
	m.stage = stager[float32]{d: d, to: m.array.ptr}
	return m, nil
}

// View returns elements from offset on as a value of a graph.
func (m *Mirror) View(offset int, shape ...int) gorgonia.Value { return m.array.View(offset, shape...) }

// Push queues a copy of the host memory to the device. The host memory may be changed as soon as
// Push returns.
func (m *Mirror) Push() error {
	if len(m.host) == 0 {
		return nil
	}
	return m.stage.push(m.host)
}

// Pull waits for all queued work and copies the device's elements to the host.
func (m *Mirror) Pull() error {
	return m.array.dev.download(unsafe.Pointer(unsafe.SliceData(m.host)), m.array.ptr, int64(len(m.host))*4)
}

// Copy queues a copy of an array to the device's elements from offset on.
func (m *Mirror) Copy(offset int, v gorgonia.Value) error {
	from, err := m.array.dev.anyArray("mirror: source", v)
	if err != nil {
		return err
	}
	n := from.Size()
	if offset < 0 || n > len(m.host)-offset {
		return fmt.Errorf("kernels: cuda: copy %d elements to %d of %d: %w", n, offset, len(m.host), kernels.ErrShape)
	}
	to := m.array.View(offset, n).(*Array)
	m.array.dev.queue("copy", func(w *work) { w.copy(to.ptr, from.ptr, n) })
	return nil
}

// mirrored returns the elements of a mirror on the device, at least n.
func (d *Device) mirrored(name string, m kernels.Mirror, n int) (*Array, error) {
	c, ok := m.(*Mirror)
	if !ok || !c.array.On(d) || c.array.Size() < n {
		return nil, fmt.Errorf("kernels: %s: want a mirror of at least %d elements on %s: %w", name, n, d.Name(), kernels.ErrShape)
	}
	return c.array, nil
}
