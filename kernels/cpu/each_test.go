//go:build cgo

package cpu

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestEach: every worker is called once and all are done when Each returns, from many goroutines,
// with more workers than seats, one inside another, and with pauses after which nobody looks for
// work.
func TestEach(t *testing.T) {
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for round := range 200 {
				workers := make([]int, 1+(caller+round)%20)
				var inner atomic.Int32
				Each(workers, func(w *int) {
					*w++
					if round%50 == 0 {
						Each(make([]int, 3), func(*int) { inner.Add(1) })
					}
				})
				for i, n := range workers {
					if n != 1 {
						t.Errorf("worker %d of %d was called %d times", i, len(workers), n)
					}
				}
				if round%50 == 0 && inner.Load() != int32(3*len(workers)) {
					t.Errorf("%d inner calls, want %d", inner.Load(), 3*len(workers))
				}
				if round%70 == 0 {
					time.Sleep(2 * patience)
				}
			}
		}()
	}
	callers.Wait()
	time.Sleep(4 * patience)
	for i := range seats {
		for end := time.Now().Add(10 * time.Second); seats[i].job.Load() != nil; time.Sleep(patience) {
			if time.Now().After(end) {
				t.Fatalf("seat %d is taken long after the last work", i)
			}
		}
	}
}
