package engine

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Epochs = 0 }, "epochs is 0, want at least 1"},
		{func(o *Options) { o.Batch = 70000 }, "batch is 70000, want 1 to 65536"},
		{func(o *Options) { o.LR = math.NaN() }, "lr is NaN, want 0 to 1000"},
		{func(o *Options) { o.Clip = -1 }, "clip is -1, want "},
		{func(o *Options) { o.Optimizer = "lbfgs" }, `optimizer is "lbfgs", want one of adam, adamw, rmsprop, sgd`},
		{func(o *Options) { o.Schedule = "" }, `schedule is "", want one of constant, cosine, onecycle, step`},
	} {
		o := DefaultOptions()
		c.change(&o)
		err := o.Validate()
		if !errors.Is(err, ErrOption) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("error %v, want ErrOption with %q", err, c.want)
		}
	}
}

// TestTags holds that the tags say what Validate does: for every number with a bound, the
// bound passes and what lies beyond does not; every allowed string passes.
func TestTags(t *testing.T) {
	typ := reflect.TypeFor[Options]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Tag.Get("toml") == "" || f.Tag.Get("doc") == "" {
			t.Errorf("field %s lacks key or doc", f.Name)
		}
		try := func(set func(reflect.Value)) error {
			o := DefaultOptions()
			set(reflect.ValueOf(&o).Elem().Field(i))
			return o.Validate()
		}
		switch f.Type.Kind() {
		case reflect.String:
			for _, s := range strings.Split(f.Tag.Get("oneof"), "|") {
				if err := try(func(v reflect.Value) { v.SetString(s) }); err != nil {
					t.Error(err)
				}
			}
		case reflect.Int, reflect.Float64:
			number := func(x float64) error {
				return try(func(v reflect.Value) {
					if v.CanInt() {
						v.SetInt(int64(x))
					} else {
						v.SetFloat(x)
					}
				})
			}
			for _, side := range []struct {
				tag  string
				step float64
			}{{"min", -1}, {"max", 1}} {
				tag := f.Tag.Get(side.tag)
				if tag == "" {
					if side.tag == "min" {
						t.Errorf("field %s has no tag min", f.Name)
					}
					continue
				}
				bound, err := strconv.ParseFloat(tag, 64)
				if err != nil {
					t.Fatal(err)
				}
				if err := number(bound); err != nil {
					t.Errorf("%s at its bound: %v", f.Name, err)
				}
				if err := number(bound + side.step); err == nil {
					t.Errorf("%s = %v passes, beyond the bound %v", f.Name, bound+side.step, bound)
				}
			}
		}
	}
}
