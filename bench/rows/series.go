package rows

import (
	"math"
	"slices"

	"galvani/engine/chart"

	"gonum.org/v1/gonum/stat"
)

// Band makes a series of a chart from estimates, with their intervals as its band; where there is no
// interval the band has no width.
func Band(name string, x []float64, y []Estimate) chart.Series {
	s := chart.Series{Name: name, X: x}
	for _, e := range y {
		if math.IsNaN(e.Interval[0]) {
			e.Interval = Interval{e.Value, e.Value}
		}
		s.Y, s.Lo, s.Hi = append(s.Y, e.Value), append(s.Lo, e.Interval[0]), append(s.Hi, e.Interval[1])
	}
	return s
}

// AddSpread adds a point to a series: the mean over seeds, with their range as band, since the
// interval of a few seeds is wider than any chart. Without seeds the point is a gap.
func AddSpread(s *chart.Series, seeds []float64) {
	y, lo, hi := math.NaN(), math.NaN(), math.NaN()
	if len(seeds) > 0 {
		y, lo, hi = stat.Mean(seeds, nil), slices.Min(seeds), slices.Max(seeds)
	}
	s.Y, s.Lo, s.Hi = append(s.Y, y), append(s.Lo, lo), append(s.Hi, hi)
}

// Bins are equal parts of an axis, or with Log parts of equal ratio.
type Bins struct {
	From, To float64
	N        int
	Log      bool
}

// edge returns the lower border of bin k.
func (b Bins) edge(k int) float64 {
	if b.Log {
		return b.From * math.Exp(math.Log(b.To/b.From)/float64(b.N)*float64(k))
	}
	return b.From + (b.To-b.From)/float64(b.N)*float64(k)
}

// bin returns the bin of a number; one beyond the ends counts in the first or the last bin.
func (b Bins) bin(x float64) int {
	k := (x - b.From) / ((b.To - b.From) / float64(b.N))
	if b.Log {
		k = math.Log(x/b.From) / (math.Log(b.To/b.From) / float64(b.N))
	}
	return min(b.N-1, max(0, int(k)))
}

// Histogram returns the shares of numbers in bins, as a line of steps.
func Histogram(name string, x []float64, b Bins) chart.Series {
	s := chart.Series{Name: name}
	count := make([]float64, b.N)
	for _, v := range x {
		count[b.bin(v)] += 1 / float64(len(x))
	}
	for k, share := range count {
		s.X = append(s.X, b.edge(k), b.edge(k+1))
		s.Y = append(s.Y, share, share)
	}
	return s
}
