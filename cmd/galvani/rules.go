package main

import (
	"fmt"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/models/layered"
	"galvani/models/rules"

	"github.com/spf13/cobra"
)

func newRules() *cobra.Command {
	return newGroup("rules", "The rules by which layered networks learn: equations, what a synapse reads", newRulesList(), newRulesShow())
}

func newRulesList() *cobra.Command {
	return newList("List the rules", func() []brief {
		return briefs(rules.All(), func(r rules.Rule) brief { return brief{r.Name, r.Doc, r.Source} })
	})
}

// ruleReport is what rules show tells.
type ruleReport struct {
	brief
	Models    []string        `json:"models"` // that learn by it
	Audits    []layered.Audit `json:"audits"`
	Equations string          `json:"equations"`
	Reads     []string        `json:"reads"`
	Notes     []string        `json:"notes,omitempty"`
	Sequences bool            `json:"sequences"` // learned, too
	Train     string          `json:"train"`     // a command that learns by it
}

func newRulesShow() *cobra.Command {
	return reporting(&cobra.Command{Use: "show NAME", Short: "Show a rule: equations, what each synapse may read, source",
		Example: "  galvani rules show feedback-alignment",
		Args:    exactArgs("NAME"), ValidArgsFunction: completeNames(rules.Names)},
		func(_ *cobra.Command, args []string) (r ruleReport, err error) {
			e, err := rules.Lookup(args[0])
			if err != nil {
				return r, fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
			audits, err := layered.Audits(e)
			return ruleReport{brief{e.Name, e.Doc, e.Source}, e.Models, audits, e.Equations, slices.Concat([]string{}, e.Reads), e.Notes, e.Temporal, trainsBy(e)}, err
		}, (*printer).rule)
}

func (p *printer) rule(r ruleReport) {
	p.equations(r.Name, r.Doc, r.Equations)
	p.line("Models: %s", strings.Join(r.Models, ", "))
	p.line("Source: %s", dash(r.Source))
	p.line("")
	var table [][]string
	for _, a := range r.Audits {
		table = append(table, []string{a.Model, map[bool]string{true: "local", false: "a pass of its own"}[a.LocalError], a.Transport, strings.Join(a.Neurons, ", ")})
	}
	p.table([]string{"MODEL", "ERROR", "READS OF THE LAYER ABOVE", "NEURONS"}, table)
	p.notes("What a synapse reads", r.Reads)
	p.notes("Notes", r.Notes)
	p.line("")
	p.line("Train with it: %s", r.Train)
}

// trainsBy returns a command that trains by a rule.
func trainsBy(r rules.Rule) string {
	task := "mnist"
	if e, err := layered.Lookup(r.Models[0]); err == nil && e.New().Local() {
		task = "bars" // which a network that is stepped in time learns in seconds
	}
	if r.Temporal {
		task = "chain"
	}
	return strings.TrimSpace(fmt.Sprintf("galvani train --model %s --task %s --rule %s %s", r.Models[0], task, r.Name, r.Try))
}
