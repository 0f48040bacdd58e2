package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"galvani/bench/analysis"
	"galvani/kernels"
	"galvani/models/rates"
)

// ratesEvery returns each how many steps the rates of a network of rate units are looked at, each ms or each step; 0 of
// another network.
func ratesEvery(c *kernels.Circuit) int {
	if !rates.Of(c) {
		return 0
	}
	return max(1, int(math.Round(1/c.Step)))
}

// lookRates adds the mean rate of each population where it is due.
func (s sampler) lookRates(plan kernels.CircuitPlan, step int, now *saved) {
	p, ok := plan.(*rates.Plan)
	if !ok || step == 0 || step%ratesEvery(s.c) != 0 {
		return
	}
	for i, hz := range p.Means() {
		if len(now.rates) <= i {
			now.rates = append(now.rates, nil)
		}
		now.rates[i] = append(now.rates[i], hz)
	}
}

// countRates fills in the rates of a network of rate units: those at the end, and their means in windows.
func (r *simulation) countRates(f *simulateFlags, plan kernels.CircuitPlan, c *kernels.Circuit, course [][]float64) {
	p, ok := plan.(*rates.Plan)
	if !ok {
		return
	}
	r.Device = "host, one thread"
	hash := sha256.New()  // of no spikes it would be that of any other
	state, _ := p.State() // which never fails
	for _, q := range state.Populations {
		for _, hz := range q.Planes {
			_ = binary.Write(hash, binary.LittleEndian, hz) // nor does a hash
		}
	}
	r.SHA256 = hex.EncodeToString(hash.Sum(nil))
	width, every := 1, ratesEvery(c)
	if f.window > 0 {
		width = max(1, int(f.windowSteps())/every)
	}
	r.windows = analysis.Windows{Steps: int64(width * every)}
	r.WindowMs = float64(r.windows.Steps) * f.step
	for i, hz := range p.Means() {
		name := c.Populations[i].Name
		did := r.Populations[name]
		did.RateHz, did.Counts = hz, analysis.Counts{}
		r.Populations[name] = did
		var means []float64
		for k := 0; i < len(course) && (k+1)*width <= len(course[i]); k++ {
			sum := 0.0
			for _, x := range course[i][k*width : (k+1)*width] {
				sum += x
			}
			means = append(means, sum/float64(width))
		}
		r.windows.RateHz = append(r.windows.RateHz, means)
	}
}
