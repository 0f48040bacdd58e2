package chart

import (
	"cmp"
	"image"
	"image/color"
	"slices"
)

// mostColours is how many a picture with a palette has.
const mostColours = 256

// paletted returns a picture with the colours that it has most of, and others as the nearest of them. Charts are of a few
// colours and shades between two of these, so that it looks the same and its file is half as large.
func paletted(m *image.RGBA) *image.Paletted {
	at := func(i int) color.RGBA { return color.RGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3]} }
	count := map[color.RGBA]int{}
	last, run := color.RGBA{}, 0 // most pixels are as the one before
	for i := 0; i < len(m.Pix); i += 4 {
		if c := at(i); c != last {
			count[last] += run
			last, run = c, 0
		}
		run++
	}
	count[last] += run
	var all []color.RGBA
	for c, n := range count {
		if n > 0 {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(count[b]-count[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B), int(a.A)-int(b.A))
	})
	var palette color.Palette
	for _, c := range all[:min(len(all), mostColours)] {
		palette = append(palette, c)
	}
	index := map[color.RGBA]uint8{}
	for _, c := range all {
		index[c] = uint8(palette.Index(c))
	}
	p := image.NewPaletted(m.Rect, palette)
	last, now := at(0), index[at(0)]
	for i := range p.Pix {
		if c := at(4 * i); c != last {
			last, now = c, index[c]
		}
		p.Pix[i] = now
	}
	return p
}
