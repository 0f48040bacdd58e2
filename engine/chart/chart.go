package chart

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ErrEmpty marks a chart without a single point that can be drawn.
var ErrEmpty = errors.New("no point to draw")

// Formats are the file formats that Render knows, by their extension.
var Formats = [...]string{"png", "svg"}

// Lines is a chart of one or more series.
type Lines struct {
	Title, XLabel, YLabel string
	Subtitle              string    // what the chart is of, in a line below the title
	Note                  string    // what lines and bands mean, in sentences below that
	LogX, LogY            bool      // values that are not positive are left out
	XTicks                []float64 // where the x axis has its labels, nil for round numbers
	Series                []Series
	Marks                 []Mark
	Levels                []Level
	FirstOnTop            bool // the first series is drawn over the others; otherwise the last is
}

// Level is a dashed line across the chart at a value of the y axis, with its name above it; the axis
// reaches to it. One that cannot be drawn is left out.
type Level struct {
	Y    float64
	Text string
}

// Mark is a ring around a point, with a word below. One that cannot be drawn is left out.
type Mark struct {
	X, Y float64
	Text string
}

// Series is one line. A point with a NaN or infinite coordinate interrupts it.
type Series struct {
	Name   string // in the legend, which a chart of one series does without
	X, Y   []float64
	Lo, Hi []float64 // borders of a shaded band, such as one standard deviation; both may be nil
	Smooth int       // window of a running mean, drawn over the values in pale; below 2 there is none
	Hue    int       // number of the colour from 1 on, 0 for that of the place among the series
	Dashed bool
	Dots   bool // one at each point
	Pale   bool // thin and pale, for many lines that lie over each other

	// Scatter draws the points alone, Hollow as rings, Small where there are very many; the x axis then
	// reaches a little beyond them.
	Scatter, Hollow, Small bool
}

const (
	width  = 16 * vg.Centimeter
	height = 10 * vg.Centimeter
	dpi    = 200

	// An SVG file names its font; where that is not installed a reader takes the next one.
	svgFont     = "font-family:Liberation Sans"
	svgFallback = ",Arial,Helvetica,sans-serif"
)

// Render draws the chart as "png" or "svg". Equal charts give equal bytes.
//
// Errors: ErrEmpty; slices of a series that differ in length; an unknown format.
func (c Lines) Render(format string) ([]byte, error) { return Stack{c}.Render(format) }

// Stack is charts below each other with one x axis: all reach over the same range.
type Stack []Lines

// panelHeight is that of one chart of several.
const panelHeight = 6 * vg.Centimeter

// Render draws the charts as Lines.Render draws one.
//
// Errors: those of Lines.Render.
func (s Stack) Render(format string) ([]byte, error) {
	if len(s) == 0 {
		return nil, ErrEmpty
	}
	for _, c := range s {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	tall := height
	if len(s) > 1 {
		tall = panelHeight * vg.Length(len(s))
	}
	var canvas vg.CanvasWriterTo
	switch format {
	case "png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, tall), vgimg.UseDPI(dpi))}
	case "svg":
		canvas = vgsvg.New(width, tall)
	default:
		return nil, fmt.Errorf("chart: %q: got format %q, want png or svg", s[0].Title, format)
	}
	if err := s.draw(draw.New(canvas)); err != nil {
		return nil, fmt.Errorf("chart: %q: %w", s[0].Title, err)
	}
	var b bytes.Buffer
	if p, ok := canvas.(vgimg.PngCanvas); ok {
		if m, ok := p.Image().(*image.RGBA); ok {
			err := png.Encode(&b, paletted(m))
			return b.Bytes(), err
		}
	}
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("chart: %q: %w", s[0].Title, err)
	}
	return bytes.ReplaceAll(b.Bytes(), []byte(svgFont), []byte(svgFont+svgFallback)), nil
}

// check refuses series whose slices differ in length.
func (c Lines) check() error {
	for _, s := range c.Series {
		if len(s.Y) != len(s.X) || len(s.Lo) != len(s.Hi) || (s.Lo != nil && len(s.Lo) != len(s.X)) {
			return fmt.Errorf("chart: %q: series %q: got X %d, Y %d, Lo %d, Hi %d values, want as many of each", c.Title, s.Name, len(s.X), len(s.Y), len(s.Lo), len(s.Hi))
		}
	}
	return nil
}

// span is the range of an axis.
type span struct{ lo, hi float64 }

func (s *span) take(v float64) { s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v) }

// spans returns the ranges of all points that can be drawn.
func (c Lines) spans() (x, y span, err error) {
	x, y = span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for _, s := range c.Series {
		for i := range s.X {
			for _, v := range [][]float64{s.Y, s.Lo, s.Hi} {
				if v != nil && c.drawable(s.X[i], v[i]) {
					x.take(s.X[i])
					y.take(v[i])
				}
			}
		}
	}
	if x.lo > x.hi {
		return x, y, ErrEmpty
	}
	for _, l := range c.Levels {
		if c.drawable(x.lo, l.Y) {
			y.take(l.Y)
		}
	}
	return x, y, nil
}

func (c Lines) drawable(x, y float64) bool {
	return math.Abs(x) <= limit && math.Abs(y) <= limit && (!c.LogX || x >= 1/limit) && (!c.LogY || y >= 1/limit)
}

// limit bounds what is drawn, far enough from the ends of float64 that an axis can reach a
// little beyond the data.
const limit = 1e250
