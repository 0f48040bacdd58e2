package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/kernels"
	points "galvani/kernels/neurons"
	"galvani/models/circuits"
	"galvani/models/description"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
)

// pointPlace is what the trace of a neuron without a dendrite calls its only place.
const pointPlace = "soma"

// newSimulatePoint makes the command of a neuron without a dendrite: a circuit of one unit, whose parameters are flags.
func newSimulatePoint(h points.Neuron) *cobra.Command {
	f := &neuronFlags{}
	about := h.About()
	c := &cobra.Command{Use: h.Name, Short: about.Doc, Long: about.Doc + "\n\n  " + strings.Join(about.Equations, "\n  ") + "\n\nSource: " + dash(about.Source), Args: exactArgs()}
	f.addCurrent(c)
	flags := c.Flags()
	flags.StringVar(&f.run.Device, "device", "cpu", "where to compute: auto, cpu, cuda or cuda:n")
	flags.StringVar(&f.out, "out", "", "`name` of the files to write, without ending")
	network, err := circuits.Single(h)
	if err != nil {
		panic(err) // TestSingle reads them all
	}
	set := networkSettings{keys: network.Keys}
	set.add(flags)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := set.take(flags); err != nil {
			return err
		}
		return f.simulatePoint(c, network, h)
	}
	return c
}

// simulatePoint runs a neuron without a dendrite and tells what it did, as simulate does of one with.
func (f *neuronFlags) simulatePoint(c *cobra.Command, network *circuits.Network, h points.Neuron) error {
	f.precision = neuronPrecisions[0]
	if f.dt == 0 {
		f.dt = network.Step
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := outFolder(f.out); err != nil {
		return err
	}
	b, err := network.Blueprint(f.dt)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, flagOf(err, h))
	}
	circuit, err := b.Draw(1)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	unit := &circuit.Populations[0]
	if tau := unit.Params[0]; f.dt > tau { // tau_m, which all headers have first
		return fmt.Errorf("%w: --dt is %v ms, want at most tau_m, %v ms, within which V moves", config.ErrConfig, f.dt, tau)
	}
	n := &neurons.Neuron{Name: h.Name, Threshold: unit.Params[h.Above], Inputs: []neurons.Input{{Name: "current", Receptor: -1, Per: "1 mV (over the leak conductance)"}}}
	r := neuronTrace{Neuron: h.Name, Compartments: 1, Precision: "fp32", Notes: []string{}, Inputs: map[string]string{}, shape: "one unit", reset: true}
	r.trace = &neurons.Trace{Dt: f.dt, Places: []string{pointPlace}, V: [][]float64{{unit.Start[0]}}}
	in, err := f.stimulus(n, &r)
	if err != nil {
		return err
	}
	circuit.Currents, r.trace.Input = currents(in.Waves[0], int(f.steps()), f.dt)
	ctx, cancel := interruptible(c.Context())
	defer cancel()
	if err := f.computePoint(ctx, circuit, &r, c.ErrOrStderr()); err != nil {
		return err
	}
	if err := f.write(n, &r); err != nil {
		return err
	}
	return report(c, f.asJSON, r, func(p *printer) { p.neuronTrace(n, r) })
}

// flagOf names the flag in place of what the network of one neuron, whose file no user has, calls a parameter.
func flagOf(err error, h points.Neuron) error {
	var m *description.Mistake
	if !errors.As(err, &m) {
		return err
	}
	for _, q := range h.Params {
		if m.Key == "population."+circuits.SingleName+".numbers."+q.Name {
			return fmt.Errorf("--%s %s", circuits.SettingFlag(q.Name), m.What)
		}
	}
	return err
}

// currents returns a wave, nil for none, as constant currents, one for each stretch of steps in which it does not change,
// and its value in each step, that in the middle of the step.
func currents(wave neurons.Wave, steps int, dt float64) (list []kernels.Current, input [][]float64) {
	x := make([]float64, steps)
	for k := range x {
		if wave != nil {
			x[k] = wave((float64(k) + 0.5) * dt)
		}
		if k > 0 && x[k] == x[k-1] {
			list[len(list)-1].Last++
			continue
		}
		list = append(list, kernels.Current{First: int64(k), Last: int64(k) + 1, Amplitude: x[k]})
	}
	return list, [][]float64{x}
}

// computePoint runs the circuit and fills in the trace.
func (f *neuronFlags) computePoint(ctx context.Context, circuit *kernels.Circuit, r *neuronTrace, stderr io.Writer) error {
	run := f.run
	run.Backend, run.Precision, run.Threads = "auto", "fp32", 1
	p, err := chooseKernels(run, locality{})
	if err != nil {
		return err
	}
	defer p.close()
	plan, err := kernels.NewCircuit(p.dev, circuit)
	if err != nil {
		return err
	}
	bar := newBar(stderr)
	defer bar.clear()
	seen := redrawn(stderr)
	begin, steps := time.Now(), int(f.steps())
	spikes := []float64{}
	for done := 0; done < steps; done += stretchSteps {
		if ctx.Err() != nil {
			return fmt.Errorf("%w; nothing is saved of a neuron", context.Cause(ctx))
		}
		record, err := plan.Run(min(stretchSteps, steps-done))
		if err != nil {
			return err
		}
		r.trace.V[0] = append(r.trace.V[0], kernels.Wide(record.V[0])...)
		for _, s := range record.Spikes {
			spikes = append(spikes, float64(s.Step+1)*f.dt)
		}
		if seen {
			bar.draw(float64(done)/float64(steps), fmt.Sprintf("%.0f ms", float64(done)*f.dt))
		}
	}
	r.Spikes, r.Device, r.DtMs, r.Milliseconds, r.Seconds = [][]float64{spikes}, p.device, f.dt, msOf(float64(steps), f.dt), time.Since(begin).Seconds()
	r.ranges()
	return nil
}
