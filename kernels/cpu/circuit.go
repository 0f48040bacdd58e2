//go:build cgo

package cpu

// #include "circuit.h"
import "C"

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"unsafe"

	"galvani/kernels"
	"galvani/kernels/neurons"
	"galvani/kernels/random"
)

var _ kernels.Simulator = (*Device)(nil)

var _, _ = neurons.Headers, random.Header // a header that changes has this package compiled again

// stretch is how many steps the C loop does at once, and so the size of its table of spikes.
const stretch = 256

// circuit implements kernels.CircuitPlan.
type circuit struct {
	cfg         *kernels.Circuit
	dims        C.struct_circuit_dims
	populations []C.struct_circuit_population
	synapses    []C.struct_circuit_synapse
	projections []C.struct_circuit_projection
	probes      []C.struct_circuit_probe
	floats      []float32
	ints        []int32
	in          []float32
	spikes      []uint64
	v           []float32
	workers     []int
	team        []C.struct_team
}

// NewCircuit implements kernels.Simulator.
func (d *Device) NewCircuit(cfg *kernels.Circuit) (kernels.CircuitPlan, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	c := &circuit{cfg: cfg}
	for w := range d.threads {
		c.workers = append(c.workers, w)
	}
	c.team = []C.struct_team{newTeam(d.threads)}
	for i := range cfg.Populations {
		c.addPopulation(i)
	}
	for i := range cfg.Projections {
		c.addProjection(&cfg.Projections[i])
	}
	for i, s := range c.synapses {
		c.synapses[i].ring = C.long(c.reserve(int(s.slots) * c.padded(c.owner(i))))
	}
	for _, p := range cfg.Probes {
		c.probes = append(c.probes, C.struct_circuit_probe{population: C.long(p.Population), unit: C.long(p.Unit)})
	}
	c.dims.populations, c.dims.projections, c.dims.probes = C.int(len(c.populations)), C.int(len(c.projections)), C.int(len(c.probes))
	c.dims.workers = C.int(d.threads)
	c.in = make([]float32, stretch*len(c.populations))
	c.spikes = make([]uint64, stretch*int(c.dims.words))
	c.v = make([]float32, stretch*len(c.probes))
	return c, nil
}

// reserve makes n floats, zeros, and returns their offset.
func (c *circuit) reserve(n int) int {
	at := len(c.floats)
	c.floats = slices.Grow(c.floats, n)[:at+n]
	clear(c.floats[at:])
	return at
}

// padded returns the units of population i, filled up to words.
func (c *circuit) padded(i int) int { return 64 * int(c.populations[i].words) }

// owner returns the population of synapse s.
func (c *circuit) owner(s int) int {
	return slices.IndexFunc(c.populations, func(p C.struct_circuit_population) bool {
		return int(p.synapse) <= s && s < int(p.synapse)+int(p.synapses)
	})
}

func (c *circuit) addPopulation(i int) {
	p := c.cfg.Populations[i]
	words := (p.N + 63) / 64
	q := C.struct_circuit_population{neuron: -1, units: C.long(p.N), first: C.long(c.dims.words), words: C.long(words), synapse: C.long(len(c.synapses)), synapses: C.int(len(p.Synapses))}
	c.dims.words += C.long(words)
	if p.Header == kernels.Poisson {
		q.key = C.ulonglong(random.New(c.cfg.Seed).Named(p.Name))
		q.threshold = C.ulonglong(random.Chance(p.Params[0] * c.cfg.Step / 1000))
	} else {
		n, _ := neurons.Of(p.Header) // Check has found it
		params := p.Params
		if params == nil {
			params = n.Defaults()
		}
		for k, v := range n.Prepare(c.cfg.Step, params) {
			q.consts[k] = C.float(v)
		}
		q.neuron, q.state = C.int(n.Number()), C.long(c.reserve(64*words*len(n.Planes)))
		for k, plane := range n.Planes {
			for u := range 64 * words {
				c.floats[int(q.state)+k*64*words+u] = float32(plane.Start)
			}
		}
		for u, v := range p.Start {
			c.floats[int(q.state)+u] = float32(v)
		}
	}
	c.populations = append(c.populations, q)
	for _, tau := range p.Synapses {
		decay, _ := kernels.Decay(c.cfg.Step, tau)
		c.synapses = append(c.synapses, C.struct_circuit_synapse{current: C.long(c.reserve(64 * words)), slots: 1, decay: C.float(decay)})
	}
}

