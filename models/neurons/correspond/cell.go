package correspond

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"galvani/models"
	"galvani/models/neurons"
)

// Charged is a charged RNN with a unit for each compartment of a neuron, in place of the neuron.
//
// Its potentials are h = (V − Rest)/Scale − 1/2, so that it begins, as every crnn, with −1/2, at rest. Its
// conductances and capacities are those of the neuron in µS and nF, all times one Factor.
type Charged struct {
	Cell      *models.CRNN
	Rest      float64 // mV
	Scale     float64 // mV
	Factor    float64
	H         int
	from, to  []int32   // of the edges between compartments
	axial     []float64 // µS
	values    map[string][]float64
	rise      []float64 // ms, of each unit
	decay     []float64
	receptors bool
	columns   []column
}

const (
	// potential is the scale of h in mV.
	potential = 50
	// leastLeak is above the bound of a crnn, so that rounding to float32 does not cross it.
	leastLeak   = 2e-3
	mostDensity = 4e5 // half of what the key gamma_max takes is for learning
	// shortest is the least time constant of a crnn, in steps.
	shortest = 0.1
	// parted is by what factor the two time constants of a crnn differ at least: it divides by their difference.
	parted = 1.02
)

// unitless returns h at a potential.
func (c *Charged) unitless(v float64) float64 { return (v-c.Rest)/c.Scale - 0.5 }

// volts returns V at h.
func (c *Charged) volts(h float64) float64 { return c.Rest + c.Scale*(h+0.5) }

// charge makes the charged RNN of a neuron with merged channels.
//
// Errors: a region without leak, which a crnn divides by.
func charge(n *neurons.Neuron, rest float64, parts []part, ports []port, list []column) (*Charged, error) {
	h := n.Compartments()
	c := &Charged{Rest: rest, Scale: potential, H: h, values: map[string][]float64{}, columns: list}
	from, to, axial := n.Edges()
	c.from, c.to, c.axial = withoutNodes(h, from, to, axial)
	leak, pull, capacity := make([]float64, h), make([]float64, h), make([]float64, h)
	lowLeak, lowCapacity := math.Inf(1), math.Inf(1)
	for u := range h {
		area, region := n.Membrane(u)
		r := n.Regions[region]
		density, pulled := r.Leak, r.Leak*r.Rest
		for _, ch := range n.Channels {
			if g, ok := r.Densities[ch.Name]; ok && len(ch.Gates) == 0 {
				density, pulled = density+g, pulled+g*n.Reversal(region, ch)
			}
		}
		if !(density > 0) {
			return nil, fmt.Errorf("region %s has no leak, and a crnn divides by it; give the region a leak, such as leak = %q", r.Name, "1e-5 S/cm2")
		}
		leak[u], pull[u], capacity[u] = density*area*1e-2, pulled/density, r.Capacity*area*1e-5
		lowLeak, lowCapacity = min(lowLeak, leak[u]), min(lowCapacity, capacity[u])
	}
	c.Factor = max(1/lowCapacity, leastLeak/lowLeak)
	for u := range h {
		c.put("g_L", leak[u]*c.Factor)
		c.put("E_L", c.unitless(pull[u]))
		c.put("C_m", capacity[u]*c.Factor)
		c.put("E_exc", c.unitless(ports[u].Exc))
		c.put("E_inh", c.unitless(ports[u].Inh))
		c.rise, c.decay = append(c.rise, ports[u].Rise), append(c.decay, ports[u].Decay)
		c.receptors = c.receptors || ports[u].Decay > 0
	}
	most := 1.0
	for _, group := range []string{exciting, inhibiting} {
		for u := range h {
			area, region := n.Membrane(u)
			f := pair{Vm: rest, Km: 10, Vn: rest, Kn: 10, E: rest}
			for _, p := range parts {
				if p.region == region && p.name == group+"_"+n.Regions[region].Name {
					f = p.fitted
				}
			}
			gamma := f.Gamma * area * 1e-2 * c.Factor
			most = max(most, gamma)
			c.put("gamma", gamma)
			c.put("w_m", c.Scale/f.Km)
			c.put("b_m", (rest+c.Scale/2-f.Vm)/f.Km)
			c.put("w_n", c.Scale/f.Kn)
			c.put("b_n", (rest+c.Scale/2-f.Vn)/f.Kn)
			c.put("E_c", c.unitless(f.E))
		}
	}
	for _, g := range c.axial {
		c.put("g_axial", g*c.Factor)
	}
	if most > mostDensity {
		return nil, fmt.Errorf("densities of channels come to %.3g in units of the least capacity, want at most %g", most, float64(mostDensity))
	}
	c.Cell = models.NewCRNN()
	c.Cell.GammaMax, c.Cell.Graph = 2*most, "none"
	c.Cell.SynKernel = "ema"
	if c.receptors {
		c.Cell.SynKernel = "dualexp"
	}
	return c, nil
}

