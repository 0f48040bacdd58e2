package chart

import (
	"image/color"
	"math"
	"slices"
	"strings"

	stdfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette holds the line colours, told apart also by colour-blind readers.
//
// Source: Okabe and Ito (2008), Color Universal Design, without yellow.
var palette = [...]color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
	{0x33, 0x33, 0x33, 0xff},
}

// dashes are the strokes of the lines, which change where the colours begin anew, and marked those of Dashed.
var dashes, marked = [...][]vg.Length{
	nil,
	{thumb / 16, thumb / 8},
	{thumb / 3, thumb / 8, thumb / 16, thumb / 8},
	{thumb / 2, thumb / 8},
	{thumb / 4, thumb / 10, thumb / 16, thumb / 10, thumb / 16, thumb / 10},
}, []vg.Length{thumb / 4, thumb / 6}

// glyphs are the points, full and hollow, likewise.
var glyphs = [...][2]draw.GlyphDrawer{
	{draw.CircleGlyph{}, draw.RingGlyph{}},
	{draw.BoxGlyph{}, draw.SquareGlyph{}},
	{draw.PyramidGlyph{}, draw.TriangleGlyph{}},
}

var (
	ink  = color.RGBA{0x22, 0x22, 0x22, 0xff}
	soft = color.RGBA{0x66, 0x66, 0x66, 0xff}
	grid = color.RGBA{0xe6, 0xe6, 0xe6, 0xff}
)

const (
	margin    = 10 * vg.Inch / 72
	lineWidth = 1.6 * vg.Inch / 72
	pointSize = 3 * vg.Inch / 72  // radius of a single point
	smallSize = pointSize / 4     // of one among very many
	thumb     = 16 * vg.Inch / 72 // stroke in front of a name in the legend
	gap       = 5 * vg.Inch / 72
	bandAlpha = 0x30
	paleAlpha = 0x48
)

// draw draws the charts from the top down, their axes above each other.
func (s Stack) draw(dc draw.Canvas) error {
	var xs span
	ys := make([]span, len(s))
	for i, c := range s {
		x, y, err := c.spans()
		if err != nil {
			return err
		}
		if ys[i] = y; i == 0 {
			xs = x
		}
		xs.take(x.lo)
		xs.take(x.hi)
	}
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	tall := (dc.Max.Y - dc.Min.Y) / vg.Length(len(s))
	insides, plots := make([]draw.Canvas, len(s)), make([][]*plot.Plot, len(s))
	for i, c := range s {
		part := draw.Crop(dc, margin, -margin, tall*vg.Length(len(s)-1-i)+margin, -tall*vg.Length(i)-margin)
		insides[i], plots[i] = c.head(part), []*plot.Plot{c.plot(xs, ys[i])}
	}
	if len(s) > 1 {
		for i, row := range plot.Align(plots, draw.Tiles{Rows: len(s), Cols: 1}, insides[0]) {
			insides[i].Min.X, insides[i].Max.X = row[0].Min.X, row[0].Max.X
		}
	}
	for i, inside := range insides {
		plots[i][0].Draw(inside)
	}
	return nil
}

// head draws title and legend, and returns what is left below.
func (c Lines) head(dc draw.Canvas) draw.Canvas {
	title := textStyle(11, ink)
	title.Font.Weight = stdfont.WeightBold
	title.YAlign = draw.YTop
	if c.Title != "" {
		dc.FillText(title, vg.Point{X: dc.Min.X, Y: dc.Max.Y}, c.Title)
		dc.Max.Y -= title.Height(c.Title) + gap
	}
	for _, text := range []string{c.Subtitle, c.Note} {
		dc.Max.Y -= paragraph(dc, text)
	}
	dc.Max.Y -= gap
	if len(c.Series) > 1 {
		dc.Max.Y -= c.legend(dc) + gap
	}
	return dc
}

// lineShare is how much of the chart's width a line of text takes: a browser without the font takes a wider one.
const lineShare = 0.87

