package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot"

	"gonum.org/v1/plot/vg"
)

func curve(n int, f func(i float64) float64) Series {
	s := Series{Name: "curve"}
	for i := range n {
		s.X, s.Y = append(s.X, float64(i)), append(s.Y, f(float64(i)))
	}
	return s
}

// TestRenderPNG looks for the line where it has to be: blue, low on the left, high on the right.
func TestRenderPNG(t *testing.T) {
	b, err := Lines{Title: "t", Series: []Series{curve(100, func(i float64) float64 { return i })}}.Render("png")
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	if w < 1000 || h < 600 {
		t.Fatalf("image is %dx%d, want about 1260x787", w, h)
	}
	meanRow := func(x0, x1 int) int {
		sum, n := 0, 0
		for x := x0; x < x1; x++ {
			for y := range h {
				if color.RGBAModel.Convert(m.At(x, y)).(color.RGBA) == palette[0] {
					sum, n = sum+y, n+1
				}
			}
		}
		if n == 0 {
			t.Fatalf("no line between columns %d and %d", x0, x1)
		}
		return sum / n
	}
	left, right := meanRow(w/8, w/4), meanRow(3*w/4, 7*w/8)
	if left-right < h/3 {
		t.Errorf("line at row %d on the left, %d on the right of %d rows, want it to climb", left, right, h)
	}
}

func TestRenderSVG(t *testing.T) {
	c := Lines{Title: "a < b & c", XLabel: "step", YLabel: "loss", LogY: true, Series: []Series{
		curve(5000, func(i float64) float64 { return math.Exp(-i/900) * (1.5 + math.Sin(i)) }),
		{Name: "second", X: []float64{0, 4999}, Y: []float64{1, 1}, Lo: []float64{0.5, 0.5}, Hi: []float64{2, 2}},
	}}
	b, err := c.Render("svg")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed XML: %v", err)
		}
		if text, ok := tok.(xml.CharData); ok {
			all.Write(text)
		}
	}
	for _, want := range []string{"a < b & c", "step", "loss", "curve", "second"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no text %q in the picture", want)
		}
	}
	if len(b) > 200_000 {
		t.Errorf("picture of 5000 points takes %d bytes, want at most 200000", len(b))
	}
	again, err := c.Render("svg")
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("second rendering differs (%v)", err)
	}
}

// TestManySeries: where there are more series than colours, strokes and points tell them apart.
func TestManySeries(t *testing.T) {
	c, points := Lines{}, Lines{}
	for range len(palette) * len(dashes) {
		c.Series = append(c.Series, curve(3, func(i float64) float64 { return i }))
	}
	for range len(palette) * len(glyphs) {
		points.Series = append(points.Series, Series{X: []float64{0, 1}, Y: []float64{0, 1}, Scatter: true})
	}
	b, err := c.Render("svg")
	if err != nil {
		t.Fatal(err)
	}
	looks := map[string]bool{}
	for _, style := range regexp.MustCompile(`style="[^"]*stroke:#[^"]*"`).FindAllString(string(b), -1) {
		colour := regexp.MustCompile(`stroke:#[0-9A-Fa-f]+`).FindString(style)
		looks[colour+regexp.MustCompile(`stroke-dasharray:[^;"]*`).FindString(style)] = true
	}
	if len(looks) < len(c.Series) {
		t.Errorf("%d lines look like %d", len(c.Series), len(looks))
	}
	seen := map[any]bool{}
	for i := range points.Series {
		seen[points.glyph(i, points.colour(i), 1)] = true
	}
	if len(seen) != len(points.Series) {
		t.Errorf("%d kinds of points look like %d", len(points.Series), len(seen))
	}
}

