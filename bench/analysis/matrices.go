package analysis

import (
	"math"
	"math/cmplx"
	"slices"

	"galvani/kernels"
	"galvani/models"

	"gonum.org/v1/gonum/mat"
)

// Matrix is a recurrent matrix [H,H] that acts in a network.
type Matrix struct {
	Name   string
	H      int
	Values []float32 // [H,H]
	// Eigenvalues are those of the matrix, the largest in magnitude first; nil beyond mostEigen units.
	Eigenvalues []complex128
}

// mostEigen is how many units a matrix may have whose eigenvalues are computed, in H³ operations.
const mostEigen = 512

// Matrices returns the recurrent matrices that act in a network, given its stored parameters; a parameter of several
// planes has one for each.
//
// Errors: those of models.Network.Effective.
func Matrices(net *models.Network, stored [][]float32) ([]Matrix, error) {
	acting, err := net.Effective(stored)
	if err != nil {
		return nil, err
	}
	var list []Matrix
	for p, s := range net.Specs() {
		if s.Role != kernels.Rec {
			continue
		}
		h := s.Shape[1]
		for k := range s.Planes(h) {
			m := Matrix{Name: s.Name, H: h, Values: acting[p].Values[k*h*h : (k+1)*h*h]}
			if s.Planes(h) > 1 {
				m.Name += " of gate " + string(rune('0'+k))
			}
			if h <= mostEigen {
				m.Eigenvalues = eigenvalues(m.Values, h)
			}
			list = append(list, m)
		}
	}
	return list, nil
}

// eigenvalues returns those of a matrix [n,n], the largest in magnitude first; nil where they are not found.
func eigenvalues(values []float32, n int) []complex128 {
	wide := kernels.Wide(values)
	if slices.ContainsFunc(wide, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
		return nil
	}
	var e mat.Eigen
	if !e.Factorize(mat.NewDense(n, n, wide), mat.EigenNone) {
		return nil
	}
	list := e.Values(nil)
	slices.SortStableFunc(list, func(a, b complex128) int {
		switch x, y := cmplx.Abs(a), cmplx.Abs(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return list
}
