package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"galvani/bench/analysis"
	"galvani/engine/chart"
	"galvani/engine/npz"
	"galvani/engine/safetensors"
	"galvani/kernels"
	"galvani/kernels/sparse"
	"galvani/models/circuits"
)

// plasticReport is what the weights of a plastic projection did.
type plasticReport struct {
	From  string             `json:"from"`
	To    string             `json:"to"`
	Rule  string             `json:"rule"`
	Unit  string             `json:"unit"`
	Start analysis.WeightsOf `json:"start"`
	End   analysis.WeightsOf `json:"end"`
}

// learned is what is told and written of the plastic weights.
type learned struct {
	reports []plasticReport
	arrays  []safetensors.Tensor
	charts  chart.Stack
}

// learnedWeights looks at what the plastic weights did up to a state, and with files at all of them. Where each rank has some
// of the entries of a projection, they are drawn, once.
//
// Errors: those of draw, which is circuits.Blueprint.Entries at the seed of the circuit.
func learnedWeights(net *circuits.Blueprint, c *kernels.Circuit, state *kernels.CircuitState, files bool, draw func(i int) (*sparse.Matrix, []float64, error)) (all learned, err error) {
	for _, i := range c.Plastic() {
		p, q := c.Projections[i], net.Connections[i]
		m, start := p.Matrix, p.Weight
		if p.Share != nil {
			if m, start, err = draw(i); err != nil {
				return learned{}, err
			}
		}
		if len(start) < m.Len() {
			start = slices.Repeat(start, m.Len())
		}
		end := c.WeightsNow(state, i)
		from, to := c.Populations[p.From].Name, net.Populations[p.To]
		r := plasticReport{From: from, To: to.Name, Rule: q.Learning.Name, Unit: to.WeightUnit(q.Synapse).Unit,
			Start: analysis.Weights(p.Plasticity, start), End: analysis.Weights(p.Plasticity, end)}
		all.reports = append(all.reports, r)
		if files {
			all.arrays = append(all.arrays, weightArrays(fmt.Sprintf("%d.%s.%s.", i, from, to.Name), m, end)...)
			all.charts = append(all.charts, weightHistogram(p.Plasticity, r, start, end)...)
		}
	}
	return all, nil
}

// sampler looks at the weights that are recorded, in steps that do not depend on the stretches.
type sampler struct {
	net *circuits.Blueprint
	c   *kernels.Circuit
}

// next returns in which step behind one the weights are looked at next, or a later end.
func (s sampler) next(done, end int) int {
	for _, q := range s.net.Samples {
		end = int(min(int64(end), (int64(done)/q.Every+1)*q.Every))
	}
	for _, q := range s.net.Inputs {
		end = int(min(int64(end), (int64(done)/q.Every+1)*q.Every))
	}
	if every := ratesEvery(s.c); every > 0 {
		end = min(end, (done/every+1)*every)
	}
	return end
}

// look adds to the course of the weights what is due in a step, the mean and the standard deviation, and to that of the
// currents.
func (s sampler) look(plan kernels.CircuitPlan, step int, now *saved) error {
	var state *kernels.CircuitState
	var err error
	due := func(every int64) bool { return int64(step)%every == 0 && err == nil }
	whole := func() bool {
		if state == nil {
			state, err = plan.State()
		}
		return err == nil
	}
	for len(now.weights) < len(s.net.Samples) {
		now.weights = append(now.weights, nil)
	}
	for i, q := range s.net.Samples {
		if !due(q.Every) || !whole() {
			continue
		}
		w := analysis.Weights(s.c.Projections[q.Connection].Plasticity, s.c.WeightsNow(state, q.Connection))
		now.weights[i] = append(now.weights[i], w.Mean, w.SD)
	}
	for len(now.currents) < len(s.net.Inputs) {
		now.currents = append(now.currents, nil)
	}
	for i, q := range s.net.Inputs {
		if !due(q.Every) {
			continue
		}
		var units kernels.PopulationState
		near := false
		if l, ok := plan.(kernels.Looker); ok {
			units, near = l.Look(q.Population)
		}
		if !near {
			if !whole() {
				continue
			}
			units = state.Populations[q.Population]
		}
		now.currents[i] = append(now.currents[i], s.inputs(q, units, int64(step))...)
	}
	s.lookRates(plan, step, now)
	return err
}

