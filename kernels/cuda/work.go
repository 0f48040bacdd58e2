//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"galvani/kernels/driver"
)

// shape is how a kernel is launched.
type shape struct {
	grid, block     [3]int
	shared, cluster int
	together        bool // see driver.Launch
}

// work starts calls on the GPU, one behind the other. After the first failure it does nothing.
type work struct {
	q   *driver.Queue
	err error
}

// queue queues f; what tells in an error what it was for.
func (d *Device) queue(what string, f func(*work)) {
	d.drv.Go(func(q *driver.Queue) error { return do(q, what, f) })
}

// wait queues f and waits until it has returned. Its errors, like those of try and attempt, have the
// sentinels of the contract.
func (d *Device) wait(what string, f func(*work)) error {
	return sentinel(d.drv.Do(func(q *driver.Queue) error { return do(q, what, f) }))
}

// try is wait for what the GPU may refuse: the Device stays as it was, unless it is lost.
func (d *Device) try(what string, f func(*work)) error {
	return d.attempt(func(q *driver.Queue) error { return do(q, what, f) })
}

// attempt calls f and returns its error, of which the Device keeps none but the loss of the GPU.
func (d *Device) attempt(f func(*driver.Queue) error) error {
	var refused error
	err := d.drv.Do(func(q *driver.Queue) error {
		if refused = f(q); errors.Is(refused, driver.ErrLost) {
			return refused
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	return sentinel(err)
}

func do(q *driver.Queue, what string, f func(*work)) error {
	w := &work{q: q}
	if f(w); w.err != nil {
		return fmt.Errorf("cuda: %s: %w", what, w.err)
	}
	return nil
}

// launch starts a kernel; params points to its struct of params.h.
func (w *work) launch(k *kernel, s shape, params unsafe.Pointer) {
	if w.err != nil {
		return
	}
	err := k.f.Launch(driver.Launch{Grid: s.grid, Block: s.block, Shared: s.shared, Cluster: s.cluster, Together: s.together}, params)
	if err != nil {
		w.err = fmt.Errorf("kernel %s: %w", k.name, err)
	}
}

// copy starts a copy of n numbers within the device.
func (w *work) copy(to, from driver.Ptr, n int) {
	if w.err == nil && n > 0 {
		w.err = w.q.CopyOn(to, from, int64(n)*4)
	}
}

// zero starts to fill n numbers with zeros.
func (w *work) zero(p driver.Ptr, n int) {
	if w.err == nil && n > 0 {
		w.err = w.q.Zero(p, int64(n)*4)
	}
}

// copyIn and copyOut start a copy of n bytes from and to host memory.
func (w *work) copyIn(to driver.Ptr, from unsafe.Pointer, n int64) {
	if w.err == nil && n > 0 {
		w.err = w.q.CopyIn(to, from, n)
	}
}

func (w *work) copyOut(to unsafe.Pointer, from driver.Ptr, n int64) {
	if w.err == nil && n > 0 {
		w.err = w.q.CopyOut(to, from, n)
	}
}

// sync waits until the GPU has done all that was started.
func (w *work) sync() {
	if w.err == nil {
		w.err = w.q.Sync()
	}
}

// record puts a mark behind all that was started.
func (w *work) record(e *driver.Event) {
	if w.err == nil {
		w.err = e.Record()
	}
}
