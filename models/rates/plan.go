package rates

import (
	"fmt"
	"math"
	"slices"

	"galvani/kernels"
	"galvani/kernels/neurons"
)

// learnSteps is how many steps weights stay before they change by Drift times that time.
const learnSteps = 10

// Plan is a circuit of rate units with its state. A step, in this order: rates follow from the currents of synapses as
// they are and the constant ones; the currents I' = -I/tau + weight rate/tau follow by a step of Euler's, so that with a
// tau of a step I is W r; and in every learnSteps-th step weights change. With tau a step in units and synapses a step
// is that of a vanilla recurrent network, r = f(W r + I).
type Plan struct {
	c       *kernels.Circuit
	step    int64
	rates   [][]float32   // by population and unit, of sources one for all
	current [][][]float32 // by population, synapse and unit
	weights [][]float32   // of plastic projections, as kernels.PlasticState has them
	into    [][][]float64 // W r of a step
}

// New makes a plan.
//
// Errors: kernels.ErrShape for what kernels.Circuit.Check refuses of a network of neurons, for neurons beside rate units,
// conductances, delays longer than a step, trains of spikes and time constants shorter than a step; kernels.ErrNoDevice
// for several ranks.
func New(c *kernels.Circuit) (*Plan, error) {
	if c.Spread() {
		return nil, fmt.Errorf("rates: networks of rates are stepped by one process; leave mpirun out: %w", kernels.ErrNoDevice)
	}
	if err := check(c); err != nil {
		return nil, err
	}
	p := &Plan{c: c, weights: make([][]float32, len(c.Projections))}
	for _, q := range c.Populations {
		if q.Source() {
			p.rates, p.current, p.into = append(p.rates, []float32{float32(q.Params[0])}), append(p.current, nil), append(p.into, nil)
			continue
		}
		r := make([]float32, q.N)
		for u := range q.Start {
			r[u] = float32(q.Start[u])
		}
		current, into := make([][]float32, len(q.Synapses)), make([][]float64, len(q.Synapses))
		for k := range current {
			current[k], into[k] = make([]float32, q.N), make([]float64, q.N)
		}
		p.rates, p.current, p.into = append(p.rates, r), append(p.current, current), append(p.into, into)
	}
	for _, i := range c.Plastic() {
		q := c.Projections[i]
		jump := p.jump(q)
		p.weights[i] = make([]float32, q.Matrix.Len())
		for k := range p.weights[i] {
			p.weights[i][k] = float32(q.Weight[k%len(q.Weight)] * jump)
		}
	}
	return p, nil
}

// NewCircuit makes the plan of a circuit: on the host where it has rate units, and else on a device.
//
// Errors: those of New, and of kernels.NewCircuit.
func NewCircuit(dev kernels.Device, c *kernels.Circuit) (kernels.CircuitPlan, error) {
	if Of(c) {
		return New(c)
	}
	return kernels.NewCircuit(dev, c)
}

// jump is what a state has of a plastic weight of 1.
func (p *Plan) jump(q kernels.Projection) float64 {
	_, jump := kernels.Decay(p.c.Step, p.c.Populations[q.To].Synapses[q.Synapse])
	return jump
}