func (c *Charged) put(name string, v float64) { c.values[name] = append(c.values[name], v) }

// Graph returns the edges of the charged RNN with their conductances, as a file of the key graph; empty for one
// unit.
func (c *Charged) Graph() []byte {
	var b strings.Builder
	for e, g := range c.axial {
		fmt.Fprintf(&b, "%d %d %s\n", c.from[e], c.to[e], strconv.FormatFloat(g*c.Factor, 'g', 9, 64))
	}
	return []byte(b.String())
}

// Times returns tau_s and tau_l in steps of dt ms.
func (c *Charged) Times(dt float64) (short, long []float64) {
	for u := range c.H {
		s := max(shortest, c.rise[u]/dt)
		short, long = append(short, s), append(long, max(s*parted, 2*shortest, c.decay[u]/dt))
	}
	return short, long
}

// gain returns what a steady input of 1 makes of the synaptic trace of a unit, given its time constants in steps.
func (c *Charged) gain(short, long float64) float64 {
	if !c.receptors {
		return 1 // of ema
	}
	return short * long / (long - short) * (1/-math.Expm1(-1/long) - 1/-math.Expm1(-1/short))
}

// Values returns the parameters of the crnn in steps of dt ms but U_exc and U_inh, by name.
func (c *Charged) Values(dt float64) map[string][]float64 {
	all := map[string][]float64{}
	for name, v := range c.values {
		all[name] = v
	}
	all["tau_s"], all["tau_l"] = c.Times(dt)
	return all
}

// weight returns the element of U of a column in steps of dt ms. A step holds the mean of a wave, and the number
// of events.
func (c *Charged) weight(col column, dt float64) float64 {
	short, long := c.Times(dt)
	w := col.scale * c.Factor / c.gain(short[col.unit], long[col.unit])
	if col.sign == 0 {
		w /= dt
	}
	return w
}

// withoutNodes joins compartments where nodes without membrane were between them: currents into a node add up to
// 0, so that neighbours with conductances g_i and g_j to it have g_i g_j / Σg between them.
func withoutNodes(compartments int, from, to []int32, axial []float64) (a, b []int32, g []float64) {
	type edge [2]int32
	key := func(i, j int32) edge { return edge{min(i, j), max(i, j)} }
	order := func(x, y edge) int { return slices.Compare(x[:], y[:]) }
	between := map[edge]float64{}
	units := int32(compartments)
	for e := range axial {
		between[key(from[e], to[e])] += axial[e]
		units = max(units, from[e]+1, to[e]+1)
	}
	for node := int32(compartments); node < units; node++ {
		var near []int32
		var of []float64
		sum := 0.0
		for _, e := range slices.SortedFunc(maps.Keys(between), order) {
			if e[0] == node || e[1] == node {
				near, of, sum = append(near, e[0]+e[1]-node), append(of, between[e]), sum+between[e]
				delete(between, e)
			}
		}
		for i := range near {
			for j := range i {
				between[key(near[i], near[j])] += of[i] * of[j] / sum
			}
		}
	}
	for _, e := range slices.SortedFunc(maps.Keys(between), order) {
		a, b, g = append(a, e[0]), append(b, e[1]), append(g, between[e])
	}
	return a, b, g
}
