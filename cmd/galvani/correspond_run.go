package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"galvani/cmd/galvani/internal/config"
	"galvani/data"
	"galvani/engine/chart"
	"galvani/engine/rundir"
	"galvani/models/neurons"
	"galvani/models/neurons/correspond"
)

// correspondFile is the comparison in a run directory, and correspondPlot the name of its picture.
const (
	correspondFile = "correspond.json"
	correspondPlot = "correspond"
)

// leave makes the run of the charged RNN: as train makes one, with the parameters that correspond and no step made.
func (f *correspondFlags) leave(n *neurons.Neuron, pairs []config.Pair, r *correspondReport) (err error) {
	graph, err := writeGraph(r.Charged)
	if err != nil {
		return err
	}
	if graph != "" {
		defer func() { err = errors.Join(err, os.Remove(graph)) }()
	}
	j, err := f.job(n, pairs, graph, r) // so that no folder is left where it fails
	if err != nil {
		return err
	}
	run, err := rundir.Create(j.run.RunsDir, j.run.Model, j.run.Task, time.Now())
	if err != nil {
		return errors.Join(err, j.close())
	}
	defer func() {
		if err != nil {
			err = run.Discard(err)
		} else {
			err = run.Close()
		}
	}()
	r.Run = run.Dir()
	if graph != "" { // the run names the file that it holds
		if err := errors.Join(j.close(), run.Write(copyName("graph"), r.Charged.Graph())); err != nil {
			return err
		}
		if j, err = f.job(n, pairs, filepath.Join(run.Dir(), copyName("graph")), r); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, j.close()) }()
	r.Notes = append(r.Notes, f.notes(j, n)...)
	if err := j.describe(run); err != nil {
		return err
	}
	if err := run.Write(correspondFile, jsonText(r)); err != nil {
		return err
	}
	for _, format := range chart.Formats {
		picture, err := r.panels(n).Render(format)
		if err != nil {
			return err
		}
		if err := run.Write(filepath.Join("plots", correspondPlot+"."+format), picture); err != nil {
			return err
		}
	}
	state, err := j.session.State()
	if err != nil {
		return err
	}
	if err := run.Save(state); err != nil {
		return err
	}
	return run.SetStatus(rundir.Status{Phase: rundir.Stopped, Reason: "made from neuron " + n.Name + ", not trained yet", Time: time.Now()})
}

