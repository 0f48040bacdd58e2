package main

import (
	"fmt"
	"runtime"

	"galvani/engine/group"
	"galvani/kernels/devices"
)

// locality is the place of a rank among those of the same machine, which share its cores and GPUs. The
// zero value stands for a process alone.
type locality struct{ rank, ranks int }

func localityOf(ranks group.Group) locality {
	if ranks == nil {
		return locality{}
	}
	rank, n := ranks.Local()
	return locality{rank, n}
}

// gpu names the GPU of a rank that may take any: each takes another one, as long as there are some.
func (l locality) gpu() string {
	if l.ranks < 2 {
		return "cuda"
	}
	gpus, err := devices.GPUs()
	if err != nil || len(gpus) == 0 {
		return "cuda" // and opening it says why not
	}
	return fmt.Sprintf("cuda:%d", l.rank%len(gpus))
}

// why says why a rank has its GPU.
func (l locality) why() string {
	if l.ranks < 2 {
		return "the first GPU that was found"
	}
	return fmt.Sprintf("rank %d of %d on this machine", l.rank, l.ranks)
}

// threads returns the number of threads of a rank: those that were asked for, otherwise its part of the
// cores, or 0 for all. A launcher may have bound the process to some cores already.
func (l locality) threads(asked int) int {
	if asked > 0 || l.ranks < 2 {
		return asked
	}
	return max(1, runtime.NumCPU()/l.ranks)
}
