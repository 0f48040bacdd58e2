package correspond

import (
	"cmp"
	"math"
	"slices"
)

// pair is a channel with two gates that follow V at once:
//
//	g(V) = Gamma σ((V − Vm)/Km) σ(−(V − Vn)/Kn),   I = g(V) (E − V)
//
// Units: Gamma in S/cm², the rest in mV.
type pair struct {
	Gamma, Vm, Km, Vn, Kn, E float64
}

func (p pair) conductance(v float64) float64 {
	return p.Gamma * logistic((v-p.Vm)/p.Km) * logistic(-(v-p.Vn)/p.Kn)
}

func logistic(u float64) float64 { return 1 / (1 + math.Exp(-u)) }

// curve is what a pair is fitted to: the quasi-steady current at each V, in S/cm² mV, and what 1 mV of V changes
// the current of the whole membrane by, in S/cm². The residual of a fit is thereby in mV of the potential at which
// currents balance.
type curve struct {
	v, current, total []float64
	weight            []float64 // of each V in the mean
	lo, hi            float64   // bounds of E
	most              float64   // greatest density, S/cm²
}

const (
	leastSlope = 1   // mV, of a gate that is fitted
	mostSlope  = 200 // mV
	always     = 400 // mV beyond which a gate stays open
)

// fit returns the pair that is nearest to a curve, in the mean of squares, and the root of that mean in mV.
func (c curve) fit() (pair, float64) {
	if !slices.ContainsFunc(c.current, func(i float64) bool { return i != 0 }) {
		return pair{0, 0, 10, 0, 10, (c.lo + c.hi) / 2}, 0
	}
	type start struct {
		x    [4]float64
		loss float64
	}
	var starts []start
	try := func(x [4]float64) { starts = append(starts, start{x, c.loss(x)}) }
	slopes := []float64{3, 7, 15}
	for _, vm := range []float64{-always, -80, -65, -50, -35, -20, -5, 10} {
		for _, km := range slopes {
			for _, vn := range []float64{-90, -75, -60, -45, -30, -10, 20, always} {
				for _, kn := range slopes {
					try([4]float64{vm, math.Log(km), vn, math.Log(kn)})
				}
			}
		}
	}
	slices.SortStableFunc(starts, func(a, b start) int { return cmp.Compare(a.loss, b.loss) })
	best := starts[0]
	for _, s := range starts[:4] {
		if x, loss := descend(s.x, c.loss); loss < best.loss {
			best = start{x, loss}
		}
	}
	return c.solve(best.x), math.Sqrt(best.loss)
}

// gates is the pair of gates of a point of the search, of a density of 1.
func gates(x [4]float64) pair {
	slope := func(log float64) float64 { return min(mostSlope, max(leastSlope, math.Exp(log))) }
	return pair{1, x[0], slope(x[1]), x[2], slope(x[3]), 0}
}

// solve returns the pair with the best density and reversal potential for its gates, within their bounds: the
// current is linear in the density and in the product of both.
func (c curve) solve(x [4]float64) pair {
	p := gates(x)
	var aa, ab, bb, ay, by float64
	for k, v := range c.v {
		g, w := p.conductance(v)/c.total[k], c.weight[k]
		a, b, y := g, -g*v, c.current[k]/c.total[k]
		aa, ab, bb, ay, by = aa+w*a*a, ab+w*a*b, bb+w*b*b, ay+w*a*y, by+w*b*y
	}
	// A density and a potential within the bounds, or the best on each border.
	type point struct{ gamma, e float64 }
	bound := func(e float64) float64 { return min(c.hi, max(c.lo, e)) }
	try := []point{{c.most, bound((ay/c.most - ab) / aa)}}
	for _, e := range []float64{c.lo, c.hi} {
		try = append(try, point{min(c.most, max(0, (e*ay+by)/(e*e*aa+2*e*ab+bb))), e})
	}
	if det := aa*bb - ab*ab; det > 1e-12*aa*bb {
		if gamma := (aa*by - ab*ay) / det; gamma > 0 && gamma <= c.most {
			if e := (bb*ay - ab*by) / det / gamma; e == bound(e) {
				try = append(try, point{gamma, e})
			}
		}
	}
	least := math.Inf(1)
	for _, t := range try {
		if loss := t.gamma * (t.gamma*(t.e*t.e*aa+2*t.e*ab+bb) - 2*(t.e*ay+by)); loss < least {
			least, p.Gamma, p.E = loss, t.gamma, t.e
		}
	}
	return p
}

// loss is the mean squared residual in mV².
func (c curve) loss(x [4]float64) float64 {
	p, sum, weights := c.solve(x), 0.0, 0.0
	for k, v := range c.v {
		r := (p.conductance(v)*(p.E-v) - c.current[k]) / c.total[k]
		sum, weights = sum+c.weight[k]*r*r, weights+c.weight[k]
	}
	return sum / weights
}

// descend goes down from a point with a simplex.
//
// Source: Nelder and Mead (1965), doi:10.1093/comjnl/7.4.308.
func descend(x [4]float64, f func([4]float64) float64) ([4]float64, float64) {
	type corner struct {
		x [4]float64
		y float64
	}
	lower := func(a, b corner) int { return cmp.Compare(a.y, b.y) }
	at := func(x [4]float64) corner { return corner{x, f(x)} }
	s := []corner{at(x)}
	for i, step := range []float64{5, 0.3, 5, 0.3} {
		y := x
		y[i] += step
		s = append(s, at(y))
	}
	for range 400 {
		slices.SortStableFunc(s, lower)
		if s[4].y-s[0].y <= 1e-9*s[0].y {
			break
		}
		var mid [4]float64
		for _, c := range s[:4] {
			for i := range mid {
				mid[i] += c.x[i] / 4
			}
		}
		towards := func(t float64) corner {
			var y [4]float64
			for i := range y {
				y[i] = mid[i] + t*(s[4].x[i]-mid[i])
			}
			return at(y)
		}
		r := towards(-1)
		switch {
		case r.y < s[0].y:
			if far := towards(-2); far.y < r.y {
				r = far
			}
			s[4] = r
		case r.y < s[3].y:
			s[4] = r
		default:
			if near := towards(0.5); near.y < s[4].y {
				s[4] = near
				continue
			}
			for k := 1; k < 5; k++ {
				for i := range x {
					s[k].x[i] = (s[k].x[i] + s[0].x[i]) / 2
				}
				s[k].y = f(s[k].x)
			}
		}
	}
	best := slices.MinFunc(s, lower)
	return best.x, best.y
}
