//go:build gpu

package driver

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"gorgonia.org/cu"
)

// queued is how many functions may wait for the device's goroutine before Go blocks.
const queued = 256

// Device is a GPU with a context and a stream of its own, used by one goroutine that is tied to
// an OS thread. Functions are handed to that goroutine and run in order; what they start on the
// GPU runs in order behind it. The methods may be used by several goroutines.
type Device struct {
	info Info
	work chan job
	done chan struct{} // closed when the goroutine has ended

	mu     sync.RWMutex // guards closed and the closing of work
	closed bool

	failure  error // the first; owned by the goroutine until done
	cleanups error // of tearing down; likewise
}

// job is one function and, if somebody waits, where its outcome goes.
type job struct {
	f    func(*Queue) error
	done chan<- error
}

// Open starts a device by its number in Devices.
func Open(index int) (*Device, error) {
	infos, err := Devices()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(infos) {
		return nil, fmt.Errorf("driver: %w: device %d, want 0 to %d", ErrUnavailable, index, len(infos)-1)
	}
	d := &Device{info: infos[index], work: make(chan job, queued), done: make(chan struct{})}
	started := make(chan error)
	go d.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return d, nil
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// Go queues f. After the first failure of a queued function the others are skipped; Do and Wait
// tell it. f must not call methods of d, nor keep the Queue. After Close it does nothing.
func (d *Device) Go(f func(*Queue) error) { d.send(job{f: f}) }

// Do queues f and waits until it has returned. It returns the first failure of all queued
// functions so far.
func (d *Device) Do(f func(*Queue) error) error {
	done := make(chan error, 1)
	if !d.send(job{f, done}) {
		return ErrClosed
	}
	return <-done
}

// Wait waits for all queued functions and for what they started on the GPU.
func (d *Device) Wait() error { return d.Do((*Queue).Sync) }

// Close runs what is queued, then gives the device's memory back and ends its goroutine. It
// returns the first failure of a queued function, or else of the clean-up. A second Close
// returns the same.
func (d *Device) Close() error {
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.work)
	}
	d.mu.Unlock()
	<-d.done
	if d.failure != nil {
		return d.failure
	}
	return d.cleanups
}

func (d *Device) send(j job) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return false
	}
	d.work <- j
	return true
}

// run is the device's goroutine.
func (d *Device) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(d.done)
	q, err := newQueue(d.info.Index)
	started <- err
	if err != nil {
		return
	}
	for j := range d.work {
		if d.failure == nil {
			d.failure = call(j.f, q)
		}
		if j.done != nil {
			j.done <- d.failure
		}
	}
	d.cleanups = q.close()
}

// call runs f and turns a panic into an error.
func call(f func(*Queue) error, q *Queue) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("driver: queued function panicked: %v", r)
		}
	}()
	return f(q)
}

// newQueue makes the context current on this thread.
func newQueue(index int) (*Queue, error) {
	dev, err := cu.GetDevice(index)
	if err != nil {
		return nil, check("cuDeviceGet", err)
	}
	// Waiting threads sleep: the processors have the next batch to prepare.
	ctx, err := dev.MakeContext(cu.SchedBlockingSync)
	if err != nil {
		return nil, check("cuCtxCreate", err)
	}
	q := &Queue{context: ctx}
	if q.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return nil, errors.Join(check("cuStreamCreate", err), check("cuCtxDestroy", ctx.Destroy()))
	}
	return q, nil
}

func (q *Queue) close() error {
	return errors.Join(
		check("cuStreamDestroy", q.stream.Destroy()),
		check("cuCtxDestroy", q.context.Destroy()))
}