// TestRenderOdd draws what training can produce and a plotting library chokes on.
func TestRenderOdd(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, s := range map[string]Series{
		"gap":      {X: []float64{0, 1, 2, 3}, Y: []float64{1, nan, 2, 3}},
		"infinite": {X: []float64{0, 1, 2}, Y: []float64{1, inf, 2}},
		"one":      {X: []float64{3}, Y: []float64{2}},
		"constant": {X: []float64{0, 1}, Y: []float64{5, 5}},
		"zero":     {X: []float64{0, 1, 2}, Y: []float64{0, 1, 2}},
		"huge":     {X: []float64{0, 1}, Y: []float64{1e-250, 1e250}},
		"too much": {X: []float64{0, 1, 2}, Y: []float64{1, 1e300, math.MaxFloat64}},
		"close":    {X: []float64{0, 1}, Y: []float64{1, 1 + 1e-12}},
		"smooth":   {X: []float64{0, 1, 2, 3}, Y: []float64{1, 2, nan, 3}, Smooth: 3},
		"band":     {X: []float64{0, 1}, Y: []float64{1, 2}, Lo: []float64{0, nan}, Hi: []float64{2, 3}},
	} {
		for _, logY := range []bool{false, true} {
			b, err := Lines{LogY: logY, Series: []Series{s}}.Render("svg")
			if err != nil {
				t.Errorf("%s, log %v: %v", name, logY, err)
			}
			if bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Inf")) {
				t.Errorf("%s, log %v: a coordinate is not finite", name, logY)
			}
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, s := range map[string][]Series{
		"none":     nil,
		"no point": {{}},
		"only NaN": {{X: []float64{1}, Y: []float64{math.NaN()}}},
	} {
		if _, err := (Lines{Series: s}).Render("svg"); !errors.Is(err, ErrEmpty) {
			t.Errorf("%s: got %v, want ErrEmpty", name, err)
		}
	}
	negative := Lines{LogY: true, Series: []Series{{X: []float64{1}, Y: []float64{-1}}}}
	if _, err := negative.Render("svg"); !errors.Is(err, ErrEmpty) {
		t.Errorf("negative on a log axis: got %v, want ErrEmpty", err)
	}
	for name, s := range map[string]Series{
		"short Y":    {X: []float64{1, 2}, Y: []float64{1}},
		"Lo alone":   {X: []float64{1}, Y: []float64{1}, Lo: []float64{1}},
		"short band": {X: []float64{1, 2}, Y: []float64{1, 2}, Lo: []float64{1}, Hi: []float64{1}},
	} {
		if _, err := (Lines{Series: []Series{s}}).Render("svg"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := (Lines{Series: []Series{{X: []float64{1}, Y: []float64{1}}}}).Render("gif"); err == nil {
		t.Error("format gif: no error")
	}
}

func TestTicks(t *testing.T) {
	for _, r := range [][2]float64{{0, 1}, {-65, -43}, {0, 12000}, {0.001, 0.0017}, {1e6, 3e7}, {-1e-9, 1e-9}, {0.25, 0.2500001},
		{100, 100.0005}, {3e-7, 3.0001e-7}, {2e9, 2e9 + 10}} {
		labels := map[string]bool{}
		ticks := linearTicks(r[0], r[1])
		for _, k := range ticks {
			labels[k.Label] = true
		}
		if len(ticks) < 3 || len(ticks) > 12 || len(labels) != len(ticks) {
			t.Errorf("range %v: %d ticks with %d different labels, want 3 to 12, all different: %v", r, len(ticks), len(labels), ticks)
		}
	}
	for _, same := range []float64{0, 1e-9, -3, 0.25, 1e12} { // have room about them, in their own size
		lo, hi := widen(span{same, same}, 0.04)
		if want := math.Abs(same) * 0.1; !(lo < same && same < hi) || want > 0 && math.Abs(hi-same-want) > 0.01*want || same == 0 && hi != 1 {
			t.Errorf("the axis of %g alone is from %g to %g", same, lo, hi)
		}
	}
	if k := linearTicks(0, 0.3); k[len(k)-1].Label != "0.30" && k[len(k)-1].Label != "0.3" {
		t.Errorf("last tick of [0,0.3] is %q, want the end of the axis", k[len(k)-1].Label)
	}
	labels := func(ticks []plot.Tick) string {
		var all []string
		for _, k := range ticks {
			if k.Label != "" {
				all = append(all, k.Label)
			}
		}
		return strings.Join(all, " ")
	}
	for _, tt := range []struct{ got, want string }{
		{labels(logTicks(1e-6, 1)), "1e-6 1e-5 1e-4 1e-3 1e-2 1e-1 1e0"},
		{labels(logTicks(0.001, 1)), "0.001 0.01 0.1 1"},
		{labels(logTicks(0.2, 3)), "0.2 0.5 1 2"},
		{labels(logTicks(2e-5, 4e-4)), "2e-5 5e-5 1e-4 2e-4"},
		{labels(linearTicks(0, 6e-5)), "0 1e-5 2e-5 3e-5 4e-5 5e-5 6e-5"},
		{labels(linearTicks(-2e9, 1e9)), "-2e9 -1.5e9 -1e9 -5e8 0 5e8 1e9"},
		{labels(linearTicks(0, 12000)), "0 2k 4k 6k 8k 10k 12k"},
	} {
		if tt.got != tt.want {
			t.Errorf("ticks %q, want %q", tt.got, tt.want)
		}
	}
}

func TestSmooth(t *testing.T) {
	s := curve(5, func(i float64) float64 { return i * i })
	s.Smooth = 3
	want := []float64{0.5, 5. / 3, 14. / 3, 29. / 3, 12.5}
	for i, got := range (Lines{}).smooth(s) {
		if math.Abs(got-want[i]) > 1e-12 {
			t.Errorf("mean %d is %g, want %g", i, got, want[i])
		}
	}
	s = Series{X: []float64{0, 1}, Y: []float64{1, 100}, Smooth: 3}
	if got := (Lines{LogY: true}).smooth(s)[0]; math.Abs(got-10) > 1e-9 {
		t.Errorf("mean of 1 and 100 on a log axis is %g, want 10", got)
	}
}

// TestLogX holds that decades are equally far apart on a log axis, that what is not positive is
// left out, and that marks, own ticks and dashes reach the picture.
func TestLogX(t *testing.T) {
	c := Lines{LogX: true, LogY: true, XTicks: []float64{1, 16, 256}, Marks: []Mark{{X: 16, Y: 2, Text: "here"}, {X: -1, Y: 2, Text: "nowhere"}},
		Series: []Series{{X: []float64{0, 1, 16, 256}, Y: []float64{9, 1, 2, 4}, Dashed: true, Dots: true, Hue: 2}}}
	b, err := c.Render("svg")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{">1<", ">16<", ">256<", ">here<", "stroke-dasharray", "stroke:#D55E00"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the picture", want)
		}
	}
	if strings.Contains(text, ">nowhere<") || strings.Contains(text, "NaN") {
		t.Error("a point that is not positive was drawn")
	}
	p := c.plot(span{1, 256}, span{1, 4})
	if one, two := p.X.Norm(16)-p.X.Norm(1), p.X.Norm(256)-p.X.Norm(16); math.Abs(one-two) > 1e-9 {
		t.Errorf("from 1 to 16 it is %g, from 16 to 256 %g, want equal", one, two)
	}
	if _, err := (Lines{LogX: true, Series: []Series{{X: []float64{0}, Y: []float64{1}}}}).Render("svg"); !errors.Is(err, ErrEmpty) {
		t.Errorf("x of 0 on a log axis: got %v, want ErrEmpty", err)
	}
}

// TestScatter holds that single points are not joined, that rings are hollow, that a pale line is
// pale, and that points keep clear of the border.
func TestScatter(t *testing.T) {
	points := Series{Name: "points", X: []float64{0, 1, 2}, Y: []float64{1, 0, 1}, Scatter: true, Hue: 3}
	rings := Series{Name: "rings", X: []float64{0.5, 1.5}, Y: []float64{1, 1}, Scatter: true, Hollow: true, Hue: 2}
	pale := Series{Name: "pale", X: []float64{0, 2}, Y: []float64{0, 1}, Pale: true}
	count := func(c Lines, text string) int {
		t.Helper()
		b, err := c.Render("svg")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(b), text)
	}
	const green, red = "#009E73", "#D55E00"
	if n := count(Lines{Series: []Series{points}}, "fill:"+green); n != 3 {
		t.Errorf("%d dots, want 3", n)
	}
	if n := count(Lines{Series: []Series{points}}, "stroke:"+green); n != 0 {
		t.Errorf("%d lines between points, want none", n)
	}
	if n, full := count(Lines{Series: []Series{rings}}, "stroke:"+red), count(Lines{Series: []Series{rings}}, "fill:"+red); n != 2 || full != 0 {
		t.Errorf("%d rings, %d of them full, want 2 hollow ones", n, full)
	}
	if n := count(Lines{Series: []Series{points, rings, pale}}, "fill:"+green); n != 4 {
		t.Errorf("%d dots with that of the legend, want 4", n)
	}
	if n := count(Lines{Series: []Series{pale}}, "stroke-opacity:0.28"); n != 1 {
		t.Errorf("%d pale lines, want 1", n)
	}
	small := points
	small.Small = true
	large, err := Lines{Series: []Series{points}}.Render("svg")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (Lines{Series: []Series{small}}).Render("svg"); err != nil || bytes.Equal(got, large) || count(Lines{Series: []Series{small}}, "fill:"+green) != 3 {
		t.Errorf("small dots are drawn like others, or not all; error %v", err)
	}
	p := Lines{Series: []Series{points}}.plot(span{0, 2}, span{0, 1})
	if p.X.Min >= 0 || p.X.Max <= 2 {
		t.Errorf("x axis from %v to %v, want more than 0 to 2", p.X.Min, p.X.Max)
	}
}

// TestThin wants every column to reach as far up and down as before, with far fewer points.
func TestThin(t *testing.T) {
	var pts []vg.Point
	for i := range 20000 {
		pts = append(pts, vg.Point{X: vg.Length(i) * 0.02, Y: vg.Length(math.Sin(float64(i * i)))})
	}
	envelope := func(pts []vg.Point) map[float64]span {
		m := map[float64]span{}
		for _, p := range pts {
			column := math.Floor(float64(p.X) / 0.5)
			s, ok := m[column]
			if !ok {
				s = span{math.Inf(1), math.Inf(-1)}
			}
			s.take(float64(p.Y))
			m[column] = s
		}
		return m
	}
	few := thin(pts)
	if len(few) > 4*800 {
		t.Errorf("%d points left in 800 columns, want at most 3200", len(few))
	}
	if few[0] != pts[0] || few[len(few)-1] != pts[len(pts)-1] {
		t.Error("an end of the line is missing")
	}
	if !maps.Equal(envelope(pts), envelope(few)) {
		t.Error("the thinned line reaches elsewhere than the full one")
	}
}

// TestLogAxisRoom holds that the length of an axis's name does not take room from a log axis.
func TestLogAxisRoom(t *testing.T) {
	top := func(name string) int {
		c := Lines{YLabel: name, LogY: true, Series: []Series{{X: []float64{0, 1}, Y: []float64{1e-12, 1}}}}
		b, err := c.Render("png")
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want := palette[0]
		for y := range picture.Bounds().Dy() {
			for x := range picture.Bounds().Dx() {
				if color.RGBAModel.Convert(picture.At(x, y)) == want {
					return y
				}
			}
		}
		t.Fatal("there is no line")
		return 0
	}
	if short, long := top("a"), top("a name that is as long as half of the axis"); short != long {
		t.Errorf("the line ends %d pixels from the top with a short name, %d with a long one", short, long)
	}
}

// TestWords holds that what a chart says about itself is in it, and that long notes are broken into lines.
func TestWords(t *testing.T) {
	c := Lines{Title: "Loss", Subtitle: "rnn on adding", Note: strings.Repeat("thin line: each update. ", 12), Levels: []Level{{0.5, "chance"}, {-1, "nowhere"}},
		LogY: true, Series: []Series{{Name: "a", X: []float64{0, 1}, Y: []float64{0.6, 0.9}}}}
	text, err := c.Render("svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rnn on adding", "chance"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the chart lacks %q", want)
		}
	}
	if strings.Contains(string(text), "nowhere") {
		t.Error("a level that a log axis has not is drawn")
	}
	if n := strings.Count(string(text), "thin"); n != 12 {
		t.Errorf("the note says thin %d times, want 12", n)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Count(line, "each update") > 6 {
			t.Errorf("the note stands on one line: %s", line)
		}
	}
	if _, y, err := c.spans(); err != nil || y.lo != 0.5 {
		t.Errorf("the y axis is %v, %v, want it to reach the level", y, err)
	}
}

// TestFirstOnTop: the first series is drawn last where it is asked to lie on top, and the names stay in their order.
func TestFirstOnTop(t *testing.T) {
	c := Lines{Series: []Series{{Name: "near", X: []float64{0, 1}, Y: []float64{0, 1}, Hue: 1}, {Name: "far", X: []float64{0, 1}, Y: []float64{1, 0}, Hue: 2}}}
	const near, far = "stroke:#0072B2", "stroke:#D55E00"
	for _, first := range []bool{false, true} {
		c.FirstOnTop = first
		b, err := c.Render("svg")
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if on := strings.LastIndex(text, near) > strings.LastIndex(text, far); on != first || strings.Count(text, near) != 2 {
			t.Errorf("the first of two lines lies on top: %v, want %v", on, first)
		}
		if a, b := strings.Index(text, ">near<"), strings.Index(text, ">far<"); a < 0 || b < a {
			t.Errorf("the names stand at %d and %d, want near before far", a, b)
		}
	}
}