// job makes the session of the run, with the parameters that correspond.
func (f *correspondFlags) job(n *neurons.Neuron, pairs []config.Pair, graph string, r *correspondReport) (*job, error) {
	s, err := resolve(layer{pairs: slices.Concat(pairs, cellPairs(r.Charged, f.coarse, graph))})
	if err != nil {
		return nil, err
	}
	j, err := s.open()
	if err != nil {
		return nil, err
	}
	if err := f.assign(j, n, r.Charged); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

func jsonText(v any) []byte {
	var b strings.Builder
	if err := writeJSON(&b, v); err != nil {
		panic(err) // of a type that JSON does not have
	}
	return []byte(b.String())
}

// writeGraph writes the edges of the charged RNN to a file for the key graph, of which a run keeps a copy; none
// where there are none.
func writeGraph(c *correspond.Charged) (path string, err error) {
	text := c.Graph()
	if len(text) == 0 {
		return "", nil
	}
	f, err := os.CreateTemp("", "galvani-graph-*.txt")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	return f.Name(), errors.Join(err, f.Close())
}

// cellPairs are the keys of the charged RNN in steps of dt ms.
func cellPairs(c *correspond.Charged, dt float64, graph string) []config.Pair {
	pairs := []config.Pair{{Name: "hidden", Value: int64(c.H)}, {Name: "dt", Value: dt}, {Name: "step", Value: c.Cell.Stepping}, {Name: "signs", Value: c.Cell.Signs},
		{Name: "syn_kernel", Value: c.Cell.SynKernel}, {Name: "gamma_max", Value: c.Cell.GammaMax}, {Name: "graph", Value: c.Cell.Graph}}
	if graph != "" {
		pairs[len(pairs)-1].Value = graph
	}
	short, long := c.Times(dt)
	pairs = append(pairs, config.Pair{Name: "tau_s", Value: short[0]})
	if c.Cell.SynKernel == "dualexp" {
		pairs = append(pairs, config.Pair{Name: "tau_l", Value: long[0]})
	}
	return pairs
}

// eye returns the facets of the task, where the neuron sees, too.
func (j *job) eye(n *neurons.Neuron) (correspond.Eye, bool) {
	if task, ok := j.settings.task.(*data.Looming); ok && n.View() > 0 {
		return correspond.Eye{Facets: task.Facets, Half: task.HalfField}, true
	}
	return correspond.Eye{}, false
}

// assign gives the network of a job the parameters that correspond.
func (f *correspondFlags) assign(j *job, n *neurons.Neuron, c *correspond.Charged) error {
	all := c.Values(f.coarse)
	if eye, ok := j.eye(n); ok {
		all["U_exc"], all["U_inh"] = c.Weights(n, eye, f.coarse)
	}
	values := map[string][]float32{}
	for name, v := range all {
		for _, x := range v {
			values["cell."+name] = append(values["cell."+name], float32(x))
		}
	}
	if err := j.session.Assign(values); err != nil {
		return fmt.Errorf("%w: correspond: %w", config.ErrConfig, err)
	}
	return nil
}

// notes say where the parameters of the run that correspond to nothing are from.
func (f *correspondFlags) notes(j *job, n *neurons.Neuron) []string {
	inputs := "U_exc and U_inh are drawn as for any crnn: the neuron and task " + j.about.Name + " have no facets in common."
	if _, ok := j.eye(n); ok {
		inputs = "The facets of task " + j.about.Name + " drive the compartments that they drive in the neuron; its delays, jitter and noise have no counterpart."
	}
	return []string{inputs, "The read-out is drawn; training fits it, the weights of the inputs and the densities of channels."}
}

// drawnStages are the stages that are shown beside the neuron, each in a panel of its own.
var drawnStages = []string{correspond.Fixed, correspond.Steady, correspond.Merged, correspond.Crnn, correspond.Coarse}

// panels are V of the first place, of the neuron and of stages.
func (r correspondReport) panels(n *neurons.Neuron) chart.Stack {
	line := func(s correspond.Stage, hue int) chart.Series {
		x := chart.Series{Name: s.Name, Hue: hue}
		every := max(1, len(s.V[0])/chartSteps)
		for k := 0; k < len(s.V[0]); k += every {
			x.X, x.Y = append(x.X, float64(k)*s.Dt), append(x.Y, s.V[0][k])
		}
		return x
	}
	var stack chart.Stack
	for _, s := range r.Stages {
		at := slices.Index(drawnStages, s.Name)
		if at < 0 {
			continue
		}
		c := chart.Lines{YLabel: "V (mV)", Series: []chart.Series{line(r.Stages[0], 7), line(s, at+1)}}
		if len(stack) == 0 {
			c.Title = fmt.Sprintf("From %s to a charged RNN, V of %s", n.Name, r.Places[0])
		}
		stack = append(stack, c)
	}
	stack[len(stack)-1].XLabel = "time (ms)"
	return stack
}

func (p *printer) correspond(r correspondReport) {
	p.title("%s as a charged RNN of %d units, %g ms from rest at %.2f mV", r.Neuron, r.Units, r.Ms, r.Rest)
	for name, text := range r.Inputs {
		p.line("input %s: %s", name, text)
	}
	if r.Stimulus != nil {
		p.line("stimulus %s, %d events of facets", r.Stimulus.Kind, r.Stimulus.Events)
	}
	rows := make([][]string, len(r.Stages))
	number := func(v float64) string { return fmt.Sprintf("%.3g", v) }
	for i, s := range r.Stages {
		rows[i] = []string{s.Name, number(s.Quiet), number(s.RMS), number(s.Worst), number(s.Moves), fmt.Sprint(len(s.Spikes)), number(s.Dt), s.Doc}
		if i == 0 {
			copy(rows[i][1:], []string{"-", "-", "-", "-"})
		}
	}
	p.table([]string{"STAGE", "QUIET mV", "RMS mV", "WORST mV", "ALONE mV", "SPIKES", "STEP ms", "ASSUMPTION"}, rows)
	p.paragraph("", "RMS and WORST are differences of V from the neuron, over "+strings.Join(r.Places, ", ")+" and all times, QUIET is RMS before the first spike of the neuron. ALONE is RMS from the stage before, of the first two stages from the neuron.")
	p.title("\nPairs of gates in the place of channels")
	rows = nil
	for _, m := range r.Merged {
		rows = append(rows, []string{m.Region, strings.Join(m.Channels, " "), number(m.Gamma), number(m.Vm), number(m.Km), number(m.Vn), number(m.Kn), number(m.E), number(m.Residual)})
	}
	p.table([]string{"REGION", "CHANNELS", "γ S/cm²", "V+ mV", "k+ mV", "V- mV", "k- mV", "E mV", "RESIDUAL mV"}, rows)
	p.notes("Of the run", r.Notes)
	p.line("\nThe run is %s; go on with: galvani train --resume %s", r.Run, word(r.Run))
}
