package dynamics

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

const (
	// firstDamping is the damping at the start, relative to the largest element of the diagonal
	// of AᵀA: starts are near slow points but not at them.
	firstDamping = 1e-3
	// roundingFloor bounds what can be gained: a residual of this size relative to the state is
	// made of rounding errors.
	roundingFloor = 1e-15
	// stepFloor ends a descent whose steps are this small relative to the state.
	stepFloor = 1e-14
	// A descent ends where the last patience steps have lowered q by less than a share of it:
	// dull where q is low enough to be kept, so that minima are met well, and tired above,
	// where the map leads on sooner than a narrow valley of q does. One that lowered q by less than still of it was at a minimum.
	patience = 20
	dull     = 1e-6
	tired    = 0.3
	still    = 5e-2
)

// Of a map whose Jacobian takes long a descent uses one for up to mostAge steps, with what each step tells, as long as the
// gain is at least secantGain of that expected.
const (
	mostAge    = 8
	secantGain = 0.5
)

// End says why a descent ended.
type End int

const (
	// Slow: at a point of the speed that was asked for, or below.
	Slow End = iota
	// Minimum: q falls no further, at a minimum of it or at a corner of the map.
	Minimum
	// Iterations: the steps that it may take were used up while q still fell.
	Iterations
	// NotFinite: the map gave no number.
	NotFinite
)

// Where a descent has ended above the speed that was asked for, the start follows the map before
// the next descent, for follow steps and then each time twice as many, up to mostFollow. That
// leads away from corners of the map, at which the derivative of one side does not lead down.
const follow, mostFollow = 32, 4096

// descent minimises the speed of a map from one start after another.
type descent struct {
	m                Map
	slopes           *slopes
	jacobian         *mat.Dense // A = ∂F/∂s − 1, [N,N]
	normal, damped   *mat.SymDense
	next             []float64
	residual, beyond *mat.VecDense // F(s) − s here and after the step
	gradient, step   *mat.VecDense // Aᵀ(F(s) − s)
	aim              *mat.VecDense // the gradient without what is held
	least, most      []float64     // ranges of the elements, nil for none
	held             []int         // elements that stay where they are
}

func newDescent(m Map) *descent {
	n := m.Dim()
	vec := func() *mat.VecDense { return mat.NewVecDense(n, nil) }
	d := &descent{m: m, slopes: newSlopes(m, false), jacobian: mat.NewDense(n, n, nil), normal: mat.NewSymDense(n, nil),
		damped: mat.NewSymDense(n, nil), next: make([]float64, n), residual: vec(), beyond: vec(), gradient: vec(), step: vec(), aim: vec()}
	if c, ok := m.(Confined); ok {
		d.least, d.most = c.Range()
	}
	return d
}

// lead goes down from a start to a point of at most q = slow if it can. Where a descent ends above,
// the start follows the map for some steps and goes down again, as long as iterations are left.
// What it returns is the slowest point of all.
func (d *descent) lead(start []float64, iterations int, slow float64) (best Point, end End, err error) {
	s := append([]float64(nil), start...)
	best.Q, end = math.NaN(), Iterations
	for steps := follow; ; steps *= 2 {
		p, used, settled, err := d.from(s, iterations, slow)
		if err != nil {
			return best, end, err
		}
		if !(p.Q >= best.Q) { // also if best is no number
			best = p
		}
		if settled {
			end = Minimum
		}
		iterations -= used
		switch {
		case best.Q <= slow:
			return best, Slow, nil
		case math.IsNaN(p.Q) || math.IsInf(p.Q, 0):
			return best, NotFinite, nil
		case iterations <= 0 || steps > mostFollow:
			return best, end, nil
		}
		copy(s, p.State)
		for range steps {
			if err := d.m.Step(s, s); err != nil {
				return best, end, err
			}
		}
	}
}

