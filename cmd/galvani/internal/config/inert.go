package config

import (
	"fmt"
	"strings"
)

// Inert says in words why a key has no effect with the values that are set; it is empty where the
// key has one. A switch that is off has an effect: it is off; and so has a text that is empty.
//
// Errors: those of Lookup.
func (s *Set) Inert(name string) (string, error) {
	k, err := s.Lookup(name)
	if err != nil || k.Value() == false || k.Value() == "" {
		return "", err
	}
	for _, c := range k.Needs {
		value, known := s.value(c.Key)
		switch {
		case !known:
			reason := fmt.Sprintf("it needs %s, which this choice of model and task lacks", c)
			if owners := s.Elsewhere[c.Key]; len(owners) > 0 {
				reason = fmt.Sprintf("it needs %s, a key of %s", c, strings.Join(owners, ", "))
			}
			return reason, nil
		case !c.Holds(value) && value == "":
			return fmt.Sprintf("it needs %s, which is empty", c), nil
		case !c.Holds(value):
			return fmt.Sprintf("it needs %s, and %s is %s", c, c.Key, value), nil
		}
	}
	return "", nil
}

// value returns the value of a key or a fact as a condition reads it.
func (s *Set) value(name string) (string, bool) {
	if i, ok := s.index[name]; ok {
		return s.keys[i].String(), true
	}
	v, ok := s.Facts[name]
	return v, ok
}
