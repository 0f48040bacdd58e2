package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"galvani/cmd/galvani/internal/config"
	"galvani/engine/chart"
	"galvani/engine/setting"
	"galvani/models/meanfield"
)

// circleFlags are those of a circle of stimuli.
type circleFlags struct {
	radius float64 // in parts of the mean input
	of     []string
	out    string
}

// theoryCircle is which populations fire under the stimuli of a circle.
type theoryCircle struct {
	Populations []string    `json:"populations"` // that the stimuli go to
	Radius      float64     `json:"radius_mv"`
	Sets        int         `json:"active_sets"` // different ones
	Arcs        []circleArc `json:"arcs"`
}

type circleArc struct {
	From   float64  `json:"from_degrees"`
	To     float64  `json:"to_degrees"`
	Active []string `json:"active"`
	Stable bool     `json:"stable"`
	Number int      `json:"fixed_points"`
}

// circleStimuli is how many stimuli a circle has.
const circleStimuli = 720

func (f circleFlags) check() error {
	switch {
	case !(f.radius >= 0 && f.radius <= 1e6):
		return fmt.Errorf("%w: --circle is %g, want 0 for none, or more", config.ErrConfig, f.radius)
	case f.radius == 0 && (f.of != nil || f.out != ""):
		return fmt.Errorf("%w: --circle-of and --out belong to --circle; give its radius, such as --circle 1", config.ErrConfig)
	}
	return outFolder(f.out)
}

// draw computes the circle and writes its files.
func (f circleFlags) draw(l meanfield.Linear, names []string) (*theoryCircle, error) {
	of := f.of
	if of == nil {
		of = names[:min(2, len(names))]
	}
	if len(of) != 2 || of[0] == of[1] {
		return nil, fmt.Errorf("%w: --circle-of is %s, want two populations of neurons, of %s", config.ErrConfig, dash(strings.Join(of, ",")), strings.Join(names, ", "))
	}
	var at [2]int
	for i, name := range of {
		if at[i] = slices.Index(names, name); at[i] < 0 {
			return nil, fmt.Errorf("%w: --circle-of has an %s", config.ErrConfig, setting.Unknown("population", name, names))
		}
	}
	c := &theoryCircle{Populations: of, Radius: f.radius * (math.Abs(l.X[at[0]]) + math.Abs(l.X[at[1]])) / 2}
	circle, err := l.Circle(at[0], at[1], c.Radius, circleStimuli)
	if err != nil {
		return nil, fmt.Errorf("%w: --circle: %w", config.ErrConfig, err)
	}
	sets := map[string]bool{}
	for _, a := range meanfield.Arcs(circle) {
		arc := circleArc{From: a.From, To: a.To, Active: []string{}, Stable: a.Stable, Number: a.Number}
		for _, i := range a.Active {
			arc.Active = append(arc.Active, names[i])
		}
		if a.Number > 0 {
			sets[strings.Join(arc.Active, " ")] = true
		}
		c.Arcs = append(c.Arcs, arc)
	}
	c.Sets = len(sets)
	return c, f.write(c, circle, names)
}

// write leaves the rates by angle as a table and as a picture.
func (f circleFlags) write(c *theoryCircle, circle []meanfield.Stimulus, names []string) error {
	if f.out == "" {
		return nil
	}
	lines := chart.Lines{Title: "Semi-balanced rates over a circle of stimuli", XLabel: "angle of the stimulus (degrees)", YLabel: "rate (Hz)",
		Subtitle: fmt.Sprintf("stimuli to %s and %s of %.4g mV; %d sets of populations fire", c.Populations[0], c.Populations[1], c.Radius, c.Sets)}
	for i, name := range names {
		line := chart.Series{Name: name}
		for _, s := range circle {
			if s.Number > 0 {
				line.X, line.Y = append(line.X, s.Degrees), append(line.Y, s.Rates[i])
			}
		}
		lines.Series = append(lines.Series, line)
	}
	err := writeFile(f.out+".csv", func(to io.Writer) error {
		b := bufio.NewWriter(to)
		b.WriteString("degrees,fixed_points,stable")
		for _, name := range names {
			fmt.Fprintf(b, ",%s_hz", name)
		}
		for _, s := range circle {
			fmt.Fprintf(b, "\n%g,%d,%t", s.Degrees, s.Number, s.Stable)
			for i := range names {
				if s.Number == 0 {
					b.WriteString(",")
					continue
				}
				fmt.Fprintf(b, ",%.9g", s.Rates[i])
			}
		}
		b.WriteString("\n")
		return b.Flush() // which returns the first error of all
	})
	if err != nil {
		return err
	}
	return writeChart(f.out, lines)
}

func (p *printer) circle(c *theoryCircle) {
	if c == nil {
		return
	}
	p.line("Stimuli on a circle of %.4g mV to %s and %s: %d sets of populations fire", c.Radius, c.Populations[0], c.Populations[1], c.Sets)
	var rows [][]string
	for _, a := range c.Arcs {
		active, stable := dash(strings.Join(a.Active, ", ")), "stable"
		if !a.Stable {
			stable = "unstable"
		}
		if a.Number == 0 {
			active, stable = "no fixed point", "-"
		}
		rows = append(rows, []string{fmt.Sprintf("%.2f to %.2f", a.From, a.To), active, stable, fmt.Sprint(a.Number)})
	}
	p.table([]string{"DEGREES", "FIRE", "", "FIXED POINTS"}, rows)
}
