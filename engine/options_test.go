package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"galvani/engine/setting"
	"galvani/kernels/optimisers"
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
		{func(o *Options) { o.Optimizer = "lbfgs" }, `optimizer is "lbfgs", want one of ` + strings.Join(optimisers.Names(), ", ")},
		{func(o *Options) { o.Schedule = "" }, `schedule is "", want one of constant, cosine, step, onecycle`},
	} {
		o := DefaultOptions()
		c.change(&o)
		err := o.Validate()
		if !errors.Is(err, ErrOption) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("error %v, want ErrOption with %q", err, c.want)
		}
	}
}

// TestTags holds that every option is described, that a number has a least value, and that the words of
// an option are those that there is something for.
func TestTags(t *testing.T) {
	o := DefaultOptions()
	keys, err := setting.Keys("training", &o)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{"optimizer": optimisers.Names(), "schedule": slices.Sorted(maps.Keys(schedules)), "clip_by": slices.Sorted(maps.Keys(clipsAlone))}
	for _, k := range keys {
		if k.Doc == "" || (k.Type() == "int" || k.Type() == "float") && k.Min == "" && k.Name != "seed" {
			t.Errorf("%s lacks a line of documentation or its least value", k.Name)
		}
		if have := slices.Sorted(slices.Values(k.OneOf)); !slices.Equal(have, words[k.Name]) {
			t.Errorf("%s is one of %v, and there are %v", k.Name, have, words[k.Name])
		}
	}
}
