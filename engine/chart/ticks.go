package chart

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

const (
	wantTicks  = 6
	maxDecades = 8    // that a log axis labels one by one
	rounding   = 1e-9 // of a step: a tick at the very end of the axis is still on it
)

// linearTicks sets about six ticks at round numbers, all of them in one notation.
func linearTicks(lo, hi float64) []plot.Tick {
	step := roundStep((hi - lo) / wantTicks)
	write := notation(math.Max(math.Abs(lo), math.Abs(hi)), step)
	var ticks []plot.Tick
	first := math.Ceil(lo/step - rounding)
	for i := 0.0; first+i <= hi/step+rounding && i < 4*wantTicks; i++ {
		v := (first + i) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: write(v)})
	}
	return ticks
}

// leastPlain and mostPlain bound the numbers that a log axis writes as decimals; an axis that reaches beyond them
// has powers of ten throughout.
const leastPlain, mostPlain = 1e-3, 1e4

// logTicks labels the decades, and 2 and 5 between them where there are few decades.
func logTicks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	if decades < 0.7 {
		return linearTicks(lo, hi)
	}
	every := int(math.Ceil(decades / maxDecades))
	write := power
	if lo >= leastPlain*(1-rounding) && hi <= mostPlain*(1+rounding) {
		write = func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	}
	var ticks []plot.Tick
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow10(e)
			if v < lo || v > hi {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && e%every == 0 || (m == 2 || m == 5) && decades < 2.5 {
				t.Label = write(float64(m) * math.Pow10(e))
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// fixedTicks labels the given numbers.
func fixedTicks(at []float64) plot.ConstantTicks {
	var ticks []plot.Tick
	for _, v := range at {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 6, 64)})
	}
	return ticks
}

// roundStep returns the next of 1, 2, 5 times a power of ten.
func roundStep(s float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(s)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= s*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// notation returns how an axis writes the multiples of its step: with the digits that the step needs,
// large ones in k and M, and very large and small ones as powers of ten.
func notation(most, step float64) func(v float64) string {
	decimals := func(unit float64, digits int, suffix string) func(float64) string {
		return func(v float64) string {
			if v == 0 {
				return "0"
			}
			return strconv.FormatFloat(v/unit, 'f', digits, 64) + suffix
		}
	}
	switch {
	case most >= 1e9 || step < 1e-4 && most < 0.1:
		digits := int(math.Floor(math.Log10(most)) - math.Floor(math.Log10(step)+1e-9))
		return func(v float64) string { return scientific(v, max(3, digits)) }
	case step >= 1e6:
		return decimals(1e6, 0, "M")
	case step >= 1e3:
		return decimals(1e3, 0, "k")
	}
	return decimals(1, max(0, -int(math.Floor(math.Log10(step)+1e-9))), "")
}

// power writes a number as a power of ten with up to four digits before it: 1e-5, 2.5e9. The font
// of the pictures has no raised minus.
func power(v float64) string { return scientific(v, 3) }

// scientific writes a number as a power of ten with up to so many digits behind the point.
func scientific(v float64, most int) string {
	if v == 0 {
		return "0"
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', most, 64), "e")
	e, _ := strconv.Atoi(exponent)
	return strings.TrimSuffix(strings.TrimRight(digits, "0"), ".") + "e" + strconv.Itoa(e)
}