// from goes down from a start until q falls no further, and returns how many steps that took and
// whether it came so far.
func (d *descent) from(start []float64, iterations int, slow float64) (p Point, used int, settled bool, err error) {
	n := len(start)
	s, trial := append([]float64(nil), start...), make([]float64, n)
	for i := range d.least {
		s[i] = max(d.least[i], min(d.most[i], s[i]))
	}
	q, err := d.speed(d.residual, s)
	if err != nil {
		return p, 0, false, err
	}
	damping, growth, fresh := 0.0, 2.0, true
	age := 0 // steps since the Jacobian was computed
	before, inValley := q, false
	for ; used < iterations; used++ {
		if used > 0 && used%patience == 0 {
			if gained := before - q; q > slow && gained < tired*q || gained < dull*q {
				inValley = gained >= still*q
				break
			}
			before = q
		}
		size := 1 + square(s)
		if !(2*q > roundingFloor*roundingFloor*size) { // also if it is no number
			break
		}
		if fresh {
			if age == 0 {
				if err := d.linearise(s); err != nil {
					return p, used, false, err
				}
			} else {
				d.normalise()
			}
			if damping == 0 {
				damping = firstDamping * d.steepest()
			}
		}
		d.hold(s)
		solved := d.solve(damping)
		if solved {
			step := d.step.RawVector().Data
			if small := square(step) <= stepFloor*stepFloor*size; small && age > 0 {
				age, fresh = 0, true
				continue
			} else if small {
				break
			}
			for i, v := range step {
				trial[i] = s[i] + v
			}
			cut := d.confine(trial, s)
			lower, err := d.speed(d.beyond, trial)
			if err != nil {
				return p, used, false, err
			}
			// The gain relative to that of the linear model, ½ δᵀ(μδ − g).
			expected := (damping*square(step) - mat.Dot(d.step, d.gradient)) / 2
			if cut {
				expected = d.expected()
			}
			if gain := (q - lower) / expected; gain > 0 && lower < q {
				if age++; !d.slopes.differ || age > mostAge || gain < secantGain {
					age = 0
				} else {
					d.secant()
				}
				copy(s, trial)
				d.residual, d.beyond, q, fresh = d.beyond, d.residual, lower, true
				damping *= max(1./3, 1-math.Pow(2*gain-1, 3))
				growth = 2
				continue
			}
		}
		if age > 0 { // of a matrix that is no longer that of the place
			age, fresh = 0, true
			continue
		}
		fresh = false
		damping *= growth
		growth *= 2
		if !(damping <= math.MaxFloat64/growth) || damping == 0 {
			break
		}
	}
	return Point{State: s, Q: q, Starts: 1}, used + 1, used < iterations && !inValley, nil
}

// confine takes the place that a step leads to to the nearest within the range of the map, makes the step that which leads
// there, and returns whether it is another.
func (d *descent) confine(trial, s []float64) (cut bool) {
	if d.least == nil {
		return false
	}
	step := d.step.RawVector().Data
	for i, v := range trial {
		if w := max(d.least[i], min(d.most[i], v)); w != v {
			trial[i], step[i], cut = w, w-s[i], true
		}
	}
	return cut
}

// hold chooses the elements that stay where they are: those at the end of their range beyond which q falls.
func (d *descent) hold(s []float64) {
	d.held = d.held[:0]
	for i := range d.least {
		if g := d.gradient.AtVec(i); s[i] <= d.least[i] && g > 0 || s[i] >= d.most[i] && g < 0 {
			d.held = append(d.held, i)
		}
	}
}

// expected is what the linear model gains by the step δ: −gᵀδ − ½‖Aδ‖².
func (d *descent) expected() float64 {
	var a mat.VecDense
	a.MulVec(d.jacobian, d.step)
	return -mat.Dot(d.step, d.gradient) - square(a.RawVector().Data)/2
}

// speed writes F(s) − s to r and returns half its square.
func (d *descent) speed(r *mat.VecDense, s []float64) (float64, error) {
	if err := d.m.Step(d.next, s); err != nil {
		return 0, err
	}
	e := r.RawVector().Data
	for i, v := range d.next {
		e[i] = v - s[i]
	}
	return square(e) / 2, nil
}

// linearise computes A, AᵀA and the gradient of q at s.
func (d *descent) linearise(s []float64) error {
	if err := d.slopes.at(d.jacobian, s); err != nil {
		return err
	}
	for i := range s {
		d.jacobian.Set(i, i, d.jacobian.At(i, i)-1)
	}
	d.normalise()
	return nil
}

// normalise computes AᵀA and the gradient of q.
func (d *descent) normalise() {
	d.normal.SymOuterK(1, d.jacobian.T())
	d.gradient.MulVec(d.jacobian.T(), d.residual)
}

// secant gives A what a step tells of it: A δ is what the residual changed by.
//
// Source: Broyden (1965), doi:10.1090/S0025-5718-1965-0198670-6.
func (d *descent) secant() {
	var miss mat.VecDense
	miss.MulVec(d.jacobian, d.step)
	miss.SubVec(d.beyond, &miss)
	miss.SubVec(&miss, d.residual)
	d.jacobian.RankOne(d.jacobian, 1/square(d.step.RawVector().Data), &miss, d.step)
}

// steepest returns the largest element of the diagonal of AᵀA.
func (d *descent) steepest() float64 {
	most := math.SmallestNonzeroFloat64
	for i := range d.normal.SymmetricDim() {
		most = max(most, d.normal.At(i, i))
	}
	return most
}

// solve finds the step δ of (AᵀA + μ)δ = −g; false where that matrix is singular.
func (d *descent) solve(damping float64) bool {
	d.damped.CopySym(d.normal)
	for i := range d.damped.SymmetricDim() {
		d.damped.SetSym(i, i, d.damped.At(i, i)+damping)
	}
	d.aim.CopyVec(d.gradient)
	for _, i := range d.held {
		for k := range d.damped.SymmetricDim() {
			d.damped.SetSym(i, k, 0)
		}
		d.damped.SetSym(i, i, 1)
		d.aim.SetVec(i, 0)
	}
	var c mat.Cholesky
	if !c.Factorize(d.damped) {
		return false
	}
	// A matrix that is nearly singular still gives a direction, and q tells whether it is good.
	_ = c.SolveVecTo(d.step, d.aim)
	d.step.ScaleVec(-1, d.step)
	return true
}