// check refuses a circuit that is none of rates.
func check(c *kernels.Circuit) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("rates: "+format+": %w", append(args, kernels.ErrShape)...)
	}
	// What does not depend on the units is refused as that of a network of neurons is.
	of := *c
	of.Populations = slices.Clone(c.Populations)
	names := neurons.All()
	for i, p := range c.Populations {
		switch {
		case p.Header == kernels.Trains:
			return refuse("population %q has trains of spikes, which have no rate", p.Name)
		case p.Source():
			continue
		case p.Header != Header:
			return refuse("population %q is of %s, beside rate units; make all of them the same", p.Name, p.Header)
		case len(p.Reversals) > 0 && slices.ContainsFunc(p.Reversals, func(v float64) bool { return v-v == 0 }):
			return refuse("population %q has conductances, which rate units have not", p.Name)
		}
		unit := Unit()
		if len(p.Params) != len(unit.Params) {
			return refuse("population %q has %d parameters, want %d", p.Name, len(p.Params), len(unit.Params))
		}
		for k, v := range p.Params {
			if q := unit.Params[k]; !(v >= q.Min && v <= q.Max) {
				return refuse("population %q: %s is %g %s, want %g to %g", p.Name, q.Name, v, q.Unit, q.Min, q.Max)
			}
		}
		if p.Params[tau] < c.Step || p.Params[most] <= p.Params[least] {
			return refuse("population %q has the time constant %g ms and rates of %g to %g Hz, want a step, %g ms, or more and a range", p.Name, p.Params[tau], p.Params[least], p.Params[most], c.Step)
		}
		if wrong := Sigmoid(p.Params); wrong != "" {
			return refuse("population %q has %s", p.Name, wrong)
		}
		if of.Populations[i].Params = nil; len(names) > 0 {
			of.Populations[i].Header = names[0].Name
		}
	}
	for i, q := range c.Projections {
		if slices.ContainsFunc(q.Delay, func(d uint16) bool { return d != 1 }) {
			return refuse("projection %d has delays, and rates act at once; leave them out", i)
		}
	}
	if len(names) == 0 {
		return nil // without cgo Check knows no neuron; a blueprint is drawn right
	}
	return of.Check()
}

// Run implements kernels.CircuitPlan: V of a probe is its rate in Hz.
//
// Errors: kernels.ErrNotFinite, with the population.
func (p *Plan) Run(steps int) (kernels.CircuitRecord, error) {
	r := kernels.CircuitRecord{V: make([][]float32, len(p.c.Probes))}
	for range steps {
		if err := p.advance(); err != nil {
			return r, err
		}
		for i, q := range p.c.Probes {
			r.V[i] = append(r.V[i], p.rates[q.Population][q.Unit])
		}
	}
	return r, nil
}

func (p *Plan) advance() error {
	for i, q := range p.c.Populations {
		if q.Source() {
			continue
		}
		constant := 0.0
		for _, now := range p.c.Currents {
			if now.Population == i && now.First <= p.step && p.step < now.Last {
				constant += now.Amplitude
			}
		}
		part := p.c.Step / q.Params[tau]
		for u, r := range p.rates[i] {
			in := constant
			for _, current := range p.current[i] {
				in += float64(current[u])
			}
			x := float32(float64(r) + part*(transfer(q.Params, in)-float64(r)))
			if x-x != 0 {
				return fmt.Errorf("rates: population %q has a rate of %g Hz after %g ms; give it weaker excitation, a largest rate r_max or a shorter step: %w", q.Name, x, float64(p.step+1)*p.c.Step, kernels.ErrNotFinite)
			}
			p.rates[i][u] = x
		}
		for k := range p.into[i] {
			clear(p.into[i][k])
		}
	}
	for i, q := range p.c.Projections {
		p.project(i, q)
	}
	for i, q := range p.c.Populations {
		for k, tau := range q.Synapses {
			for u, x := range p.current[i][k] {
				p.current[i][k][u] = float32(float64(x) + p.c.Step/tau*(p.into[i][k][u]-float64(x)))
			}
		}
	}
	if p.step++; p.step%learnSteps == 0 {
		for _, i := range p.c.Plastic() {
			p.learn(i)
		}
	}
	return nil
}

// rate returns the rate of a unit in 1/ms.
func (p *Plan) rate(population, unit int) float64 {
	r := p.rates[population]
	if len(r) == 1 {
		unit = 0
	}
	return float64(r[unit]) / 1000
}

