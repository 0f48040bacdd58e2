package main

import (
	"fmt"
	"strings"

	"galvani/models/neurons"
)

// channelReport is a channel with its gates.
type channelReport struct {
	brief
	Reversal float64      `json:"reversal_mv"`
	Equation string       `json:"equation"`
	Gates    []gateReport `json:"gates"`
}

type gateReport struct {
	Name     string             `json:"name"`
	Power    int                `json:"power"`
	Formulas []string           `json:"formulas"`
	Symbols  []string           `json:"symbols"` // the formulas with the names of the numbers
	Numbers  map[string]float64 `json:"numbers"` // in mV, ms, 1/ms and mM
	Speed    float64            `json:"speed"`   // factor of both rates
	numbers  []string
}

func describeChannel(c neurons.Channel, celsius float64) channelReport {
	r := channelReport{brief: brief{c.Name, c.Doc, c.Source}, Reversal: c.Reversal, Equation: c.Equation(), Gates: []gateReport{}}
	for _, g := range c.Gates {
		gate := gateReport{Name: g.Name, Power: g.Power, Formulas: g.Formulas(), Symbols: g.Symbols(), Numbers: map[string]float64{}, Speed: g.Speed(celsius)}
		for i, name := range g.Kinetics.Numbers() {
			gate.Numbers[name] = g.Numbers[i]
			gate.numbers = append(gate.numbers, fmt.Sprintf("%s %.6g %s", name, g.Numbers[i], g.Unit(i)))
		}
		r.Gates = append(r.Gates, gate)
	}
	return r
}

// channel writes a channel and its gates; V is in mV and time in ms.
func (p *printer) channel(c channelReport) {
	p.title("\nChannel %s", c.Name)
	if c.Doc != "" {
		p.paragraph("", c.Doc)
	}
	p.line("  %s, e_%s = %g mV", c.Equation, c.Name, c.Reversal)
	for _, g := range c.Gates {
		speed := ""
		if g.Speed != 1 {
			speed = fmt.Sprintf("; both rates times %.4g", g.Speed)
		}
		p.paragraph("  ", g.Name+": "+strings.Join(g.Formulas, "; ")+speed)
		for _, formula := range g.Symbols {
			p.line("     %s", formula)
		}
		p.paragraph("     ", strings.Join(g.numbers, ", "))
	}
	p.paragraph("", "Source: "+dash(c.Source))
}
