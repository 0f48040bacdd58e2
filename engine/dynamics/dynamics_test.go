package dynamics

import (
	"context"
	"errors"
	"math"
	"math/cmplx"
	"testing"

	"gonum.org/v1/gonum/mat"
)

const (
	// pointTolerance: Newton's step at the end leaves the rounding of F, times the condition of
	// these maps, below 100.
	pointTolerance = 1e-12
	// eigenTolerance: eigenvalues of small matrices, well apart, at points that are this good.
	eigenTolerance = 1e-10
)

// function is a map given by formulas.
type function struct {
	dim, batch int
	step       func(next, s []float64)
	slope      func(i, j int, s []float64) float64 // ∂F_i/∂s_j
	fail       error
}

func (f *function) Dim() int   { return f.dim }
func (f *function) Batch() int { return f.batch }

func (f *function) Step(next, s []float64) error {
	for at := 0; at < len(s); at += f.dim {
		f.step(next[at:at+f.dim], s[at:at+f.dim])
	}
	return f.fail
}

func (f *function) Pull(back, s, v []float64) error {
	if len(s) > f.batch*f.dim {
		return errors.New("too many states")
	}
	clear(back)
	for at := 0; at < len(s); at += f.dim {
		for i := range f.dim {
			for j := range f.dim {
				back[at+j] += v[at+i] * f.slope(i, j, s[at:at+f.dim])
			}
		}
	}
	return f.fail
}

// affine is s' = A s + b.
func affine(a [][]float64, b []float64) *function {
	return &function{dim: len(b), batch: 2, slope: func(i, j int, _ []float64) float64 { return a[i][j] },
		step: func(next, s []float64) {
			for i := range next {
				next[i] = b[i]
				for j, v := range s {
					next[i] += a[i][j] * v
				}
			}
		}}
}

// scalar is a map of a line.
func scalar(f, slope func(float64) float64) *function {
	return &function{dim: 1, batch: 1, step: func(next, s []float64) { next[0] = f(s[0]) },
		slope: func(_, _ int, s []float64) float64 { return slope(s[0]) }}
}

var options = Options{Iterations: 200, Slow: 1e-6, Same: 1e-3}

// TestAffine holds the fixed point of an affine map to (1 − A)⁻¹ b and its eigenvalues to those
// that the matrix was made of: 0.9, 1.25 and 0.5 e^{±i}.
func TestAffine(t *testing.T) {
	re, im := 0.5*math.Cos(1), 0.5*math.Sin(1)
	a := [][]float64{{0.9, 3, -1, 2}, {0, re, -im, 0.7}, {0, im, re, -2}, {0, 0, 0, 1.25}}
	b := []float64{1, -2, 0.5, 0.25}
	left := mat.NewDense(4, 4, nil)
	for i := range a {
		for j := range a {
			left.Set(i, j, -a[i][j])
		}
		left.Set(i, i, 1-a[i][i])
	}
	var want mat.VecDense
	if err := want.SolveVec(left, mat.NewVecDense(4, b)); err != nil {
		t.Fatal(err)
	}
	points, lost, err := Find(t.Context(), affine(a, b), [][]float64{{0, 0, 0, 0}, {5, -5, 100, 1}, {-30, 2, 2, 2}}, options)
	if err != nil || len(lost) != 0 || len(points) != 1 || points[0].Starts != 3 {
		t.Fatalf("points %+v, lost %v, error %v; want one point of three starts", points, lost, err)
	}
	p := points[0]
	for i, v := range p.State {
		if math.Abs(v-want.AtVec(i)) > pointTolerance*(1+math.Abs(want.AtVec(i))) {
			t.Errorf("element %d is %v, want %v", i, v, want.AtVec(i))
		}
	}
	for i, e := range []complex128{1.25, 0.9, complex(re, im), complex(re, -im)} {
		if cmplx.Abs(p.Eigenvalues[i]-e) > eigenTolerance {
			t.Errorf("eigenvalue %d is %v, want %v", i, p.Eigenvalues[i], e)
		}
	}
	if !p.Fixed() || p.Stable() || p.Unstable() != 1 || math.Abs(p.Radius()-1.25) > eigenTolerance {
		t.Errorf("fixed %v, stable %v, %d unstable directions, radius %v; want an unstable fixed point", p.Fixed(), p.Stable(), p.Unstable(), p.Radius())
	}
}

