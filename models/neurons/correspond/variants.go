package correspond

import (
	"maps"
	"math"
	"slices"

	"galvani/kernels/compartments"
	"galvani/models/neurons"
)

// immediate is a gate that follows V at once.
func immediate(name string, v, k float64) neurons.Gate {
	return neurons.Gate{Name: name, Power: 1, Kinetics: compartments.SteadyConstant, Numbers: []float64{v, k, 0}, Factor: 1}
}

const (
	// quick is a factor of rates by which a gate follows V at once.
	quick = 1e5
	// atOnce is the time constant in ms of a calcium pool that follows its current at once.
	atOnce = 1e-6
)

// fixedGates returns a neuron whose gates stay where they are at rest, given the V of each region.
func fixedGates(n *neurons.Neuron, rest []float64) *neurons.Neuron {
	c := n.Clone()
	for i, r := range c.Regions {
		for k, open := range opening(n, i, rest[i]) {
			if g, ok := r.Densities[c.Channels[k].Name]; ok {
				r.Densities[c.Channels[k].Name] = g * open
			}
		}
	}
	for k := range c.Channels {
		c.Channels[k].Gates = nil
	}
	return c
}

// steadyGates returns a neuron whose gates, and calcium, follow V at once.
func steadyGates(n *neurons.Neuron) *neurons.Neuron {
	c := n.Clone()
	for _, ch := range c.Channels {
		for i := range ch.Gates {
			switch g := &ch.Gates[i]; g.Kinetics {
			case compartments.Rates:
				g.Factor, g.Q10 = quick, 0
			case compartments.ByCalcium:
				g.Numbers[2] = 0
			default:
				power := g.Power
				*g = immediate(g.Name, g.Numbers[0], g.Numbers[1])
				g.Power = power
			}
		}
	}
	if p := c.Calcium; p != nil {
		p.Gain, p.Tau = p.Gain*p.Tau/atOnce, atOnce
	}
	return c
}

// opening returns the product of the steady gates of every channel at a V, with the calcium that its currents lead
// to in a region.
func opening(n *neurons.Neuron, region int, v float64) []float64 {
	open, calcium := make([]float64, len(n.Channels)), 0.0
	if n.Calcium != nil {
		calcium = n.Calcium.Rest
	}
	for range calciumRounds {
		current := 0.0 // mA/cm²
		for k, ch := range n.Channels {
			open[k] = 1
			for _, g := range ch.Gates {
				at := v
				if g.Kinetics == compartments.ByCalcium {
					at = calcium
				}
				if x := g.Steady(at); !math.IsNaN(x) {
					open[k] *= math.Pow(x, float64(g.Power))
				} else {
					open[k] = 0
				}
			}
			if ch.Calcium {
				current += n.Regions[region].Densities[ch.Name] * open[k] * (v - n.Reversal(region, ch))
			}
		}
		if n.Calcium == nil {
			break
		}
		calcium = max(0, n.Calcium.Rest-n.Calcium.Gain*n.Calcium.Tau*current)
	}
	return open
}

// calciumRounds is how often calcium is followed by the gates that it opens, of channels that fill its pool.
const calciumRounds = 8

// part is what a region has instead of a channel, or of several.
type part struct {
	region int
	name   string
	of     []int // channels
	fitted pair
	worse  float64 // root of the mean squared residual, mV
}

// focus is where a fit is best: at the rest of each region in mV. A V that is near mV away counts a quarter as much.
type focus struct {
	rest []float64
	near float64
}

// curves returns what the channels of a list make of each V in a region. A density in their place is at most theirs
// together.
func curves(n *neurons.Neuron, region int, list []int, around focus) curve {
	r := n.Regions[region]
	c := curve{lo: math.Inf(1), hi: math.Inf(-1)}
	for _, k := range list {
		ch := n.Channels[k]
		e := n.Reversal(region, ch)
		c.lo, c.hi, c.most = min(c.lo, e), max(c.hi, e), c.most+r.Densities[ch.Name]
	}
	for v := lowest; v <= highest; v++ {
		open := opening(n, region, v)
		total, current := r.Leak, 0.0
		for k, ch := range n.Channels {
			total += r.Densities[ch.Name] * open[k]
		}
		for _, k := range list {
			current += r.Densities[n.Channels[k].Name] * open[k] * (n.Reversal(region, n.Channels[k]) - v)
		}
		c.v, c.current, c.total = append(c.v, v), append(c.current, current), append(c.total, max(total, tiny))
		far := 1 + math.Pow((v-around.rest[region])/around.near, 2)
		c.weight = append(c.weight, 1/(far*far))
	}
	return c
}

const (
	// Fits are over the V in mV that membranes reach.
	lowest, highest = -100.0, 50.0
	tiny            = 1e-12 // S/cm²
)

// replaced returns a neuron with fitted parts in the place of its channels with gates.
func replaced(n *neurons.Neuron, parts []part) *neurons.Neuron {
	c := n.Clone()
	c.Channels, c.Calcium = nil, nil
	for _, ch := range n.Channels {
		if len(ch.Gates) == 0 {
			ch.Calcium = false
			c.Channels = append(c.Channels, ch)
			continue
		}
		for _, r := range c.Regions {
			delete(r.Densities, ch.Name)
		}
	}
	for _, p := range parts {
		f := p.fitted
		c.Channels = append(c.Channels, neurons.Channel{Name: p.name, Reversal: f.E,
			Gates: []neurons.Gate{immediate("m", f.Vm, f.Km), immediate("n", f.Vn, -f.Kn)}})
		c.Regions[p.region].Densities[p.name] = f.Gamma
	}
	return c
}

// fitParts fits a part for each group of channels of each region. Groups returns the names of the groups and the
// channels in each.
func fitParts(n *neurons.Neuron, around focus, groups func(region int) map[string][]int) (parts []part) {
	for i, r := range n.Regions {
		of := groups(i)
		for _, name := range slices.Sorted(maps.Keys(of)) {
			p := part{region: i, name: name + "_" + r.Name, of: of[name]}
			p.fitted, p.worse = curves(n, i, p.of, around).fit()
			parts = append(parts, p)
		}
	}
	return parts
}

// gated returns the channels with gates that a region has.
func gated(n *neurons.Neuron, region int) (list []int) {
	for k, ch := range n.Channels {
		if _, ok := n.Regions[region].Densities[ch.Name]; ok && len(ch.Gates) > 0 {
			list = append(list, k)
		}
	}
	return list
}

// pairs fits a pair of gates for each channel of each region.
func pairs(n *neurons.Neuron, around focus) []part {
	return fitParts(n, around, func(region int) map[string][]int {
		groups := map[string][]int{}
		for _, k := range gated(n, region) {
			groups[n.Channels[k].Name] = []int{k}
		}
		return groups
	})
}

// Names of the two channels of a charged RNN.
const (
	exciting   = "exciting"   // reverses above rest
	inhibiting = "inhibiting" // reverses below
)

// merged fits a pair of gates for all channels of a region that reverse above rest, and one for those below.
func merged(n *neurons.Neuron, around focus) []part {
	return fitParts(n, around, func(region int) map[string][]int {
		groups := map[string][]int{}
		for _, k := range gated(n, region) {
			name := inhibiting
			if n.Reversal(region, n.Channels[k]) > around.rest[region] {
				name = exciting
			}
			groups[name] = append(groups[name], k)
		}
		return groups
	})
}
