package fit

import "math"

// enough is the part of what the gradient promises that a step has to bring.
const enough = 1e-4

// try returns what is tried next.
func (d *Descent) try() []float64 {
	z := make([]float64, len(d.Z))
	for i := range z {
		z[i] = math.Max(-12, math.Min(12, d.Z[i]+d.Length*d.Way[i]))
	}
	return z
}

// take goes to z where the error is small enough there, and otherwise tries a shorter step next. An error
// or a gradient that is not finite is large.
func (d *Descent) take(z []float64, loss float64, gradient []float64, stride float64) {
	first := d.Loss == math.MaxFloat64
	promised := d.Length * dot(d.Gradient, d.Way)
	if !finite(loss, gradient) || !first && !(loss <= d.Loss+enough*promised) {
		switch d.Length /= 3; {
		case first:
			for i := range d.Z { // towards the middle of the bounds
				d.Z[i] /= 2
			}
		case d.Length < 1e-6:
			d.Inverse = identity(len(z))
			d.aim(stride / 10)
		}
		return
	}
	if !first {
		d.learn(z, gradient)
	}
	copy(d.Z, z)
	copy(d.Gradient, gradient)
	d.Loss = loss
	if first {
		stride /= 10
	}
	d.aim(stride)
}

// learn takes what a step from Z to z tells of the second derivatives.
func (d *Descent) learn(z, gradient []float64) {
	n := len(z)
	s, y := make([]float64, n), make([]float64, n)
	for i := range z {
		s[i], y[i] = z[i]-d.Z[i], gradient[i]-d.Gradient[i]
	}
	sy := dot(s, y)
	if !(sy > 1e-12*math.Sqrt(dot(s, s)*dot(y, y))) {
		return // no minimum along the step
	}
	if scale := sy / dot(y, y); isIdentity(d.Inverse) {
		for i := range d.Inverse {
			d.Inverse[i][i] = scale
		}
	}
	hy := make([]float64, n)
	for i := range hy {
		hy[i] = dot(d.Inverse[i], y)
	}
	a := (1 + dot(y, hy)/sy) / sy
	for i := range n {
		for j := range n {
			d.Inverse[i][j] += a*s[i]*s[j] - (hy[i]*s[j]+s[i]*hy[j])/sy
		}
	}
}

// aim sets the way down from Z, with no step longer than stride.
func (d *Descent) aim(stride float64) {
	most := 0.0
	for i := range d.Way {
		d.Way[i] = -dot(d.Inverse[i], d.Gradient)
	}
	if !(dot(d.Way, d.Gradient) < 0) {
		d.Inverse = identity(len(d.Way))
		for i := range d.Way {
			d.Way[i] = -d.Gradient[i]
		}
	}
	for _, v := range d.Way {
		most = math.Max(most, math.Abs(v))
	}
	if d.Length = 1; most > stride || isIdentity(d.Inverse) && most > 0 {
		d.Length = stride / most
	}
}

func dot(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

func identity(n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		m[i][i] = 1
	}
	return m
}

func isIdentity(m [][]float64) bool {
	for i, row := range m {
		for j, v := range row {
			if i == j && v != 1 || i != j && v != 0 {
				return false
			}
		}
	}
	return true
}

// finite tells whether an error and its gradient are.
func finite(loss float64, gradient []float64) bool {
	ok := !math.IsNaN(loss) && math.Abs(loss) < math.MaxFloat64
	for _, g := range gradient {
		ok = ok && !math.IsNaN(g) && math.Abs(g) < math.MaxFloat64
	}
	return ok
}
