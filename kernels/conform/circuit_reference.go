package conform

import (
	"math"
	"slices"

	"galvani/kernels"
	"galvani/kernels/random"
)

// Reference runs a circuit that Check takes, with all parameters given, for so many steps from its
// start, by plain loops over the units and their rows. It reads no header. In float32 every operation is
// rounded by itself, in the order of the headers, and the spikes are those of a device; in float64 the
// exponential is that of package math. It returns the spikes, V of every unit of every population at
// the end, and for each plastic projection what a spike then adds, of each entry.
func Reference[F kernels.Float](c *kernels.Circuit, steps int) ([]kernels.Spike, [][]F, [][]F) {
	s := newCircuitState[F](c)
	for n := range int64(steps) {
		s.step(n)
	}
	var weights [][]F
	for _, i := range c.Plastic() {
		weights = append(weights, s.plastic[i].weights)
	}
	return s.spikes, s.v, weights
}

type circuitState[F kernels.Float] struct {
	c       *kernels.Circuit
	v, w    [][]F    // w adapts, where the neuron does
	gates   [][][3]F // m, h and n of neurons with channels
	left    [][]F
	current [][][]F // of each population, synapse and unit
	due     map[arrival]F
	spiked  [][]bool
	spikes  []kernels.Spike
	plastic map[int]*plastic[F] // by projection
	mother  map[int64]bool      // steps in which the mother process of the correlated sources, one population at most, spikes
}

// arrival is where and when a spike adds to a current.
type arrival struct {
	step                      int64
	population, synapse, unit int
}

func newCircuitState[F kernels.Float](c *kernels.Circuit) *circuitState[F] {
	s := &circuitState[F]{c: c, due: map[arrival]F{}, plastic: map[int]*plastic[F]{}, mother: map[int64]bool{}}
	for _, i := range c.Plastic() {
		s.plastic[i] = newPlastic[F](c, i)
	}
	for _, p := range c.Populations {
		v, w, left, gates := make([]F, p.N), make([]F, p.N), make([]F, p.N), make([][3]F, p.N)
		for u := range v {
			if v[u] = -72; p.Header == "adex" {
				v[u] = -70.6
			}
			switch p.Header {
			case "hh":
				v[u], gates[u] = -64.9964, [3]F{0.052955, 0.595994, 0.317732}
			case "traub":
				v[u], gates[u] = -65, [3]F{0.00973241, 0.997561, 0.0270745}
			}
			if p.Start != nil {
				v[u] = F(p.Start[u])
			}
		}
		current := make([][]F, len(p.Synapses))
		for k := range current {
			current[k] = make([]F, p.N)
		}
		s.v, s.w, s.left, s.current = append(s.v, v), append(s.w, w), append(s.left, left), append(s.current, current)
		s.gates = append(s.gates, gates)
		s.spiked = append(s.spiked, make([]bool, p.N))
	}
	return s
}

func (s *circuitState[F]) step(n int64) {
	for i, p := range s.c.Populations {
		constant := 0.0
		for _, q := range s.c.Currents {
			if q.Population == i && q.First <= n && n < q.Last {
				constant += q.Amplitude
			}
		}
		for u := range p.N {
			if p.Source() {
				s.spiked[i][u] = s.source(p, u, n)
			} else {
				in, conductance := F(constant), F(0)
				for k := range p.Synapses {
					x := s.current[i][k][u]
					if to, ok := p.Reversal(k); ok {
						conductance += x
						x = F(x * (F(to) - s.v[i][u]))
					}
					in += x
				}
				s.spiked[i][u] = s.unit(p, i, u, in, conductance)
			}
			if s.spiked[i][u] && !p.Unrecorded {
				s.spikes = append(s.spikes, kernels.Spike{Step: n, Population: i, Unit: u})
			}
		}
	}
	s.deliver(n)
	s.decay(n)
}

// source reports whether unit u of a population of sources spikes in step n, by the gaps of its block.
func (s *circuitState[F]) source(p kernels.Population, u int, n int64) bool {
	switch p.Header {
	case kernels.Trains:
		return slices.Contains(p.Trains[u], n)
	case kernels.Events:
		mean := p.Params[0] * s.c.Step / 1000
		width := kernels.EventBits(mean)
		x := random.New(s.c.Seed).Named(p.Name).Stream(uint64(u / width)).Uniform(uint64(n))
		count, term, sum := 0, math.Exp(-mean), math.Exp(-mean)
		for ; x >= sum && count < 1<<width-1; count++ {
			term *= mean / float64(count+1)
			sum += term
		}
		return count>>(u%width)&1 == 1
	case kernels.Regular:
		k := math.Round((float64(n)*s.c.Step - p.Params[1]) * p.Params[0] / 1000) // the nearest spike
		return k >= 0 && math.Round((p.Params[1]+k*1000/p.Params[0])/s.c.Step) == float64(n)
	}
	key := random.New(s.c.Seed).Named(p.Name)
	if p.Header == kernels.Correlated {
		return s.correlated(p, key, u, n)
	}
	return poissonSpike(key.Stream(uint64(u)), p.Params[0]*s.c.Step/1000, n)
}

