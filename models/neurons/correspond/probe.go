package correspond

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"galvani/kernels"
	"galvani/models/neurons"

	"gorgonia.org/tensor"
)

const (
	// small and large are the steps of Probe: by how many mV V would rise were the neuron linear.
	small, large = 2, 20
	// ProbeMs is how long the stimulus of Probe lasts.
	ProbeMs = 450
)

// PerMillivolt returns the first input of a neuron that takes a current, and how much of it moves V there by 1 mV in
// 100 ms if all gates stay where they are at rest.
//
// Errors: ErrSettings for a neuron without such an input; those of a run.
func PerMillivolt(ctx context.Context, dev kernels.Device, n *neurons.Neuron, s Settings) (input int, current float64, err error) {
	input = slices.IndexFunc(n.Inputs, func(in neurons.Input) bool { return in.Receptor < 0 })
	if input < 0 {
		return 0, 0, fmt.Errorf("correspond: neuron %s has no input with a current; give it events, or a stimulus that it sees: %w", n.Name, ErrSettings)
	}
	rest, err := restOf(ctx, dev, n, s, func(int) {})
	if err != nil {
		return 0, 0, err
	}
	regions, _ := byRegion(n, rest)
	linear := fixedGates(n, regions)
	linear.Records = []neurons.Record{{Name: "input", Unit: n.Inputs[input].Units[0]}}
	const one = 1e-3 // small, as V of a linear neuron may go anywhere
	var end [2]float64
	for i := range end {
		wave := func(ms float64) float64 {
			if ms < s.Settle {
				return 0
			}
			return one * float64(i)
		}
		steps := int(math.Ceil((s.Settle + 100) / s.Dt))
		t, err := linear.Run(ctx, dev, tensor.Float64, neurons.Options{Dt: s.Dt}, steps, neurons.Stimulus{Waves: map[int]neurons.Wave{input: wave}}, func(int) {})
		if err != nil {
			return 0, 0, err
		}
		end[i] = t.End()[0]
	}
	return input, one / (end[1] - end[0]), nil
}

// Probe returns two steps of current, and a line about them: at 50 ms one that would move V by 2 mV were the neuron
// linear, at 250 ms one that would move it by 20 mV, for 100 ms each.
//
// Errors: those of PerMillivolt.
func Probe(ctx context.Context, dev kernels.Device, n *neurons.Neuron, s Settings) (neurons.Stimulus, string, error) {
	input, current, err := PerMillivolt(ctx, dev, n, s)
	if err != nil {
		return neurons.Stimulus{}, "", err
	}
	digits := func(mv float64) string { return strconv.FormatFloat(mv*current, 'g', 2, 64) }
	text := fmt.Sprintf("step %s 50:150 + step %s 250:350", digits(small), digits(large))
	wave, err := neurons.ParseWave(text, n.One(input), nil)
	if err != nil {
		return neurons.Stimulus{}, "", fmt.Errorf("correspond: %w: %w", err, ErrSettings)
	}
	return neurons.Stimulus{Waves: map[int]neurons.Wave{input: wave}}, n.Inputs[input].Name + ": " + text + ", 1 is " + n.Inputs[input].Per, nil
}
