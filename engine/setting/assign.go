package setting

import (
	"reflect"
	"strconv"
	"strings"
)

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
		if v, err := strconv.ParseInt(Decimal(s), 0, 64); err == nil {
			return v
		}
	case "float":
		if v, err := strconv.ParseFloat(s, 64); err == nil {
			return v
		}
	}
	return s
}

// Decimal takes away the zeros that a whole number begins with, such as 08 of a list of equal widths, which would
// make it one of base 8. Other texts stay.
func Decimal(s string) string {
	sign := strings.TrimRight(s[:min(1, len(s))], "0123456789")
	if digits := s[len(sign):]; strings.Trim(digits, "0123456789") == "" && len(digits) > 1 {
		return sign + strings.TrimLeft(digits[:len(digits)-1], "0") + digits[len(digits)-1:]
	}
	return s
}

// Assign sets the key from a decoded TOML value after checking type and range. An error
// leaves the old value.
//
// Errors: *Refused.
func (k Key) Assign(value any) error {
	v := reflect.New(k.field.Type()).Elem()
	if k.field.Kind() != reflect.Slice {
		if err := k.convert(v, value); err != nil {
			return err
		}
	} else {
		list, ok := value.([]any)
		if !ok && k.Single {
			list, ok = []any{value}, true
		}
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
	if err := k.check(v); err != nil {
		return err
	}
	k.field.Set(v)
	return nil
}

// convert stores one scalar in v, of any value that the type of v can hold.
func (k Key) convert(v reflect.Value, value any) error {
	switch typeName(v.Type()) {
	case "bool":
		b, ok := value.(bool)
		if !ok {
			return k.refuse(value, "true or false")
		}
		v.SetBool(b)
	case "string":
		s, ok := value.(string)
		if !ok {
			return k.refuse(value, "a string")
		}
		v.SetString(s)
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
		if !ok {
			return k.refuse(value, "a finite number")
		}
		v.SetFloat(x)
	}
	return nil
}

func (k Key) convertInt(v reflect.Value, n int64) error {
	switch {
	case v.CanInt() && !v.OverflowInt(n):
		v.SetInt(n)
	case v.CanUint() && n >= 0 && !v.OverflowUint(uint64(n)):
		v.SetUint(uint64(n))
	case k.Range() != "":
		return k.refuse(n, k.Range())
	case v.CanUint() && n < 0:
		return k.refuse(n, "at least 0")
	default:
		return k.refuse(n, "a smaller integer")
	}
	return nil
}