// poissonSpike reports whether a Poisson source with a stream and a probability spikes in step n.
func poissonSpike(unit random.Stream, probability float64, n int64) bool {
	block, at := unit.Stream(uint64(n/kernels.SourceBlock)), 0
	for k := uint64(0); at < kernels.SourceBlock; k++ {
		at += kernels.SourceGap(block.Uniform(k), math.Log1p(-probability))
		if at == int(n%kernels.SourceBlock) {
			return true
		}
		at++
	}
	return false
}

// correlated reports whether unit u has a spike of the mother process that has moved to step n.
func (s *circuitState[F]) correlated(p kernels.Population, key random.Stream, u int, n int64) bool {
	reach := kernels.Reach(p.Params[2], s.c.Step)
	for m := n; m <= n+2*reach; m++ {
		mother, known := s.mother[m]
		if !known {
			mother = poissonSpike(key.Named("mother").Stream(0), p.Params[0]/p.Params[1]*s.c.Step/1000, m)
			s.mother[m] = mother
		}
		own := key.Stream(uint64(m)).Stream(uint64(u))
		if !mother || own.Uniform(0) >= p.Params[1] {
			continue
		}
		move := int64(math.Round(own.Normal(1) * p.Params[2] / s.c.Step))
		if m-reach+max(min(move, reach), -reach) == n {
			return true
		}
	}
	return false
}

// deliver adds the spikes of step n to what is due.
func (s *circuitState[F]) deliver(n int64) {
	for i, p := range s.c.Projections {
		if q := s.plastic[i]; q != nil {
			q.step(s, p, n)
			continue
		}
		_, jump := kernels.Decay(s.c.Step, s.c.Populations[p.To].Synapses[p.Synapse])
		for i := range p.Matrix.Rows {
			if p.Counts() {
				count := 0
				for _, j := range p.Matrix.Row(i) {
					if s.spiked[p.From][j] {
						count++
					}
				}
				if count > 0 {
					s.due[arrival{n + int64(p.Delay[0]) - 1, p.To, p.Synapse, i}] += F(F(count) * F(p.Weight[0]*jump))
				}
				continue
			}
			for k := p.Matrix.Start[i]; k < p.Matrix.Start[i+1]; k++ {
				if s.spiked[p.From][p.Matrix.Col[k]] {
					at := arrival{n + int64(p.Delay[int(k)%len(p.Delay)]) - 1, p.To, p.Synapse, i}
					s.due[at] += F(p.Weight[int(k)%len(p.Weight)] * jump)
				}
			}
		}
	}
}

func (s *circuitState[F]) decay(n int64) {
	for i, p := range s.c.Populations {
		for k, tau := range p.Synapses {
			decay, _ := kernels.Decay(s.c.Step, tau)
			for u := range p.N {
				at := arrival{n, i, k, u}
				x := F(s.current[i][k][u]*F(decay)) + s.due[at]
				if delete(s.due, at); x < F(kernels.Tiny) && x > -F(kernels.Tiny) {
					x = 0
				}
				s.current[i][k][u] = x
			}
		}
	}
}

