package bench

import (
	"context"
	"errors"
	"fmt"

	"galvani/kernels"
)

// caseLatency is what it costs that parts of a GPU hear of each other.
const caseLatency = "latency"

// RunLatencies measures a round of every signal of a GPU, over the launch path of the networks. What
// the GPU has no room for is left out and said.
//
// Errors: kernels.ErrNoDevice in a binary without cgo; the cause of ctx when cancelled between two;
// those of cfg.Each and of a lost device.
func RunLatencies(ctx context.Context, cfg Config, gpu *GPU) error {
	r, stop, err := start(cfg)
	if err != nil {
		return err
	}
	defer stop()
	dev, ok := gpu.Dev.(kernels.Prober)
	if !ok {
		return fmt.Errorf("bench: %s has no signals to measure", gpu.Dev.Name())
	}
	for i, name := range dev.Signals() {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		rounds, err := dev.Rounds(i)
		if err == nil {
			err = rounds(1)
		}
		switch {
		case errors.Is(err, kernels.ErrLost), errors.Is(err, kernels.ErrFault):
			return err
		case err != nil:
			r.Log("without %s: %v", name, err)
			continue
		}
		all := []contestant{{name: gpu.Dev.Name(), averaged: true, run: waited(rounds)}}
		samples, err := interleave(r.effort, all)
		if err != nil {
			return err
		}
		row := r.head
		row.Case, row.What, row.Emulated = caseLatency, name, gpu.Emulated
		row.Subject = all[0].timing(samples[0])
		row.Subject.Device = &gpu.Hardware
		if err := r.Each(row); err != nil {
			return err
		}
	}
	return nil
}
