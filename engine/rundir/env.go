package rundir

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

const envName = "env.json"

// Env is the content of env.json: what ran, and on what.
type Env struct {
	Started time.Time  `json:"started"`           // of the run; a resumed one keeps it
	Resumed *time.Time `json:"resumed,omitempty"` // the last time
	Host    string     `json:"host,omitempty"`
	Version string     `json:"version"`
	Commit  string     `json:"commit,omitempty"`
	Go      string     `json:"go"`
	OS      string     `json:"os"`
	Arch    string     `json:"arch"`
	CPU     string     `json:"cpu"`
	Cores   int        `json:"cores"`
	Device  string     `json:"device"`
	Seed    uint64     `json:"seed"`
	Args    []string   `json:"args"`
	Modules []Module   `json:"modules"`
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
		Started: time.Now().UTC().Truncate(time.Millisecond), Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPU: CPU(), Cores: runtime.NumCPU(), Device: device, Seed: seed, Args: os.Args,
		Modules: []Module{},
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
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

// WriteEnv replaces env.json. What it said of the begin of the run stays: the run is then one that goes
// on.
func (r *Run) WriteEnv(e Env) error {
	var old Env
	if b, err := r.Read(envName); err == nil && json.Unmarshal(b, &old) == nil && !old.Started.IsZero() {
		now := e.Started
		e.Started, e.Resumed = old.Started, &now
	}
	return r.writeJSON(envName, e)
}
