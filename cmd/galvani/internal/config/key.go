// Package config turns the exported fields of structs into one flat space of keys, which are
// both the keys of a TOML file and the flags of the command line.
//
// Field tags: toml (key), doc (one line), unit, min and max (inclusive bounds for numbers),
// oneof (allowed strings, separated by '|'), needs (when the key has an effect, see Condition),
// before (the value that runs from before the key was added have).
package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// ErrConfig is wrapped by every error about a key or a value.
var ErrConfig = errors.New("bad configuration")

// Key is one setting: a field of a struct under its flat name.
type Key struct {
	Name  string // in TOML; the flag has '-' for '_'
	Doc   string // one line
	Unit  string // physical unit, may be empty
	Min   string // inclusive bound, empty for none
	Max   string
	OneOf []string // allowed strings, empty for any
	Owner string   // what the key belongs to, e.g. "model crnn"
	Needs []Condition
	// Before is the text of the value that a run has whose config.toml lacks the key; empty for
	// the default.
	Before string

	field reflect.Value
}

// Keys returns the keys of the struct that p points to, in the order of its fields. Embedded
// structs are flattened; fields without the tag toml are no keys.
//
// Errors: a field of a kind that has no flag is refused.
func Keys(owner string, p any) ([]Key, error) {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("config: %s: settings are a %T, want a pointer to a struct", owner, p)
	}
	return appendKeys(nil, owner, v.Elem())
}

func appendKeys(keys []Key, owner string, v reflect.Value) ([]Key, error) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			var err error
			if keys, err = appendKeys(keys, owner, v.Field(i)); err != nil {
				return nil, err
			}
			continue
		}
		name := f.Tag.Get("toml")
		if name == "" || !f.IsExported() {
			continue
		}
		k := Key{Name: name, Doc: f.Tag.Get("doc"), Unit: f.Tag.Get("unit"), Min: f.Tag.Get("min"),
			Max: f.Tag.Get("max"), Owner: owner, Before: f.Tag.Get("before"), field: v.Field(i)}
		var err error
		if k.Needs, err = parseConditions(f.Tag.Get("needs")); err != nil {
			return nil, fmt.Errorf("%w, in the tag needs of key %q of %s", err, name, owner)
		}
		if s := f.Tag.Get("oneof"); s != "" {
			k.OneOf = strings.Split(s, "|")
		}
		if k.Type() == "" {
			return nil, fmt.Errorf("config: %s: key %q is a %s, which has no flag", owner, name, f.Type)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Type names the kind of value in help texts: bool, int, float or string, with the suffix "s"
// for a list; empty for a kind that is no setting.
func (k Key) Type() string { return typeName(k.field.Type()) }

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "string"
	case reflect.Slice:
		if s := typeName(t.Elem()); s != "" && t.Elem().Kind() != reflect.Slice {
			return s + "s"
		}
	}
	return ""
}

// Flag returns the name of the flag.
func (k Key) Flag() string { return strings.ReplaceAll(k.Name, "_", "-") }

// Value returns the value in effect; a list is never nil, so that TOML has it, too.
func (k Key) Value() any {
	if k.field.Kind() == reflect.Slice && k.field.IsNil() {
		return reflect.MakeSlice(k.field.Type(), 0, 0).Interface()
	}
	return k.field.Interface()
}

