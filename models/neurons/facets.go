package neurons

import (
	"math"
	"path"
	"slices"

	"galvani/kernels/random"
	"galvani/models/description"
)

// Facets say how the facets of an eye act on an input. An event of a facet is an edge that crosses what it
// sees. It makes an event at each of the synapses of the facet, of a normally distributed weight, at a
// normally distributed time.
//
// Source: Jones and Gabbiani (2012), doi:10.1152/jn.00440.2011; ModelDB 144007, generateLoomingSynapticInput.
type Facets struct {
	Half     float64 // deg: of the directions within ±Half, both ways
	Synapses int     // of each facet
	Spread   float64 // standard deviation of the weight, relative to it; none is below 0
	Jitter   float64 // standard deviation of the time, ms
	Blur     float64 // deg: an edge of speed s adds Blur/s to the standard deviation of the time
	Speed    Speed
	// rows are the compartments of each section, numbers of Units: y of a facet chooses the section, x the
	// place along it; one section serves all y. Where mixed, chance chooses one of all Units.
	rows  [][]int
	mixed bool
}

// Speed says how the weight follows the speed s of an edge: it is multiplied by 1/(1 + exp(Offset −
// Gain·s/(s + Half))). A Half of 0 is for a weight that does not follow it.
type Speed struct{ Half, Gain, Offset float64 }

// weight is the factor of an edge, of deg/s.
func (s Speed) weight(speed float64) float64 {
	if s.Half == 0 {
		return 1
	}
	return 1 / (1 + math.Exp(s.Offset-s.Gain*speed/(speed+s.Half)))
}

// Noise is events of synapses that are spread evenly over the compartments of an input, a Poisson process
// of so many 1/ms at each.
type Noise struct {
	Synapses int
	Rate     float64
}

// View returns the half-width in deg of what a neuron sees by facets, 0 for one that sees nothing.
func (n *Neuron) View() (half float64) {
	for _, in := range n.Inputs {
		if in.Facets != nil {
			half = max(half, in.Facets.Half)
		}
	}
	return half
}

// See adds to a stimulus what an eye reports: event k comes from direction x[k], y[k], in deg, at[k] ms, of
// an edge that moves with speed[k] deg/s. The seed decides weights, times and places.
func (n *Neuron) See(s *Stimulus, x, y, at, speed []float64, seed uint64) {
	for i, in := range n.Inputs {
		f := in.Facets
		if f == nil {
			continue
		}
		r, draw := random.New(seed).Named(in.Name), uint64(0)
		for k := range at {
			if math.Abs(x[k]) > f.Half || math.Abs(y[k]) > f.Half {
				continue
			}
			unit, size, late := f.place(x[k], y[k]), f.Speed.weight(speed[k]), f.Jitter+1000*f.Blur/speed[k]
			for range f.Synapses {
				e := Event{at[k] + late*r.Normal(2*draw), unit, size * max(0, 1+f.Spread*r.Normal(2*draw+1))}
				if f.mixed {
					e.At = int(r.Stream(1).Uniform(draw) * float64(len(in.Units)))
				}
				draw++
				s.Events[i] = append(s.Events[i], e)
			}
		}
	}
}

// place returns which of the compartments of the input a direction is mapped to.
func (f *Facets) place(x, y float64) int {
	pick := func(v float64, of int) int { return min(of-1, int((v/f.Half+1)/2*float64(of))) }
	row := f.rows[pick(y, len(f.rows))]
	return row[pick(x, len(row))]
}

// Babble adds to a stimulus the events of so many ms that come without a cause.
func (n *Neuron) Babble(s *Stimulus, ms float64, seed uint64) {
	for i, in := range n.Inputs {
		if in.Noise == nil {
			continue
		}
		r, rate := random.New(seed).Named(in.Name), float64(in.Noise.Synapses)*in.Noise.Rate
		if rate == 0 {
			continue
		}
		for draw, now := uint64(0), 0.0; ; draw += 2 {
			now -= math.Log1p(-r.Uniform(draw)) / rate
			if now >= ms {
				break
			}
			s.Events[i] = append(s.Events[i], Event{now, int(r.Uniform(draw+1) * float64(len(in.Units))), 1})
		}
	}
}

// spread reads the compartments of an input of many: sections, all or those of a part of each.
func (r *reader) spread(t table) (units []int, rows [][]int) {
	n := r.n
	names := t.Texts("sections")
	from, to := t.Number("from", 0, 0, 1), t.Number("to", 1, 0, 1)
	if from >= to {
		t.Fail("to", "is %g and from is %g, want from before to", to, from)
	}
	for _, name := range names {
		found := false
		for i, s := range n.Sections {
			if is, err := path.Match(name, s.Name); !is || err != nil {
				continue
			}
			found = true
			first, last := n.mesh.at(i, from), n.mesh.at(i, to)
			if to < 1 && float64(last-n.mesh.first[i]) >= to*float64(s.Compartments)-1e-9 {
				last = max(first, last-1) // of which nothing lies before to
			}
			var row []int
			for u := first; u <= last; u++ {
				if slices.Contains(units, u) {
					t.Fail("sections", "has section %q twice; name it once", s.Name)
					return nil, nil
				}
				row, units = append(row, len(units)), append(units, u)
			}
			rows = append(rows, row)
		}
		if !found && t.Err() == nil {
			t.noSection("sections", name, n.Sections)
		}
	}
	return units, rows
}

// facets reads how facets act on an input.
func (t table) facets(rows [][]int) *Facets {
	f := &Facets{rows: rows, Half: t.Must("half", angle, description.Interval{Lo: 1e-3, Hi: 89}), Synapses: t.Integer("synapses", 1, 1, 1e6),
		Spread: t.Number("spread", 0, 0, 10), Jitter: t.Quantity("jitter", duration, 0, description.FromZero), Blur: t.Quantity("blur", angle, 0, description.Interval{Lo: 0, Hi: 180}),
		mixed: t.Truth("mixed")}
	if t.Has("speed") {
		s := t.sub("speed")
		f.Speed = Speed{Half: s.Must("half", angularSpeed, description.AboveZero), Gain: s.Number("gain", 0, -100, 100), Offset: s.Number("offset", 0, -100, 100)}
		s.Done()
	}
	t.Spend("speed")
	t.Done()
	return f
}

// noise reads the events of an input that come without a cause.
func (t table) noise() *Noise {
	n := &Noise{Synapses: t.Integer("synapses", 1, 1, 1e6), Rate: t.Must("rate", rate, description.Interval{Lo: 0, Hi: 10})}
	t.Done()
	return n
}

// Reach returns the compartments that an event of a facet acts on by an input, and with how many µS on each, in the
// mean over what is left to chance: x and y are its direction in deg, speed is that of the edge in deg/s. There
// are none where the input does not see the direction.
func (n *Neuron) Reach(input int, x, y, speed float64) (units []int, weight float64) {
	in := n.Inputs[input]
	f := in.Facets
	if f == nil || math.Abs(x) > f.Half || math.Abs(y) > f.Half {
		return nil, 0
	}
	weight = in.Weight * float64(f.Synapses) * f.Speed.weight(speed)
	if f.mixed {
		return in.Units, weight / float64(len(in.Units))
	}
	return []int{in.Units[f.place(x, y)]}, weight
}
