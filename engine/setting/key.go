package setting

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key is one setting: a field of a struct under its flat name.
type Key struct {
	Name  string // in TOML; the flag has '-' for '_'
	Doc   string // one line
	Unit  string // physical unit, may be empty
	Min   string // inclusive bound, empty for none
	Max   string
	OneOf []string // allowed strings, empty for any
	// NonEmpty says that a list has at least one value, Single that one value may stand for a list of it.
	NonEmpty, Single bool
	Owner            string // what the key belongs to, e.g. "model crnn"
	Needs            []Condition
	// Before is the text of the value that a run has whose config.toml lacks the key; empty for
	// the default.
	Before string
	// Words are the values of a key that names a file (tag file) which are no files; nil for a key that
	// names none.
	Words []string

	lo, hi float64 // Min and Max, or the largest finite numbers
	field  reflect.Value
}

// Keys returns the keys of the struct that p points to, in the order of its fields. Embedded
// structs are flattened; fields without the tag toml are no keys.
//
// Errors: a field of a kind that has no flag, and a tag that cannot be read.
func Keys(owner string, p any) ([]Key, error) {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("setting: %s: settings are a %T, want a pointer to a struct", owner, p)
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
		k, err := newKey(owner, name, f.Tag, v.Field(i))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// newKey reads the tags of one field.
func newKey(owner, name string, tag reflect.StructTag, field reflect.Value) (Key, error) {
	k := Key{Name: name, Doc: tag.Get("doc"), Unit: tag.Get("unit"), Min: tag.Get("min"), Max: tag.Get("max"),
		NonEmpty: tag.Get("nonempty") == "true", Single: tag.Get("single") == "true", Owner: owner, Before: tag.Get("before"),
		lo: -math.MaxFloat64, hi: math.MaxFloat64, field: field}
	if k.Type() == "" {
		return k, fmt.Errorf("setting: %s: key %q is a %s, which has no flag", owner, name, field.Type())
	}
	if s := tag.Get("oneof"); s != "" {
		k.OneOf = words(s)
	}
	if s, ok := tag.Lookup("file"); ok {
		k.Words = strings.Split(s, "|")
	}
	var err error
	if k.Needs, err = parseConditions(tag.Get("needs")); err != nil {
		return k, fmt.Errorf("setting: %s: tag needs of key %q: %w", owner, name, err)
	}
	for _, end := range []struct {
		tag, text string
		to        *float64
	}{{"min", k.Min, &k.lo}, {"max", k.Max, &k.hi}} {
		if end.text == "" {
			continue
		}
		if *end.to, err = strconv.ParseFloat(end.text, 64); err != nil {
			return k, fmt.Errorf("setting: %s: tag %s of key %q is %q, want a number", owner, end.tag, name, end.text)
		}
	}
	return k, nil
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
	case reflect.Float64:
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

// Value returns the value in effect; a list is never nil, so that TOML has it, too, and one value that may stand for a list
// does.
func (k Key) Value() any {
	if k.Single && k.field.Len() == 1 {
		return k.field.Index(0).Interface()
	}
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

// File returns the path of the file that the key names, empty for none.
func (k Key) File() string {
	if k.Words == nil || slices.Contains(k.Words, k.String()) {
		return ""
	}
	return k.String()
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

// Help is the documentation of a key in one line: text as a sentence, unit and range.
func (k Key) Help() string {
	help := strings.TrimSuffix(k.Doc, ".")
	if first, size := utf8.DecodeRuneInString(help); size > 0 {
		help = string(unicode.ToUpper(first)) + help[size:]
	}
	if k.Unit != "" && k.Unit != "1" {
		help += " [" + k.Unit + "]"
	}
	if r := k.Range(); r != "" {
		help += " (" + r + ")"
	}
	return help
}
