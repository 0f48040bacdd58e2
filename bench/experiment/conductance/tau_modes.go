package conductance

import (
	"math"
	"math/rand/v2"
	"slices"

	"galvani/bench/rows"
)

// modes is a division of numbers into two groups.
type modes struct {
	values    []float64
	at        float64 // border
	low, high float64 // means
	explained float64 // share of the variance that lies between the groups
	p         float64 // share of even samples that two groups explain as well
}

// two reports whether there are two modes: groups that numbers with one mode would seldom have,
// and further apart than the noise of learning.
func (m modes) two() bool { return m.p < modesP && m.high-m.low >= math.Log(modesRatio) }

// splitModes divides numbers into the two groups with the least variance within. Its p is that of
// as many numbers from a uniform distribution, which of those with one mode is the closest to two.
//
// Sources: Fisher (1958), J. Am. Stat. Assoc. 53:789, for the division; Hartigan and Hartigan
// (1985), Annals of Statistics 13:70, for the uniform distribution.
func splitModes(v []float64) modes {
	m := divide(v)
	r := rand.New(rand.NewPCG(1, uint64(len(v))))
	draw := make([]float64, len(v))
	as := 1
	for range modesDraws {
		for i := range draw {
			draw[i] = r.Float64()
		}
		if divide(draw).explained >= m.explained {
			as++
		}
	}
	m.p = float64(as) / (modesDraws + 1)
	return m
}

// divide is splitModes without its p.
func divide(v []float64) modes {
	sorted := slices.Sorted(slices.Values(v))
	n := float64(len(v))
	mean, total, sum := 0.0, 0.0, 0.0
	for _, x := range sorted {
		mean += x / n
	}
	for _, x := range sorted {
		total += (x - mean) * (x - mean)
	}
	m := modes{values: v, at: mean, low: mean, high: mean}
	for k := 1; k < len(sorted); k++ {
		sum += sorted[k-1]
		a := float64(k)
		low, high := sum/a, (n*mean-sum)/(n-a)
		between := a*(low-mean)*(low-mean) + (n-a)*(high-mean)*(high-mean)
		if between > m.explained*total {
			m.explained, m.low, m.high, m.at = between/total, low, high, (sorted[k-1]+sorted[k])/2
		}
	}
	return m
}

// agrees returns the share of values that are in the upper group where their teacher is above the
// mean of all, and in the lower one where it is below.
func (m modes) agrees(teacher rows.Curve) float64 {
	mean, right := 0.0, 0.0
	for _, v := range teacher {
		mean += v / float64(len(teacher))
	}
	for i, v := range m.values {
		if (v > m.at) == (teacher[i] > mean) {
			right += 1 / float64(len(teacher))
		}
	}
	return right
}
