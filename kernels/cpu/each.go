//go:build cgo

package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"galvani/kernels/monitor"
)

// patience is how long a goroutine looks for work, or for the end of that of others, before it
// sleeps. To wake a sleeping thread takes 10 to 100 microseconds, as long as a product of 128 x 128
// matrices, and on a virtual machine whose host has more to do now and then 10 milliseconds: a core that sleeps has to be
// given back by the host. Operations of one training step follow each other faster.
const patience = time.Millisecond

// seat is where one goroutine that has done its work looks for more.
type seat struct {
	job atomic.Pointer[func()]
	_   [56]byte // a cache line each
}

var (
	seats [16]seat
	taken = new(func()) // in a seat: a goroutine sits there
)

// Each calls f for every worker, the first on this goroutine and the others on their own, and
// waits for all. It may be called at the same time by several.
func Each[W any](workers []W, f func(*W)) {
	var left atomic.Int32
	var all sync.WaitGroup
	left.Store(int32(len(workers) - 1))
	for i := range workers[1:] {
		all.Add(1)
		start(func() {
			defer left.Add(-1)
			defer all.Done()
			f(&workers[1+i])
		})
	}
	f(&workers[0])
	await(func() bool { return left.Load() == 0 })
	all.Wait()
}

// start calls f on a goroutine that looks for work, or on a new one.
func start(f func()) {
	for i := range seats {
		if s := &seats[i].job; s.Load() == taken && s.CompareAndSwap(taken, &f) {
			return
		}
	}
	go func() {
		for f := &f; f != nil; f = next() {
			(*f)()
		}
	}()
}

// next takes a seat and returns the job that is put there, or nil when patience ends.
func next() *func() {
	for i := range seats {
		s := &seats[i].job
		if !s.CompareAndSwap(nil, taken) {
			continue
		}
		if !await(func() bool { return s.Load() != taken }) && s.CompareAndSwap(taken, nil) {
			return nil
		}
		return s.Swap(nil)
	}
	return nil
}

// await looks until done reports true, which it returns, or patience ends. Other goroutines get
// their turn meanwhile.
func await(done func() bool) bool {
	if monitor.Cores() == 1 {
		return done()
	}
	for begin := time.Now(); ; runtime.Gosched() {
		for range 32 {
			if done() {
				return true
			}
		}
		if time.Since(begin) > patience {
			return false
		}
	}
}
