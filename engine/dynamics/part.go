package dynamics

// Part is a Map of some elements of the state of another, each in a unit of its own. The other elements keep
// the values that they have in Rest.
type Part struct {
	Of    Map
	Which []int     // the elements, numbers of those of Of
	Unit  []float64 // of each of them, above 0: its coordinate is element/Unit
	Group []int     // of each of them, see Grouped
	Rest  []float64 // a state of Of
	Slow  bool      // see Dear
	// Least and Most are what each of them may be, in its own unit as an element of Of; nil for anything.
	Least, Most []float64

	s, v, out []float64 // of Of
}

// Split returns of a part that of the elements of Of that are chosen, and that of the others.
func (p *Part) Split(chosen func(element int) bool) (those, others *Part) {
	those, others = &Part{Of: p.Of, Rest: p.Rest, Slow: p.Slow}, &Part{Of: p.Of, Rest: p.Rest, Slow: p.Slow}
	for k, i := range p.Which {
		to := others
		if chosen(i) {
			to = those
		}
		to.Which, to.Unit, to.Group = append(to.Which, i), append(to.Unit, p.Unit[k]), append(to.Group, p.Group[k])
		if p.Least != nil {
			to.Least, to.Most = append(to.Least, p.Least[k]), append(to.Most, p.Most[k])
		}
	}
	return those, others
}

// Dim implements Map.
func (p *Part) Dim() int { return len(p.Which) }

// Batch implements Map.
func (p *Part) Batch() int { return p.Of.Batch() }

// Groups implements Grouped.
func (p *Part) Groups() []int { return p.Group }

// Dear implements Dear.
func (p *Part) Dear() bool { return p.Slow }

// Whole returns the states of Of that have coordinates s [n,N].
func (p *Part) Whole(s []float64) []float64 { return p.whole(nil, s) }

func (p *Part) whole(to, s []float64) []float64 {
	to = to[:0]
	for at := 0; at < len(s); at += len(p.Which) {
		first := len(to)
		to = append(to, p.Rest...)
		for k, i := range p.Which {
			to[first+i] = s[at+k] * p.Unit[k]
		}
	}
	return to
}

// Range implements Confined.
func (p *Part) Range() (least, most []float64) { return p.in(p.Least), p.in(p.Most) }

// in returns numbers of elements of Of as coordinates.
func (p *Part) in(of []float64) (s []float64) {
	for k, v := range of {
		s = append(s, v/p.Unit[k])
	}
	return s
}

// Coordinates returns those of states of Of.
func (p *Part) Coordinates(whole []float64) []float64 {
	s := make([]float64, len(whole)/len(p.Rest)*len(p.Which))
	p.coordinates(s, whole)
	return s
}

func (p *Part) coordinates(s, whole []float64) {
	for n := range len(s) / len(p.Which) {
		for k, i := range p.Which {
			s[n*len(p.Which)+k] = whole[n*len(p.Rest)+i] / p.Unit[k]
		}
	}
}

// Step implements Map.
func (p *Part) Step(next, s []float64) error {
	p.s = p.whole(p.s, s)
	p.out = append(p.out[:0], p.s...)
	if err := p.Of.Step(p.out, p.s); err != nil {
		return err
	}
	p.coordinates(next, p.out)
	return nil
}

// Pull implements Map.
func (p *Part) Pull(back, s, v []float64) error {
	p.s = p.whole(p.s, s)
	p.v, p.out = append(p.v[:0], p.s...), append(p.out[:0], p.s...)
	clear(p.v)
	for n := range len(s) / len(p.Which) {
		for k, i := range p.Which {
			p.v[n*len(p.Rest)+i] = v[n*len(p.Which)+k] / p.Unit[k]
		}
	}
	if err := p.Of.Pull(p.out, p.s, p.v); err != nil {
		return err
	}
	for n := range len(s) / len(p.Which) {
		for k, i := range p.Which {
			back[n*len(p.Which)+k] = p.out[n*len(p.Rest)+i] * p.Unit[k]
		}
	}
	return nil
}
