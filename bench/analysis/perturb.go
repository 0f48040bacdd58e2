package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"galvani/models"
)

// Kind is a kind of perturbation.
type Kind string

const (
	Unperturbed Kind = "none"
	Silence     Kind = "silence"      // a part of the units is seen by no other unit
	Scale       Kind = "scale"        // what the units send is multiplied
	WeightNoise Kind = "weight-noise" // Gaussian noise on the weights by which the units act
	StateNoise  Kind = "state-noise"  // Gaussian noise on h of the units before every step
)

// Perturbation is one change of a network.
type Perturbation struct {
	Kind     Kind    `json:"perturbation"`
	Strength float64 `json:"strength"`
	Seed     *uint64 `json:"seed,omitempty"`  // of what is drawn; nil where nothing is
	Units    []int   `json:"units,omitempty"` // silenced, of Silence
}

// NewPerturbation returns a perturbation of some units. The seed is left out where nothing is
// drawn: Scale, strength 0, and Silence of all units.
func NewPerturbation(kind Kind, strength float64, units []int, seed uint64) Perturbation {
	p := Perturbation{Kind: kind, Strength: strength}
	switch {
	case kind == Silence && strength == 1:
		p.Units = units
	case kind != Scale && strength != 0:
		if p.Seed = &seed; kind == Silence {
			p.Units = Draw(units, strength, seed)
		}
	}
	return p
}

// Draw returns a part of the units, in their order. A larger part holds a smaller one of the
// same seed.
func Draw(units []int, part float64, seed uint64) []int {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(len(units))
	some := make([]int, 0, len(units))
	for _, i := range order[:int(math.Round(part*float64(len(units))))] {
		some = append(some, units[i])
	}
	slices.Sort(some)
	return some
}

// Change returns the parameters of a network, as they are stored, with the weights by which units
// act on the rest of it perturbed (models.Network.Outgoing), those of the read-out too if readout
// is set. Silence is of the units of p. StateNoise changes no parameter.
//
// What is measured and changed are the weights that act: values which are stored for connections
// that do not exist have no part in it, and the three forms of Dale's law are perturbed alike.
//
// Errors: kernels.ErrShape for units that there are not.
func Change(net *models.Network, stored [][]float32, p Perturbation, units []int, readout bool) ([][]float32, error) {
	params := make([][]float32, len(stored))
	for i, v := range stored {
		params[i] = slices.Clone(v)
	}
	var err error
	switch p.Kind {
	case Silence:
		err = net.Outgoing(p.Units, readout, func(param, e int) { params[param][e] = 0 })
	case Scale:
		err = net.Outgoing(units, readout, func(param, e int) { params[param][e] *= float32(p.Strength) })
	case WeightNoise:
		err = jitter(net, params, p, units, readout)
	case Unperturbed, StateNoise:
	default:
		err = fmt.Errorf("analysis: unknown perturbation %q", p.Kind)
	}
	return params, err
}

// jitter adds Gaussian noise to the weights by which units act, of a standard deviation relative to
// the root mean square of those of each parameter. Weights that are 0 are no connections.
func jitter(net *models.Network, params [][]float32, p Perturbation, units []int, readout bool) error {
	if p.Seed == nil { // no noise
		return nil
	}
	squares, n := make([]float64, len(params)), make([]float64, len(params))
	err := net.Outgoing(units, readout, func(param, e int) {
		if v := float64(net.Acting(param, e, params[param][e])); v != 0 {
			squares[param] += v * v
			n[param]++
		}
	})
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(*p.Seed, 0))
	return net.Outgoing(units, readout, func(param, e int) {
		noise := rng.NormFloat64() // of every place, so that one seed is the same noise for all masks
		at := &params[param][e]
		v := float64(net.Acting(param, e, *at))
		if v == 0 {
			return
		}
		v += p.Strength * math.Sqrt(squares[param]/n[param]) * noise
		if to, exists := net.Stored(param, e, v); exists {
			*at = to
		}
	})
}
