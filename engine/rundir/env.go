package rundir

import (
	"os"
	"runtime"
	"runtime/debug"
)

const envName = "env.json"

// Env is the content of env.json: what ran, and on what.
type Env struct {
	Version string   `json:"version"`
	Commit  string   `json:"commit,omitempty"`
	Go      string   `json:"go"`
	OS      string   `json:"os"`
	Arch    string   `json:"arch"`
	CPU     string   `json:"cpu"`
	Cores   int      `json:"cores"`
	Device  string   `json:"device"`
	Seed    uint64   `json:"seed"`
	Args    []string `json:"args"`
	Modules []Module `json:"modules"`
}

// Module is one module built into the program.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum,omitempty"`
}

// NewEnv describes this program and machine.
func NewEnv(version, device string, seed uint64) Env {
	e := Env{
		Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: CPU(), Cores: runtime.NumCPU(), Device: device, Seed: seed, Args: os.Args,
		Modules: []Module{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.built(info)
	}
	return e
}

// built takes over what the linker has noted in the program.
func (e *Env) built(info *debug.BuildInfo) {
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			e.Commit = s.Value
		}
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		e.Modules = append(e.Modules, Module{m.Path, m.Version, m.Sum})
	}
}

// WriteEnv replaces env.json.
func (r *Run) WriteEnv(e Env) error { return r.writeJSON(envName, e) }
