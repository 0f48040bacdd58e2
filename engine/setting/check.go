package setting

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Refused is the error of a value that a key does not take.
type Refused struct{ Key, Value, Want string }

// Error returns "KEY is VALUE, want WANT".
func (r *Refused) Error() string { return r.Key + " is " + r.Value + ", want " + r.Want }

// Check holds the values in effect of the struct that p points to against its tags. What inner code
// relies on is thus true of settings that were made in Go, too.
//
// Errors: *Refused for the first value outside its range; those of Keys.
func Check(p any) error {
	keys, err := Keys("settings", p)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := k.check(k.field); err != nil {
			return err
		}
	}
	return nil
}

// check holds a value of the type of the key against its tags. A number that is not finite is outside
// every range.
func (k Key) check(v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Slice:
		if k.NonEmpty && v.Len() == 0 {
			return k.refuse([]any{}, "at least one value")
		}
		for i := range v.Len() {
			if err := k.check(v.Index(i)); err != nil {
				return err
			}
		}
	case v.Kind() == reflect.String:
		if len(k.OneOf) > 0 && !slices.Contains(k.OneOf, v.String()) {
			return k.refuse(v.String(), "one of "+strings.Join(k.OneOf, ", "))
		}
	case v.CanInt():
		return k.checkNumber(v, float64(v.Int()))
	case v.CanUint():
		return k.checkNumber(v, float64(v.Uint()))
	case v.CanFloat():
		return k.checkNumber(v, v.Float())
	}
	return nil
}

func (k Key) checkNumber(v reflect.Value, x float64) error {
	if x >= k.lo && x <= k.hi {
		return nil
	}
	want := k.Range()
	if want == "" {
		want = "a finite number"
	}
	return k.refuse(v.Interface(), want)
}

// refuse returns the error of a value, with text in quotes.
func (k Key) refuse(value any, want string) error {
	if s, ok := value.(string); ok {
		value = strconv.Quote(s)
	}
	return &Refused{Key: k.Name, Value: Shorten(fmt.Sprint(value)), Want: want}
}