// unit steps unit u of population i of neurons, under a current with so much conductance in it, and reports whether it
// spikes.
func (s *circuitState[F]) unit(p kernels.Population, i, u int, in, conductance F) bool {
	a, v, dt := p.Params, s.v[i][u], s.c.Step
	var threshold, reset, wait float64
	switch p.Header {
	case "lif":
		to := in + F(a[1])
		v = F((v-to)*F(math.Exp(-dt/a[0]))) + to
		v = max(v, F(a[4]))
		threshold, reset, wait = a[2], a[3], a[5]
	case "eif":
		x := min(F((v-F(a[2]))*F(1/a[3])), F((a[4]-a[2])/a[3]))
		slope := F(a[1]) - v
		slope += F(exponential(x) * F(a[3]))
		slope += in
		v += F(slope * F(dt/a[0]))
		v = max(v, F(a[6]))
		threshold, reset, wait = a[4], a[5], a[7]
	case "adex":
		x := min(F((v-F(a[2]))*F(1/a[3])), F((a[4]-a[2])/a[3]))
		slope := F(a[1]) - v
		slope += F(exponential(x) * F(a[3]))
		slope -= s.w[i][u]
		slope += in
		s.w[i][u] = F(s.w[i][u]*F(math.Exp(-dt/a[8]))) + F((v-F(a[1]))*F(-a[9]*math.Expm1(-dt/a[8])))
		v += F(slope * F(dt/a[0]))
		v = max(v, F(a[6]))
		threshold, reset, wait = a[4], a[5], a[7]
	case "hh", "traub":
		if p.Header == "hh" {
			hodgkinHuxley(v, dt, &s.gates[i][u])
		} else {
			traubMiles(v-F(a[7]), dt, &s.gates[i][u])
		}
		g := s.gates[i][u]
		gna := F(F(F(F(g[0]*g[0])*g[0])*g[1]) * F(a[5]))
		gk := F(F(F(g[2]*g[2])*F(g[2]*g[2])) * F(a[4]))
		all := 1 + gk + gna + conductance
		to := (F(gk*F(a[2])) + F(gna*F(a[3])) + F(a[1]) + in + F(conductance*v)) / all
		s.v[i][u] = to + F((v-to)*exponential(F(all*F(-dt/a[0]))))
		return v < F(a[6]) && s.v[i][u] >= F(a[6])
	default:
		panic("conform: no reference of neuron " + p.Header)
	}
	if left := &s.left[i][u]; *left > 0 {
		v = F(reset)
		*left--
	}
	spike := v >= F(threshold)
	if spike {
		v, s.left[i][u] = F(reset), F(math.Floor(wait/dt+0.5))
		if p.Header == "adex" {
			s.w[i][u] += F(a[10])
		}
	}
	s.v[i][u] = v
	return spike
}

// hodgkinHuxley steps the gates m, h and n at v.
func hodgkinHuxley[F kernels.Float](v F, dt float64, gates *[3]F) {
	u := min(max(v, -200), 200)
	q, rest := exponential(F((u+35)*F(-0.1))), u+65
	stepGate(&gates[0], dt, ratio(F((u+40)*0.1), F(q*0.6065306597)), F(exponential(F(rest*F(-0.0555555556)))*4))
	stepGate(&gates[1], dt, F(exponential(F(rest*F(-0.05)))*0.07), 1/(1+q))
	stepGate(&gates[2], dt, F(ratio(F((u+55)*0.1), F(q*0.1353352832))*0.1), F(exponential(F(rest*F(-0.0125)))*0.125))
}

// traubMiles steps them so far above V_T, which no test takes further than 200 mV from 0.
func traubMiles[F kernels.Float](u F, dt float64, gates *[3]F) {
	q := exponential(F(u*0.2) - 8)
	m, k, n := F((u-13)*0.25), F((40-u)*0.2), F((u-15)*0.2)
	stepGate(&gates[0], dt, F(ratio(m, exponential(-m))*1.28), F(ratio(k, q)*1.4))
	stepGate(&gates[1], dt, F(exponential(F((17-u)*0.0555555556))*0.128), F(q*4)/(1+q))
	stepGate(&gates[2], dt, F(ratio(n, exponential(-n))*0.16), F(exponential(F((10-u)*0.025))*0.5))
}

// ratio is x / (1 - y), where y is exp(-x).
func ratio[F kernels.Float](x, y F) F {
	if F(x*x) < 0.0025 {
		return 1 + F(x*(0.5+F(x*0.083333333)))
	}
	return x / (1 - y)
}

// stepGate steps a gate with the rates a and b.
func stepGate[F kernels.Float](x *F, dt float64, a, b F) {
	to := a / (a + b)
	*x = to + F((*x-to)*exponential(F((a+b)*F(-dt))))
}

// exponential is exp(x), in float32 by the operations of r_exp in kernels/cells/shared/real.h.
func exponential[F kernels.Float](x F) F {
	if y, single := any(x).(float32); single {
		return F(exp32(y))
	}
	return F(math.Exp(float64(x)))
}

func exp32(x float32) float32 {
	t := float32(x*1.44269504088896341) + 12582912
	n := t - 12582912
	r := x - float32(n*0.693145751953125)
	r -= float32(n * 1.42860682030941723e-6)
	q := float32(r*0.0013926250394433737) + 0.00836323294788599
	for _, c := range []float32{0.04166655242443085, 0.16666576266288757, 0.5} {
		q = float32(q*r) + c
	}
	y := float32(float32(q*r)*r) + r
	y += 1
	y = math.Float32frombits(math.Float32bits(y) + math.Float32bits(t)<<23)
	switch {
	case x > 88.722835:
		return float32(math.Inf(1))
	case x < -87.336544:
		return 0
	}
	return y
}
