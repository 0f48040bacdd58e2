//go:build gpu

package cuda

// #include "host.h"
// #include "program.h"
import "C"

import (
	"slices"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/driver"
	"galvani/kernels/programs"
	"galvani/kernels/random"
)

var _ kernels.Stepper = (*Device)(nil)

// A header that changes has this package compiled again.
var _, _ = programs.Headers, random.DrawsHeader

// program runs a kernels.Program on a GPU. It implements kernels.ProgramPlan. Rows, weights and traces are in host
// memory between runs, and on the GPU during one.
type program struct {
	d             *Device
	p             *kernels.Program
	layout        *programs.Layout
	kernel        *kernel
	params        C.struct_program_params
	answer, learn driver.Ptr
	rows, traces  []float32
	weights       []float32 // as they are on the GPU
	known         bool      // the GPU has weights
	learned       []int     // weights that Learn changes
	blocks        int
}

// NewProgram implements kernels.Stepper.
func (d *Device) NewProgram(p *kernels.Program) (kernels.ProgramPlan[float32], error) {
	layout, err := programs.New(p, 1)
	if err != nil {
		return nil, err
	}
	r := &program{d: d, p: p, layout: layout, blocks: min(programBlocks(p), d.limits.SMs)}
	for i := range p.Weights {
		if slices.ContainsFunc(p.Learn, func(o kernels.ProgramOp) bool { return o.Kind == kernels.Learn && (o.W == i || o.Bias == i) }) {
			r.learned = append(r.learned, i)
		}
	}
	err = d.build("program", func(b *builder) {
		r.kernel = b.kernel("program", "program")
		r.answer, r.learn = upload(b, layout.Answer), upload(b, layout.Learn)
		r.rows, r.traces, r.weights = pinned[float32](b, layout.Rows), pinned[float32](b, layout.Traces), pinned[float32](b, layout.Numbers)
		r.params = C.struct_program_params{N: C.int(p.N), array: ptr(upload(b, layout.Arrays)), weight: ptr(upload(b, layout.Weights)),
			weights: ptr(b.floats(layout.Numbers)), state: ptr(b.floats(layout.State)), traces: ptr(b.floats(layout.Traces)),
			arrived: ptr(b.bytes(C.LATENCY_LINE * 4))}
	})
	if err != nil {
		return nil, err
	}
	clear(r.rows)
	clear(r.traces)
	err = d.wait("program", func(w *work) { w.zero(driver.Ptr(r.params.state), layout.State) })
	if err != nil {
		return nil, err
	}
	return r, nil
}

// programBlocks is how many blocks the largest operation of a program keeps busy.
func programBlocks(p *kernels.Program) int {
	tiles := func(n int) int { return (n + C.PROGRAM_TILE - 1) / C.PROGRAM_TILE }
	most := 1
	for _, o := range slices.Concat(p.Answer, p.Learn) {
		threads := 0
		if o.To != kernels.None {
			threads = p.N * p.Arrays[o.To].Units
		}
		if o.W != kernels.None {
			w := p.Weights[o.W]
			switch {
			case p.N >= C.PROGRAM_FEW && o.Kind == kernels.Learn:
				most = max(most, tiles(w.M)*tiles(w.K))
			case p.N >= C.PROGRAM_FEW:
				most = max(most, tiles(p.N)*tiles(p.Arrays[o.To].Units))
			case o.Kind == kernels.Product:
				threads *= 32
			case o.Kind == kernels.Learn:
				threads = w.M * w.K
			}
		}
		most = max(most, threads/(4*C.PROGRAM_THREADS))
	}
	return most
}

// launchedSteps is how many steps a launch does at most, so that it ends in a time that a GPU with a display allows.
const launchedSteps = 256

// Run implements kernels.ProgramPlan. It waits for the end.
func (r *program) Run(learn bool, steps int, rate float64, weights [][]float32) error {
	if err := kernels.CheckWeights(r.p, weights); err != nil {
		return err
	}
	params, list := r.params, r.answer
	if params.ops = C.int(len(r.layout.Answer)); learn {
		list, params.ops = r.learn, C.int(len(r.layout.Learn))
	}
	params.op, params.rate = ptr(list), C.double(rate)
	at := shape{grid: [3]int{r.blocks, 1, 1}, block: [3]int{C.PROGRAM_THREADS, 1, 1}, together: true}
	err := r.d.try("program", func(w *work) {
		r.give(w, weights)
		for left := steps; left > 0; left -= int(params.steps) {
			params.steps = C.int(min(left, launchedSteps))
			w.zero(driver.Ptr(params.arrived), 1)
			w.launch(r.kernel, at, unsafe.Pointer(&params))
		}
		w.copyOut(head(r.rows), driver.Ptr(params.state), int64(len(r.rows))*4)
		if learn {
			w.copyOut(head(r.traces), driver.Ptr(params.traces), int64(len(r.traces))*4)
			for _, i := range r.learned {
				own, there := r.weight(i)
				w.copyOut(head(own), there, int64(len(own))*4)
			}
		}
		w.sync()
	})
	if err != nil {
		r.known = false
		return err
	}
	if learn {
		for _, i := range r.learned {
			own, _ := r.weight(i)
			copy(weights[i], own)
		}
	}
	return nil
}

// give brings the GPU what the caller may have changed; weights that it has stay there.
func (r *program) give(w *work, weights [][]float32) {
	w.copyIn(driver.Ptr(r.params.state), head(r.rows), int64(len(r.rows))*4)
	w.copyIn(driver.Ptr(r.params.traces), head(r.traces), int64(len(r.traces))*4)
	for i, given := range weights {
		own, there := r.weight(i)
		if r.known && slices.Equal(own, given) {
			continue
		}
		copy(own, given)
		w.copyIn(there, head(own), int64(len(own))*4)
	}
	r.known = true
}

// weight returns weight i in host memory and where it is on the GPU.
func (r *program) weight(i int) (own []float32, there driver.Ptr) {
	w := r.layout.Weights[i]
	return r.weights[w.At:][:w.Floats()], offset(driver.Ptr(r.params.weights), int(w.At))
}

// Array implements kernels.ProgramPlan.
func (r *program) Array(i int) []float32 {
	a := r.layout.Arrays[i]
	n := r.p.N * int(a.Units)
	return r.rows[a.Rows:][:n:n]
}

// Trace implements kernels.ProgramPlan.
func (r *program) Trace(i int) []float32 {
	w := r.layout.Weights[i]
	if w.Trace < 0 {
		return nil
	}
	n := w.Floats()
	return r.traces[w.Trace:][:n:n]
}
