package circuits

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
)

// Balanced is the network of excitatory (e) and inhibitory (i) EIF neurons with an external population
// (x) of Poisson sources, in which excitation and inhibition cancel: weights scale with 1/√N, so that
// each input grows with √N while their sum does not.
type Balanced struct {
	N    int     `toml:"n" doc:"neurons, four fifths of them excitatory; a fifth as many sources come in addition" min:"10" max:"1000000"`
	P    float64 `toml:"p" doc:"probability of a connection" unit:"1" min:"0" max:"1"`
	Rate float64 `toml:"r_x" doc:"rate of the sources" unit:"Hz" min:"0" max:"1000"`
}

func init() {
	registry.Add(Entry{Name: "balanced", Doc: "excitatory and inhibitory EIF neurons whose inputs cancel, driven by Poisson sources",
		Source: "Baker, Ebsch, Lampl and Rosenbaum (2019), doi:10.1103/PhysRevE.99.052414",
		New:    func() Network { return &Balanced{N: 1000, P: 0.1, Rate: 10} }})
}

// balancedMembrane is the time constant tau_m of kernels/neurons/eif.h in ms. The source divides leak
// and exponential by it but not the synaptic currents; the contract divides all.
const balancedMembrane = 15

// Weights of the balanced network times √N, in mV, to e and i from e, i and x, and the time constants
// of the synapses from e, i and x in ms.
var (
	balancedWeights = [2][3]float64{{25, -150, 180}, {112.5, -250, 135}}
	balancedTau     = [3]float64{8, 4, 10}
)

// Blueprint implements Network. Potentials start between -75 and -55 mV; a spike acts in the step after
// its own.
func (b *Balanced) Blueprint(seed uint64) *Blueprint {
	key := random.New(seed)
	ne := int(math.Round(0.8 * float64(b.N)))
	names, sizes := [3]string{"e", "i", "x"}, [3]int{ne, b.N - ne, int(math.Round(0.2 * float64(b.N)))}
	net := &Blueprint{}
	for k, name := range names[:2] {
		start := make([]float64, sizes[k])
		for u := range start {
			start[u] = -75 + 20*key.Named("start of "+name).Uniform(uint64(u))
		}
		net.Populations = append(net.Populations, kernels.Population{Name: name, N: sizes[k], Header: "eif", Start: start, Synapses: balancedTau[:]})
	}
	net.Populations = append(net.Populations, kernels.Population{Name: "x", N: sizes[2], Header: kernels.Poisson, Params: []float64{b.Rate}})
	for to, weights := range balancedWeights {
		for from, w := range weights {
			net.Connections = append(net.Connections, Connection{From: from, To: to, Synapse: from, P: b.P,
				Weight: w / math.Sqrt(float64(b.N)) * balancedMembrane, Delay: 1})
		}
	}
	return net
}
