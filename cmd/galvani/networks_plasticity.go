package main

import (
	"fmt"
	"math"
	"strings"

	"galvani/kernels"
	"galvani/models/circuits"
	"galvani/models/plasticity"

	"github.com/spf13/cobra"
)

const plasticityDoc = `Show the rules by which the weights of a projection change at spikes, with the parameters of each.

A projection of a file has one by a table:

  [projection.plasticity]
  rule = "stdp"
  w_max = "0.05 ms"

behind its other keys. Weights keep their sign and stay between 0 and w_max; a spike acts with the weight before
it. Two spikes in one step are no pair, and spikes pair when the units spike, whatever the delay. A record with the
keys from, to and every has simulate --out write mean and deviation of the weights in time.

In a network of rate units weights change by what a rule does in the mean over independent spikes of the two rates:
isp-additive by 2 eta r_source (r_target - rate) in a ms, with rates in 1/ms.

  galvani networks plasticity
  galvani networks plasticity --json`

// plasticityReport is what networks plasticity tells of a rule.
type plasticityReport struct {
	brief
	Equations  string            `json:"equations"`
	Parameters []parameterReport `json:"parameters"`
}

type parameterReport struct {
	Name    string   `json:"name"`
	Unit    string   `json:"unit"`
	Value   any      `json:"value,omitempty"` // nil for one that a file has to give, or that bounds nothing
	Choices []string `json:"choices,omitempty"`
	Needed  bool     `json:"needed,omitempty"`
	Help    string   `json:"help"`
}

func newNetworksPlasticity() *cobra.Command {
	return reporting(&cobra.Command{Use: "plasticity", Short: "Show the rules by which weights change at spikes, with their parameters", Long: plasticityDoc, Args: exactArgs()},
		func(*cobra.Command, []string) (all []plasticityReport, err error) {
			for _, r := range plasticity.All() {
				all = append(all, describePlasticity(r))
			}
			return all, nil
		}, (*printer).plasticityRules)
}

func describePlasticity(r plasticity.Rule) plasticityReport {
	out := plasticityReport{brief: brief{r.Name, r.Doc, r.Source}, Equations: r.Equations}
	for _, p := range r.Params {
		q := parameterReport{Name: p.Name, Unit: circuits.PlasticityUnit(p), Choices: p.Choices, Help: p.Doc, Needed: math.IsNaN(p.Value)}
		switch {
		case p.Choices != nil:
			q.Value = p.Choices[0]
		case !q.Needed && p.Value != kernels.NoBound:
			q.Value = p.Value
		}
		out.Parameters = append(out.Parameters, q)
	}
	return out
}

func (p *printer) plasticityRules(all []plasticityReport) {
	for i, r := range all {
		if i > 0 {
			p.line("")
		}
		p.title("%s", r.Name)
		p.paragraph("", r.Doc)
		p.paragraph("", r.Equations)
		p.paragraph("", "Source: "+r.Source)
		var rows [][]string
		for _, q := range r.Parameters {
			value := "none"
			if q.Needed {
				value = "must be given"
			} else if q.Value != nil {
				value = fmt.Sprint(q.Value)
			}
			help := q.Help
			if q.Choices != nil {
				help += ": " + strings.Join(q.Choices, ", ")
			}
			rows = append(rows, []string{q.Name, value, q.Unit, help})
		}
		p.table([]string{"KEY", "VALUE", "UNIT", "MEANING"}, rows)
	}
}
