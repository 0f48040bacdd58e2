package probe

import (
	"math"
	"math/rand/v2"

	"galvani/kernels"
	"galvani/models"
)

// join makes the axial coupling of a probe that has none: edge e joins units i[e] and j[e] with
// conductance g[e].
func (p *Probe) join(i, j []int32, g []float64) {
	if len(g) == 0 {
		return
	}
	p.Cell.Axial = &kernels.Axial{I: i, J: j}
	p.specs = append(p.specs, kernels.Spec{Name: "g_axial", Role: kernels.Edge, Shape: []int{len(g)}})
	p.values = append(p.values, g)
}

// rings joins the units to rings of the given size, with conductances drawn from [0, most).
func (p *Probe) rings(size int, most float64, r *rand.Rand) {
	var from, to []int32
	var g []float64
	for n := 0; n < p.Dims.H; n += size {
		for i := range size {
			if i == 1 && size == 2 {
				break // the edge is there
			}
			from, to = append(from, int32(n+i)), append(to, int32(n+(i+1)%size))
			g = append(g, most*r.Float64())
		}
	}
	p.join(from, to, g)
}

// webs joins the units within each network of the given size at random: two of them with a
// probability of density, with a conductance drawn from [0, most).
func (p *Probe) webs(size int, density, most float64, r *rand.Rand) {
	var from, to []int32
	var g []float64
	for n := 0; n < p.Dims.H; n += size {
		for i := range size {
			for j := range i {
				if r.Float64() < density {
					from, to, g = append(from, int32(n+i)), append(to, int32(n+j)), append(g, most*r.Float64())
				}
			}
		}
	}
	p.join(from, to, g)
}

// Farthest returns max |a − b|, NaN where there is one.
func Farthest(a, b []float64) float64 {
	most := 0.0
	for i := range a {
		most = math.Max(most, math.Abs(a[i]-b[i]))
	}
	return most
}

// Ensemble says how random charged networks are drawn. They stand side by side in one probe and do not
// act on each other: network n has the units n*Units to (n+1)*Units-1.
type Ensemble struct {
	Networks, Units, Inputs int
	// Density is the share of pairs of units within a network that are joined; 0 joins them to a ring.
	Density float64
	Axial   float64 // largest axial conductance; they are drawn evenly from 0 on
	Gamma   float64 // largest channel density, drawn likewise
}

// Draw draws the networks of a cell with parameters that differ from unit to unit in axial coupling and
// channel density alone; everything else is as the cell has it. The seed is that of the initial
// parameters; r gives axial conductances first and channel densities then.
//
// Errors: those of newProbe.
func (e Ensemble) Draw(threads int, cell *models.CRNN, seed uint64, r *rand.Rand) (*Probe, error) {
	cell.Graph = "none"
	p, err := New(threads, "crnn", cell, models.Dims{I: e.Inputs, H: e.Networks * e.Units, O: 1}, seed)
	if err != nil {
		return nil, err
	}
	if e.Density > 0 {
		p.webs(e.Units, e.Density, e.Axial, r)
	} else {
		p.rings(e.Units, e.Axial, r)
	}
	gamma := p.Of("gamma")
	for i := range gamma {
		gamma[i] = e.Gamma * r.Float64()
	}
	return p, nil
}

// InputWeights returns the excitatory and the inhibitory input weights of network n, to be read and
// changed.
func (e Ensemble) InputWeights(p *Probe, n int) [2][]float64 {
	size := e.Units * e.Inputs
	return [2][]float64{p.Of("U_exc")[n*size : (n+1)*size], p.Of("U_inh")[n*size : (n+1)*size]}
}
