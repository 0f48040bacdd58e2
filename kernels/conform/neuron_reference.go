package conform

import (
	"math"

	"galvani/kernels"
	"galvani/kernels/compartments"

	"gorgonia.org/tensor"
)

// neuronReference steps a problem in float64 by plain loops over the equations, with a dense matrix in
// place of the tree. It returns h and the state after the last step.
func neuronReference(p *Problem) (h, final []float64) {
	c := &p.Cfg
	h = make([]float64, c.Rows()*c.H)
	final = append(final, Data[float64](p.Args.State)...)
	for b := range c.B {
		r := &neuronRow{c: c, n: c.Cell.Neuron, p: p, b: b}
		for t := range c.T {
			x := Data[float64](p.Args.X)[(t*c.B+b)*c.I:][:c.I]
			held := c.Masked && Data[float64](p.Args.Mask)[t*c.B+b] == 0
			for k := 0; k < c.Cell.Neuron.Substeps && !held; k++ {
				r.step(final, x, k == 0)
			}
			if c.Last && t < c.T-1 {
				continue
			}
			for i := range c.H {
				shown := i
				if c.Cell.Neuron.Record != nil {
					shown = int(c.Cell.Neuron.Record[i])
				}
				row := t*c.B + b
				if c.Last {
					row = b
				}
				h[row*c.H+i] = final[r.at(shown/c.Units(), shown%c.Units())]
			}
		}
	}
	return h, final
}

// neuronRow is one sequence of a problem.
type neuronRow struct {
	c *kernels.ScanConfig
	n *compartments.Neuron
	p *Problem
	b int
}

// at returns the place of a unit in a plane of the state.
func (r *neuronRow) at(plane, unit int) int { return (plane*r.c.B+r.b)*r.c.Units() + unit }

// read returns element i of a quantity.
func (r *neuronRow) read(q compartments.Quantity, i int) float64 {
	if q.Param < 0 {
		return q.Value
	}
	k := q.Element(i)
	v := r.p.Args.Params[q.Param].(*tensor.Dense)
	if r.n.Each {
		k += r.b * v.Shape()[1]
	}
	if of := r.n.Base; of != nil && of[q.Param] != nil {
		return of[q.Param][k] * math.Exp(Data[float64](v)[k])
	}
	return Data[float64](v)[k]
}

func (r *neuronRow) step(s, x []float64, first bool) {
	n, u := r.n, r.n.Units()
	twice := 1.0
	if n.Second {
		twice = 2
	}
	v := make([]float64, u)
	matrix, side := make([][]float64, u), make([]float64, u)
	for i := range u {
		v[i] = s[r.at(0, i)]
		matrix[i] = make([]float64, u)
		capacity, leak := twice*r.read(n.Capacity, i)*n.Area[i]*1e-5/n.Dt, r.read(n.Leak, i)*n.Area[i]*1e-2
		matrix[i][i] = capacity + leak
		side[i] = capacity*v[i] + leak*r.read(n.Rest, i)
	}
	for k, p := range n.Tree.Parent {
		if p >= 0 {
			i, j, g := n.Tree.Unit[k], n.Tree.Unit[p], r.read(n.Axial, int(n.Tree.Edge[k]))
			matrix[i][i] += g
			matrix[j][j] += g
			matrix[i][j] -= g
			matrix[j][i] -= g
		}
	}
	calcium := 1 + n.Gates()
	type share struct{ g, e float64 }
	carried := make([][]share, u)
	plane := 1
	for _, c := range n.Channels {
		from := plane
		plane += len(c.Gates)
		for k, unit := range c.Units {
			i := int(unit)
			g, e := r.read(c.Density, k)*n.Area[i]*1e-2, r.read(c.Reversal, 0)
			for j, gate := range c.Gates {
				at := r.at(from+j, i)
				by := v[i]
				if gate.Kinetics == compartments.ByCalcium {
					by = s[r.at(calcium, i)]
				}
				inf, tau := r.course(gate, by)
				s[at] = inf + (s[at]-inf)*math.Exp(-n.Dt*gate.Speed/tau)
				g *= math.Pow(s[at], float64(gate.Power))
			}
			matrix[i][i] += g
			side[i] += g * e
			if c.Calcium {
				carried[i] = append(carried[i], share{g, e})
			}
		}
	}
	if n.Calcium != nil {
		plane++
	}
	for k, q := range n.Receptors {
		rise, decay := r.read(q.Rise, 0), r.read(q.Decay, 0)
		has := make([]bool, u)
		for _, in := range n.Inputs {
			if in.Receptor == k {
				has[in.Unit] = true
			}
		}
		for i := range u {
			if !has[i] {
				continue
			}
			xs, ys := r.at(plane, i), r.at(plane+1, i)
			g := 0.0
			if rise > 0 {
				after := func(t float64) float64 { return (math.Exp(-t/decay) - math.Exp(-t/rise)) / (1/rise - 1/decay) }
				top := math.Log(decay/rise) / (1/rise - 1/decay)
				if rise == decay {
					after = func(t float64) float64 { return t * math.Exp(-t/decay) }
					top = decay
				}
				s[ys] = s[ys]*math.Exp(-n.Dt/rise) + s[xs]*after(n.Dt)
				g = s[ys] / after(top)
			}
			s[xs] *= math.Exp(-n.Dt / decay)
			late := func(steps int) int { return r.at(plane+1+steps, i) }
			for d := 1; first && d <= n.Delays(k); d++ {
				if d == 1 {
					s[xs] += s[late(1)]
				} else {
					s[late(d-1)] = s[late(d)]
				}
				s[late(d)] = 0
			}
			for _, in := range n.Inputs {
				if !first || in.Receptor != k || in.Unit != i {
					continue
				}
				at := xs
				if in.Delay > 0 {
					at = late(in.Delay)
				}
				s[at] += r.read(in.Weight, 0) * x[in.From]
			}
			if rise == 0 {
				g = s[xs]
			}
			matrix[i][i] += g
			side[i] += g * r.read(q.Reversal, 0)
		}
		plane += 2 + n.Delays(k)
	}
	for _, in := range n.Inputs {
		if in.Receptor < 0 {
			side[in.Unit] += r.read(in.Weight, 0) * x[in.From]
		}
	}
	gauss(matrix, side)
	current := func(i int) float64 { // of calcium, by V after the step
		sum := 0.0
		for _, q := range carried[i] {
			sum += q.g * (side[i] - q.e)
		}
		return sum
	}
	for i := range u {
		if p := n.Calcium; p != nil && n.Area[i] > 0 {
			tau, rest, at := r.read(p.Tau, 0), r.read(p.Rest, 0), r.at(calcium, i)
			d := math.Exp(-n.Dt / tau)
			s[at] = rest + (s[at]-rest)*d - r.read(p.Gain, 0)*tau*(1-d)*current(i)/(n.Area[i]*1e-2)
		} else if p != nil {
			at := r.at(calcium, i)
			rest := r.read(p.Rest, 0)
			s[at] = rest + (s[at]-rest)*math.Exp(-n.Dt/r.read(p.Tau, 0))
		}
		s[r.at(0, i)] = side[i]
		if n.Second {
			s[r.at(0, i)] = 2*side[i] - v[i]
		}
	}
}

