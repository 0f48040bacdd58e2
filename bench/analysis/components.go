package analysis

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Components are the principal components of rows of H numbers, those of the largest variance first.
type Components struct {
	Mean     []float64   // [H]
	Variance []float64   // along each, [H]
	Axes     [][]float64 // orthonormal, the largest element of each positive
}

// errComponents means that no components were found.
var errComponents = errors.New("analysis: principal components were not found")

// Principal returns the principal components of rows [n,h].
//
// Errors: rows that are not finite.
func Principal(rows []float64, h int) (*Components, error) {
	c := &Components{}
	centred := centre(rows, h)
	c.Mean = centred.mean
	n, _ := centred.Dims()
	cov := mat.NewSymDense(h, nil)
	cov.SymOuterK(1/float64(n), centred.T())
	var e mat.EigenSym
	if v := mat.Trace(cov); v-v != 0 || !e.Factorize(cov, true) {
		return nil, errComponents
	}
	values := e.Values(nil) // rising
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	for k := h - 1; k >= 0; k-- {
		axis := mat.Col(nil, k, &vectors)
		upright(axis)
		c.Variance, c.Axes = append(c.Variance, max(0, values[k])), append(c.Axes, axis)
	}
	return c, nil
}

// centred is a matrix without the mean of its columns.
type centred struct {
	*mat.Dense
	mean []float64
}

func centre(rows []float64, h int) centred {
	n := len(rows) / h
	c := centred{mat.NewDense(n, h, slices.Clone(rows)), make([]float64, h)}
	for i, v := range rows {
		c.mean[i%h] += v / float64(n)
	}
	for i := range rows {
		c.RawMatrix().Data[i] -= c.mean[i%h]
	}
	return c
}

// upright turns a vector round if its largest element is negative.
func upright(v []float64) {
	if least, most := slices.Min(v), slices.Max(v); -least > most {
		for i := range v {
			v[i] = -v[i]
		}
	}
}

// Dimension returns the participation ratio (Σ λ)²/Σ λ² of the variances: the number of dimensions, where all are alike.
// It is 0 for states that do not move.
//
// Source: Gao et al. (2017), doi:10.1101/214262.
func (c *Components) Dimension() float64 {
	var sum, squares float64
	for _, v := range c.Variance {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / squares
}

// Project returns the coordinates of rows [n,H] along the first k axes, [n,k].
func (c *Components) Project(rows []float64, k int) []float64 {
	h := len(c.Mean)
	out := make([]float64, 0, len(rows)/h*k)
	for at := 0; at < len(rows); at += h {
		for _, axis := range c.Axes[:k] {
			x := 0.0
			for i, a := range axis {
				x += (rows[at+i] - c.Mean[i]) * a
			}
			out = append(out, x)
		}
	}
	return out
}

// Demixed are components of the courses of conditions that depend on time alone, and on the condition.
type Demixed struct {
	// Shares are the parts of the variance of the courses: of time, of the condition at all times alike, and of both
	// together. Their sum is 1.
	Shares [3]float64
	// Time and Condition are the first components of each kind, [C,T] each.
	Time, Condition [][]float64
}

// ridge is added to the covariance, as a part of its mean variance, before it is inverted.
const ridge = 1e-3

// Demix returns k components of each kind of the courses [C,T,H] of C conditions. Of the courses X without their mean,
// time is what the mean over conditions does, and the condition all the rest. For each part X_φ the map A of least
// squares takes X to it, A = X_φ Xᵀ (X Xᵀ + λ)⁻¹; the axes are the principal components of A X, and a component is the
// part of A X along one.
//
// Source: Kobak et al. (2016), doi:10.7554/eLife.10989, for the means of conditions; the noise of single trials is left
// out, and λ is 1e-3 of the mean variance of a unit.
func Demix(courses []float64, conditions, steps, h, k int) (*Demixed, error) {
	x := centre(courses, h)
	n := conditions * steps
	time, condition := mat.NewDense(steps, h, nil), mat.NewDense(conditions, h, nil) // means over the other
	for row := range n {
		for i := range h {
			t, c, v := row%steps, row/steps, x.At(row, i)
			time.Set(t, i, time.At(t, i)+v/float64(conditions))
			condition.Set(c, i, condition.At(c, i)+v/float64(steps))
		}
	}
	parts := [3]*mat.Dense{mat.NewDense(n, h, nil), mat.NewDense(n, h, nil), mat.NewDense(n, h, nil)}
	for row := range n {
		parts[0].SetRow(row, time.RawRowView(row%steps))
		parts[1].SetRow(row, condition.RawRowView(row/steps))
	}
	parts[2].Sub(x, parts[0])
	parts[2].Sub(parts[2], parts[1])
	d := &Demixed{}
	total := squares(x.Dense)
	for i, p := range parts {
		if total > 0 {
			d.Shares[i] = squares(p) / total
		}
	}
	var gram mat.Dense
	gram.Mul(x.T(), x)
	for i := range h {
		gram.Set(i, i, gram.At(i, i)+ridge*total/float64(h)+math.SmallestNonzeroFloat32)
	}
	parts[1].Add(parts[1], parts[2])
	for i, to := range []*[][]float64{&d.Time, &d.Condition} {
		var cross, a, y mat.Dense
		cross.Mul(x.T(), parts[i])
		if err := a.Solve(&gram, &cross); err != nil { // Aᵀ
			var c mat.Condition
			if !errors.As(err, &c) {
				return nil, errComponents
			}
		}
		y.Mul(x, &a)
		comp, err := Principal(y.RawMatrix().Data, h)
		if err != nil {
			return nil, err
		}
		along := comp.Project(y.RawMatrix().Data, min(k, h))
		for q := range min(k, h) {
			var course []float64
			for at := q; at < len(along); at += min(k, h) {
				course = append(course, along[at])
			}
			*to = append(*to, course)
		}
	}
	return d, nil
}

// squares returns the sum of the squares of a matrix.
func squares(m *mat.Dense) (sum float64) {
	for _, v := range m.RawMatrix().Data {
		sum += v * v
	}
	return sum
}

// Aligned says how alike the states of two networks are.
type Aligned struct {
	// CKA is the linear centred kernel alignment, Procrustes the part of the variance that is common after the best
	// rotation and scale; 1 for states that differ by these alone, 0 for states without a relation.
	CKA        float64 `json:"cka"`
	Procrustes float64 `json:"procrustes"`
}

// Align compares rows [n,h1] and [n,h2] of the same n moments.
//
// Sources: Kornblith et al. (2019), arXiv:1905.00414; Williams et al. (2021), arXiv:2110.14739.
func Align(a []float64, h1 int, b []float64, h2 int) (Aligned, error) {
	x, y := centre(a, h1), centre(b, h2)
	var cross, gx, gy mat.Dense
	cross.Mul(x.T(), y)
	gx.Mul(x.T(), x)
	gy.Mul(y.T(), y)
	var svd mat.SVD
	if v := squares(&cross); v-v != 0 || !svd.Factorize(&cross, mat.SVDNone) {
		return Aligned{}, errComponents
	}
	nuclear := 0.0
	for _, v := range svd.Values(nil) {
		nuclear += v
	}
	var r Aligned
	if scale := math.Sqrt(squares(&gx) * squares(&gy)); scale > 0 {
		r.CKA = squares(&cross) / scale
		r.Procrustes = nuclear * nuclear / (squares(x.Dense) * squares(y.Dense))
	}
	return r, nil
}
