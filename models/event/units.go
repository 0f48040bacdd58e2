package event

// units is a set of units, listed in the order in which they came.
type units struct {
	list []int32
	in   []bool // [H]
}

func newUnits(h int) units { return units{in: make([]bool, h)} }

func (s *units) add(u int32) {
	if !s.in[u] {
		s.in[u] = true
		s.list = append(s.list, u)
	}
}

func (s *units) addAll() {
	if len(s.list) == len(s.in) {
		return
	}
	for u := range s.in {
		s.add(int32(u))
	}
}

// take empties the set and returns its list; storage serves the next one.
func (s *units) take(storage []int32) []int32 {
	list := s.list
	for _, u := range list {
		s.in[u] = false
	}
	s.list = storage[:0]
	return list
}

func (s *units) clear() { s.take(s.list) }
