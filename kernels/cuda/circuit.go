//go:build gpu

package cuda

// #include "host.h"
// #include "circuit.h"
import "C"

import (
	"fmt"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/wiring"
)

var _ kernels.Simulator = (*Device)(nil)

var _ = wiring.Headers // a header that changes has this package compiled again

// circuit does the steps of circuits on a GPU. It implements wiring.Engine.
type circuit struct {
	d      *Device
	kernel *kernel
	params C.struct_circuit_params
	words  driver.Ptr // arrived and bad, a line each
	bad    *uint32    // in host memory
}

// NewCircuit implements kernels.Simulator.
func (d *Device) NewCircuit(cfg *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Spread() {
		return nil, fmt.Errorf("cuda: a network on several ranks runs on CPUs alone; give it the device cpu: %w", kernels.ErrNoDevice)
	}
	if cfg.Regenerated() {
		return nil, fmt.Errorf("cuda: connections that are drawn again in each step are those of CPUs alone; store them, or give the network the device cpu: %w", kernels.ErrNoDevice)
	}
	c := &circuit{d: d}
	p := wiring.NewPlan(wiring.New(cfg, circuitWorkers(cfg.Size(), d.limits.SMs), 0, false), c)
	err := d.build("circuit", func(b *builder) {
		c.kernel = b.kernel("circuit", "circuit")
		c.words = b.bytes(2 * C.LATENCY_LINE * 4)
		c.params = C.struct_circuit_params{populations: C.int(len(p.Populations)), projections: C.int(len(p.Projections)),
			plastics: C.int(len(p.Plastic)), probes: C.int(len(p.Probes)), workers: C.int(p.Workers), batch: C.int(p.Batch), words: C.longlong(p.Words),
			population: ptr(upload(b, p.Populations)), synapse: ptr(upload(b, p.Synapses)), projection: ptr(upload(b, p.Projections)),
			plastic: ptr(upload(b, p.Plastic)), probe: ptr(upload(b, p.Probes)), state: ptr(upload(b, p.Vars)), weights: ptr(upload(b, p.Weights)), ints: ptr(upload(b, p.Ints)),
			in: ptr(b.floats(len(p.In))), spikes: ptr(b.bytes(int64(len(p.Spikes)) * 8)), v: ptr(b.floats(len(p.V))),
			arrived: ptr(c.words), bad: ptr(offset(c.words, C.LATENCY_LINE))}
		p.In, p.Spikes, p.V = pinned[float32](b, len(p.In)), pinned[uint64](b, len(p.Spikes)), pinned[float32](b, len(p.V))
		if bad := pinned[uint32](b, 1); bad != nil {
			c.bad = &bad[0]
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// CircuitBytes implements kernels.Simulator.
func (d *Device) CircuitBytes(s kernels.CircuitSize) (host, device float64) {
	plan, moment := wiring.Bytes(s, circuitWorkers(s, d.limits.SMs), 0)
	return plan + moment, plan
}

// circuitWorkers is how many warps share a circuit: no more than the GPU runs at once, than there are
// words of units, nor than would have the table of cuts outgrow that of the targets.
func circuitWorkers(s kernels.CircuitSize, sms int) int {
	n := min(float64(sms*C.CIRCUIT_WORKERS), s.Units/64)
	if s.Columns > 0 {
		n = min(n, max(float64(sms), s.Entries/s.Columns))
	}
	return max(int(n), 1)
}

// pinned returns n elements of host memory that the GPU copies to and from by itself.
func pinned[E any](b *builder, n int) []E {
	var e E
	if n == 0 {
		return nil
	}
	p := b.host(n * int(unsafe.Sizeof(e)))
	if p == nil {
		return nil // the builder says why
	}
	return unsafe.Slice((*E)(p), n)
}

// Stretch implements wiring.Engine.
func (c *circuit) Stretch(p *wiring.Plan, n int) (check bool, err error) {
	params := c.params // which lies in no Go memory with pointers
	params.steps, params.first = C.int(n), C.ulonglong(p.Step)
	at := shape{grid: [3]int{p.Workers, 1, 1}, block: [3]int{C.CIRCUIT_THREADS, 1, 1}, together: true}
	err = c.d.try("circuit", func(w *work) {
		w.zero(c.words, 2*C.LATENCY_LINE)
		w.copyIn(driver.Ptr(c.params.in), head(p.In), int64(n*len(p.Populations))*4)
		w.copyIn(driver.Ptr(c.params.spikes), head(p.Spikes), int64(n*p.Words)*8)
		w.launch(c.kernel, at, unsafe.Pointer(&params))
		w.copyOut(head(p.Spikes), driver.Ptr(c.params.spikes), int64(n*p.Words)*8)
		w.copyOut(head(p.V), driver.Ptr(c.params.v), int64(n*len(p.Probes))*4)
		w.copyOut(unsafe.Pointer(c.bad), driver.Ptr(c.params.bad), 4)
		w.sync()
	})
	return err == nil && *c.bad != 0, err
}

// head returns where a slice begins.
func head[E any](s []E) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// Pull implements wiring.Engine.
func (c *circuit) Pull(p *wiring.Plan) error {
	return c.d.download(head(p.Vars), driver.Ptr(c.params.state), int64(len(p.Vars))*4)
}

// Near implements wiring.Engine.
func (c *circuit) Near() bool { return false }

// Push implements wiring.Engine.
func (c *circuit) Push(p *wiring.Plan) error {
	return c.d.wait("circuit", func(w *work) {
		w.copyIn(driver.Ptr(c.params.state), head(p.Vars), int64(len(p.Vars))*4)
		w.sync()
	})
}
