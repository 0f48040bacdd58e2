package main

import (
	"fmt"
	"math"
	"strings"

	"galvani/bench/analysis"
	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
)

// gridRow is the network with what the units of the last layer that prefer a condition send multiplied by a factor.
type gridRow struct {
	Prefer string    `json:"prefer"`
	Units  int       `json:"units"`
	Scale  float64   `json:"scale"`
	Loss   float64   `json:"loss"`
	Own    *float64  `json:"own,omitempty"`    // part of the sequences of that condition that is answered rightly
	Others *float64  `json:"others,omitempty"` // mean over the other conditions
	Right  []float64 `json:"right,omitempty"`  // of each condition
}

// checkScales refuses factors that no units can have.
func checkScales(list []float64) error {
	for _, f := range list {
		if !(f >= 0 && f <= math.MaxFloat32) {
			return fmt.Errorf("%w: --perturb holds %v, want factors of 0 or more", errUsage, f)
		}
	}
	return nil
}

// perturbGrid measures the network under each perturbation of the grid, units by condition times factors, and leaves it as
// it was.
func (a *analysed) perturbGrid(r *analysisReport, scales []float64) (err error) {
	if len(scales) == 0 {
		return nil
	}
	specs, stored := a.net.Specs(), a.subject.Stored()
	assign := func(values [][]float32) error {
		named := map[string][]float32{}
		for i, s := range specs {
			named[s.Name] = values[i]
		}
		return a.session.Assign(named)
	}
	defer func() {
		if back := assign(stored); err == nil {
			err = back
		}
	}()
	first := sum(a.net.Sizes()) - a.states.H // of the last layer
	var loss, right []float64
	sizes := make([]int, len(r.Conditions))
	for c, name := range r.Conditions {
		var units []int
		for u, preferred := range a.tuning.Preferred {
			if preferred == c {
				units = append(units, first+u)
			}
		}
		sizes[c] = len(units)
		for _, scale := range scales {
			changed, err := analysis.Change(a.net, stored, analysis.Perturbation{Kind: analysis.Scale, Strength: scale}, units, true)
			if err != nil {
				return fmt.Errorf("%w: --perturb: %w", config.ErrConfig, err)
			}
			if err := assign(changed); err != nil {
				return err
			}
			s, err := a.subject.Scores(a.task.Test, a.states.Of, len(r.Conditions))
			if err != nil {
				return fmt.Errorf("units that prefer %s, times %g: %w", name, scale, err)
			}
			row := gridRow{Prefer: name, Units: len(units), Scale: scale, Loss: s.Loss, Right: s.Right}
			row.compare(c)
			r.Grid = append(r.Grid, row)
			loss, right = append(loss, s.Loss), append(right, s.Right...)
		}
	}
	a.keep("grid.scale", scales, len(scales))
	a.keepInts("grid.units", sizes)
	a.keep("grid.loss", loss, len(sizes), len(scales))
	if right != nil {
		a.keep("grid.right", right, len(sizes), len(scales), len(sizes))
	}
	return nil
}

// compare fills in the condition of the row and the mean of the others.
func (g *gridRow) compare(own int) {
	if g.Right == nil {
		return
	}
	g.Own = &g.Right[own]
	others := 0.0
	for c, v := range g.Right {
		if c != own {
			others += v / float64(len(g.Right)-1)
		}
	}
	if len(g.Right) > 1 {
		g.Others = &others
	}
}

// gridChart is a figure of the grid: a line for the units of each condition.
func gridChart(r *analysisReport, subtitle string) namedChart {
	lines := func(title, y string, value func(gridRow) *float64, scale float64) chart.Lines {
		c := chart.Lines{Title: title, XLabel: "factor of what the units send", YLabel: y}
		for _, name := range r.Conditions {
			s := chart.Series{Name: "units for " + name, Dots: true}
			for _, row := range r.Grid {
				if v := value(row); row.Prefer == name && v != nil {
					s.X, s.Y = append(s.X, row.Scale), append(s.Y, scale*(*v))
				}
			}
			c.Series = append(c.Series, s)
		}
		c.Subtitle = subtitle
		return c
	}
	stack := chart.Stack{lines("Loss", "loss", func(g gridRow) *float64 { return &g.Loss }, 1)}
	if len(r.Grid) > 0 && r.Grid[0].Others != nil {
		stack = chart.Stack{
			lines("Sequences of the condition that the units prefer", "right (%)", func(g gridRow) *float64 { return g.Own }, 100),
			lines("Sequences of the other conditions", "right (%)", func(g gridRow) *float64 { return g.Others }, 100)}
		stack[1].Subtitle = ""
	}
	return namedChart{"grid", stack, stack[0].Series}
}

// grid writes the table of the grid.
func (p *printer) grid(r analysisReport) {
	if len(r.Grid) == 0 {
		return
	}
	head := []string{"UNITS THAT PREFER", "UNITS", "FACTOR", "LOSS"}
	for _, name := range r.Conditions {
		if r.Grid[0].Right != nil {
			head = append(head, "RIGHT, "+strings.ToUpper(name))
		}
	}
	var rows [][]string
	for _, g := range r.Grid {
		row := []string{g.Prefer, fmt.Sprint(g.Units), fmt.Sprintf("%g", g.Scale), fmt.Sprintf("%.4f", g.Loss)}
		for _, v := range g.Right {
			row = append(row, fmt.Sprintf("%.1f %%", 100*v))
		}
		rows = append(rows, row)
	}
	p.title("\nPerturbations")
	p.table(head, rows)
}
