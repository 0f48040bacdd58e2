package wiring

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"galvani/kernels"
)

// Stretch is the most steps that an Engine does at once, and so the size of its tables.
const Stretch = 256

// Engine does the steps of a plan on a device.
type Engine interface {
	// Stretch does n steps, 1 to Stretch, from p.Step on: it reads In and the Spikes of sources, and
	// fills the other Spikes and V. With check
	// some V may be not finite.
	Stretch(p *Plan, n int) (check bool, err error)
	// Pull brings Vars from where the steps are done, Push takes them there.
	Pull(p *Plan) error
	Push(p *Plan) error
	// Near says that Vars has the planes and the currents of units at all times.
	Near() bool
}

// Plan is a circuit with its state on a device. It implements kernels.CircuitPlan.
type Plan struct {
	*Wiring
	Step   int64     // number of the next step
	In     []float32 // constant currents [Stretch, populations]
	Spikes []uint64  // [Stretch, Words]
	V      []float32 // of the probes, [probes, n]
	engine Engine

	message []byte // of this rank to the others
}

var (
	_ kernels.CircuitPlan = (*Plan)(nil)
	_ kernels.Looker      = (*Plan)(nil)
)

// NewPlan returns a plan before its first step. The engine may have tables of its own put in the place of
// In, Spikes and V.
func NewPlan(w *Wiring, e Engine) *Plan {
	return &Plan{Wiring: w, engine: e, In: make([]float32, Stretch*len(w.Populations)),
		Spikes: make([]uint64, Stretch*w.Words), V: make([]float32, Stretch*len(w.Probes))}
}

// Run implements kernels.CircuitPlan.
func (p *Plan) Run(steps int) (kernels.CircuitRecord, error) {
	r := kernels.CircuitRecord{V: make([][]float32, len(p.Probes))}
	for ; steps > 0; steps -= Stretch {
		n := min(steps, Stretch)
		p.setCurrents(n)
		p.setSources(n)
		check, err := p.engine.Stretch(p, n)
		if err == nil && len(p.Probes) > 0 {
			err = p.gather(func(rank int) [][]float32 { return p.voltageParts(n, rank) })
		}
		if err != nil {
			return r, err
		}
		p.collect(&r, n)
		p.Step += int64(n)
		if check {
			if err := p.finite(); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// setCurrents makes the table of constant currents of the next n steps.
func (p *Plan) setCurrents(n int) {
	sums := make([]float64, len(p.Populations)*n)
	for _, q := range p.cfg.Currents {
		for k := max(0, q.First-p.Step); k < min(int64(n), q.Last-p.Step); k++ {
			sums[int(k)*len(p.Populations)+q.Population] += q.Amplitude
		}
	}
	for i, sum := range sums {
		p.In[i] = float32(sum)
	}
}

// firstSpikes is how many spikes a record has room for when it gets its first.
const firstSpikes = 256

// collect adds to the record what the last n steps left.
func (p *Plan) collect(r *kernels.CircuitRecord, n int) {
	for k := range n {
		row := p.Spikes[k*p.Words:]
		for i, q := range p.Populations {
			if p.cfg.Populations[i].Unrecorded {
				continue
			}
			for w, set := range row[q.First : q.First+q.Words] {
				for ; set != 0; set &= set - 1 {
					if len(r.Spikes) == cap(r.Spikes) { // twice as many each time: append would copy them five times
						r.Spikes = slices.Grow(r.Spikes, max(firstSpikes, len(r.Spikes)))
					}
					r.Spikes = append(r.Spikes, kernels.Spike{Step: p.Step + int64(k), Population: i, Unit: 64*w + bits.TrailingZeros64(set)})
				}
			}
		}
	}
	for i := range r.V {
		r.V[i] = append(r.V[i], p.V[i*n:(i+1)*n]...)
	}
}

// finite wants every V of this rank finite.
func (p *Plan) finite() error {
	if err := p.engine.Pull(p); err != nil {
		return err
	}
	for i, q := range p.Populations {
		if q.Neuron < 0 {
			continue
		}
		lo, hi := p.units(i, p.Rank)
		for u, v := range p.lane(i, q.State).numbers()[lo:hi] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("kernels: circuit: V of unit %d of population %q is %g before step %d; use smaller weights: %w",
					lo+u, p.cfg.Populations[i].Name, v, p.Step, kernels.ErrNotFinite)
			}
		}
	}
	return nil
}
