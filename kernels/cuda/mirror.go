//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"galvani/kernels/driver"

	"gorgonia.org/gorgonia"
)

// Mirror is host memory and its counterpart on a device.
type Mirror struct {
	d       *Device
	host    []float32
	array   *Array
	staging [2]staging
	next    int
}

// staging is memory that the GPU copies from while the host goes on; done is recorded behind
// the copy.
type staging struct {
	host []float32
	done *driver.Event
}

// Mirror allocates and fills the counterpart of host memory, which the mirror keeps.
func (d *Device) Mirror(host []float32) (*Mirror, error) {
	m := &Mirror{d: d, host: host}
	err := d.build("mirror", func(b *builder) { m.array = d.array(upload(b, host), len(host)) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// View returns elements from offset on as a value of a graph.
func (m *Mirror) View(offset int, shape ...int) gorgonia.Value { return m.array.View(offset, shape...) }

// Array returns all elements.
func (m *Mirror) Array() *Array { return m.array }

// Push queues a copy of the host memory to the device. The host memory may be changed as soon as
// Push returns: it has gone into one of two buffers by then, and Push waits only where both are
// still to be copied.
func (m *Mirror) Push() error {
	if len(m.host) == 0 {
		return nil
	}
	s := &m.staging[m.next]
	m.next = 1 - m.next
	if err := m.free(s); err != nil {
		return err
	}
	copy(s.host, m.host)
	m.d.drv.Go(func(q *driver.Queue) error {
		err := q.CopyIn(m.array.ptr, unsafe.Pointer(&s.host[0]), int64(len(s.host))*4)
		return errors.Join(err, s.done.Record())
	})
	return nil
}

// free waits until a buffer is free, and makes it where it is not there yet.
func (m *Mirror) free(s *staging) error {
	if s.host != nil {
		return m.d.drv.Do(func(*driver.Queue) error { return s.done.Sync() })
	}
	return m.d.build("staging", func(b *builder) {
		s.done = b.event()
		if p := b.host(len(m.host) * 4); p != nil {
			s.host = unsafe.Slice((*float32)(p), len(m.host))
		}
	})
}

// Pull waits for all queued work and copies the device's elements to the host.
func (m *Mirror) Pull() error {
	return m.d.download(unsafe.Pointer(unsafe.SliceData(m.host)), m.array.ptr, int64(len(m.host))*4)
}

// Copy queues a copy of an array of the same size to the device's elements.
func (m *Mirror) Copy(from *Array) error {
	if from.Size() != len(m.host) {
		return fmt.Errorf("cuda: copy %d elements to %d", from.Size(), len(m.host))
	}
	m.d.drv.Go(func(q *driver.Queue) error {
		return q.CopyOn(m.array.ptr, from.ptr, int64(len(m.host))*4)
	})
	return nil
}
