package rundir

import (
	"reflect"
	"runtime/debug"
	"testing"
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