// paragraph draws a text in lines nearly as wide as the chart and returns their height.
func paragraph(dc draw.Canvas, text string) vg.Length {
	style := textStyle(8.5, soft)
	style.YAlign = draw.YTop
	y := dc.Max.Y
	line := ""
	put := func() {
		if line != "" {
			dc.FillText(style, vg.Point{X: dc.Min.X, Y: y}, line)
			y -= style.Height("Xg") + gap/2
		}
	}
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if style.Width(longer) > lineShare*(dc.Max.X-dc.Min.X) {
			put()
			longer = word
		}
		line = longer
	}
	put()
	return dc.Max.Y - y
}

// legend draws the names of the series in rows from the left and returns their height.
func (c Lines) legend(dc draw.Canvas) vg.Length {
	style := textStyle(9, ink)
	style.YAlign = draw.YCenter
	row := style.Height("Xg") + gap
	x, y := dc.Min.X, dc.Max.Y-row/2
	for i, s := range c.Series {
		w := thumb + gap + style.Width(s.Name)
		if x+w > dc.Max.X && x > dc.Min.X {
			x, y = dc.Min.X, y-row
		}
		if s.Scatter {
			dc.DrawGlyph(c.glyph(i, c.colour(i), pointSize), vg.Point{X: x + thumb/2, Y: y - gap/4})
		} else {
			dc.StrokeLine2(c.style(i, c.colour(i), 2*lineWidth), x, y-gap/4, x+thumb, y-gap/4)
		}
		dc.FillText(style, vg.Point{X: x + thumb + gap, Y: y}, s.Name)
		x += w + 3*gap
	}
	return dc.Max.Y - y + row/2
}

// plot returns axes, grid and series.
func (c Lines) plot(xs, ys span) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Min, p.X.Max = widen(xs, 0)
	if slices.ContainsFunc(c.Series, func(s Series) bool { return s.Scatter }) {
		p.X.Min, p.X.Max = widen(xs, 0.04)
	}
	p.Y.Min, p.Y.Max = widen(ys, 0.04)
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(linearTicks), plot.TickerFunc(linearTicks)
	if c.LogX {
		logAxis(&p.X, xs)
	}
	if c.LogY {
		logAxis(&p.Y, ys)
	}
	if c.XTicks != nil {
		p.X.Tick.Marker = fixedTicks(c.XTicks)
	}
	p.X.Label.Text, p.Y.Label.Text = c.XLabel, c.YLabel
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.Label.Padding = gap
		restyle(&a.Label.TextStyle, 9.5, ink)
		restyle(&a.Tick.Label, 8.5, soft)
		a.Tick.LineStyle.Color = soft
		a.LineStyle.Color = soft
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.Y.Tick.Length = gap / 2
	p.Add(rules{}, levels{c})
	for i, s := range c.Series {
		p.Add(band{c, s, c.tint(i, bandAlpha)})
	}
	for i, s := range c.Series {
		if s.Smooth > 1 {
			p.Add(line{c, i, s.Y, c.tint(i, paleAlpha), lineWidth / 2})
		}
	}
	for k, s := range c.Series {
		i := k
		if c.FirstOnTop {
			i = len(c.Series) - 1 - k
			s = c.Series[i]
		}
		if s.Pale {
			p.Add(line{c, i, c.smooth(s), c.tint(i, paleAlpha), lineWidth / 2})
		} else {
			p.Add(line{c, i, c.smooth(s), c.colour(i), lineWidth})
		}
	}
	p.Add(marks{c})
	return p
}

// logAxis makes an axis logarithmic over a positive range.
func logAxis(a *plot.Axis, s span) {
	of := span{math.Log10(s.lo), math.Log10(s.hi)}
	lo, hi := widen(of, 0.04)
	if of.hi-of.lo < 1e-9 { // decades: one value has a fifth of one
		lo, hi = of.lo-0.1, of.hi+0.1
	}
	a.Min, a.Max = math.Pow(10, lo), math.Pow(10, hi)
	a.Scale, a.Tick.Marker = logScale{}, plot.TickerFunc(logTicks)
}

// logScale is plot.LogScale, except for the mean of the ends of the axis, which is in the middle:
// gonum asks for it to make room for the name of the axis, which it draws in the middle.
type logScale struct{ plot.LogScale }

