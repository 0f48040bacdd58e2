package dynamics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// ErrOption marks settings that make no sense.
var ErrOption = errors.New("bad option")

// Map is a map F of the state space to itself with its derivative.
type Map interface {
	// Dim returns N.
	Dim() int
	// Batch returns how many states one call takes at most.
	Batch() int
	// Step writes F(s) for each of the states s [n,N] to next.
	Step(next, s []float64) error
	// Pull writes vᵀ ∂F/∂s for each of the states s and its v, [n,N] each, to back.
	Pull(back, s, v []float64) error
}

// Grouped is a Map of parts that do not act on each other, so that its Jacobian is one of blocks.
type Grouped interface {
	Map
	// Groups returns of each element the part that it is of, from 0 on.
	Groups() []int
}

// Dear is a Map whose Pull takes much longer than Step. Descents then take differences of steps for its Jacobian; that of
// which eigenvalues are told is exact.
type Dear interface {
	Map
	// Dear tells whether it is so.
	Dear() bool
}

// Confined is a Map of states that have a range, which no step of a descent then leaves.
type Confined interface {
	Map
	// Range returns the least and the largest value of each element, nil for any.
	Range() (least, most []float64)
}

// Options say how slow points are looked for.
type Options struct {
	// Each, where it is given, is called after each start with the number of those that are done.
	Each func(done int)

	// Iterations is how many steps of the minimisation one start may take.
	Iterations int
	// Slow is the largest q of a point that is kept.
	Slow float64
	// Same is the distance ‖a−b‖/√N below which two points are one.
	Same float64
}

// Point is a slow point: a minimum of the speed q = ½‖F(s) − s‖².
type Point struct {
	State  []float64
	Q      float64 // speed
	Starts int     // that led here
	End    End     // of the descent
	// Eigenvalues are those of ∂F/∂s, the largest in magnitude first.
	Eigenvalues []complex128
}

// fixedResidual is the largest ‖F(s) − s‖/√(1 + ‖s‖²) of a fixed point. Newton steps bring it
// to the rounding of F, some 1e-15 for the sums that cells take; slow points stay far above.
const fixedResidual = 1e-10

// Fixed reports whether the system stands still at the point, up to rounding.
func (p Point) Fixed() bool { return 2*p.Q <= fixedResidual*fixedResidual*(1+square(p.State)) }

// Radius returns the largest magnitude of the eigenvalues.
func (p Point) Radius() float64 { return cmplx.Abs(p.Eigenvalues[0]) }

// Unstable returns the number of eigenvalues outside the unit circle: the dimensions along which
// the system leaves the point. At a fixed point without any, and none on the circle, what is near
// stays near.
func (p Point) Unstable() int {
	n := 0
	for _, e := range p.Eigenvalues {
		if cmplx.Abs(e) > 1 {
			n++
		}
	}
	return n
}

// Stable reports whether all eigenvalues lie within the unit circle.
func (p Point) Stable() bool { return p.Radius() < 1 }

