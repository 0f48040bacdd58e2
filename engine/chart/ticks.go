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

// linearTicks sets about six ticks at round numbers.
func linearTicks(lo, hi float64) []plot.Tick {
	step := roundStep((hi - lo) / wantTicks)
	var ticks []plot.Tick
	first := math.Ceil(lo/step - rounding)
	for i := 0.0; first+i <= hi/step+rounding && i < 4*wantTicks; i++ {
		v := (first + i) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: number(v, step)})
	}
	return ticks
}

// logTicks labels the decades, and 2 and 5 between them where there are few decades.
func logTicks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	if decades < 0.7 {
		return linearTicks(lo, hi)
	}
	every := int(math.Ceil(decades / maxDecades))
	var ticks []plot.Tick
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for m := 1; m < 10; m++ {
			v := float64(m) * math.Pow10(e)
			if v < lo || v > hi {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && e%every == 0 || (m == 2 || m == 5) && decades < 2.5 {
				t.Label = strings.Replace(strconv.FormatFloat(v, 'g', 3, 64), "e-0", "e-", 1)
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

// number writes a multiple of step with the digits that step needs; large steps count in k and M.
func number(v, step float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) >= 1e9 || step < 1e-4:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case step >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 0, 64) + "M"
	case step >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + "k"
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	return strconv.FormatFloat(v, 'f', digits, 64)
}