// Normalize implements plot.Normalizer.
func (s logScale) Normalize(lo, hi, x float64) float64 {
	if x == 0.5*(lo+hi) {
		return 0.5
	}
	return s.LogScale.Normalize(lo, hi, x)
}

// widen gives a range some air, and a width where all values are equal.
func widen(s span, air float64) (lo, hi float64) {
	d := s.hi - s.lo
	if d <= 1e-9*math.Max(math.Abs(s.lo), math.Abs(s.hi)) {
		if d = math.Abs(s.hi) * 0.1; d == 0 {
			d = 1
		}
		return s.lo - d, s.hi + d
	}
	return s.lo - air*d, s.hi + air*d
}

// rules draws a thin line across the plot at each labelled tick of the y axis.
type rules struct{}

func (rules) Plot(dc draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&dc)
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			dc.StrokeLine2(draw.LineStyle{Color: grid, Width: vg.Points(0.6)}, dc.Min.X, y(t.Value), dc.Max.X, y(t.Value))
		}
	}
}

// levels draws the levels of a chart, below its series.
type levels struct{ c Lines }

func (l levels) Plot(dc draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&dc)
	style := textStyle(8.5, soft)
	style.XAlign = draw.XRight
	for _, k := range l.c.Levels {
		style.YAlign = draw.YBottom
		if !l.c.drawable(1, k.Y) {
			continue
		}
		at := y(k.Y)
		dc.StrokeLine2(draw.LineStyle{Color: soft, Width: lineWidth / 2, Dashes: []vg.Length{thumb / 4, thumb / 6}}, dc.Min.X, at, dc.Max.X, at)
		lift := gap / 3
		if at+lift+style.Height(k.Text) > dc.Max.Y {
			style.YAlign, lift = draw.YTop, -lift
		}
		dc.FillText(style, vg.Point{X: dc.Max.X, Y: at + lift}, k.Text)
	}
}

// marks draws the marks of a chart.
type marks struct{ c Lines }

func (m marks) Plot(dc draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&dc)
	style := textStyle(8.5, ink)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	for _, k := range m.c.Marks {
		if !m.c.drawable(k.X, k.Y) {
			continue
		}
		at := vg.Point{X: x(k.X), Y: y(k.Y)}
		dc.DrawGlyph(draw.GlyphStyle{Color: ink, Radius: gap, Shape: draw.RingGlyph{}}, at)
		dc.FillText(style, at.Sub(vg.Point{Y: 1.5 * gap}), k.Text)
	}
}

// style is that of the line of series i.
func (c Lines) style(i int, colour color.Color, width vg.Length) draw.LineStyle {
	l := draw.LineStyle{Color: colour, Width: width, Dashes: dashes[c.hue(i)/len(palette)%len(dashes)]}
	if c.Series[i].Dashed {
		l.Dashes = marked
	}
	return l
}

// glyph is that of a single point of series i.
func (c Lines) glyph(i int, colour color.Color, radius vg.Length) draw.GlyphStyle {
	hollow := 0
	if c.Series[i].Hollow {
		hollow = 1
	}
	return draw.GlyphStyle{Color: colour, Radius: radius, Shape: glyphs[c.hue(i)/len(palette)%len(glyphs)][hollow]}
}

// line draws the values of a series; a point with no neighbour becomes a dot.
type line struct {
	c      Lines
	i      int // the series
	y      []float64
	colour color.Color
	width  vg.Length
}

func (l line) Plot(dc draw.Canvas, p *plot.Plot) {
	s, dot := l.c.Series[l.i], l.c.glyph(l.i, l.colour, l.width)
	if s.Scatter {
		if dot.Radius = pointSize; s.Small {
			dot.Radius = smallSize
		}
	}
	for _, run := range l.c.runs(s.X, l.y) {
		pts := path(dc, p, s.X, l.y, run)
		if len(pts) > 1 && !s.Scatter {
			dc.StrokeLines(l.c.style(l.i, l.colour, l.width), thin(pts))
			if !s.Dots {
				continue
			}
		}
		for _, at := range pts {
			dc.DrawGlyph(dot, at)
		}
	}
}

