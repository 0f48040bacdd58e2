package meanfield

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// Neuron is what the rate of a LIF or an EIF neuron under a constant input depends on. Times are in ms and
// potentials in mV; DT is 0 of a LIF neuron.
type Neuron struct{ Tau, EL, VT, DT, Vth, Vre, Tref float64 }

// Rate returns the rate in Hz under a constant input in mV: 1000 / (t_ref + ∫ tau dV / f(V)) from V_re to V_th,
// 0 where f has a zero on the way.
func (n Neuron) Rate(input float64) float64 {
	if n.DT == 0 {
		up := input - (n.Vth - n.EL)
		if !(up > 0) {
			return 0
		}
		return 1000 / (n.Tref + n.Tau*math.Log((input-(n.Vre-n.EL))/up))
	}
	slope := func(v float64) float64 { return n.EL - v + n.DT*math.Exp(math.Min((v-n.VT)/n.DT, 700)) + input }
	if low := min(max(n.VT, n.Vre), n.Vth); !(slope(low) > 0) { // f is least at V_T
		return 0
	}
	// Near V_T, where f is least, the integrand has a peak of the width sqrt(2 DT f): each piece begins or ends there.
	total := 0.0
	width := math.Sqrt(2 * n.DT * slope(min(max(n.VT, n.Vre), n.Vth)))
	cuts := []float64{n.Vre}
	for _, d := range []float64{-64, -16, -4, -1, 0, 1, 4, 16, 64} {
		if v := n.VT + d*width; v > cuts[len(cuts)-1] && v < n.Vth {
			cuts = append(cuts, v)
		}
	}
	cuts = append(cuts, n.Vth)
	for i := range cuts[1:] {
		total += quad.Fixed(func(v float64) float64 { return n.Tau / slope(v) }, cuts[i], cuts[i+1], 200, quad.Legendre{}, 0)
	}
	return 1000 / (n.Tref + total)
}