// TestBistable finds the three fixed points of tanh(2s): one at 0 that is unstable, and the two
// stable ones, where s = tanh 2s.
func TestBistable(t *testing.T) {
	m := scalar(func(s float64) float64 { return math.Tanh(2 * s) }, func(s float64) float64 { return 2 / math.Pow(math.Cosh(2*s), 2) })
	up := 1.0
	for range 200 {
		up = math.Tanh(2 * up)
	}
	var starts [][]float64
	for s := -1.5; s <= 1.5; s += 0.1 {
		starts = append(starts, []float64{s})
	}
	points, _, err := Find(t.Context(), m, starts, options)
	if err != nil || len(points) != 3 {
		t.Fatalf("points %+v, error %v; want three", points, err)
	}
	stable, met := 0, 0
	for _, p := range points {
		for _, want := range []float64{-up, 0, up} {
			if math.Abs(p.State[0]-want) < pointTolerance {
				met++
			}
		}
		if slope := 2 / math.Pow(math.Cosh(2*p.State[0]), 2); cmplx.Abs(p.Eigenvalues[0]-complex(slope, 0)) > eigenTolerance {
			t.Errorf("eigenvalue at %v is %v, want %v", p.State[0], p.Eigenvalues[0], slope)
		}
		if p.Stable() {
			stable++
		}
		if p.Stable() == (math.Abs(p.State[0]) < 0.5) || !p.Fixed() {
			t.Errorf("at %v: stable %v, fixed %v", p.State[0], p.Stable(), p.Fixed())
		}
	}
	if stable != 2 || met != 3 {
		t.Errorf("%d points are stable and %d where they should be, want 2 and 3", stable, met)
	}
}

// TestGhost finds the slow point that two fixed points leave behind where they have met: of
// s + s² + ε the one at 0, with q = ε²/2. Where that is too fast it is lost.
func TestGhost(t *testing.T) {
	const epsilon = 1e-2
	m := scalar(func(s float64) float64 { return s + s*s + epsilon }, func(s float64) float64 { return 1 + 2*s })
	o := options
	o.Slow = epsilon * epsilon
	points, lost, err := Find(t.Context(), m, [][]float64{{-0.4}, {0.3}}, o)
	if err != nil || len(lost) != 0 || len(points) != 1 {
		t.Fatalf("points %+v, lost %v, error %v; want one", points, lost, err)
	}
	// q is flat there: it differs from ε²/2 by ε s².
	if p := points[0]; p.Fixed() || math.Abs(p.State[0]) > 1e-3 || math.Abs(p.Q-epsilon*epsilon/2) > 1e-8 {
		t.Errorf("point %+v, want a slow one at 0 with q = %v", p, epsilon*epsilon/2)
	}
	o.Slow = epsilon * epsilon / 4
	if points, lost, err = Find(t.Context(), m, [][]float64{{-0.4}, {0.3}}, o); err != nil || len(points) != 0 || len(lost) != 2 {
		t.Errorf("points %+v, lost %v, error %v; want both lost", points, lost, err)
	}
	for _, p := range lost { // after the ghost s grows without end, but the slowest point is told
		if p.End != NotFinite || math.Abs(p.Q-epsilon*epsilon/2) > 1e-8 {
			t.Errorf("a start ended with %+v, want q = %v and then nothing finite", p, epsilon*epsilon/2)
		}
	}
}

