package rows

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"galvani/engine/rundir"
)

// Schema is the version of rows as JSON; it changes when a field changes its meaning.
const Schema = 1

// Head is what every row begins with: when, where and by what it was measured.
type Head struct {
	Schema  int     `json:"schema"`
	Date    string  `json:"date"` // begin of the run or of the case, RFC 3339
	Machine Machine `json:"machine"`
	Program Program `json:"program"`
	Quick   bool    `json:"quick,omitempty"` // tiny settings: shows that it works, measures nothing
}

// Version returns the schema that a row was written with.
func (h Head) Version() int { return h.Schema }

// Machine says where a row was measured.
type Machine struct {
	CPU     string  `json:"cpu"`
	Cores   int     `json:"cores"`
	Threads int     `json:"threads"` // used by subject and reference alike, of the CPU
	ISA     string  `json:"isa"`
	OS      string  `json:"os"`
	Arch    string  `json:"arch"`
	Load    float64 `json:"load"` // runnable processes, mean over the minute before the run
}

// Program says what was measured.
type Program struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Dirty   bool   `json:"dirty,omitempty"` // the sources had changes on top of the commit
	Go      string `json:"go,omitempty"`
}

// ThisMachine describes the machine; what it does not tell stays empty.
func ThisMachine(threads int) Machine {
	m := Machine{CPU: rundir.CPU(), Cores: runtime.NumCPU(), Threads: threads, ISA: isa(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}