// Find minimises the speed q(s) = ½‖F(s) − s‖² from each of the starts and returns the different
// points that it reaches with q of at most o.Slow, slowest first, and where the starts ended that
// did not come so far, without eigenvalues. Where F has a corner the derivative is that of one
// side; from where a descent ends above o.Slow, at a corner or at a minimum, the start follows F for
// some steps and goes down again. Of a Confined map descents stay in its range.
//
// The method is that of Levenberg and Marquardt with Nielsen's damping, on the residual F(s) − s:
// near a fixed point it becomes Newton's, and it is drawn to stable and unstable ones alike.
//
// Errors: ErrOption, ctx.Err(), and those of the map.
// Source: Sussillo and Barak (2013), doi:10.1162/NECO_a_00409; Madsen, Nielsen and Tingleff
// (2004), Methods for non-linear least squares problems, algorithm 3.16.
func Find(ctx context.Context, m Map, starts [][]float64, o Options) (points, lost []Point, err error) {
	if o.Iterations < 1 || !(o.Slow >= 0) || !(o.Same >= 0) {
		return nil, nil, fmt.Errorf("dynamics: %d iterations, points slower than %g, apart by %g; want at least 1 and nothing negative: %w", o.Iterations, o.Slow, o.Same, ErrOption)
	}
	d := newDescent(m)
	var found []Point
	for i, s := range starts {
		if len(s) != m.Dim() {
			return nil, nil, fmt.Errorf("dynamics: start %d has %d numbers, want %d: %w", i, len(s), m.Dim(), ErrOption)
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		p, end, err := d.lead(s, o.Iterations, o.Slow)
		if err != nil {
			return nil, nil, fmt.Errorf("dynamics: start %d: %w", i, err)
		}
		if p.End = end; end == Slow {
			found = append(found, p)
		} else {
			lost = append(lost, p)
		}
		if o.Each != nil {
			o.Each(i + 1)
		}
	}
	points = merge(found, o.Same)
	for i := range points {
		if points[i].Eigenvalues, err = Eigenvalues(m, points[i].State); err != nil {
			return nil, nil, err
		}
	}
	return points, lost, nil
}

// merge joins points that are less than same apart; the slowest stands for them.
func merge(found []Point, same float64) []Point {
	slices.SortStableFunc(found, func(a, b Point) int {
		switch {
		case a.Q < b.Q:
			return -1
		case a.Q > b.Q:
			return 1
		}
		return 0
	})
	var points []Point
	for _, p := range found {
		at := slices.IndexFunc(points, func(o Point) bool { return Distance(o.State, p.State) <= same })
		if at >= 0 {
			points[at].Starts += p.Starts
			continue
		}
		points = append(points, p)
	}
	return points
}

// Distance returns ‖a−b‖/√N.
func Distance(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return math.Sqrt(sum / float64(len(a)))
}

// Jacobian returns ∂F/∂s [N,N] at a state, row by row from the derivative of the map.
//
// Errors: those of the map.
func Jacobian(m Map, s []float64) (*mat.Dense, error) {
	j := mat.NewDense(m.Dim(), m.Dim(), nil)
	return j, newSlopes(m, true).at(j, s)
}

// Eigenvalues returns the eigenvalues of the Jacobian at a state, the largest in magnitude first;
// of a conjugate pair the one above the real axis comes first.
//
// Errors: those of the map; a matrix whose eigenvalues cannot be found, such as one that is not
// finite.
func Eigenvalues(m Map, s []float64) ([]complex128, error) {
	j, err := Jacobian(m, s)
	if err != nil {
		return nil, err
	}
	for _, v := range j.RawMatrix().Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("dynamics: the Jacobian is not finite")
		}
	}
	var e mat.Eigen
	if !e.Factorize(j, mat.EigenNone) {
		return nil, errors.New("dynamics: the eigenvalues of the Jacobian were not found")
	}
	values := e.Values(nil)
	slices.SortFunc(values, func(a, b complex128) int {
		x, y := cmplx.Abs(a), cmplx.Abs(b)
		switch {
		case x > y, x == y && imag(a) > imag(b):
			return -1
		case x < y, x == y && imag(a) < imag(b):
			return 1
		}
		return 0
	})
	return values, nil
}

// slopes computes Jacobians, several rows in one call of the map, of each part one, or by differences several columns.
type slopes struct {
	m          Map
	parts      [][]int // elements of each
	s, v, back []float64
	differ     bool
}

// difference is that of an element of which differences are taken, relative to it where it is above 1: the root of the
// rounding.
const difference = 1e-7

func newSlopes(m Map, exact bool) *slopes {
	d := &slopes{m: m}
	groups := make([]int, m.Dim())
	if g, ok := m.(Grouped); ok {
		groups = g.Groups()
	}
	if dear, ok := m.(Dear); ok && !exact {
		d.differ = dear.Dear()
	}
	longest := 0
	for i, g := range groups {
		for g >= len(d.parts) {
			d.parts = append(d.parts, nil)
		}
		d.parts[g] = append(d.parts[g], i)
		longest = max(longest, len(d.parts[g]))
	}
	size := min(m.Batch(), longest) * m.Dim()
	d.s, d.v, d.back = make([]float64, size), make([]float64, size), make([]float64, size)
	return d
}

// at writes the Jacobian at s to j.
func (d *slopes) at(j *mat.Dense, s []float64) error {
	n := len(s)
	rows := j.RawMatrix().Data
	clear(rows)
	here := make([]float64, n)
	if d.differ {
		if err := d.m.Step(here, s); err != nil {
			return err
		}
	}
	for first := 0; ; {
		size := 0 // of this call
		clear(d.v)
		for at := 0; at < len(d.s); at += n {
			copy(d.s[at:], s)
		}
		for _, part := range d.parts {
			for k := first; k < min(len(part), first+len(d.v)/n); k++ {
				d.v[(k-first)*n+part[k]] = 1
				d.s[(k-first)*n+part[k]] += d.by(s[part[k]])
				size = max(size, k-first+1)
			}
		}
		if size == 0 {
			return nil
		}
		err := error(nil)
		if d.differ {
			err = d.m.Step(d.back[:size*n], d.s[:size*n])
		} else {
			err = d.m.Pull(d.back[:size*n], d.s[:size*n], d.v[:size*n])
		}
		if err != nil {
			return err
		}
		for _, part := range d.parts {
			for k := first; k < min(len(part), first+size); k++ {
				one := d.back[(k-first)*n : (k-first+1)*n]
				for _, to := range part {
					if d.differ {
						rows[to*n+part[k]] = (one[to] - here[to]) / (d.s[(k-first)*n+part[k]] - s[part[k]])
					} else {
						rows[part[k]*n+to] = one[to]
					}
				}
			}
		}
		first += size
	}
}

// by is what is added to an element, 0 for a Jacobian that is exact.
func (d *slopes) by(v float64) float64 {
	if !d.differ {
		return 0
	}
	return difference * max(1, math.Abs(v))
}

func square(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return sum
}
