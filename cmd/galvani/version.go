package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build identifies the program that ran.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Dirty   bool   `json:"dirty,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Cgo     bool   `json:"cgo"`
}

// thisBuild reads what the Go tool stamped into the program.
func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		case "CGO_ENABLED":
			b.Cgo = s.Value == "1"
		}
	}
	return b
}

func (b build) String() string {
	s := "galvani " + b.Version
	if b.Commit != "" {
		s += " " + b.Commit[:min(12, len(b.Commit))]
	}
	if b.Dirty {
		s += "+changes"
	}
	s += fmt.Sprintf(" %s %s/%s", b.Go, b.OS, b.Arch)
	if b.Cgo {
		return s + " cgo"
	}
	return s + " without cgo"
}

func newVersion() *cobra.Command {
	return reporting(&cobra.Command{Use: "version", Short: "Say which program this is", Args: exactArgs()},
		func(*cobra.Command, []string) (build, error) { return thisBuild(), nil },
		func(p *printer, b build) { p.line("%s", b) })
}
