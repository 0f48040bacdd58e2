//go:build cgo

package neurons

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// slope returns the time derivative of V and of all gates of a neuron of one compartment, under a current in µA/cm².
func (n *Neuron) slope(s []float64, current float64) []float64 {
	r := n.Regions[0]
	d, at := make([]float64, len(s)), 1
	sum := r.Leak*(r.Rest-s[0]) + current/1000
	for _, c := range n.Channels {
		y := r.Densities[c.Name]
		for _, g := range c.Gates {
			d[at] = (g.Steady(s[0]) - s[at]) * g.Speed(n.Temperature) / g.Tau(s[0])
			y *= math.Pow(s[at], float64(g.Power))
			at++
		}
		sum += y * (c.Reversal - s[0])
	}
	d[0] = 1000 * sum / r.Capacity
	return d
}

// rungeKutta returns V in steps of fourth order from the start of a neuron.
func (n *Neuron) rungeKutta(current, ms, dt float64) float64 {
	one, err := n.Compile(Options{})
	if err != nil {
		panic(err)
	}
	s := one.Rest
	add := func(k []float64, h float64) []float64 {
		to := slices.Clone(s)
		for i := range to {
			to[i] += h * k[i]
		}
		return to
	}
	for range int(math.Round(ms / dt)) {
		a := n.slope(s, current)
		b := n.slope(add(a, dt/2), current)
		c := n.slope(add(b, dt/2), current)
		d := n.slope(add(c, dt), current)
		for i := range s {
			s[i] += dt / 6 * (a[i] + 2*b[i] + 2*c[i] + d[i])
		}
	}
	return s[0]
}

// TestOrder: behind a spike the error of V is of first order in the step, with Second of second, and that of the steps of fourth order
// that both are held to of fourth.
func TestOrder(t *testing.T) {
	n := load(t, "hh")
	const current, ms = 10, 8
	exact := n.rungeKutta(current, ms, 1e-3)
	device := func(second bool) func(float64) float64 {
		return func(dt float64) float64 {
			return simulate(t, n, Options{Dt: dt, Second: second}, ms, "constant 10").End()[0]
		}
	}
	for name, c := range map[string]struct {
		order, dt float64
		v         func(dt float64) float64
	}{
		"implicit":     {1, 0.02, device(false)},
		"second order": {2, 0.02, device(true)},
		"Runge-Kutta":  {4, 0.04, func(dt float64) float64 { return n.rungeKutta(current, ms, dt) }},
	} {
		coarse, fine := c.v(c.dt)-exact, c.v(c.dt/2)-exact
		if got := math.Log2(coarse / fine); !(math.Abs(got-c.order) < 0.2) {
			t.Errorf("%s: half the step takes the error from %.3g to %.3g mV, an order of %.2f, want %g", name, coarse, fine, got, c.order)
		}
	}
}

// TestHopf: rest of hh loses its stability at 9.7754 µA/cm² and has it again from 154.522 on, at 93.30 and 169.17 Hz.
//
// Source of the currents: Rinzel and Miller (1980), doi:10.1016/0025-5564(80)90109-1, 9.78 and 154.5.
func TestHopf(t *testing.T) {
	n := load(t, "hh")
	// leading returns the current that holds V, and the eigenvalue with the largest real part of the Jacobian there.
	leading := func(v float64) (current float64, most complex128) {
		s := []float64{v}
		for _, c := range n.Channels {
			for _, g := range c.Gates {
				s = append(s, g.Steady(v))
			}
		}
		current = -n.slope(s, 0)[0] * n.Regions[0].Capacity
		jacobian := mat.NewDense(len(s), len(s), nil)
		for j := range s {
			const h = 1e-6
			up, down := slices.Clone(s), slices.Clone(s)
			up[j] += h
			down[j] -= h
			a, b := n.slope(up, current), n.slope(down, current)
			for i := range s {
				jacobian.Set(i, j, (a[i]-b[i])/(2*h))
			}
		}
		var eigen mat.Eigen
		if !eigen.Factorize(jacobian, mat.EigenNone) {
			t.Fatal("no eigenvalues")
		}
		most = complex(math.Inf(-1), 0)
		for _, e := range eigen.Values(nil) {
			if real(e) > real(most) {
				most = e
			}
		}
		return current, most
	}
	for _, c := range []struct{ lo, hi, current, hz float64 }{{-65, -55, 9.7754, 93.30}, {-50, -35, 154.522, 169.17}} {
		_, first := leading(c.lo)
		for range 50 {
			mid := (c.lo + c.hi) / 2
			if _, e := leading(mid); real(e) > 0 == (real(first) > 0) {
				c.lo = mid
			} else {
				c.hi = mid
			}
		}
		current, e := leading(c.lo)
		if hz := 1000 * math.Abs(imag(e)) / (2 * math.Pi); relative(current, c.current) > 2e-3 || relative(hz, c.hz) > 2e-3 {
			t.Errorf("rest changes its stability at %.4f µA/cm² with %.2f Hz, want %v and %v", current, hz, c.current, c.hz)
		}
	}
}
