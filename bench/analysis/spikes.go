package analysis

import (
	"math"

	"galvani/kernels"
)

// Spiking is what a population of a circuit did.
type Spiking struct {
	N      int     `json:"n"`
	Spikes int     `json:"spikes"`
	RateHz float64 `json:"rate_hz"`
	// CV is the mean coefficient of variation of the intervals of units with at least two, 1 for a
	// Poisson process; nil where there is no such unit.
	CV *float64 `json:"cv,omitempty"`
	// Counts are those of windows, where they were asked for.
	Counts
}

// SpikesOf returns what each population of a circuit did in a time of so many ms. Spikes are in the
// order of their steps.
func SpikesOf(c *kernels.Circuit, spikes []kernels.Spike, ms float64) []Spiking {
	units := make([][]intervals, len(c.Populations))
	for k, p := range c.Populations {
		units[k] = make([]intervals, p.N)
	}
	for _, s := range spikes {
		units[s.Population][s.Unit].add(s.Step)
	}
	all := make([]Spiking, len(units))
	for k, of := range units {
		all[k] = Spiking{N: len(of), CV: meanCV(of)}
		for _, u := range of {
			all[k].Spikes += u.spikes
		}
		all[k].RateHz = float64(all[k].Spikes) / float64(len(of)) / ms * 1000
	}
	return all
}

// intervals sums up the intervals between the spikes of a unit, in steps.
type intervals struct {
	spikes       int
	last         int64
	sum, squares float64
}

func (i *intervals) add(step int64) {
	if i.spikes > 0 {
		x := float64(step - i.last)
		i.sum, i.squares = i.sum+x, i.squares+x*x
	}
	i.spikes, i.last = i.spikes+1, step
}

func meanCV(units []intervals) *float64 {
	sum, counted := 0.0, 0.0
	for _, u := range units {
		if n := float64(u.spikes - 1); n >= 2 {
			mean := u.sum / n
			sum += math.Sqrt(max(0, (u.squares/n-mean*mean)*n/(n-1))) / mean
			counted++
		}
	}
	if counted == 0 {
		return nil
	}
	cv := sum / counted
	return &cv
}
