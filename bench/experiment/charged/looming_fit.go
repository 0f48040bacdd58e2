package charged

import (
	"fmt"
	"math"
	"slices"

	"galvani/bench/experiment"
	"galvani/bench/rows"
	"galvani/data"

	"gonum.org/v1/gonum/stat"
)

// smooth convolves a response with a Gaussian of standard deviation sigma, in steps; beyond its
// ends the response counts as its first and last value.
func smooth(y []float64, sigma float64) []float64 {
	reach := int(math.Ceil(4 * sigma))
	list := make([]float64, len(y))
	for i := range y {
		norm := 0.0
		for k := -reach; k <= reach; k++ {
			w := math.Exp(-float64(k*k) / (2 * sigma * sigma))
			list[i] += w * y[min(max(i+k, 0), len(y)-1)]
			norm += w
		}
		list[i] /= norm
	}
	return list
}

// peak returns the step at which y is largest, between steps by the parabola through three; NaN
// where that is at either end.
func peak(y []float64) float64 {
	at := 0
	for i, v := range y {
		if v > y[at] {
			at = i
		}
	}
	if at == 0 || at == len(y)-1 {
		return math.NaN()
	}
	before, top, after := y[at-1], y[at], y[at+1]
	return float64(at) + (before-after)/2/(before-2*top+after)
}

// etaFit is the line t_peak = α l/|v| − δ through peaks.
type etaFit struct{ alpha, delta, r2 float64 }

// fitPeaks fits by least squares; NaN with fewer than three peaks.
func fitPeaks(lv, peaks []float64) etaFit {
	var x, y []float64
	for i, p := range peaks {
		if !math.IsNaN(p) {
			x, y = append(x, lv[i]), append(y, p)
		}
	}
	if len(x) < 3 {
		return etaFit{math.NaN(), math.NaN(), math.NaN()}
	}
	at0, slope := stat.LinearRegression(x, y, nil, false)
	return etaFit{slope, -at0, stat.RSquared(x, y, nil, at0, slope)}
}

// angle returns the threshold angle 2 atan(1/α), deg.
func (f etaFit) angle() float64 { return data.AngularSize(1, f.alpha) * 180 / math.Pi }

// like tells whether a response peaks as the locust's.
func (f etaFit) like() bool { return f.linear() && f.alpha >= lowestAlpha && f.alpha <= highestAlpha }

func (f etaFit) linear() bool { return f.r2 >= leastR2 && f.alpha > 0 }

// fitOf returns the mean over seeds of the fits to the peaks at l/|v| of at least from, ms.
func (s *looming) fitOf(results experiment.Rows, response string, from float64) fitEstimate {
	var alpha, delta, angle, r2 []float64
	at := slices.IndexFunc(s.LV, func(lv float64) bool { return lv >= from })
	for _, r := range results {
		if peaks := r.Curves["peak_"+response]; at >= 0 && len(peaks) == len(s.LV) {
			f := fitPeaks(s.LV[at:], peaks[at:])
			alpha, delta, angle, r2 = append(alpha, f.alpha), append(delta, f.delta), append(angle, f.angle()), append(r2, f.r2)
		}
	}
	return fitEstimate{rows.Mean(alpha), rows.Mean(delta), rows.Mean(angle), rows.Mean(r2)}
}

// fitEstimate is a fit with its intervals; NaN where a seed has none.
type fitEstimate struct{ alpha, delta, angle, r2 rows.Estimate }

func (f fitEstimate) mean() etaFit { return etaFit{f.alpha.Value, f.delta.Value, f.r2.Value} }

func (f fitEstimate) String() string {
	if math.IsNaN(f.alpha.Value) {
		return "no line"
	}
	return fmt.Sprintf("α %.2f, δ %.0f ms, %.0f°, r² %.3f", f.alpha.Value, f.delta.Value, f.angle.Value, f.r2.Value)
}

// likeness says how peaks compare with the locust's.
func likeness(f etaFit) string {
	switch {
	case f.like():
		return "a threshold angle with α as in the locust"
	case f.linear():
		return "a threshold angle, but not one of the locust's"
	}
	return "no threshold angle"
}
