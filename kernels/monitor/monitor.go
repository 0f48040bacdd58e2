package monitor

import (
	"runtime"
	"sync/atomic"
)

// spare is how many processors the scheduler has besides one for each core.
const spare = 1

var cores atomic.Int64

func init() { Use(runtime.GOMAXPROCS(0)) }

// Cores returns how many cores this process may use, and so how many threads may compute at once.
func Cores() int { return int(cores.Load()) }

// Use sets how many cores this process may use, in place of runtime.GOMAXPROCS, and returns how many it might before.
func Use(n int) int {
	before := cores.Swap(int64(n))
	runtime.GOMAXPROCS(n + spare)
	return int(before)
}
