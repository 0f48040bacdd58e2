package correspond

import (
	"context"
	"math"

	"galvani/kernels"
	"galvani/models"
	"galvani/models/neurons"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// stretch is how many steps a plan of the charged RNN runs at a time.
const stretch = 1000

// drive is what a stimulus puts into the columns that it reaches, step by step.
type drive struct {
	columns []column
	x       [][]float64 // [columns][steps]
}

// sample returns the drive of a stimulus in steps of dt ms: the mean of a wave over so many parts of each step, and
// the number of events in it.
func (c *Charged) sample(n *neurons.Neuron, s neurons.Stimulus, steps int, dt float64, parts int) (d drive) {
	for _, col := range c.columns {
		wave, events := s.Waves[col.input], s.Events[col.input]
		if wave == nil && len(events) == 0 {
			continue
		}
		x := make([]float64, steps)
		for k := range x {
			for i := 0; wave != nil && i < parts; i++ {
				x[k] += col.part(wave((float64(k)+(float64(i)+0.5)/float64(parts))*dt)) / float64(parts)
			}
		}
		for _, e := range events {
			if k := math.Floor((e.Ms+n.Inputs[col.input].Delay)/dt + 1e-9); (e.At < 0 || e.At == col.at) && k >= 0 && k < float64(steps) {
				x[int(k)] += e.Size
			}
		}
		d.columns, d.x = append(d.columns, col), append(d.x, x)
	}
	if len(d.x) == 0 { // a scan has one input at least
		d.columns, d.x = c.columns[:min(1, len(c.columns))], [][]float64{make([]float64, steps)}
	}
	return d
}

// config returns the scan of the charged RNN with so many inputs in steps of dt ms, the numbers of its parameters,
// and the start.
func (c *Charged) config(d drive, dt float64) (cfg kernels.ScanConfig, params [][]float64, err error) {
	cell := *c.Cell
	cell.Dt = dt
	dims := models.Dims{I: len(d.x), H: c.H, O: 1}
	specs, err := cell.Params(dims)
	if err != nil {
		return cfg, nil, err
	}
	scan, err := cell.Scan(dims)
	if err != nil {
		return cfg, nil, err
	}
	values := c.Values(dt)
	values["U_exc"], values["U_inh"] = make([]float64, c.H*len(d.x)), make([]float64, c.H*len(d.x))
	for i, col := range d.columns {
		u := values["U_exc"]
		if col.inhibits {
			u = values["U_inh"]
		}
		u[col.unit*len(d.x)+i] = c.weight(col, dt)
	}
	if len(c.axial) > 0 {
		scan.Axial = &kernels.Axial{I: c.from, J: c.to}
		specs = append(specs, kernels.Spec{Name: "g_axial", Letters: "E", Shape: []int{len(c.axial)}, Role: kernels.Edge, Unit: "1",
			Doc: "conductance of the edge", Bound: kernels.Free()})
	}
	for _, s := range specs {
		params = append(params, values[s.Name])
	}
	return kernels.ScanConfig{Cell: scan, B: 1, I: len(d.x), H: c.H, Params: specs, Dtype: tensor.Float64, ForwardOnly: true}, params, nil
}

// run runs the charged RNN in float64 on a CPU and returns V of some units in mV, [units][steps+1], from the start on.
//
// Errors: those of the device; the cause of ctx.
func (c *Charged) run(ctx context.Context, dev kernels.Device, d drive, dt float64, units []int, progress func(done int)) ([][]float64, error) {
	cfg, params, err := c.config(d, dt)
	if err != nil {
		return nil, err
	}
	dense := func(x []float64, shape ...int) gorgonia.Value {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(x))
	}
	var args kernels.ScanArgs
	for i, s := range cfg.Params {
		args.Params = append(args.Params, dense(params[i], s.Shape...))
	}
	state := make([]float64, cfg.Cell.States*c.H)
	for s, rest := range cfg.Cell.Rest {
		for u := range c.H {
			state[s*c.H+u] = rest
		}
	}
	v := make([][]float64, len(units))
	for i := range v {
		v[i] = []float64{c.Rest}
	}
	var plan kernels.ScanPlan
	for done, steps := 0, len(d.x[0]); done < steps; done += cfg.T {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if t := min(stretch, steps-done); plan == nil || t != cfg.T {
			cfg.T = t
			if plan, err = dev.NewScan(cfg); err != nil {
				return nil, err
			}
		}
		x := make([]float64, 0, cfg.T*cfg.I)
		for k := range cfg.T {
			for i := range d.x {
				x = append(x, d.x[i][done+k])
			}
		}
		args.X, args.State = dense(x, cfg.T, 1, cfg.I), dense(state, cfg.Cell.States, 1, c.H)
		out, err := plan.Forward(args)
		if err != nil {
			return nil, err
		}
		h := out.Data().([]float64)
		for k := range cfg.T {
			for i, u := range units {
				v[i] = append(v[i], c.volts(h[k*c.H+u]))
			}
		}
		copy(state, plan.Final().Data().([]float64))
		progress(done + cfg.T)
	}
	return v, nil
}