// project adds W r of a projection, in the order of its entries.
func (p *Plan) project(i int, q kernels.Projection) {
	into := p.into[q.To][q.Synapse]
	if p.c.Populations[q.From].Header == kernels.Events { // whose units are the digits of a number of events
		for u := range into {
			into[u] += q.Weight[int(q.Matrix.Start[u])%len(q.Weight)] * p.rate(q.From, 0)
		}
		return
	}
	plastic, over := p.weights[i], 1/p.jump(q)
	for u := range into {
		sum := 0.0
		for k := q.Matrix.Start[u]; k < q.Matrix.Start[u+1]; k++ {
			w := q.Weight[0]
			switch {
			case plastic != nil:
				w = float64(plastic[k]) * over
			case len(q.Weight) > 1:
				w = q.Weight[k]
			}
			sum += w * p.rate(q.From, int(q.Matrix.Col[k]))
		}
		into[u] += sum
	}
}

// learn changes the weights of a projection.
func (p *Plan) learn(i int) {
	q := p.c.Projections[i]
	rule, jump := q.Plasticity, p.jump(q)
	over := rule.Sign / jump
	for u := range q.Matrix.Rows {
		target := p.rate(q.To, u)
		for k := q.Matrix.Start[u]; k < q.Matrix.Start[u+1]; k++ {
			m := float64(p.weights[i][k]) * over
			m += learnSteps * p.c.Step * Drift(rule, m, p.rate(q.From, int(q.Matrix.Col[k])), target)
			p.weights[i][k] = float32(rule.Sign * min(max(m, 0), rule.Most) * jump)
		}
	}
}

// Means returns the mean rate of each population in Hz, as it is.
func (p *Plan) Means() []float64 {
	all := make([]float64, len(p.rates))
	for i, r := range p.rates {
		for _, x := range r {
			all[i] += float64(x) / float64(len(r))
		}
	}
	return all
}

// State implements kernels.CircuitPlan.
func (p *Plan) State() (*kernels.CircuitState, error) {
	s := &kernels.CircuitState{Step: p.step}
	for i, q := range p.c.Populations {
		one := kernels.PopulationState{Name: q.Name}
		if !q.Source() {
			one.Planes = [][]float32{slices.Clone(p.rates[i])}
			for _, current := range p.current[i] {
				one.Currents = append(one.Currents, slices.Clone(current))
			}
		}
		s.Populations = append(s.Populations, one)
	}
	for _, i := range p.c.Plastic() {
		s.Plastic = append(s.Plastic, kernels.PlasticState{Projection: i, Weights: slices.Clone(p.weights[i])})
	}
	return s, nil
}

// SetState implements kernels.CircuitPlan.
func (p *Plan) SetState(s *kernels.CircuitState) error {
	have, _ := p.State() // which never fails
	fits := s.Step >= 0 && len(s.Populations) == len(have.Populations) && len(s.Plastic) == len(have.Plastic)
	for i := 0; fits && i < len(have.Populations); i++ {
		fits = sameShape(s.Populations[i].Planes, have.Populations[i].Planes) && sameShape(s.Populations[i].Currents, have.Populations[i].Currents)
	}
	for i := 0; fits && i < len(have.Plastic); i++ {
		fits = s.Plastic[i].Projection == have.Plastic[i].Projection && sameShape([][]float32{s.Plastic[i].Weights}, [][]float32{have.Plastic[i].Weights})
	}
	if !fits {
		return fmt.Errorf("rates: the state is not one of this network, or has a number that is not finite: %w", kernels.ErrShape)
	}
	p.step = s.Step
	for i, q := range s.Populations {
		if len(q.Planes) == 0 {
			continue
		}
		copy(p.rates[i], q.Planes[0])
		for k, current := range q.Currents {
			copy(p.current[i][k], current)
		}
	}
	for _, q := range s.Plastic {
		copy(p.weights[q.Projection], q.Weights)
	}
	return nil
}

// sameShape reports whether arrays have the lengths of others, and finite numbers.
func sameShape(got, want [][]float32) bool {
	return slices.EqualFunc(got, want, func(g, w []float32) bool {
		return len(g) == len(w) && !slices.ContainsFunc(g, func(x float32) bool { return math.IsNaN(float64(x - x)) })
	})
}
