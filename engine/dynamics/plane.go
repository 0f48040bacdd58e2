package dynamics

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Plane is the plane of the first two principal components of a cloud of states.
type Plane struct {
	Mean  []float64    // of the cloud, [N]
	Axes  [2][]float64 // orthonormal, the largest element of each positive; 0 where N = 1 has no second
	Share [2]float64   // of the variance along each
	// Spread is the root mean square distance ‖s − mean‖/√N of the states.
	Spread float64
}

// Principal returns the plane of the states [n,N].
//
// Errors: ErrOption without states; states that are not finite.
func Principal(states []float64, dim int) (Plane, error) {
	if dim < 1 || len(states) < dim || len(states)%dim != 0 {
		return Plane{}, fmt.Errorf("dynamics: %d numbers of states with %d each, want at least one state: %w", len(states), dim, ErrOption)
	}
	n := len(states) / dim
	p := Plane{Mean: make([]float64, dim)}
	for i, v := range states {
		p.Mean[i%dim] += v / float64(n)
	}
	centred := mat.NewDense(n, dim, nil)
	for i, v := range states {
		centred.Set(i/dim, i%dim, v-p.Mean[i%dim])
	}
	variance := square(centred.RawMatrix().Data) / float64(n)
	if math.IsNaN(variance) || math.IsInf(variance, 0) {
		return p, errors.New("dynamics: states are not finite")
	}
	p.Spread = math.Sqrt(variance / float64(dim))
	covariance := mat.NewSymDense(dim, nil)
	covariance.SymOuterK(1/float64(n), centred.T())
	var e mat.EigenSym
	if !e.Factorize(covariance, true) {
		return p, errors.New("dynamics: the principal components were not found")
	}
	values := e.Values(nil) // rising
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	for k := range p.Axes {
		p.Axes[k] = make([]float64, dim)
		if k >= dim {
			break
		}
		mat.Col(p.Axes[k], dim-1-k, &vectors)
		upright(p.Axes[k])
		if variance > 0 {
			p.Share[k] = max(0, values[dim-1-k]) / variance
		}
	}
	return p, nil
}

// upright turns a vector round if its largest element is negative.
func upright(v []float64) {
	most := 0.0
	for _, x := range v {
		if math.Abs(x) > math.Abs(most) {
			most = x
		}
	}
	if most < 0 {
		for i := range v {
			v[i] = -v[i]
		}
	}
}

// Project returns the coordinates of a state in the plane.
func (p Plane) Project(s []float64) (x, y float64) {
	for i, v := range s {
		x += (v - p.Mean[i]) * p.Axes[0][i]
		y += (v - p.Mean[i]) * p.Axes[1][i]
	}
	return x, y
}
