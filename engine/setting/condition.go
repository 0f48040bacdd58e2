package setting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Condition says when a key has an effect. It is written in the tag needs of the field, several of
// them separated by ';', and all of them must hold:
//
//	needs:"optimizer=sgd; momentum>0"
//
// After != there may be nothing: any value but the empty one. The operator is =, !=, > or <. After = and !=
// there are one or more values, separated by '|', or those of a list (@list, see AddWord).
// The key of a condition is another setting, or a fact about what the settings are for.
type Condition struct {
	Key    string
	Op     string
	Values []string
}

func (c Condition) String() string {
	if c.Op == "!=" && slices.Equal(c.Values, []string{""}) {
		return "a value of " + c.Key
	}
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
		c := Condition{Key: strings.TrimSpace(key), Op: op, Values: words(values)}
		if op == ">" || op == "<" {
			if _, err := strconv.ParseFloat(values, 64); err != nil {
				return c, fmt.Errorf("condition %q: %q is no number", text, values)
			}
		}
		return c, nil
	}
	return Condition{}, fmt.Errorf("condition %q has no operator, want one of %s", text, strings.Join(operators, " "))
}

// Holds reports whether a value meets the condition.
func (c Condition) Holds(value string) bool {
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