// String returns the value in effect as a flag would give it.
func (k Key) String() string {
	if k.field.Kind() == reflect.Slice {
		parts := make([]string, k.field.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(k.field.Index(i).Interface())
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(k.field.Interface())
}

// Range says in words what values are allowed, empty if any.
func (k Key) Range() string {
	switch {
	case len(k.OneOf) > 0:
		return strings.Join(k.OneOf, ", ")
	case k.Min != "" && k.Max != "":
		return k.Min + " to " + k.Max
	case k.Min != "":
		return "at least " + k.Min
	case k.Max != "":
		return "at most " + k.Max
	}
	return ""
}

// Parse sets the key from the text of a flag; lists are separated by commas.
func (k Key) Parse(s string) error {
	if k.field.Kind() != reflect.Slice {
		return k.Assign(parseAs(k.field.Type(), s))
	}
	list := []any{}
	if s != "" {
		for part := range strings.SplitSeq(s, ",") {
			list = append(list, parseAs(k.field.Type().Elem(), strings.TrimSpace(part)))
		}
	}
	return k.Assign(list)
}

// parseAs reads text as the TOML value that t needs; text that does not fit stays a string,
// which Assign then refuses.
func parseAs(t reflect.Type, s string) any {
	switch typeName(t) {
	case "bool":
		if v, err := strconv.ParseBool(s); err == nil {
			return v
		}
	case "int":
		if v, err := strconv.ParseInt(s, 0, 64); err == nil {
			return v
		}
	case "float":
		if v, err := strconv.ParseFloat(s, 64); err == nil {
			return v
		}
	}
	return s
}

// Assign sets the key from a decoded TOML value after checking type and range. An error
// leaves the old value.
func (k Key) Assign(value any) error {
	v := reflect.New(k.field.Type()).Elem()
	if k.field.Kind() != reflect.Slice {
		if err := k.convert(v, value); err != nil {
			return err
		}
	} else {
		list, ok := value.([]any)
		if !ok {
			return k.refuse(value, "a list of "+k.Type())
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, e := range list {
			if err := k.convert(v.Index(i), e); err != nil {
				return err
			}
		}
	}
	k.field.Set(v)
	return nil
}

// convert stores one checked scalar in v.
func (k Key) convert(v reflect.Value, value any) error {
	switch typeName(v.Type()) {
	case "bool":
		b, ok := value.(bool)
		if !ok {
			return k.refuse(value, "true or false")
		}
		v.SetBool(b)
		return nil
	case "string":
		s, ok := value.(string)
		if !ok {
			return k.refuse(value, "a string")
		}
		return k.convertString(v, s)
	case "int":
		n, ok := value.(int64)
		if !ok {
			return k.refuse(value, "an integer")
		}
		return k.convertInt(v, n)
	default:
		x, ok := value.(float64)
		if n, isInt := value.(int64); isInt {
			x, ok = float64(n), true
		}
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) || v.OverflowFloat(x) {
			return k.refuse(value, "a finite number")
		}
		if !k.inRange(x) {
			return k.refuse(value, k.Range())
		}
		v.SetFloat(x)
		return nil
	}
}

func (k Key) convertString(v reflect.Value, s string) error {
	if len(k.OneOf) == 0 {
		v.SetString(s)
		return nil
	}
	for _, allowed := range k.OneOf {
		if s == allowed {
			v.SetString(s)
			return nil
		}
	}
	return k.refuse(s, "one of "+strings.Join(k.OneOf, ", "))
}

func (k Key) convertInt(v reflect.Value, n int64) error {
	if !k.inRange(float64(n)) {
		return k.refuse(n, k.Range())
	}
	if v.CanInt() {
		if v.OverflowInt(n) {
			return k.refuse(n, "a smaller integer")
		}
		v.SetInt(n)
		return nil
	}
	if n < 0 {
		return k.refuse(n, "at least 0")
	}
	if v.OverflowUint(uint64(n)) {
		return k.refuse(n, "a smaller integer")
	}
	v.SetUint(uint64(n))
	return nil
}

func (k Key) inRange(x float64) bool {
	if lo, err := strconv.ParseFloat(k.Min, 64); err == nil && x < lo {
		return false
	}
	if hi, err := strconv.ParseFloat(k.Max, 64); err == nil && x > hi {
		return false
	}
	return true
}

func (k Key) refuse(value any, want string) error {
	if s, ok := value.(string); ok {
		value = strconv.Quote(s)
	}
	return fmt.Errorf("%w: key %q is %s, want %s", ErrConfig, k.Name, shorten(fmt.Sprint(value)), want)
}

// shorten cuts a value that would make the error longer than a line.
func shorten(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "..."
	}
	return s
}
