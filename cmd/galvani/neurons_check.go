package main

import (
	"fmt"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/models/neurons"

	"github.com/spf13/cobra"
)

// checkReport is what neurons check tells of a file without a mistake.
type checkReport struct {
	File         string   `json:"file"`
	Compartments int      `json:"compartments"`
	Nodes        int      `json:"nodes"`
	Channels     []string `json:"channels"`
	Regions      []string `json:"regions"`
	Notes        []string `json:"notes"`
	shape        string
}

func newNeuronsCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "check FILE", Short: "Check the file of a neuron or a channel, and name the line and the key that is wrong",
		Args: exactArgs("FILE"), ValidArgsFunction: completeNeurons,
		RunE: func(c *cobra.Command, args []string) error {
			if ch, is, err := neurons.ChannelFile(args[0]); is && err == nil {
				r := describeChannel(ch, shownCelsius)
				return report(c, asJSON, r, func(p *printer) { p.line("%s is a channel, %s", args[0], r.Equation) })
			} else if is {
				return fmt.Errorf("%w: %w", config.ErrConfig, err)
			}
			n, err := loadNeuron(args[0])
			if err == nil {
				_, err = n.Compile(neurons.Options{})
			}
			if err != nil {
				return err
			}
			r := checkReport{File: args[0], Compartments: n.Compartments(), Nodes: n.Nodes(), Channels: []string{}, Regions: []string{},
				Notes: append([]string{}, n.Notes...), shape: n.Shape()}
			for _, ch := range n.Channels {
				r.Channels = append(r.Channels, ch.Name)
			}
			for _, g := range n.Regions {
				r.Regions = append(r.Regions, g.Name)
			}
			return report(c, asJSON, r, func(p *printer) {
				p.line("%s is a neuron of %s; regions %s; channels %s", r.File, r.shape, strings.Join(r.Regions, ", "), dash(strings.Join(r.Channels, ", ")))
				p.notes("Assumed of the morphology", r.Notes)
			})
		}}
	jsonFlag(c, &asJSON)
	return c
}
