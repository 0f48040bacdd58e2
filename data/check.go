package data

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// check holds the exported fields of a config struct against their own tags min and max, or oneof,
// so that every range is written once. Embedded structs are part of the struct. A list has at
// least one value, each in the range. An empty string stands for the default.
//
// Errors: ErrConfig, with the task, the key, the value and the range.
func check(task string, config any) error {
	return checkStruct(task, reflect.Indirect(reflect.ValueOf(config)))
}

func checkStruct(task string, v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if err := checkStruct(task, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		key := f.Tag.Get("toml")
		if key == "" {
			continue
		}
		if err := checkField(f.Tag, v.Field(i)); err != nil {
			return fmt.Errorf("data: %s: %s is %v, want %w", task, key, v.Field(i), err)
		}
	}
	return nil
}

// checkField returns what the field ought to be where it is not.
func checkField(tag reflect.StructTag, v reflect.Value) error {
	var x float64
	switch {
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			return fmt.Errorf("at least one value: %w", ErrConfig)
		}
		for i := range v.Len() {
			if err := checkField(tag, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case v.CanInt():
		x = float64(v.Int())
	case v.CanFloat():
		x = v.Float()
	case v.Kind() == reflect.String:
		if allowed := tag.Get("oneof"); v.String() != "" && !slices.Contains(strings.Split(allowed, "|"), v.String()) {
			return fmt.Errorf("%s: %w", strings.ReplaceAll(allowed, "|", ", "), ErrConfig)
		}
		return nil
	default:
		return nil
	}
	lo, errLo := strconv.ParseFloat(tag.Get("min"), 64)
	hi, errHi := strconv.ParseFloat(tag.Get("max"), 64)
	if errLo != nil || errHi != nil || !(x >= lo && x <= hi) {
		return fmt.Errorf("%s to %s: %w", tag.Get("min"), tag.Get("max"), ErrConfig)
	}
	return nil
}

// checkFill refuses a batch that does not fit the task, and a column or sample outside it.
// Inner loops rely on it.
func checkFill(t *Task, size int, b *Batch, col, index int) error {
	if b.T != t.T || b.I != t.I || b.O != t.O || b.Every != t.Every || (b.Mask != nil) != t.Masked || (b.Decisions != nil) != t.Trials {
		return fmt.Errorf("data: %s: batch is T=%d I=%d O=%d every=%v masked=%v trials=%v, want T=%d I=%d O=%d every=%v masked=%v trials=%v",
			t.Name, b.T, b.I, b.O, b.Every, b.Mask != nil, b.Decisions != nil, t.T, t.I, t.O, t.Every, t.Masked, t.Trials)
	}
	if col < 0 || col >= b.B {
		return fmt.Errorf("data: %s: column is %d, want 0 to %d", t.Name, col, b.B-1)
	}
	if index < 0 || index >= size {
		return fmt.Errorf("data: %s: sample is %d, want 0 to %d", t.Name, index, size-1)
	}
	return nil
}
