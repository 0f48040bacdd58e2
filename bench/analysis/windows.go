package analysis

import (
	"math"

	"galvani/kernels"
)

// Windows is what the populations of a circuit did in equal windows of time, one behind the other.
type Windows struct {
	Steps int64 // of a window
	// RateHz is the rate of each population in each window, [populations][windows].
	RateHz [][]float64
	// Counts is what the counts of spikes by unit and window say of each population.
	Counts []Counts
}

// Counts is what the numbers of spikes of the units of a population in windows say. What is not known is nil: of fewer
// than leastWindows windows, and of populations without a spike or a pair of units.
type Counts struct {
	// Fano is the variance of the count of a unit over its mean, in the mean of all units that spike; 1 for a Poisson
	// process.
	Fano *float64 `json:"fano,omitempty"`
	// Covariance is that of the counts of two units, in the mean of all pairs. Correlation is Pearson's, in the mean of
	// all pairs of units whose counts vary; units that fire more do not weigh more.
	Covariance  *float64 `json:"covariance,omitempty"`
	Correlation *float64 `json:"correlation,omitempty"`
}

// leastWindows is how many windows counts are taken of.
const leastWindows = 5

// WindowsOf divides a stretch of steps into windows, without the rest that fills none. Spikes are in the order of their
// steps, of 0 to steps.
func WindowsOf(c *kernels.Circuit, spikes []kernels.Spike, steps, window int64) Windows {
	n := int(steps / window)
	w := Windows{Steps: window, RateHz: make([][]float64, len(c.Populations)), Counts: make([]Counts, len(c.Populations))}
	sums := make([]countSums, len(c.Populations))
	for k, p := range c.Populations {
		w.RateHz[k], sums[k] = make([]float64, n), countSums{now: make([]int, p.N), sum: make([]float64, p.N), squares: make([]float64, p.N)}
	}
	walk := func(close func(i, k int, s *countSums)) {
		for at, i := 0, 0; i < n; i++ {
			for ; at < len(spikes) && spikes[at].Step < int64(i+1)*window; at++ {
				sums[spikes[at].Population].add(spikes[at].Unit)
			}
			for k := range sums {
				close(i, k, &sums[k])
			}
		}
	}
	walk(func(i, k int, s *countSums) {
		w.RateHz[k][i] = float64(s.close()) / float64(c.Populations[k].N) / (float64(window) * c.Step) * 1000
	})
	for k := range sums {
		w.Counts[k] = sums[k].counts(float64(n))
	}
	if n < leastWindows {
		return w
	}
	walk(func(_, _ int, s *countSums) { s.standardise() })
	for k := range sums {
		w.Counts[k].Correlation = sums[k].correlation(float64(n))
	}
	return w
}

// countSums sums up counts by unit and window.
type countSums struct {
	now           []int // counts of the window
	touched       []int // units that spiked in it
	sum, squares  []float64
	total, square float64 // of all units together

	// Of units whose counts vary: their number, one over the standard deviation of each, the sum of mean over deviation,
	// and the sum over windows of (Σ of the standardised counts)².
	varying  float64
	scale    []float64
	shift    float64
	together float64
}

func (s *countSums) add(unit int) {
	if s.now[unit]++; s.now[unit] == 1 {
		s.touched = append(s.touched, unit)
	}
}

// close ends a window and returns its spikes.
func (s *countSums) close() (total int) {
	for _, u := range s.touched {
		x := s.now[u]
		s.sum[u] += float64(x)
		s.squares[u] += float64(x) * float64(x)
		total, s.now[u] = total+x, 0
	}
	s.touched = s.touched[:0]
	s.total += float64(total)
	s.square += float64(total) * float64(total)
	return total
}

func (s *countSums) counts(windows float64) (c Counts) {
	if windows < leastWindows || s.total == 0 {
		return c
	}
	variance := func(sum, squares float64) float64 { return max(0, (squares-sum*sum/windows)/(windows-1)) }
	fano, spiking, all := 0.0, 0.0, 0.0
	s.scale = make([]float64, len(s.sum))
	for u, sum := range s.sum {
		if sum > 0 {
			v := variance(sum, s.squares[u])
			if v > 0 {
				s.scale[u] = 1 / math.Sqrt(v)
				s.varying, s.shift = s.varying+1, s.shift+sum/windows*s.scale[u]
			}
			fano, spiking, all = fano+v/(sum/windows), spiking+1, all+v
		}
	}
	fano /= spiking
	c.Fano = &fano
	if n := float64(len(s.sum)); n > 1 {
		covariance := (variance(s.total, s.square) - all) / (n * (n - 1))
		c.Covariance = &covariance
	}
	return c
}

// standardise ends a window in the second walk through the spikes.
func (s *countSums) standardise() {
	z := -s.shift
	for _, u := range s.touched {
		z += float64(s.now[u]) * s.scale[u]
		s.now[u] = 0
	}
	s.touched = s.touched[:0]
	s.together += z * z
}

// correlation returns the mean over pairs: the variance of the sum of standardised counts is the number of units and twice
// the sum of all pairs.
func (s *countSums) correlation(windows float64) *float64 {
	if s.varying < 2 {
		return nil
	}
	r := (s.together/(windows-1) - s.varying) / (s.varying * (s.varying - 1))
	return &r
}
