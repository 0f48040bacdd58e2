//go:build gpu

package cuda

// #include "host.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels/driver"
)

// signal is a way in which blocks hear of each other, or the host of a kernel.
type signal struct {
	name   string
	kernel string
	blocks int
	// How they are launched; see driver.Launch.
	cluster  int
	together bool
	host     bool // a round is a launch
	wait     bool // for each launch
}

// Signals implements kernels.Prober.
func (d *Device) Signals() []string {
	var names []string
	for _, s := range d.signals() {
		names = append(names, s.name)
	}
	return names
}

// signals returns those that the GPU has.
func (d *Device) signals() []signal {
	all := []signal{
		{name: "launch, queued", kernel: "latency_launch", blocks: 1, host: true},
		{name: "launch, waited for", kernel: "latency_launch", blocks: 1, host: true, wait: true},
		{name: "flag through L2, there and back", kernel: "latency_flag", blocks: 2, together: true},
	}
	for _, n := range []int{d.limits.SMs / 4, d.limits.SMs} {
		if n > 1 {
			all = append(all, signal{name: fmt.Sprintf("grid barrier, %d blocks", n), kernel: "latency_grid", blocks: n, together: true})
		}
	}
	for n := 2; n <= largestCluster && d.limits.Cluster > 1; n *= 2 {
		all = append(all,
			signal{name: fmt.Sprintf("cluster barrier, %d blocks", n), kernel: "latency_cluster", blocks: n, cluster: n},
			signal{name: fmt.Sprintf("exchange in a cluster, %d blocks", n), kernel: "latency_exchange", blocks: n, cluster: n})
	}
	return all
}

// largestCluster is what some GPUs run of those that none must.
const largestCluster = 16

// Rounds implements kernels.Prober.
//
// Errors: a GPU without room for so large a cluster or grid; wrong counts.
func (d *Device) Rounds(i int) (func(n int) error, error) {
	s := d.signals()[i]
	var k *kernel
	var word, seen driver.Ptr
	var counts []int32
	err := d.build("latency", func(b *builder) {
		k = b.kernel("latency", s.kernel)
		if b.err == nil && s.cluster > d.limits.Cluster {
			b.err = k.f.LargeClusters()
		}
		word, seen = b.bytes(2*C.LATENCY_LINE*4), b.bytes(int64(s.blocks)*4)
		if p := b.host(s.blocks * 4); p != nil {
			counts = unsafe.Slice((*int32)(p), s.blocks)
		}
	})
	if err != nil {
		return nil, err
	}
	p := C.struct_latency_params{word: ptr(word), seen: ptr(seen)}
	at := shape{grid: [3]int{s.blocks, 1, 1}, block: [3]int{32, 1, 1}, cluster: s.cluster, together: s.together}
	return func(n int) error {
		return d.try("latency", func(w *work) {
			w.zero(word, 2*C.LATENCY_LINE)
			w.zero(seen, s.blocks)
			launches := 1
			if p.rounds = C.int(n); s.host {
				launches, p.rounds = n, 1
			}
			for range launches {
				w.launch(k, at, unsafe.Pointer(&p))
				if s.wait {
					w.sync()
				}
			}
			w.copyOut(unsafe.Pointer(&counts[0]), seen, int64(s.blocks)*4)
			w.sync()
			for b, c := range counts {
				if w.err == nil && c != int32(n) {
					w.err = fmt.Errorf("%s: block %d counted %d rounds, want %d", s.name, b, c, n)
				}
			}
		})
	}, nil
}