// TestCorner holds that a start which ends at a corner of the map, where the derivative of one side
// does not lead down, finds the fixed point behind it: |s − 1| + s/2 has its corner at 1, where
// q = 1/8, and its fixed point at 2/3.
func TestCorner(t *testing.T) {
	m := scalar(func(s float64) float64 { return math.Abs(s-1) + s/2 - 0.5*max(0, s-1) }, func(s float64) float64 {
		if s >= 1 {
			return 1
		}
		return -0.5
	})
	points, lost, err := Find(t.Context(), m, [][]float64{{5}, {1}}, options)
	if err != nil || len(points) != 1 || len(lost) != 0 || math.Abs(points[0].State[0]-2./3) > pointTolerance {
		t.Errorf("points %+v, lost %+v, error %v; want 2/3 alone", points, lost, err)
	}
}

// TestEnds holds what is told of starts that find nothing.
func TestEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		m          Map
		iterations int
		want       End
	}{
		"shift":     {affine([][]float64{{1}}, []float64{1}), 100, Minimum},
		"too short": {scalar(func(s float64) float64 { return s + math.Pow(s, 3) }, func(s float64) float64 { return 1 + 3*s*s }), 3, Iterations},
	} {
		o := options
		o.Iterations = tt.iterations
		_, lost, err := Find(t.Context(), tt.m, [][]float64{{3}}, o)
		if err != nil || len(lost) != 1 || lost[0].End != tt.want {
			t.Errorf("%s: lost %+v, error %v; want end %d", name, lost, err, tt.want)
		}
	}
}

// TestLine keeps points on a line of fixed points apart as far as it is asked to.
func TestLine(t *testing.T) {
	line := affine([][]float64{{1, 0}, {0, 0.5}}, []float64{0, 1})
	starts := [][]float64{{0, 0}, {0.01, 5}, {1, -1}, {2, 2}}
	for same, want := range map[float64]int{1e-3: 4, 0.1: 3, 10: 1} {
		o := options
		o.Same = same
		points, _, err := Find(t.Context(), line, starts, o)
		if err != nil || len(points) != want {
			t.Errorf("closer than %g is one: %d points, error %v, want %d", same, len(points), err, want)
		}
	}
}

