package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"galvani/engine/chart"
)

// page is an HTML file that needs nothing besides itself: styles, charts as SVG and matrices as PNG are in it.
type page struct{ b bytes.Buffer }

// pageStyle is the style sheet. Its widths follow the screen, from a phone on.
const pageStyle = `body{font:16px/1.5 system-ui,Arial,sans-serif;color:#222;background:#fff;margin:0 auto;max-width:70rem;padding:1rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid #ddd}
p.note,figcaption{color:#555;font-size:.9rem;margin:.2rem 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
figure{margin:0;min-width:0}figure svg{width:100%;height:auto;display:block}
figure img{width:100%;max-width:26rem;image-rendering:pixelated;border:1px solid #ddd;box-sizing:border-box}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.2rem .6rem;border-bottom:1px solid #e5e5e5;text-align:left;vertical-align:top}
th,td:first-child{white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details summary{cursor:pointer;margin:.5rem 0}`

// newPage begins a page.
func newPage(title string) *page {
	p := &page{}
	p.add(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>%s</style></head><body>
<h1>%s</h1>
`, html.EscapeString(title), pageStyle, html.EscapeString(title))
	return p
}

func (p *page) add(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *page) heading(text string) { p.add("<h2>%s</h2>\n", html.EscapeString(text)) }

func (p *page) note(format string, args ...any) {
	p.add("<p class=\"note\">%s</p>\n", html.EscapeString(fmt.Sprintf(format, args...)))
}

// figures puts what fill adds side by side where there is room.
func (p *page) figures(fill func() error) error {
	p.add("<div class=\"figures\">\n")
	err := fill()
	p.add("</div>\n")
	return err
}

// chart adds a chart; one without a point is left out.
func (p *page) chart(c chart.Lines) error {
	b, err := c.Render("svg")
	if errors.Is(err, chart.ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	svg := string(b)
	p.add("<figure>%s</figure>\n", svg[strings.Index(svg, "<svg"):])
	return nil
}

// table adds a table; of one with more than two columns, cells that are numbers stand at the right.
func (p *page) table(head []string, rows [][]string) {
	p.add("<div class=\"scroll\"><table><tr>")
	for _, cell := range head {
		p.add("<th>%s</th>", html.EscapeString(cell))
	}
	p.add("</tr>\n")
	for _, row := range rows {
		p.add("<tr>")
		for _, cell := range row {
			class := ""
			if len(head) > 2 && cell != "" && strings.Trim(cell, "0123456789.+-eE%± \u00a0") == "" {
				class = ` class="n"`
			}
			p.add("<td%s>%s</td>", class, html.EscapeString(cell))
		}
		p.add("</tr>\n")
	}
	p.add("</table></div>\n")
}

// folded adds a table behind a line to click on.
func (p *page) folded(summary string, head []string, rows [][]string) {
	p.add("<details><summary>%s</summary>\n", html.EscapeString(summary))
	p.table(head, rows)
	p.add("</details>\n")
}

// mostPixels is the number of rows that a matrix is drawn with; of larger ones each pixel is a mean.
const mostPixels = 256

// matrix adds a picture of a matrix [n,n]: red for what is above 0, blue for what is below, white at 0.
func (p *page) matrix(caption string, values []float32, n int) error {
	size := min(n, mostPixels)
	sums, counts := make([]float64, size*size), make([]float64, size*size)
	for i := range n {
		for j := range n {
			at := i*size/n*size + j*size/n
			sums[at] += float64(values[i*n+j])
			counts[at]++
		}
	}
	most := 0.0
	for k := range sums {
		sums[k] /= counts[k]
		most = max(most, math.Abs(sums[k]))
	}
	picture := image.NewNRGBA(image.Rect(0, 0, size, size))
	for k, v := range sums {
		pale := uint8(255 * (1 - math.Sqrt(math.Abs(v)/max(most, math.SmallestNonzeroFloat32))))
		c := color.NRGBA{255, pale, pale, 255}
		if v < 0 {
			c = color.NRGBA{pale, pale, 255, 255}
		}
		picture.SetNRGBA(k%size, k/size, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return err
	}
	p.add("<figure><img alt=\"%s\" src=\"data:image/png;base64,%s\"><figcaption>%s; red above 0, blue below, full colour at ±%.3g, shaded by the root.</figcaption></figure>\n",
		html.EscapeString(caption), base64.StdEncoding.EncodeToString(b.Bytes()), html.EscapeString(caption), most)
	return nil
}

// end closes the page and returns it.
func (p *page) end() []byte {
	p.note("Written by %s.", thisBuild())
	p.add("</body></html>\n")
	return p.b.Bytes()
}