func (c *circuit) addProjection(p *kernels.Projection) {
	to := &c.populations[p.To]
	s := int(to.synapse) + p.Synapse
	by, from := p.Matrix.Transpose()
	q := C.struct_circuit_projection{from: C.long(p.From), to: C.long(p.To), synapse: C.long(s), sources: C.long(by.Rows), cut: C.long(len(c.ints))}
	for w := range len(c.workers) + 1 {
		first := int32(64 * (int(to.words) * w / len(c.workers)))
		for j := range by.Rows {
			k, _ := slices.BinarySearch(by.Row(j), first)
			c.ints = append(c.ints, by.Start[j]+int32(k))
		}
	}
	q.target = C.long(len(c.ints))
	c.ints = append(c.ints, by.Col...)
	_, jump := kernels.Decay(c.cfg.Step, c.cfg.Populations[p.To].Synapses[p.Synapse])
	weight, delay := p.Weight, p.Delay
	q.weight, q.delay = C.long(len(c.floats)), C.long(len(c.ints))
	c.synapses[s].slots = max(c.synapses[s].slots, C.long(slices.Max(append([]int{1}, delay...))))
	for k := range from {
		if len(weight) == len(from) {
			q.weights = 1
			c.floats = append(c.floats, float32(weight[from[k]]*jump))
		}
		if len(delay) == len(from) {
			q.delays = 1
			c.ints = append(c.ints, int32(delay[from[k]]))
		}
	}
	if q.weights == 0 && len(weight) > 0 {
		c.floats = append(c.floats, float32(weight[0]*jump))
	}
	if q.delays == 0 && len(delay) > 0 {
		c.ints = append(c.ints, int32(delay[0]))
	}
	c.projections = append(c.projections, q)
}

// Run implements kernels.CircuitPlan.
func (c *circuit) Run(steps int) (kernels.CircuitRecord, error) {
	r := kernels.CircuitRecord{V: make([][]float32, len(c.probes))}
	for ; steps > 0; steps -= stretch {
		n := min(steps, stretch)
		c.dims.steps = C.long(n)
		c.setCurrents(n)
		Each(c.workers, func(w *int) { c.run(*w) })
		c.collect(&r, n)
		c.dims.first += C.ulonglong(n)
		if err := c.finite(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// run does the part of one worker.
func (c *circuit) run(worker int) {
	C.circuit_run(&c.dims, unsafe.SliceData(c.populations), unsafe.SliceData(c.synapses), unsafe.SliceData(c.projections), unsafe.SliceData(c.probes),
		(*C.float)(unsafe.SliceData(c.floats)), ints(c.ints), (*C.float)(unsafe.SliceData(c.in)), (*C.ulonglong)(unsafe.SliceData(c.spikes)),
		(*C.float)(unsafe.SliceData(c.v)), C.int(worker), &c.team[0])
}

// setCurrents makes the table of constant currents of the next n steps.
func (c *circuit) setCurrents(n int) {
	for k := range n {
		step := int64(c.dims.first) + int64(k)
		for p := range c.populations {
			sum := 0.0
			for _, q := range c.cfg.Currents {
				if q.Population == p && q.First <= step && step < q.Last {
					sum += q.Amplitude
				}
			}
			c.in[k*len(c.populations)+p] = float32(sum)
		}
	}
}

// collect adds to the record what the last n steps left.
func (c *circuit) collect(r *kernels.CircuitRecord, n int) {
	for k := range n {
		row := c.spikes[k*int(c.dims.words):]
		for i, p := range c.populations {
			for w, set := range row[p.first : p.first+p.words] {
				for ; set != 0; set &= set - 1 {
					r.Spikes = append(r.Spikes, kernels.Spike{Step: int64(c.dims.first) + int64(k), Population: i, Unit: 64*w + bits.TrailingZeros64(set)})
				}
			}
		}
	}
	for i := range r.V {
		r.V[i] = append(r.V[i], c.v[i*n:(i+1)*n]...)
	}
}

// finite wants every V finite.
func (c *circuit) finite() error {
	for i, p := range c.cfg.Populations {
		q := c.populations[i]
		if q.neuron < 0 {
			continue
		}
		for u, v := range c.floats[q.state : int(q.state)+p.N] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("kernels: circuit: V of unit %d of population %q is %g before step %d; use smaller weights: %w", u, p.Name, v, c.dims.first, kernels.ErrNotFinite)
			}
		}
	}
	return nil
}