func TestFindRefuses(t *testing.T) {
	m := affine([][]float64{{0.5}}, []float64{1})
	for name, o := range map[string]Options{"iterations": {Slow: 1}, "slow": {Iterations: 1, Slow: math.NaN()}, "same": {Iterations: 1, Same: -1}} {
		if _, _, err := Find(t.Context(), m, nil, o); !errors.Is(err, ErrOption) {
			t.Errorf("%s: error %v, want a bad option", name, err)
		}
	}
	if _, _, err := Find(t.Context(), m, [][]float64{{1, 2}}, options); !errors.Is(err, ErrOption) {
		t.Errorf("a start of two numbers: error %v, want a bad option", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Find(ctx, m, [][]float64{{1}}, options); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	m.fail = errors.New("broken")
	if _, _, err := Find(t.Context(), m, [][]float64{{1}}, options); !errors.Is(err, m.fail) {
		t.Errorf("broken map: error %v", err)
	}
}

// TestNotFinite holds that a map that leaves the numbers loses its starts and nothing else.
func TestNotFinite(t *testing.T) {
	for name, v := range map[string]float64{"NaN": math.NaN(), "infinite": math.Inf(1)} {
		bad := func(s float64) float64 {
			if s > 0 {
				return v
			}
			return s / 2
		}
		m := scalar(bad, func(s float64) float64 { return bad(s) - s/2 + 0.5 })
		points, lost, err := Find(t.Context(), m, [][]float64{{1}, {-3}}, options)
		if err != nil || len(points) != 1 || len(lost) != 1 {
			t.Errorf("%s: points %+v, lost %v, error %v; want one each", name, points, lost, err)
		}
		if _, err := Eigenvalues(m, []float64{1}); err == nil {
			t.Errorf("%s: eigenvalues of what is not finite", name)
		}
	}
}

// TestPrincipal finds the axes that a cloud was made along.
func TestPrincipal(t *testing.T) {
	var cloud []float64
	for _, a := range []float64{-2, 2} { // along (0.6, 0, 0.8), and half of it along the second
		for _, b := range []float64{-1, 1} {
			cloud = append(cloud, 1+0.6*a, 2+b, 3+0.8*a)
		}
	}
	p, err := Principal(cloud, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.6, 0, 0.8} {
		if math.Abs(p.Axes[0][i]-want) > pointTolerance || math.Abs(p.Mean[i]-float64(i+1)) > pointTolerance {
			t.Errorf("element %d: axis %v, mean %v, want %v and %d", i, p.Axes[0][i], p.Mean[i], want, i+1)
		}
	}
	if x, y := p.Project([]float64{1.6, 5, 3.8}); math.Abs(x-1) > pointTolerance || math.Abs(y-3) > pointTolerance {
		t.Errorf("projection is %v, %v, want 1, 3", x, y)
	}
	if math.Abs(p.Share[0]-0.8) > pointTolerance || math.Abs(p.Share[1]-0.2) > pointTolerance {
		t.Errorf("shares are %v, want 0.8 and 0.2", p.Share)
	}
	if math.Abs(p.Spread-math.Sqrt(5./3)) > pointTolerance {
		t.Errorf("spread is %v, want %v", p.Spread, math.Sqrt(5./3))
	}
	if p, err = Principal([]float64{1, 1}, 1); err != nil || p.Spread != 0 || p.Share != [2]float64{} {
		t.Errorf("a cloud of one point: %+v, error %v", p, err)
	}
	if _, err := Principal(nil, 2); !errors.Is(err, ErrOption) {
		t.Errorf("no states: error %v", err)
	}
	if _, err := Principal([]float64{1, math.NaN()}, 2); err == nil {
		t.Error("states that are not finite have principal components")
	}
}

// confined is a map of numbers that are not negative.
type confined struct{ *function }

func (c confined) Range() (least, most []float64) {
	for range c.dim {
		least, most = append(least, 0), append(most, math.Inf(1))
	}
	return least, most
}

// TestRange: of a map with points at 1 and −2, of which −2 is out of its range, starts on the side of −2 are led to 1, and where the
// only point is out of range, q is least at the end of it.
func TestRange(t *testing.T) {
	two := scalar(func(s float64) float64 { return s - (s-1)*(s+2)/4 }, func(s float64) float64 { return 1 - (2*s+1)/4 })
	starts := [][]float64{{-3}, {-1.5}, {-0.6}, {0.1}, {4}}
	free, _, err := Find(context.Background(), two, starts, options)
	if err != nil || len(free) != 2 {
		t.Fatalf("%v, %v, want two points without a range", free, err)
	}
	points, lost, err := Find(context.Background(), confined{two}, starts, options)
	if err != nil || len(points) != 1 || len(lost) != 0 || points[0].Starts != len(starts) || math.Abs(points[0].State[0]-1) > pointTolerance {
		t.Fatalf("%v, lost %v, %v, want all at 1", points, lost, err)
	}
	// Of s' = s/2 − 1 and r' = (r + s)/2 + 1 the point is s = −2, r = 0. At s = 0 q is least with r = 2,
	// which is met to the root of the rounding of q, below 1e-9 here.
	out := affine([][]float64{{0.5, 0}, {0.5, 0.5}}, []float64{-1, 1})
	_, lost, err = Find(context.Background(), confined{out}, [][]float64{{3, 1}}, options)
	if err != nil || len(lost) != 1 || lost[0].State[0] != 0 || math.Abs(lost[0].State[1]-2) > 1e-9 || math.Abs(lost[0].Q-0.5) > pointTolerance {
		t.Fatalf("lost %v, %v, want 0 and 2 with q = 1/2", lost, err)
	}
}
