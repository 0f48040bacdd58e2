package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Condition says when a key has an effect. It is written in the tag needs of the field, several of
// them separated by ';', and all of them must hold:
//
//	needs:"optimizer=sgd; momentum>0"
//
// The operator is =, !=, > or <. After = and != there are one or more values, separated by '|'.
// The key of a condition is a key of the set or one of Set.Facts.
type Condition struct {
	Key    string
	Op     string
	Values []string
}

func (c Condition) String() string {
	return c.Key + " " + c.Op + " " + strings.Join(c.Values, " or ")
}

// operators in the order in which they are looked for.
var operators = []string{"!=", "=", ">", "<"}

// parseConditions reads the tag needs.
func parseConditions(tag string) ([]Condition, error) {
	var list []Condition
	for part := range strings.SplitSeq(tag, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		c, err := parseCondition(part)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func parseCondition(text string) (Condition, error) {
	for _, op := range operators {
		key, values, ok := strings.Cut(text, op)
		if !ok {
			continue
		}
		c := Condition{Key: strings.TrimSpace(key), Op: op, Values: strings.Split(values, "|")}
		if op == ">" || op == "<" {
			if _, err := strconv.ParseFloat(values, 64); err != nil {
				return c, fmt.Errorf("config: condition %q: %q is no number", text, values)
			}
		}
		return c, nil
	}
	return Condition{}, fmt.Errorf("config: condition %q has no operator, want one of %s", text, strings.Join(operators, " "))
}

// holds reports whether a value meets the condition.
func (c Condition) holds(value string) bool {
	switch c.Op {
	case "=":
		return slices.Contains(c.Values, value)
	case "!=":
		return !slices.Contains(c.Values, value)
	}
	x, err := strconv.ParseFloat(value, 64)
	bound, _ := strconv.ParseFloat(c.Values[0], 64) // parseCondition has tried
	return err == nil && (c.Op == ">" && x > bound || c.Op == "<" && x < bound)
}

// Inert says in words why a key has no effect with the values that are set; it is empty where the
// key has one. A switch that is off has an effect: it is off.
//
// Errors: those of Lookup.
func (s *Set) Inert(name string) (string, error) {
	k, err := s.Lookup(name)
	if err != nil || k.field.Kind() == reflect.Bool && !k.field.Bool() {
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
		case !c.holds(value):
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