// writeWeights leaves the course of the weights that are recorded, all plastic weights at the end, and their
// histogram.
func (f *simulateFlags) writeWeights(net *circuits.Blueprint, all learned, did *saved) error {
	if len(net.Samples) > 0 {
		if err := writeFile(f.out+"-weights.csv", func(w io.Writer) error { return f.course(w, net, did) }); err != nil {
			return err
		}
	}
	if len(all.reports) == 0 {
		return nil
	}
	if err := writeFile(f.out+"-weights.npz", func(w io.Writer) error { return npz.Write(w, all.arrays) }); err != nil {
		return err
	}
	err := writeChart(f.out+"-weights", all.charts)
	if errors.Is(err, chart.ErrEmpty) { // of projections without an entry
		return nil
	}
	return err
}

// course writes the mean and the standard deviation of the weights that are recorded.
func (f *simulateFlags) course(w io.Writer, net *circuits.Blueprint, did *saved) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "time_ms,from,to,unit,mean,sd")
	for i, q := range net.Samples {
		p := net.Connections[q.Connection]
		from, to := net.Populations[p.From], net.Populations[p.To]
		for k := 0; k+1 < len(did.weights[i]); k += 2 {
			fmt.Fprintf(b, "%s,%s,%s,%s,%.6g,%.6g\n", msText(float64(int64(k/2)*q.Every)*f.step), from.Name, to.Name,
				to.WeightUnit(p.Synapse).Unit, did.weights[i][k], did.weights[i][k+1])
		}
	}
	return b.Flush() // which returns the first error of all
}

// weightArrays returns the source, the target and the weight of each entry of a projection.
func weightArrays(name string, m *sparse.Matrix, weights []float64) []safetensors.Tensor {
	n := m.Len()
	target := make([]int32, 0, n)
	for r := range m.Rows {
		for range m.Row(r) {
			target = append(target, int32(r))
		}
	}
	return []safetensors.Tensor{safetensors.Int32(name+"source", []int{n}, m.Col), safetensors.Int32(name+"target", []int{n}, target),
		safetensors.Float64(name+"weight", []int{n}, weights)}
}

// weightBins is the number of bins of a histogram.
const weightBins = 40

// weightHistogram draws the magnitudes of the weights of a projection at the start, dashed, and at the end; nothing where all
// are 0.
func weightHistogram(p *kernels.Plasticity, r plasticReport, start, end []float64) chart.Stack {
	most := p.Most
	if most == kernels.NoBound {
		most = 0
		for k := range end {
			most = max(most, math.Abs(end[k]), math.Abs(start[k]))
		}
	}
	if len(end) == 0 || most == 0 {
		return nil
	}
	// Each chart has its own range: bins are in parts of the largest weight.
	line := chart.Lines{Title: fmt.Sprintf("Weights from %s to %s", r.From, r.To), Subtitle: fmt.Sprintf("%s; 1 is %.4g %s", r.Rule, most, r.Unit),
		XLabel: "weight (part of the largest)", YLabel: "synapses"}
	for k, w := range [][]float64{start, end} {
		line.Series = append(line.Series, steps([]string{"start", "end"}[k], analysis.Histogram(p, w, most, weightBins)))
		line.Series[k].Dashed = k == 0
	}
	return chart.Stack{line}
}

// steps draws counts of equal bins from 0 to 1 as a line of steps.
func steps(name string, count []float64) chart.Series {
	s := chart.Series{Name: name}
	for k, n := range count {
		s.X = append(s.X, float64(k)/float64(len(count)), float64(k+1)/float64(len(count)))
		s.Y = append(s.Y, n, n)
	}
	return s
}

func (p *printer) plasticWeights(all []plasticReport) {
	if len(all) == 0 {
		return
	}
	rows := make([][]string, 0, len(all))
	for _, w := range all {
		middle := "-"
		if w.End.Middle != nil {
			middle = fmt.Sprintf("%.0f %%", 100**w.End.Middle)
		}
		rows = append(rows, []string{w.From + " to " + w.To, w.Rule, fmt.Sprint(w.End.N), fmt.Sprintf("%.4g ± %.3g", w.Start.Mean, w.Start.SD),
			fmt.Sprintf("%.4g ± %.3g", w.End.Mean, w.End.SD), w.Unit, middle})
	}
	p.table([]string{"WEIGHTS", "RULE", "SYNAPSES", "START", "END", "UNIT", "0.2-0.8 OF LARGEST"}, rows)
}
