package networks

import (
	"context"
	"fmt"
	"slices"

	"galvani/bench/analysis"
	"galvani/bench/experiment"
	"galvani/engine/hostmem"
	"galvani/kernels"
	"galvani/kernels/devices"
	"galvani/models/circuits"
	"galvani/models/rates"
)

// course is a network that is simulated in windows of a second.
type course struct {
	net     *circuits.Blueprint
	circuit *kernels.Circuit
	plan    kernels.CircuitPlan
	dev     kernels.Device
	close   func() error
	steps   int // of a window
	start   *kernels.CircuitState
}

// begin makes a built-in network with some settings.
func begin(env *experiment.Env, name string, set map[string]any, seed uint64) (*course, error) {
	return beginWith(env, name, set, seed, func(*circuits.Blueprint) {})
}

// beginWith is begin of a network with a change.
func beginWith(env *experiment.Env, name string, set map[string]any, seed uint64, change func(*circuits.Blueprint)) (*course, error) {
	n, err := circuits.Load(name)
	if err != nil {
		return nil, err
	}
	for _, k := range n.Keys {
		if v, ok := set[k.Name]; ok {
			if err := k.Parse(fmt.Sprint(v)); err != nil {
				return nil, err
			}
		}
	}
	b, err := n.Blueprint(n.Step)
	if err != nil {
		return nil, err
	}
	change(b)
	dev, err := devices.OpenCPU(env.Threads)
	if err != nil {
		return nil, err
	}
	c := &course{net: b, dev: dev, close: dev.Close, steps: int(1000/n.Step + 0.5)}
	room, known := hostmem.There()
	if err = b.Fits(dev, 1, 0, room, known); err == nil {
		c.circuit, err = b.Draw(seed)
	}
	if err == nil {
		c.plan, err = rates.NewCircuit(dev, c.circuit)
	}
	if err == nil {
		c.start, err = c.plan.State()
	}
	if err != nil {
		dev.Close()
		return nil, err
	}
	return c, nil
}

// run simulates so many seconds and shows each what the populations did in it, and its spikes.
func (c *course) run(ctx context.Context, env *experiment.Env, seconds int, second func([]analysis.Spiking, []kernels.Spike)) error {
	for k := range seconds {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		r, err := c.plan.Run(c.steps)
		if err != nil {
			return err
		}
		second(analysis.SpikesOf(c.circuit, r.Spikes, 1000), r.Spikes)
		env.Tick(float64(k+1) / float64(seconds))
	}
	return nil
}

// weights returns what the weights of the first plastic projection are like at the start and now, and those of now.
func (c *course) weights() (start, end analysis.WeightsOf, now []float64, err error) {
	state, err := c.plan.State()
	if err != nil {
		return start, end, nil, err
	}
	i := c.circuit.Plastic()[0]
	rule := c.circuit.Projections[i].Plasticity
	now = c.circuit.WeightsNow(state, i)
	return analysis.Weights(rule, c.circuit.WeightsNow(c.start, i)), analysis.Weights(rule, now), now, nil
}

// fixed returns a plan of the network whose weights stay as they are now, in the state that it is in.
func (c *course) fixed() (kernels.CircuitPlan, error) {
	now, err := c.plan.State()
	if err != nil {
		return nil, err
	}
	stay := *c.circuit
	stay.Projections = slices.Clone(c.circuit.Projections)
	for _, i := range c.circuit.Plastic() {
		stay.Projections[i].Weight, stay.Projections[i].Plasticity = c.circuit.WeightsNow(now, i), nil
	}
	plan, err := rates.NewCircuit(c.dev, &stay)
	if err != nil {
		return nil, err
	}
	now.Plastic = nil
	return plan, plan.SetState(now)
}
