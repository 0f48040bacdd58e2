package neurons

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"galvani/bench/experiment"
	"galvani/data"
	"galvani/kernels/devices"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

// rateWidth is the standard deviation in ms of the Gaussian that spikes are spread by to a rate.
const rateWidth = 20

// simulate runs a neuron in float64 on one thread of the CPU.
func simulate(ctx context.Context, env *experiment.Env, n *neurons.Neuron, dt, ms float64, in neurons.Stimulus) (*neurons.Trace, error) {
	dev, err := devices.OpenCPU(1)
	if err != nil {
		return nil, err
	}
	defer dev.Close()
	steps := int(ms/dt + 0.5)
	return n.Run(ctx, dev, tensor.Float64, neurons.Options{Dt: dt}, steps, in, func(done int) { env.Tick(float64(done) / float64(steps)) })
}

// watch shows a neuron a scene, besides its noise, and returns its spikes in ms.
func watch(ctx context.Context, env *experiment.Env, n *neurons.Neuron, spacing float64, s data.Show, seed uint64) ([]float64, error) {
	sight, err := data.Eye{Half: n.View(), Spacing: spacing}.See(s, seed)
	if err != nil {
		return nil, err
	}
	in := neurons.Stimulus{Events: map[int][]neurons.Event{}}
	n.See(&in, sight.X, sight.Y, sight.At, sight.Speed, seed)
	n.Babble(&in, s.Duration, seed)
	trace, err := simulate(ctx, env, n, n.Dt, s.Duration, in)
	if err != nil {
		return nil, err
	}
	return n.Spikes(trace), nil
}

// sighted returns the built-in neurons that see. Reading them all takes milliseconds, at every start of the program.
var sighted = sync.OnceValue(func() (names []string) {
	for _, name := range neurons.Names() {
		if n, err := neurons.Load(name); err == nil && n.View() > 0 {
			names = append(names, name)
		}
	}
	return names
})

// seeing returns a neuron that sees.
func seeing(name string) (*neurons.Neuron, error) {
	if !slices.Contains(sighted(), name) {
		return nil, fmt.Errorf("neuron is %q, want one with inputs by facets: %q: %w", name, sighted(), experiment.ErrSettings)
	}
	return neurons.Load(name)
}
