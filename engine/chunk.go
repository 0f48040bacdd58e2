package engine

import (
	"runtime"
	"sync"
)

// chunk is the number of elements that one goroutine takes at a time: enough work to be worth
// its start, and a fixed number, so that sums by chunk do not depend on the machine.
const chunk = 1 << 14

// inChunks calls f on consecutive chunks [lo,hi) of n elements, several at a time.
func inChunks(n int, f func(lo, hi int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk)
	if workers <= 1 {
		if n > 0 {
			f(0, n)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for lo := w * chunk; lo < n; lo += workers * chunk {
				f(lo, min(lo+chunk, n))
			}
		}()
	}
	wg.Wait()
}
