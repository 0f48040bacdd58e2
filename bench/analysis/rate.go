package analysis

import "math"

// Rate returns the rate of spikes in Hz at a time, each spread as a Gaussian of standard deviation sigma. All
// times are in ms.
func Rate(spikes []float64, sigma, ms float64) (hz float64) {
	for _, s := range spikes {
		z := (ms - s) / sigma
		hz += math.Exp(-z * z / 2)
	}
	return hz * 1000 / (sigma * math.Sqrt(2*math.Pi))
}

// PeakRate returns when the Rate of spikes is greatest, to a tenth of a ms, and how great it is: NaN and 0
// without spikes. Spikes are in order.
func PeakRate(spikes []float64, sigma float64) (ms, hz float64) {
	ms = math.NaN()
	if len(spikes) == 0 {
		return ms, 0
	}
	try := func(from, to, step float64) {
		for k := 0.0; from+k*step <= to; k++ {
			if r := Rate(spikes, sigma, from+k*step); r > hz {
				ms, hz = from+k*step, r
			}
		}
	}
	step := sigma / 4
	try(spikes[0], spikes[len(spikes)-1]+step, step)
	try(ms-step, ms+step, 0.1)
	return ms, hz
}
