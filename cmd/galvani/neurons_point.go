package main

import (
	"fmt"
	"slices"

	points "galvani/kernels/neurons"
	"galvani/models/circuits"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
)

// pointReport is what neurons show tells of a neuron without a dendrite.
type pointReport struct {
	brief
	Equations  []string      `json:"equations"`
	Step       string        `json:"step"`
	Parameters []pointNumber `json:"parameters"`
	State      []pointNumber `json:"state"`
}

// pointNumber is a parameter with its value and range, or a plane of state with its start.
type pointNumber struct {
	Name  string   `json:"name"`
	Flag  string   `json:"flag,omitempty"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
	Doc   string   `json:"doc"`
}

// showPoint tells of a neuron without a dendrite, or prints the network that simulate makes of it.
func showPoint(c *cobra.Command, h points.Neuron, asJSON, asTOML bool) error {
	if asTOML {
		return showText(c, h.Name, asJSON, func(string) ([]byte, error) { return circuits.SingleText(h), nil })
	}
	r := describePoint(h)
	return report(c, asJSON, r, func(p *printer) { p.point(r) })
}

// pointNeurons returns the neurons without a dendrite whose names are not those of neurons of compartments, as hh is.
func pointNeurons() []points.Neuron {
	return slices.DeleteFunc(points.All(), func(h points.Neuron) bool { return slices.Contains(neurons.Names(), h.Name) })
}

func describePoint(h points.Neuron) pointReport {
	about := h.About()
	r := pointReport{brief: brief{h.Name, about.Doc, about.Source}, Equations: about.Equations, Step: about.Step}
	for _, q := range h.Params {
		r.Parameters = append(r.Parameters, pointNumber{q.Name, circuits.SettingFlag(q.Name), q.Value, q.Unit, &q.Min, &q.Max, q.Doc})
	}
	for _, q := range h.Planes {
		r.State = append(r.State, pointNumber{Name: q.Name, Value: q.Start, Unit: q.Unit, Doc: q.Doc})
	}
	return r
}

func (p *printer) point(r pointReport) {
	p.title("%s", r.Name)
	p.paragraph("", r.Doc)
	p.line("")
	p.pointNumbers(r)
	p.paragraph("", fmt.Sprintf("A current I is in mV, over the leak conductance: galvani simulate %s --current \"step 20 100:600\".", r.Name))
}

func (p *printer) pointNumbers(r pointReport) {
	for _, e := range r.Equations {
		p.line("  %s", e)
	}
	p.line("")
	p.paragraph("", r.Step)
	p.paragraph("", "Source: "+dash(r.Source))
	p.title("\nParameters")
	var rows [][]string
	for _, q := range r.Parameters {
		flag := "-"
		if q.Flag != "" {
			flag = "--" + q.Flag
		}
		rows = append(rows, []string{q.Name, flag, fmt.Sprintf("%g %s", q.Value, q.Unit), fmt.Sprintf("%g to %g", *q.Min, *q.Max), q.Doc})
	}
	p.table([]string{"PARAMETER", "FLAG OF SIMULATE", "VALUE", "RANGE", "MEANING"}, rows)
	p.title("\nState")
	rows = nil
	for _, q := range r.State {
		rows = append(rows, []string{q.Name, fmt.Sprintf("%g %s", q.Value, q.Unit), q.Doc})
	}
	p.table([]string{"PLANE", "AT FIRST", "MEANING"}, rows)
}
