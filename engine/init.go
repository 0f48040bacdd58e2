package engine

import (
	"fmt"
	"math"

	"galvani/kernels"
	"galvani/kernels/random"
)

// initialise fills a parameter with draws from its initial distribution, plane by plane.
func initialise(dst []float64, s kernels.Spec, hidden int, r random.Stream) error {
	planes := max(s.Planes(hidden), 1)
	if len(dst)%planes != 0 {
		return fmt.Errorf("engine: parameter %s of shape %v does not divide into %d planes: %w", s.Name, s.Shape, planes, kernels.ErrShape)
	}
	draw, ok := inits[s.Init.Kind]
	if !ok {
		return fmt.Errorf("engine: parameter %s: initialiser %d is unknown", s.Name, s.Init.Kind)
	}
	n := len(dst) / planes
	cols := n // of a plane
	if len(s.Shape) > 1 && s.Role != kernels.Vec {
		cols = s.Shape[len(s.Shape)-1]
	}
	for k := range planes {
		value := 0.0
		if s.Init.Kind == kernels.PerPlane || s.Init.Kind == kernels.PlaneNormal {
			if len(s.Init.Values) != planes {
				return fmt.Errorf("engine: parameter %s: initialiser has %d values, want one for each of %d planes: %w", s.Name, len(s.Init.Values), planes, kernels.ErrShape)
			}
			value = s.Init.Values[k]
		}
		draw(plane{
			dst: dst[k*n : (k+1)*n], rows: n / cols, cols: cols, a: s.Init.A, b: s.Init.B, value: value,
			r: r, first: uint64(k * n),
		})
	}
	if c := s.Init.Columns; c != nil && len(c) != cols {
		return fmt.Errorf("engine: parameter %s: initialiser has factors for %d columns, want %d: %w", s.Name, len(c), cols, kernels.ErrShape)
	}
	for i := range dst {
		if s.Init.Columns != nil {
			dst[i] *= s.Init.Columns[i%cols]
		}
		if s.Init.Diagonal != 0 && i/cols%cols == i%cols {
			dst[i] = s.Init.Diagonal
		}
	}
	return nil
}

// plane is one matrix [rows, cols] to be filled; first is the number of its first element in
// the stream of the parameter.
type plane struct {
	dst         []float64
	rows, cols  int
	a, b, value float64
	r           random.Stream
	first       uint64
}

// fill sets every element to f of its number in the stream.
func (p plane) fill(f func(i uint64) float64) {
	for i := range p.dst {
		p.dst[i] = f(p.first + uint64(i))
	}
}

// inits fills one plane by kind.
var inits = map[kernels.InitKind]func(plane){
	kernels.Constant: func(p plane) { p.fill(func(uint64) float64 { return p.a }) },
	kernels.PerPlane: func(p plane) { p.fill(func(uint64) float64 { return p.value }) },
	kernels.Uniform: func(p plane) {
		p.fill(func(i uint64) float64 { return p.a + (p.b-p.a)*p.r.Uniform(i) })
	},
	kernels.Normal: func(p plane) {
		p.fill(func(i uint64) float64 { return p.a + p.b*p.r.Normal(i) })
	},
	kernels.PlaneNormal: func(p plane) {
		p.fill(func(i uint64) float64 { return p.value + p.b*p.r.Normal(i) })
	},
	kernels.XavierUniform: func(p plane) {
		limit := p.a * math.Sqrt(6/float64(p.rows+p.cols))
		p.fill(func(i uint64) float64 { return limit * (2*p.r.Uniform(i) - 1) })
	},
	kernels.Identity: func(p plane) {
		for i := range min(p.rows, p.cols) {
			p.dst[i*p.cols+i] = p.a
		}
	},
	kernels.Orthogonal: orthogonal,
}

// orthogonal fills the plane with a times a matrix that has orthonormal rows, or columns
// where there are fewer of those, uniform over all such matrices: the Q of the QR
// factorisation of a Gaussian matrix with positive diagonal of R (Mezzadri 2007).
//
// Gram and Schmidt's process runs twice, which makes it as accurate as Householder's
// (Giraud, Langou and Rozložník 2005).
func orthogonal(p plane) {
	n, m := p.rows, p.cols // n vectors of m elements
	if n > m {
		n, m = m, n
	}
	q := make([]float64, n*m)
	for i := range q {
		q[i] = p.r.Normal(p.first + uint64(i))
	}
	for i := range n {
		v := q[i*m : (i+1)*m]
		for range 2 {
			for j := range i {
				u := q[j*m : (j+1)*m]
				c := dot(u, v)
				for k := range v {
					v[k] -= c * u[k]
				}
			}
		}
		c := 1 / math.Sqrt(dot(v, v))
		for k := range v {
			v[k] *= c
		}
	}
	for i := range p.rows {
		for j := range p.cols {
			if p.rows <= p.cols {
				p.dst[i*p.cols+j] = p.a * q[i*m+j]
			} else {
				p.dst[i*p.cols+j] = p.a * q[j*m+i]
			}
		}
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
