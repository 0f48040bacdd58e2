package rundir

import (
	"encoding/json"
	"reflect"
	"runtime/debug"
	"testing"
	"time"
)

// TestBuilt hands in build information, since a test program carries none of its own.
func TestBuilt(t *testing.T) {
	var e Env
	e.built(&debug.BuildInfo{
		Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "abc"}},
		Deps: []*debug.Module{
			{Path: "a", Version: "v1", Sum: "h1:a"},
			{Path: "b", Version: "v1", Replace: &debug.Module{Path: "c", Version: "v2", Sum: "h1:c"}},
		},
	})
	want := Env{Commit: "abc", Modules: []Module{{"a", "v1", "h1:a"}, {"c", "v2", "h1:c"}}}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

// TestEnvKeepsStart holds that a run that goes on keeps the time of its begin, and says when it went on.
func TestEnvKeepsStart(t *testing.T) {
	run, err := Create(t.TempDir(), "a", "b", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	first := NewEnv("v", "cpu", 1)
	if first.Started.IsZero() || first.Host == "" {
		t.Errorf("environment is %+v, want begin and host", first)
	}
	again := first
	again.Started = first.Started.Add(time.Hour)
	for _, e := range []Env{first, again} {
		if err := run.WriteEnv(e); err != nil {
			t.Fatal(err)
		}
	}
	var got Env
	text, err := run.Read("env.json")
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil || !got.Started.Equal(first.Started) || got.Resumed == nil || !got.Resumed.Equal(again.Started) {
		t.Errorf("environment is %+v, %v", got, err)
	}
}
