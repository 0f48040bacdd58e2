package probe

import (
	"math"

	"galvani/models"
)

// Conductances returns the largest G/C of each unit over a course with voltages h [T+1,H], the
// first before the first step, and inputs x [T,I].
//
//	G = g_L + Σ_j g_ij + x̄_E + x̄_I + Σ_c γ_c σ(w_m h + b_m) σ(−w_n h − b_n)
func Conductances(p *Probe, cell *models.CRNN, x, h []float64) []float64 {
	units, inputs := p.Dims.H, p.Dims.I
	axial := make([]float64, units)
	for e, g := range p.Of("g_axial") {
		axial[p.Cell.Axial.I[e]] += g
		axial[p.Cell.Axial.J[e]] += g
	}
	steps := len(x) / inputs
	synapse := newSynapse(cell.SynKernel, cell.TauS, cell.TauL)
	most := make([]float64, units)
	uExc, uInh, leak, capacity := p.Of("U_exc"), p.Of("U_inh"), p.Of("g_L"), p.Of("C_m")
	for u := range units {
		exc, inh, channels := synapse, synapse, p.Channels(u)
		for t := range steps {
			now := x[t*inputs : (t+1)*inputs]
			g := leak[u] + axial[u] + exc.step(Weighted(uExc, u, now)) + inh.step(Weighted(uInh, u, now))
			for _, c := range channels {
				g += c.Conductance(h[t*units+u])
			}
			most[u] = math.Max(most[u], g/capacity[u])
		}
	}
	return most
}

// Weighted returns Σ_j w[u,j] x_j.
func Weighted(w []float64, u int, x []float64) float64 {
	sum := 0.0
	for j, v := range x {
		sum += w[u*len(x)+j] * v
	}
	return sum
}

// Channel is one channel of one unit of a crnn.
type Channel struct{ Gamma, WM, BM, WN, BN, Reversal float64 }

// Channels returns the channels of unit u.
func (p *Probe) Channels(u int) (all [2]Channel) {
	for c := range all {
		i := c*p.Dims.H + u
		all[c] = Channel{p.Of("gamma")[i], p.Of("w_m")[i], p.Of("b_m")[i], p.Of("w_n")[i], p.Of("b_n")[i], p.Of("E_c")[i]}
	}
	return all
}

// Conductance returns γ σ(w_m h + b_m) σ(−w_n h − b_n).
func (c Channel) Conductance(h float64) float64 {
	return c.Gamma / ((1 + math.Exp(-c.WM*h-c.BM)) * (1 + math.Exp(c.WN*h+c.BN)))
}

// synapse is a synapse and its state.
type synapse struct {
	models.Synapse
	p, q float64
}

func newSynapse(kernel string, tauS, tauL float64) synapse {
	s, err := models.NewSynapse(kernel, tauS, tauL)
	if err != nil {
		panic(err) // the cell has checked it
	}
	return synapse{Synapse: s}
}

// step takes in u and returns the conductance.
func (s *synapse) step(u float64) float64 {
	s.p, s.q = s.PP*s.p+s.PQ*s.q+s.PU*u, s.QQ*s.q+s.QU*u
	x := s.XP*s.p + s.XQ*s.q
	if s.Rectify {
		x = math.Max(0, x)
	}
	return x
}