// course returns what a gate goes to and how fast.
func (r *neuronRow) course(g compartments.Gate, v float64) (inf, tau float64) {
	q := make([]float64, len(g.Numbers))
	for i, n := range g.Numbers {
		q[i] = r.read(n, 0)
	}
	sigmoid := func(v, half, slope float64) float64 { return 1 / (1 + math.Exp(-(v-half)/slope)) }
	form := func(f compartments.Form, u float64) float64 {
		switch f {
		case compartments.Exponential:
			return math.Exp(u)
		case compartments.Sigmoid:
			return 1 / (1 + math.Exp(-u))
		}
		if u == 0 {
			return 1
		}
		return -u / math.Expm1(-u)
	}
	switch g.Kinetics {
	case compartments.Rates:
		a, b := q[0]*form(g.Forms[0], (v-q[1])/q[2]), q[3]*form(g.Forms[1], (v-q[4])/q[5])
		return a / (a + b), 1 / (a + b)
	case compartments.ByCalcium:
		return max(0, v-q[0]) / (v + q[1]), q[2]
	}
	inf = sigmoid(v, q[0], q[1])
	switch g.Kinetics {
	case compartments.SteadySigmoid:
		return inf, q[2] + q[3]*sigmoid(v, q[4], q[5])
	case compartments.SteadyProduct:
		return inf, q[2] + q[3]*sigmoid(v, q[4], q[5])*inf
	case compartments.SteadyBell:
		return inf, q[2] + q[3]/(math.Exp((v-q[4])/q[5])+math.Exp((v-q[6])/q[7]))
	}
	return inf, q[2]
}

// gauss solves a x = b in place, with the largest pivots.
func gauss(a [][]float64, b []float64) {
	n := len(b)
	for k := range n {
		best := k
		for i := k; i < n; i++ {
			if math.Abs(a[i][k]) > math.Abs(a[best][k]) {
				best = i
			}
		}
		a[k], a[best], b[k], b[best] = a[best], a[k], b[best], b[k]
		for i := k + 1; i < n; i++ {
			f := a[i][k] / a[k][k]
			for j := k; j < n; j++ {
				a[i][j] -= f * a[k][j]
			}
			b[i] -= f * b[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			b[k] -= a[k][j] * b[j]
		}
		b[k] /= a[k][k]
	}
}
