package rates

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/neurons"
)

// Header is that of a population of rate units, beside those of kernels/neurons.
const Header = "rate"

// The parameters of a unit, in the order of Unit.
const (
	tau = iota
	gain
	theta
	power
	least
	most
	width
)

// Unit describes a unit as a header of kernels/neurons describes a neuron:
//
//	tau r' = -r + f(I);  f(I) = gain (I - theta)^power, not below r_min nor above r_max
//
// with 0 in the place of a negative I - theta where power is not 1, and where width is not 0
//
//	f(I) = r_min + (r_max - r_min) / (1 + exp(-(I - theta) / width))
//
// The step is Euler's.
func Unit() neurons.Neuron {
	return neurons.Neuron{
		Name:   Header,
		Planes: []neurons.Plane{{Name: "r", Unit: "Hz", Doc: "rate"}},
		Params: []neurons.Param{
			{Name: "tau", Unit: "ms", Doc: "time constant of the rate, a step or more", Value: 10, Min: 1e-3, Max: 1e6},
			{Name: "gain", Unit: "Hz/mV", Doc: "rate for an input of 1 mV above theta", Value: 1, Min: 0, Max: 1e9},
			{Name: "theta", Unit: "mV", Doc: "input from which the rate rises", Value: 0, Min: -1e4, Max: 1e4},
			{Name: "power", Unit: "1", Doc: "power of the input above theta", Value: 1, Min: 0.01, Max: 10},
			{Name: "r_min", Unit: "Hz", Doc: "least rate", Value: 0, Min: -1e9, Max: 1e9},
			{Name: "r_max", Unit: "Hz", Doc: "largest rate", Value: Unbounded, Min: -Unbounded, Max: Unbounded},
			{Name: "width", Unit: "mV", Doc: "width of a sigmoid about theta in the place of the power, 0 for the power", Min: 0, Max: 1e4},
		},
		Above: most, Below: least,
	}
}

// Unbounded is an r_max that bounds nothing.
const Unbounded = 1e9

// Sigmoid returns what is wrong with parameters that make f a sigmoid, empty where nothing is.
func Sigmoid(p []float64) string {
	switch {
	case p[width] == 0:
		return ""
	case p[most] == Unbounded:
		return "a width and no r_max, and the sigmoid rises from r_min to r_max; give r_max"
	case p[gain] != 1 || p[power] != 1:
		return "a width beside a gain or a power, which the sigmoid has not; leave the width out, or the others"
	}
	return ""
}

// transfer is f of Unit for its parameters.
func transfer(p []float64, in float64) float64 {
	x := in - p[theta]
	if p[width] > 0 {
		return p[least] + (p[most]-p[least])/(1+math.Exp(-x/p[width]))
	}
	if p[power] != 1 {
		x = math.Pow(max(0, x), p[power])
	}
	return min(max(p[gain]*x, p[least]), p[most])
}

// Of reports whether a circuit has rate units.
func Of(c *kernels.Circuit) bool {
	for _, p := range c.Populations {
		if p.Header == Header {
			return true
		}
	}
	return false
}

// Drift returns by how much the magnitude m of a weight changes in a ms by a rule of plasticity, in the mean over
// spikes of its two ends that are independent and have the rates source and target, in 1/ms. A trace of a unit of the
// rate r is Jump Tau r in the mean, and where only the last spike counts Jump Tau r / (1 + Tau r). Of isp-additive
// that is 2 eta source (target - rate).
func Drift(rule *kernels.Plasticity, m, source, target float64) float64 {
	x, y := meanTrace(rule.Source, source), meanTrace(rule.Target, target)
	pre := (rule.Pre.A + rule.Pre.B*y) * (rule.Pre.C + rule.Pre.D*m)
	post := (rule.Post.A + rule.Post.B*x) * (rule.Post.C + rule.Post.D*m)
	return source*pre + target*post
}

func meanTrace(p kernels.Pairing, rate float64) float64 {
	if p.Nearest {
		return p.Jump * p.Tau * rate / (1 + p.Tau*rate)
	}
	return p.Jump * p.Tau * rate
}
