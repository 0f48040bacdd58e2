package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"galvani/engine/rundir"
)

// ThisMachine describes the machine; what it does not tell stays empty.
func ThisMachine(threads int) Machine {
	m := Machine{CPU: rundir.CPU(), Cores: runtime.NumCPU(), Threads: threads, ISA: isa(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}
