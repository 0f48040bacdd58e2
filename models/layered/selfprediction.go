package layered

import (
	"fmt"
	"math"
)

// Tell returns how far the circuit is from the self-predicting state, for each hidden layer k, given the parameters and
// the state after answers of patterns: means over patterns of the norm of the apical potentials (self_apical_layerK) and
// of the squared distance of interneurons to the cells above (self_interneuron_layerK), and the mean squares of what the
// weights of interneurons are off from those of the self-predicting state (self_ip_layerK, self_pi_layerK). It
// implements local.Teller.
//
// Source: the errors that notes on dendritic microcircuits in NEST follow; the state: Sacramento et al. (2018).
func (c *Circuit) Tell(state func(visit func(name string, shape []int, data []float32)), params [][]float32) map[string]float64 {
	at := map[string][]float32{}
	state(func(name string, _ []int, data []float32) { at[name] = data })
	told := map[string]float64{}
	for l := range c.layers() - 1 {
		units, above := c.sizes[l+1], c.sizes[l+2]
		down, pi, ip, up := params[c.row(l, 1)], params[c.row(l, 2)], params[c.row(l, 3)], params[c.row(l+1, 0)]
		over, inter := at[named(l+1, "rate")], at[named(l, "inter.rate")]
		patterns := len(over) / above
		apical := 0.0
		for n := range patterns {
			sum := 0.0
			for i := range units {
				v := 0.0
				for o := range above {
					v += float64(down[i*above+o])*float64(over[n*above+o]) + float64(pi[i*above+o])*float64(inter[n*above+o])
				}
				sum += v * v
			}
			apical += math.Sqrt(sum) / float64(patterns)
		}
		factor := c.attenuation(l+1) / c.interAttenuation()
		for name, v := range map[string]float64{"apical": apical,
			"interneuron": float64(above) * off(at[named(l, "inter.u")], at[named(l+1, "u")], 1),
			"ip":          off(ip, up, factor), "pi": off(pi, down, -1)} {
			told[fmt.Sprintf("self_%s_layer%d", name, l+1)] = v
		}
	}
	return told
}

// off returns the mean square of x − by y.
func off(x, y []float32, by float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := float64(v) - by*float64(y[i])
		sum += d * d
	}
	return sum / float64(len(x))
}
