package kernels

import (
	"sync"

	"galvani/kernels/monitor"
)

// Chunk is the number of elements that one goroutine takes at a time: enough work to be worth
// its start.
const Chunk = 1 << 14

// InChunks calls f for the chunks [lo,hi) of n elements in host memory, several at a time. Results of elements that do not
// depend on each other have the same bits on any machine.
func InChunks(n int, f func(lo, hi int)) {
	workers := min(monitor.Cores(), (n+Chunk-1)/Chunk)
	if workers <= 1 {
		if n > 0 {
			f(0, n)
		}
		return
	}
	part := func(w int) {
		for lo := w * Chunk; lo < n; lo += workers * Chunk {
			f(lo, min(lo+Chunk, n))
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			part(w)
		}()
	}
	part(0)
	wg.Wait()
}
