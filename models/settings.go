package models

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// checkSettings holds the exported fields of a pointer to a struct to their tags
// min, max and oneof. The tags are what a user reads, so they are what is enforced.
func checkSettings(c any) error {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		f, field := v.Type().Field(i), v.Field(i)
		key := f.Tag.Get("toml")
		switch field.Kind() {
		case reflect.Struct:
			if err := checkSettings(field.Addr().Interface()); err != nil {
				return err
			}
		case reflect.Float64:
			if err := checkNumber(key, field.Float(), f.Tag); err != nil {
				return err
			}
		case reflect.Int:
			if err := checkNumber(key, float64(field.Int()), f.Tag); err != nil {
				return err
			}
		case reflect.String:
			allowed := f.Tag.Get("oneof")
			if allowed != "" && !slices.Contains(strings.Split(allowed, "|"), field.String()) {
				return fmt.Errorf("models: %s is %q, want one of %s",
					key, field.String(), strings.ReplaceAll(allowed, "|", ", "))
			}
		}
	}
	return nil
}

// checkNumber holds x to the tags min and max. Not-a-number is outside every range.
func checkNumber(key string, x float64, tag reflect.StructTag) error {
	for _, end := range []string{"min", "max"} {
		limit, err := strconv.ParseFloat(tag.Get(end), 64)
		if err != nil {
			return fmt.Errorf("models: setting %s has no %s", key, end)
		}
		if end == "min" && !(x >= limit) {
			return fmt.Errorf("models: %s is %v, want at least %v", key, x, limit)
		}
		if end == "max" && !(x <= limit) {
			return fmt.Errorf("models: %s is %v, want at most %v", key, x, limit)
		}
	}
	return nil
}
