package rundir

import (
	"os"
	"runtime"
	"strings"
)

// CPU returns the name of the processor with what tells apart those that share a name, where
// the system tells it as Linux does, otherwise the architecture.
func CPU() string {
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
