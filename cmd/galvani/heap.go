package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"galvani/engine/hostmem"
)

// boundHeap makes the collector work harder as the heap comes near to what is there, instead of
// letting it grow to twice what is in use, unless the user has set a bound (GOMEMLIMIT). It returns
// the bytes that are there for a rank among those of its machine, 0 where they are not known.
func boundHeap(near locality) int64 {
	room, known := hostmem.There()
	room = room.Among(near.ranks)
	if !known {
		return 0
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		debug.SetMemoryLimit(int64(m.Sys) + room.Usable())
	}
	return room.Usable()
}
