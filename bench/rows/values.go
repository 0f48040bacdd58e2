package rows

import (
	"encoding/json"
	"fmt"
	"math"
)

// Values are numbers by name. In JSON, which knows no such numbers, NaN is null and the infinities
// are "inf" and "-inf".
type Values map[string]float64

// Curve is a list of numbers, written like Values.
type Curve []float64

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	m := make(map[string]any, len(v))
	for k, x := range v {
		m[k] = jsonNumber(x)
	}
	return json.Marshal(m)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(b []byte) error {
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*v = make(Values, len(m))
	for k, x := range m {
		f, err := parseNumber(x)
		if err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		(*v)[k] = f
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (c Curve) MarshalJSON() ([]byte, error) {
	list := make([]any, len(c))
	for i, x := range c {
		list[i] = jsonNumber(x)
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Curve) UnmarshalJSON(b []byte) error {
	var list []any
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*c = make(Curve, len(list))
	for i, x := range list {
		var err error
		if (*c)[i], err = parseNumber(x); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func jsonNumber(x float64) any {
	switch {
	case math.IsNaN(x):
		return nil
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return x
}

func parseNumber(v any) (float64, error) {
	switch v := v.(type) {
	case nil:
		return math.NaN(), nil
	case float64:
		return v, nil
	}
	switch v {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return 0, fmt.Errorf("%v is no number", v)
}

// Count adds 1 to a value where yes.
func (v Values) Count(name string, yes bool) {
	if yes {
		v[name]++
	}
}
