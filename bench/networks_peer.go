package bench

import (
	"math"

	"galvani/models/circuits"
)

// networkRequest is a network for a peer that has none of its name: LIF neurons whose synapses are currents of one time
// constant, joined at random so many times. Times are in ms, potentials and currents in mV, weights in mV ms.
type networkRequest struct {
	Populations []populationRequest `json:"populations"`
	Projections []projectionRequest `json:"projections"`
}

type populationRequest struct {
	N       int        `json:"n"`
	TauM    float64    `json:"tau_m"`
	EL      float64    `json:"e_l"`
	Vth     float64    `json:"v_th"`
	Vre     float64    `json:"v_re"`
	Tref    float64    `json:"t_ref"`
	Tau     float64    `json:"tau"`   // of its synapse
	Start   [2]float64 `json:"start"` // mean and deviation
	Current float64    `json:"current"`
	// Rate is that of the Poisson events of each unit in Hz, Weight what one adds.
	Rate   float64 `json:"rate"`
	Weight float64 `json:"weight"`
}

// projectionRequest joins populations, by their numbers.
type projectionRequest struct {
	From    int        `json:"from"`
	To      int        `json:"to"`
	Entries int        `json:"entries"`
	Weight  [2]float64 `json:"weight"`
	Delay   [2]float64 `json:"delay"`
}

// networkOf describes a network to a peer, nil for one that peers know by its name.
func networkOf(c NetworkCase, b *circuits.Blueprint) *networkRequest {
	if c.Part == 0 {
		return nil
	}
	r := &networkRequest{}
	for _, i := range b.Firing() {
		p := b.Populations[i]
		n, _ := p.Single() // of LIF neurons
		r.Populations = append(r.Populations, populationRequest{N: p.N, TauM: n.Tau, EL: n.EL, Vth: n.Vth, Vre: n.Vre, Tref: n.Tref,
			Tau: p.Synapses[0], Start: [2]float64{p.Potentials.A, p.Potentials.B}})
	}
	for _, q := range b.Connections { // of the populations, which are in front of the drives
		to := &r.Populations[q.To]
		if hz, is := b.Drive(q); is {
			to.Rate, to.Weight = hz, q.Weight.A
			continue
		}
		r.Projections = append(r.Projections, projectionRequest{q.From, q.To, int(math.Round(b.Expected(q))), [2]float64{q.Weight.A, q.Weight.B}, [2]float64{q.Delay.A, q.Delay.B}})
	}
	for _, q := range b.Currents {
		r.Populations[q.Population].Current += q.Amplitude
	}
	return r
}