// band shades the range of a series.
type band struct {
	c      Lines
	s      Series
	colour color.Color
}

func (b band) Plot(dc draw.Canvas, p *plot.Plot) {
	if b.s.Lo == nil {
		return
	}
	for _, run := range b.c.runs(b.s.X, b.s.Lo, b.s.Hi) {
		ring := thin(path(dc, p, b.s.X, b.s.Lo, run))
		top := thin(path(dc, p, b.s.X, b.s.Hi, run))
		for i := len(top) - 1; i >= 0; i-- {
			ring = append(ring, top[i])
		}
		dc.FillPolygon(b.colour, ring)
	}
}

// smooth returns the mean of the Smooth values around each one that can be drawn, of their
// logarithms on a log axis; the other values stay as they are.
func (c Lines) smooth(s Series) []float64 {
	if s.Smooth < 2 {
		return s.Y
	}
	into, back := func(v float64) float64 { return v }, func(v float64) float64 { return v }
	if c.LogY {
		into, back = math.Log, math.Exp
	}
	out := slices.Clone(s.Y)
	for _, run := range c.runs(s.X, s.Y) {
		sum, from, to := 0.0, run[0], run[0] // the window is [from,to)
		for i := run[0]; i < run[1]; i++ {
			for ; to < min(i+(s.Smooth+1)/2, run[1]); to++ {
				sum += into(s.Y[to])
			}
			for ; from < i-s.Smooth/2; from++ {
				sum -= into(s.Y[from])
			}
			out[i] = back(sum / float64(to-from))
		}
	}
	return out
}

// runs returns the index ranges [from,to) without a gap.
func (c Lines) runs(x []float64, ys ...[]float64) (runs [][2]int) {
	from := -1
	for i := 0; i <= len(x); i++ {
		ok := i < len(x)
		for _, y := range ys {
			ok = ok && c.drawable(x[i], y[i])
		}
		switch {
		case ok && from < 0:
			from = i
		case !ok && from >= 0:
			runs, from = append(runs, [2]int{from, i}), -1
		}
	}
	return runs
}

func path(dc draw.Canvas, p *plot.Plot, x, y []float64, run [2]int) []vg.Point {
	tx, ty := p.Transforms(&dc)
	pts := make([]vg.Point, 0, run[1]-run[0])
	for i := run[0]; i < run[1]; i++ {
		pts = append(pts, vg.Point{X: tx(x[i]), Y: ty(y[i])})
	}
	return pts
}

// thin keeps long lines small in the file: of the points that share a column of half a point's
// width it keeps the first, the lowest, the highest and the last, which draw the same ink.
func thin(pts []vg.Point) []vg.Point {
	const column = vg.Length(0.5)
	out := make([]vg.Point, 0, len(pts))
	for from := 0; from < len(pts); {
		to, lo, hi := from+1, from, from
		for ; to < len(pts) && math.Floor(float64(pts[to].X/column)) == math.Floor(float64(pts[from].X/column)); to++ {
			if pts[to].Y < pts[lo].Y {
				lo = to
			}
			if pts[to].Y > pts[hi].Y {
				hi = to
			}
		}
		last := -1
		for _, i := range [4]int{from, min(lo, hi), max(lo, hi), to - 1} {
			if i != last {
				out = append(out, pts[i])
			}
			last = i
		}
		from = to
	}
	return out
}

// hue is the number of the colour of series i, from 0 on. Beyond the colours there are, strokes and points differ.
func (c Lines) hue(i int) int {
	if hue := c.Series[i].Hue; hue > 0 {
		return hue - 1
	}
	return i
}

// colour is that of series i.
func (c Lines) colour(i int) color.RGBA { return palette[c.hue(i)%len(palette)] }

func (c Lines) tint(i int, alpha uint8) color.NRGBA {
	k := c.colour(i)
	return color.NRGBA{k.R, k.G, k.B, alpha}
}

func textStyle(size float64, c color.Color) text.Style {
	s := text.Style{Handler: plot.DefaultTextHandler}
	restyle(&s, size, c)
	return s
}

func restyle(s *text.Style, size float64, c color.Color) {
	s.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Points(size))
	s.Color = c
}
