package main

import (
	"encoding/json"
	"strings"
	"testing"

	"galvani/bench"
)

// TestBenchNeurons times the parts at a tiny size, the first gradient in a program of its own.
func TestBenchNeurons(t *testing.T) {
	needsCPU(t)
	o := noGPU(t, "bench", "neurons", "--quick", "--threads", "2").ok(t)
	table := strings.Split(strings.TrimSuffix(o.stdout, "\n"), "\n")
	if len(table) != 2+4 || !strings.HasPrefix(table[1], "WHAT") || !strings.Contains(table[2], "one thread, ") || !strings.Contains(table[3], "cost ") || !strings.HasPrefix(table[5], "first gradient") {
		t.Errorf("table of 4 rows is\n%s", o.stdout)
	}
	o = noGPU(t, "bench", "neurons", "--quick", "--parts", "forward", "--json").ok(t)
	var rows []bench.Row
	if err := json.Unmarshal([]byte(o.stdout), &rows); err != nil || len(rows) != 1 || rows[0].Shape != (bench.Shape{T: 80, B: 4, I: 1, H: 100}) {
		t.Errorf("%v: JSON is %s", err, o.stdout)
	}
	refuses(t, []string{"bench", "neurons"}, []refusal{
		{"--parts last", exitUsage, `unknown part "last"`},
		{"--parts=", exitUsage, "0 parts, want at least 1 of each"},
		{"--cells 0", exitUsage, "--cells, --steps and --parts are 0"},
		{"--steps -1", exitUsage, "want at least 1 of each"},
		{"--against brian", exitUsage, `unknown simulator "brian"`},
		{"--threads -1", exitUsage, "--threads is -1"},
		{"--cells 100 axon", exitUsage, "axon"},
	})
}
