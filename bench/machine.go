package bench

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// thisMachine describes the machine; what it does not tell stays empty.
func thisMachine(threads int, isa string) Machine {
	m := Machine{CPU: cpuModel(), Cores: runtime.NumCPU(), Threads: threads, ISA: isa, OS: runtime.GOOS, Arch: runtime.GOARCH}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m
}

// cpuModel returns the name of the processor with what tells apart those that share a name.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	return cpuName(string(text))
}

// cpuName reads the first processor of /proc/cpuinfo.
func cpuName(cpuinfo string) string {
	first, _, _ := strings.Cut(cpuinfo, "\n\n")
	field := map[string]string{}
	for _, line := range strings.Split(first, "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			field[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	name := field["model name"]
	if name == "" {
		return runtime.GOARCH
	}
	if field["cpu family"] != "" {
		name += " family " + field["cpu family"] + " model " + field["model"]
	}
	return name
}
